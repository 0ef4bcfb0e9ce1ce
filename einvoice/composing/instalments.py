"""Payment in instalments: checked against the total, told in BT-20, the first in BT-9; and the discount as figures.

Source: EN 16931-1, BT-9 (for partial payments the first net due date; more complex terms stand in BT-20).
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from einvoice.errors import BuildError
from receivables.domain.invoicing.invoices import ASSIGNED, CREDIT_NOTES
from receivables.domain.money import Money
from receivables.domain.settlement.terms import EarlyDiscount, Instalment

if TYPE_CHECKING:
    from datetime import date
    from decimal import Decimal

    from einvoice.composing.seller import SellerProfile
    from einvoice.document import Document
    from einvoice.request.model import InvoiceRequest

DISCOUNT_NOTE = "AAB"


def check_instalments(request: InvoiceRequest, payable: Decimal, issued_on: date) -> None:
    """Refuse instalments that do not make up the invoice.

    Raises:
        BuildError: ``invoice.wrong_instalments`` (BT-20), ``invoice.due_contradicts_instalments`` (BT-9).
    """
    parts = request.instalments
    if not parts:
        return
    days = [each.due_on for each in parts]
    total = sum(each.amount for each in parts)
    if request.type_code in CREDIT_NOTES:
        raise _wrong("stand on a credit note, which asks for nothing", "figurent sur un avoir, qui ne demande rien")
    if len(parts) < 2 or sorted(set(days)) != days or days[0] < issued_on:  # noqa: PLR2004 -- one is a due date
        raise _wrong(
            f"need two days at least, each later than the one before, none before the issue date {issued_on}",
            f"demandent au moins deux jours, chacun après le précédent, aucun avant l'émission du {issued_on}",
        )
    if total != payable:
        raise _wrong(
            f"come to {total}, but the amount due (BT-115) is {payable}",
            f"totalisent {total}, mais le net à payer (BT-115) est {payable}",
        )
    if request.due_date is not None and request.due_date != days[0]:
        raise BuildError(
            "invoice.due_contradicts_instalments",
            f"due_date (BT-9) is {request.due_date}, the first instalment {days[0]}. Leave due_date out.",
            f"due_date (BT-9) vaut {request.due_date}, la première échéance {days[0]}. Omettez due_date.",
            term="BT-9",
            place="due_date",
        )


def _wrong(english: str, french: str) -> BuildError:
    return BuildError(
        "invoice.wrong_instalments",
        f"The instalments (BT-20) {english}. Correct them.",
        f"Les échéances (BT-20) {french}. Corrigez-les.",
        term="BT-20",
        place="instalments",
    )


def instalment_terms(request: InvoiceRequest) -> str:
    """BT-20: each instalment with its day, in the words of a French invoice; empty where there is none."""
    if not request.instalments:
        return ""
    told = " ; ".join(
        f"{each.amount:.2f} {request.currency} le {each.due_on:%d/%m/%Y}".replace(".", ",", 1)
        for each in request.instalments
    )
    return f"Paiement en {len(request.instalments)} échéances : {told}."


def instalments_in(request: InvoiceRequest) -> tuple[Instalment, ...]:
    """The instalments as the books keep them."""
    return tuple(Instalment(each.due_on, Money.of(each.amount, request.currency).minor) for each in request.instalments)


def discount_in(request: InvoiceRequest, profile: SellerProfile, document: Document) -> EarlyDiscount | None:
    """The early-payment discount as figures: this invoice's, else the profile's, as the note AAB tells it.

    None for a consumer, a credit note, a claim of a factor's, instalments, or where the request words AAB itself.
    """
    if request.buyer.consumer or document.is_credit_note or document.type_code in ASSIGNED or request.instalments:
        return None
    if any(note.subject == DISCOUNT_NOTE for note in request.notes) or document.totals.payable <= 0:
        return None
    own = request.terms is not None and request.terms.discount_percent is not None
    terms = request.terms if own and request.terms else profile
    if not terms.discount_percent or terms.discount_days is None:
        return None
    return EarlyDiscount(terms.discount_percent, document.issued_on + timedelta(days=terms.discount_days))
