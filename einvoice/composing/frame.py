"""The *cadre de facturation* (BT-23), derived from facts: what is sold, and which money came before the invoice.

The letter says goods (B), services (S) or both (M). The figure says how things stand at issue: 1 normal, 2 already
paid, 4 final invoice after deposits. 3, 5, 6 and 7 are facts that nothing else in the invoice tells (subcontractor paid
directly, subcontractor, co-contractor, VAT already reported), so they are stated. Source: mandate, table of BT-23;
BR-FR-08, BR-FR-CO-08, BR-FR-CO-09.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from einvoice.errors import BuildError
from receivables.domain.invoicing.invoices import CREDIT_NOTES

if TYPE_CHECKING:
    from decimal import Decimal

    from einvoice.composing.seller import SellerProfile
    from einvoice.document import Document, Totals
    from einvoice.request.model import InvoiceRequest

DEPOSIT_TYPES = frozenset({"386", "500", "503"})
"""BT-3 of deposit invoices and their credit notes."""
NORMAL, PAID, AFTER_DEPOSIT = "1", "2", "4"

_LETTERS = {"goods": "B", "services": "S", "both": "M"}
_STATED_ONLY = frozenset({"3", "5", "6", "7"})
"""Figures that no other field tells."""


def frame_of(request: InvoiceRequest, profile: SellerProfile, totals: Totals) -> str:
    """BT-23, from the facts; a stated one must agree with them.

    Raises:
        BuildError: ``invoice.operation_contradicts_lines`` or ``invoice.process_contradicts_facts``.
    """
    letter = _LETTERS[_operation(request, profile)]
    figure = _figure(request, totals)
    stated = request.process
    if stated is None:
        return letter + figure
    if stated[0] != letter or stated[1] not in _compatible(request, totals, figure):
        raise _contradiction(stated, letter + figure, request, totals)
    return stated


def _figure(request: InvoiceRequest, totals: Totals) -> str:
    """How things stand at issue; a deposit or a credit note is always the normal case."""
    if request.type_code in DEPOSIT_TYPES | CREDIT_NOTES or not totals.prepaid:
        return NORMAL
    if request.deposits or (request.preceding_invoices and request.type_code == "380"):
        return AFTER_DEPOSIT
    return PAID if _all_paid(totals) else NORMAL


def _compatible(request: InvoiceRequest, totals: Totals, derived: str) -> frozenset[str]:
    """The figures that the facts allow."""
    allowed = {derived}
    if derived != AFTER_DEPOSIT:
        allowed |= _STATED_ONLY
    if _all_paid(totals) and not request.deposits and request.type_code not in CREDIT_NOTES:
        allowed.add(PAID)  # a deposit paid on the spot; an earlier invoice named that is no deposit
    return frozenset(allowed)


def _all_paid(totals: Totals) -> bool:
    """BR-FR-CO-09: what was paid is the total itself, not the total less a rounding (BT-114)."""
    return totals.payable == 0 and totals.prepaid == totals.with_vat


def _contradiction(stated: str, derived: str, request: InvoiceRequest, totals: Totals) -> BuildError:
    paid: Decimal | int = totals.prepaid or 0
    deposits = len(request.deposits)
    return BuildError(
        "invoice.process_contradicts_facts",
        f"process (BT-23) is {stated}, but the invoice says {derived}: lines of kind {derived[0]} (B goods, S "
        f"services, M both), {paid:f} {request.currency} paid before, {totals.payable:f} still due, {deposits} "
        "deposits deducted. Leave process out, or correct operation, nature, deposits or prepaid_amount.",
        f"process (BT-23) vaut {stated}, mais la facture dit {derived} : lignes de nature {derived[0]} (B biens, S "
        f"services, M les deux), {paid:f} {request.currency} déjà payés, {totals.payable:f} restant dus, {deposits} "
        "acompte(s) déduit(s). Omettez process, ou corrigez operation, nature, deposits ou prepaid_amount.",
        term="BT-23",
        place="process",
    )


def natures_of(document: Document, request: InvoiceRequest, profile: SellerProfile) -> dict[str, str]:
    """Goods or services by line (BT-126) of an invoice of both (BT-23 M): a line that says nothing is the usual one."""
    if not (document.process or "").startswith(_LETTERS["both"]):
        return {}
    pairs = zip(document.lines, request.lines, strict=True)
    return {line.line_id: asked.nature or profile.nature for line, asked in pairs if line.counts}


def _operation(request: InvoiceRequest, profile: SellerProfile) -> str:
    """Goods, services or both. What is stated wins: a service that only goes with the goods (carriage) is no *both*."""
    stated = {line.nature for line in request.lines if line.nature and line.counts}
    if request.operation is None:
        natures = {line.nature or profile.nature for line in request.lines if line.counts}
        return natures.pop() if len(natures) == 1 else "both"
    if request.operation != "both" and stated and request.operation not in stated and len(stated) == 1:
        (only,) = stated
        if all(line.nature for line in request.lines if line.counts):
            raise BuildError(
                "invoice.operation_contradicts_lines",
                f"operation (BT-23) is {request.operation}, but every line says {only}. Correct one of the two.",
                f"operation (BT-23) vaut {request.operation}, mais chaque ligne indique {only}. Corrigez l'un des "
                "deux.",
                term="BT-23",
                place="operation",
            )
    return request.operation
