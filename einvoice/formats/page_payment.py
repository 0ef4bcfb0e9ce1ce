"""The payment panel of the page: its heading, the button's words and the bank details (BG-16 to BG-19)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from einvoice.formats import page_meanings as meanings
from einvoice.formats.page_figures import group_account, is_iban
from einvoice.formats.page_wording import join
from einvoice.formats.payment_reference import group_reference

if TYPE_CHECKING:
    from einvoice.document import Document, PaymentInstructions
    from einvoice.formats.page_wording import Pair, Wording


def describe_payment(document: Document, pay_url: str | None, say: Wording) -> dict[str, Any]:
    """What the panel says; it asks for money only where some is due."""
    totals = document.totals
    payable = totals.payable > 0 and not document.is_credit_note
    settled = totals.payable == 0 and bool(totals.prepaid)
    other = "payment_heading" if document.payment else "online_heading"
    heading = "pay_heading" if payable else "settled_heading" if settled else other
    button = say.label("pay").format(amount=say.amount(totals.payable)) if payable else say.label("consult")
    return {
        "heading": say.label(heading),
        "url": pay_url or "",
        "button": button,
        "scan": say.label("pay_scan" if payable else "scan_view"),
        "details": _instructions(document.payment, say) if document.payment else [],
    }


def _instructions(payment: PaymentInstructions, say: Wording) -> list[Pair]:
    details = say.pairs(("means", join([say.coded(meanings.PAYMENT_MEANS, payment.means_code), payment.means_text])))
    for account in payment.accounts:
        details += say.pairs(
            ("iban" if is_iban(account.number) else "holder_account", group_account(account.number)),
            ("bic", account.bic),
            ("bank_holder", account.holder),
        )
    return details + say.pairs(
        ("remittance", group_reference(payment.remittance) if payment.remittance else None),
        ("card", payment.card_number),
        ("card_holder", payment.card_holder),
        ("mandate", payment.mandate_reference),
        ("creditor_id", payment.creditor_id),
        ("account_debited", group_account(payment.debited_account or "")),
    )
