"""How to pay an invoice by bank transfer, with the QR code that banking apps read (EPC069-12)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup

from einvoice.formats.page_qr import Transfer, draw_epc
from einvoice.formats.payment_reference import group_reference
from einvoice.kept import issued_document
from payments.bank_accounts import active_account_of, plain_iban, was_ours

if TYPE_CHECKING:
    from receivables.domain.invoicing.invoices import Invoice
    from receivables.domain.money import Money
    from receivables.store.work import Work

_IBAN = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}")
_SIZE = re.compile(r'<svg width="(\d+)" height="(\d+)"')


@dataclass(frozen=True, slots=True)
class BankDetails:
    """The account to pay to, ``iban`` without blanks, and the reference to quote (BT-83)."""

    holder: str
    iban: str
    bic: str | None
    reference: str

    @property
    def printed_iban(self) -> str:
        """The IBAN in groups of four."""
        return " ".join(self.iban[i : i + 4] for i in range(0, len(self.iban), 4))

    @property
    def printed_reference(self) -> str:
        """The reference as payment forms print it."""
        return group_reference(self.reference)


def bank_details(work: Work, supplier_name: str, invoice: Invoice) -> BankDetails | None:
    """The account to pay to: the one that the invoice names, unless it was the supplier's and another took its place.

    The supplier's own account is the guarded one (`payments.bank_accounts`), which no single person changes.
    """
    document = issued_document(invoice) if invoice.document else None  # none where only the balance was taken over
    payment = document.payment if document else None
    reference = (payment.remittance if payment else None) or invoice.number
    for account in payment.accounts if payment else ():
        iban = plain_iban(account.number)
        if _IBAN.fullmatch(iban) and not was_ours(work, iban):
            return BankDetails(account.holder or supplier_name, iban, account.bic, reference)
    present = active_account_of(work)
    if present is None:
        return None
    return BankDetails(present.holder or supplier_name, present.iban, present.bic, reference)


def transfer_code(details: BankDetails, amount: Money) -> Markup | None:
    """A QR code that fills in the transfer in the payer's banking app; euros only."""
    if amount.currency != "EUR" or not _IBAN.fullmatch(details.iban):
        return None
    drawn = draw_epc(
        Transfer(details.holder, details.iban, details.bic, amount.decimal, details.reference), quiet_zone=True
    )
    if drawn is None:
        return None
    inline = drawn[drawn.index("<svg") :]
    return Markup(_SIZE.sub(r'<svg class="qr" viewBox="0 0 \1 \2"', inline, count=1))  # noqa: S704 -- drawn here
