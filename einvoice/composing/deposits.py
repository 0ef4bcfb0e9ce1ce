"""Deposits (acomptes) that a final invoice deducts: what they come to, which invoices they are, how they are told.

A deposit invoice (386) is paid before the work is done; the final invoice states everything and takes off what the
deposits brought (BT-113), naming each of them (BG-3). Source: mandate 3.4; CGI ann. II art. 242 nonies A.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from einvoice.composing.frame import DEPOSIT_TYPES
from einvoice.document import Note, PrecedingInvoice
from einvoice.errors import BuildError
from receivables.domain.invoicing.invoices import CREDIT_NOTES

if TYPE_CHECKING:
    from einvoice.request.model import InvoiceRequest

INFORMATION = "AAI"
"""BT-21 of general information (UNTDID 4451)."""


def prepaid_of(request: InvoiceRequest) -> Decimal | None:
    """BT-113: what was paid before, deposits included, VAT included; ``None`` where nothing is said of it."""
    if not request.deposits:
        return request.prepaid_amount
    return sum((each.amount for each in request.deposits), request.prepaid_amount or Decimal(0))


def check_deposits(request: InvoiceRequest, with_vat: Decimal) -> None:
    """Deposits are deducted by a final invoice, each once, and never beyond its total.

    Raises:
        BuildError: ``invoice.deposits_misplaced``, ``invoice.deposit_twice`` or ``invoice.deposits_exceed_total``.
    """
    if not request.deposits:
        return
    if request.type_code in DEPOSIT_TYPES | CREDIT_NOTES:
        raise BuildError(
            "invoice.deposits_misplaced",
            f"deposits (BG-3) stand on a final invoice, not on type {request.type_code} (BT-3). Leave them out, or "
            "name the credited invoice in preceding_invoices.",
            f"deposits (BG-3) s'emploie sur une facture définitive, pas sur un type {request.type_code} (BT-3). "
            "Omettez-les, ou citez la facture créditée dans preceding_invoices.",
            term="BG-3",
            place="deposits",
        )
    seen: set[str] = set()
    for position, each in enumerate(request.deposits):
        if each.number in seen:
            raise BuildError(
                "invoice.deposit_twice",
                f"deposits[{position}].number (BT-25): deposit {each.number} is deducted twice. Remove one.",
                f"deposits[{position}].number (BT-25) : l'acompte {each.number} est déduit deux fois. Supprimez-en un.",
                term="BT-25",
                place=f"deposits[{position}].number",
            )
        seen.add(each.number)
    prepaid = prepaid_of(request) or Decimal(0)
    if prepaid > with_vat:
        raise BuildError(
            "invoice.deposits_exceed_total",
            f"deposits and prepaid_amount (BT-113) come to {prepaid:f} {request.currency}, more than the total with "
            f"VAT (BT-112), {with_vat:f}. Correct them, or credit the deposit (type 503) for the difference.",
            f"deposits et prepaid_amount (BT-113) totalisent {prepaid:f} {request.currency}, plus que le total TTC "
            f"(BT-112), {with_vat:f}. Corrigez-les, ou faites un avoir d'acompte (type 503) pour la différence.",
            term="BT-113",
            place="deposits",
        )


def preceding_of(request: InvoiceRequest) -> tuple[PrecedingInvoice, ...]:
    """BG-3: the invoices named, then the deposits that are not among them."""
    named = tuple(PrecedingInvoice(each.number, each.issue_date, each.type_code) for each in request.preceding_invoices)
    numbers = {each.number for each in named}
    return named + tuple(
        PrecedingInvoice(each.number, each.issue_date) for each in request.deposits if each.number not in numbers
    )


def deposit_notes(request: InvoiceRequest) -> tuple[Note, ...]:
    """BG-1: one readable sentence that says which deposits were deducted, for how much."""
    if not request.deposits:
        return ()
    told = " ; ".join(
        f"{each.number} du {each.issue_date:%d/%m/%Y}, {each.amount:.2f} {request.currency} TTC".replace(".", ",")
        for each in request.deposits
    )
    return (Note(f"Acomptes déduits : {told}.", INFORMATION),)
