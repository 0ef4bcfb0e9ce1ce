"""What French law wants on an invoice and a request need not repeat: notes, category of operation, tax point.

Sources: C. com. L441-9, L441-10, D441-5; CGI ann. II 242 nonies A; BR-FR-05, BR-FR-08, BR-FR-20.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from einvoice.document import Note, TaxPoint
from einvoice.errors import BuildError
from einvoice.parties import is_french
from receivables.domain.invoices import CREDIT_NOTES

if TYPE_CHECKING:
    from decimal import Decimal

    from einvoice.document import Party
    from einvoice.request_model import InvoiceRequest
    from einvoice.seller import SellerProfile

DEPOSIT_TYPES = frozenset({"386", "500", "503"})
"""BT-3 of deposit invoices and their credit notes."""

_LETTERS = {"goods": "B", "services": "S", "both": "M"}


def notes_of(request: InvoiceRequest, profile: SellerProfile, buyer: Party) -> tuple[Note, ...]:
    """BG-1: the request's notes, then the compulsory mentions that it does not give itself.

    A consumer gets no late-payment mentions: recovery costs and penalties hold between professionals only.
    """
    given = [Note(note.text, note.subject) for note in request.notes]
    subjects = {note.subject for note in given}
    wanted = [("REG", profile.legal_form), ("ABL", profile.registration)]
    if not request.buyer.consumer:
        wanted += [("PMT", profile.recovery_text), ("PMD", profile.penalty_text), ("AAB", profile.discount_text)]
    wanted.append(("BAR", _processing(request, buyer)))
    return (*given, *(Note(text, subject) for subject, text in wanted if text and subject not in subjects))


def _processing(request: InvoiceRequest, buyer: Party) -> str:
    """The note BAR: how platforms are to treat the invoice."""
    if request.buyer.consumer:
        return "B2C" if is_french(buyer) else "B2CINT"
    return "B2B" if is_french(buyer) else "B2BINT"


def process_of(request: InvoiceRequest, profile: SellerProfile, payable: Decimal) -> str:
    """BT-23, cadre de facturation: letter from what is sold, figure from how things stand at issue.

    1 is the normal case, 2 an invoice already paid, 4 the final invoice after a deposit (mandate, BR-FR-CO-08, -09).

    Raises:
        BuildError: ``invoice.operation_contradicts_lines``.
    """
    if request.process is not None:
        return request.process
    letter = _LETTERS[_operation(request, profile)]
    final_types = request.type_code not in DEPOSIT_TYPES | CREDIT_NOTES
    if request.prepaid_amount and final_types:
        if request.preceding_invoices and request.type_code == "380":
            return f"{letter}4"
        if payable == 0:
            return f"{letter}2"
    return f"{letter}1"


def _operation(request: InvoiceRequest, profile: SellerProfile) -> str:
    """Goods, services or both. What is stated wins: a service that only goes with the goods (carriage) is no *both*."""
    stated = {line.nature for line in request.lines if line.nature}
    if request.operation is None:
        natures = {line.nature or profile.nature for line in request.lines}
        return natures.pop() if len(natures) == 1 else "both"
    if request.operation != "both" and stated and request.operation not in stated and len(stated) == 1:
        (only,) = stated
        if all(line.nature for line in request.lines):
            raise BuildError(
                "invoice.operation_contradicts_lines",
                f"operation (BT-23) is {request.operation}, but every line says {only}. Correct one of the two.",
                f"operation (BT-23) vaut {request.operation}, mais chaque ligne indique {only}. Corrigez l'un des "
                "deux.",
                term="BT-23",
                place="operation",
            )
    return request.operation


def tax_point_of(request: InvoiceRequest, profile: SellerProfile, process: str) -> TaxPoint | None:
    """BT-8: as stated; else *invoice* for services of a seller who opted for *les débits*; else absent.

    Absent means on delivery for goods and on collection for services. BT-7 and BT-8 exclude each other (BR-CO-3).
    """
    if request.tax_point is not None:
        return TaxPoint(request.tax_point)
    if request.tax_point_date is not None:
        return None
    return TaxPoint.INVOICE if profile.vat_on_debits and process[0] in {"S", "M"} else None
