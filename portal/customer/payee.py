"""Whom a customer pays instead of the supplier: a factor it was told of, never one that holds a claim in confidence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from portal.customer.bank import BankDetails, transfer_code
from receivables.domain.money import Money
from receivables.store.accounting.factors import standing_assignments

if TYPE_CHECKING:
    from markupsafe import Markup

    from receivables.domain.invoicing.invoices import Invoice
    from receivables.store.work import Work


@dataclass(frozen=True, slots=True)
class Payee:
    """The factor to pay: its name, the sentence of subrogation, its account, what is owed, the code for a transfer."""

    name: str
    mention: str
    bank: BankDetails
    amount_minor: int
    currency: str
    code: Markup | None


def payee_of(work: Work, invoice: Invoice) -> Payee | None:
    """The factor that a customer was told to pay for an invoice, ``None`` where it pays the supplier."""
    found = standing_assignments(work, [invoice.invoice_id], told_to_customer=True).get(invoice.invoice_id)
    if found is None:
        return None
    bank = BankDetails(found.holder, found.iban, found.bic, invoice.number)
    code = transfer_code(bank, Money(found.open_minor, found.currency))
    return Payee(found.factor_name, found.mention, bank, found.open_minor, found.currency, code)
