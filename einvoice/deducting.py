"""Deposits that a final invoice deducts, compared with our own books: nothing is taken off that was not asked for.

A deposit that our books do not know came from elsewhere, and is believed.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from einvoice.crediting.earlier import credited_before
from einvoice.errors import BuildError
from receivables.domain.invoicing.invoices import DEPOSITS
from receivables.domain.money import Money
from receivables.store.invoicing.invoices import find_by_number

if TYPE_CHECKING:
    from collections.abc import Sequence

    from einvoice.request.model import DepositRequest
    from receivables.domain.invoicing.invoices import Invoice
    from receivables.store.work import Work


def check_deducted(work: Work, final: Invoice, deposits: Sequence[DepositRequest]) -> None:
    """Each of ``deposits`` that we issued is a deposit of the same customer, and came to at least what is taken off.

    Raises:
        BuildError: ``invoice.deposit_not_one``, ``invoice.deposit_of_other`` or ``invoice.deposit_exceeded``.
    """
    for position, each in enumerate(deposits):
        deposit = find_by_number(work, each.number, each.issue_date.year)
        if deposit is None:
            continue
        place = f"deposits[{position}]"
        if deposit.type_code not in DEPOSITS:
            raise _refusal(
                "invoice.deposit_not_one",
                f"{place}.number",
                f"is {each.number}, an invoice of type {deposit.type_code} and no deposit (386). Correct the number, "
                "or give what was paid in prepaid_amount.",
                f"vaut {each.number}, une facture de type {deposit.type_code} et non un acompte (386). Corrigez le "
                "numéro, ou indiquez ce qui a été payé dans prepaid_amount.",
            )
        if (deposit.customer_id, deposit.currency) != (final.customer_id, final.currency):
            raise _refusal(
                "invoice.deposit_of_other",
                f"{place}.number",
                f"is {each.number}, a deposit of another customer or currency. Correct the number.",
                f"vaut {each.number}, l'acompte d'un autre client ou d'une autre devise. Corrigez le numéro.",
            )
        asked = Money(deposit.prepaid_minor + deposit.payable_minor, deposit.currency).decimal
        left = asked - credited_before(work, deposit).amount - _deducted_before(work, final, each)
        if each.amount > left:
            raise _refusal(
                "invoice.deposit_exceeded",
                f"{place}.amount",
                f"is {each.amount:f}, but deposit {each.number} has {left:f} left with VAT: credit notes and what "
                "other invoices deduct are taken off.",
                f"vaut {each.amount:f}, mais il reste {left:f} TTC de l'acompte {each.number}, avoirs "
                "et déductions d'autres factures compris.",
            )


def deductions_kept(deposits: Sequence[DepositRequest]) -> dict[str, Any]:
    """What is deducted of which deposit, to be kept beside the document, which only tells the sum (BT-113)."""
    return {"deducted": {_key(each): str(each.amount) for each in deposits}} if deposits else {}


def _key(deposit: DepositRequest) -> str:
    return f"{deposit.number} {deposit.issue_date.year}"


def _deducted_before(work: Work, final: Invoice, deposit: DepositRequest) -> Decimal:
    """What other invoices of this customer deduct of it, replaced ones left out.

    One that was credited counts on: its credit note gave the customer what the deposit had brought.
    """
    found: Decimal | None = work.scalar(
        "SELECT sum(CAST(document -> 'deducted' ->> :key AS numeric)) FROM invoices AS other "
        "WHERE supplier_id = :supplier AND customer_id = :customer AND invoice_id <> :final "
        "AND document -> 'deducted' ->> :key IS NOT NULL AND NOT EXISTS (SELECT 1 FROM replacements AS taken "
        "WHERE taken.supplier_id = :supplier AND taken.replaced_id = other.invoice_id)",
        key=_key(deposit),
        customer=final.customer_id,
        final=final.invoice_id,
    )
    return found or Decimal(0)


def _refusal(code: str, place: str, english: str, french: str) -> BuildError:
    return BuildError(code, f"{place} (BG-3) {english}", f"{place} (BG-3) {french}", term="BG-3", place=place)
