"""A supplier whose money lies everywhere: at the provider, on its way, in the bank, contested, given back."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING

from ledger_builders import customer_facts, issue

from config.clock import new_id, now, today
from payments.accounts import open_account
from payments.refunds.orders import NewRefund, ask_refund
from receivables.domain.settlement.receipts import FeeCharged, MoneyContested, MoneyReceived, PayoutBanked, PayoutPaid
from receivables.services.settlement.paying import NewPayment, begin_payment
from receivables.services.settlement.receipts import record_facts
from receivables.store.work import to_json

if TYPE_CHECKING:
    from uuid import UUID

    from config.secrets import Keyring
    from receivables.domain.invoicing.invoices import Invoice
    from receivables.domain.parties import CustomerFacts
    from receivables.store.work import Work

PAID_AT = datetime(2026, 10, 16, 8, 0, tzinfo=UTC)
FEE_MINOR = 190
DIFFERENCE = {
    "ref": "po_missing_here",
    "provider_minor": 9810,
    "books_minor": None,
    "why": "missing_in_books",
}


@dataclass(frozen=True, slots=True)
class Treasure:
    """What :func:`fill_treasury` left: ids of things that pages show."""

    account_id: UUID
    attempt_id: UUID
    banked_ref: str
    paid_ref: str
    dispute_ref: str
    order_id: UUID


def fill_treasury(work: Work, account_id: UUID, invoices: tuple[Invoice, Invoice, Invoice], mark: str) -> Treasure:
    """Three payments: one banked, one on its way, one contested; a payout for each of the first two; a refund order.

    ``mark`` makes the provider's references those of this supplier alone.
    """
    attempts = [pay(work, account_id, each, f"pi_{mark}{number}") for number, each in enumerate(invoices)]
    banked, paid, dispute = f"po_{mark}1", f"po_{mark}2", f"dp_{mark}1"
    for number, (invoice, payout) in enumerate(zip(invoices, (banked, paid, None), strict=True)):
        _movement(work, account_id, f"txn_{mark}{number}", "payment", f"pi_{mark}{number}", invoice, payout)
    for number, payout in enumerate((banked, paid)):
        _movement(work, account_id, f"txn_{mark}p{number}", "payout", payout, invoices[number], payout)
    line_id = _bank_line(work, mark, invoices[0].payable_minor - FEE_MINOR)
    _payout(work, account_id, banked, invoices[0], "banked", line_id)
    _payout(work, account_id, paid, invoices[1], "paid", None)
    _movement(work, account_id, f"txn_{mark}d", "dispute", dispute, invoices[2], None)
    _dispute(work, account_id, dispute, f"pi_{mark}2", attempts[2], invoices[2])
    contested = invoices[2].payable_minor
    record_facts(
        work,
        [
            PayoutPaid(banked, invoices[0].payable_minor - FEE_MINOR, FEE_MINOR, "EUR", PAID_AT),
            PayoutBanked(banked, invoices[0].payable_minor - FEE_MINOR, "EUR", date(2026, 10, 17)),
            PayoutPaid(paid, invoices[1].payable_minor - FEE_MINOR, FEE_MINOR, "EUR", PAID_AT),
            MoneyContested(dispute, f"pi_{mark}2", contested, "EUR", PAID_AT),
        ],
    )
    _comparison(work, account_id)
    order_id = new_id()
    ask_refund(work, NewRefund(order_id, attempts[0], 6000, "provider", "Livraison incomplète", "person a"))
    return Treasure(account_id, attempts[0], banked, paid, dispute, order_id)


def fill_some_treasury(work: Work, keyring: Keyring, mark: str, customer: CustomerFacts | None = None) -> Treasure:
    """The same with invoices and an account of their own; the account that was active before is so again."""
    before = work.scalar("SELECT account_id FROM gateway_accounts WHERE supplier_id = :supplier AND active")
    account_id = open_account(
        work, keyring, provider="stripe", key="sk_test_x", webhook_secret="whsec_x", base_url=None, live=False
    )
    if before:
        work.execute("UPDATE gateway_accounts SET active = false WHERE supplier_id = :supplier AND active")
        work.execute(
            "UPDATE gateway_accounts SET active = true WHERE supplier_id = :supplier AND account_id = :id", id=before
        )
    buyer = customer or customer_facts("Atelier des Essais", "100000009")
    one, two, three = (issue(work, customer=buyer) for _ in range(3))
    return fill_treasury(work, account_id, (one, two, three), mark)


def keep_transfers(work: Work) -> UUID:
    """A file of transfers that was made."""
    batch_id, content = new_id(), b"<Document/>"
    work.execute(
        "INSERT INTO debit_batches (supplier_id, batch_id, batch_ref, kind, format, collect_on, amount_minor, debits, "
        "filename, sha256, content, state, made_by, made_at, changed_at) VALUES (:supplier, :id, 'QV1', 'transfers', "
        "'pain.001.001.09', :on, 100, 1, 'QV1.xml', :sha, :content, 'made', 'house', :at, :at)",
        id=batch_id,
        on=today(),
        sha=hashlib.sha256(content).hexdigest(),
        content=content,
        at=now(),
    )
    return batch_id


def charge_fee(work: Work, ref: str, minor: int) -> None:
    """A fee of the provider's beside any payout."""
    record_facts(work, [FeeCharged(ref, minor, "EUR", today(), "provider_clearing")])


def pay(work: Work, account_id: UUID, invoice: Invoice, ref: str, amount_minor: int | None = None) -> UUID:
    """Money for an invoice through an account at a provider; returns the attempt."""
    attempt_id, amount = new_id(), amount_minor or invoice.payable_minor
    begin_payment(
        work,
        NewPayment(
            attempt_id,
            invoice.customer_id,
            "provider",
            "card",
            amount,
            "EUR",
            {invoice.invoice_id: amount},
            account_id=account_id,
            state="open",
            expires_at=PAID_AT + timedelta(hours=1),
            began_at=PAID_AT,
        ),
    )
    record_facts(work, [MoneyReceived(ref, attempt_id, amount, "EUR", PAID_AT, "card")])
    return attempt_id


def _movement(  # noqa: PLR0917 -- a row of its table
    work: Work, account_id: UUID, ref: str, kind: str, object_ref: str, invoice: Invoice, payout: str | None
) -> None:
    work.execute(
        "INSERT INTO provider_movements (supplier_id, account_id, movement_ref, kind, object_ref, gross_minor, "
        "fee_minor, currency, payout_ref, fee_booked_by, moved_at, available_on, told_at) "
        "VALUES (:supplier, :account, :ref, :kind, "
        ":object, :gross, :fee, 'EUR', :payout, :payout, :at, :on, :at)",
        account=account_id,
        ref=ref,
        kind=kind,
        object=object_ref,
        gross=_gross(kind, invoice),
        fee=FEE_MINOR if kind == "payment" else 0,
        payout=payout,
        at=PAID_AT,
        on=date(2026, 10, 18),
    )


def _gross(kind: str, invoice: Invoice) -> int:
    """What a movement does to the balance at the provider: a payment comes, a payout and a dispute go."""
    if kind == "payment":
        return invoice.payable_minor
    return FEE_MINOR - invoice.payable_minor if kind == "payout" else -invoice.payable_minor


def _payout(  # noqa: PLR0917 -- a row of its table
    work: Work, account_id: UUID, ref: str, invoice: Invoice, state: str, line_id: UUID | None
) -> None:
    work.execute(
        "INSERT INTO payouts (supplier_id, payout_ref, account_id, amount_minor, fee_minor, currency, state, "
        "arrival_on, descriptor, line_id, gap_minor, created_at, changed_at) VALUES (:supplier, :ref, :account, "
        ":amount, :fee, 'EUR', :state, :on, 'STRIPE PAYOUT', :line, 0, :at, :at)",
        ref=ref,
        account=account_id,
        amount=invoice.payable_minor - FEE_MINOR,
        fee=FEE_MINOR,
        state=state,
        on=date(2026, 10, 17),
        line=line_id,
        at=PAID_AT,
    )


def _bank_line(work: Work, mark: str, minor: int) -> UUID:
    statement_id, line_id = new_id(), new_id()
    work.execute(
        "INSERT INTO statements (supplier_id, statement_id, sha256, filename, format, account, currency, lines, "
        "fresh_lines, imported_by, imported_at) VALUES (:supplier, :id, :sha, 'octobre.xml', 'camt.053', "
        "'FR7630006000011234567890189', 'EUR', 1, 1, 'house', :at)",
        id=statement_id,
        sha=mark,
        at=PAID_AT,
    )
    work.execute(
        "INSERT INTO bank_lines (supplier_id, line_id, line_key, entry_key, statement_id, account, booked_on, "
        "value_on, "
        "amount_minor, currency, counterparty, remittance, state, created_at, changed_at) VALUES (:supplier, :id, "
        ":key, :key, :statement, 'FR7630006000011234567890189', :on, :on, :minor, 'EUR', 'STRIPE', 'STRIPE PAYOUT', "
        "'payout', :at, :at)",
        id=line_id,
        key=f"line-{mark}",
        statement=statement_id,
        on=date(2026, 10, 17),
        minor=minor,
        at=PAID_AT,
    )
    return line_id


def _dispute(  # noqa: PLR0917 -- a row of its table
    work: Work, account_id: UUID, ref: str, payment_ref: str, attempt_id: UUID, invoice: Invoice
) -> None:
    work.execute(
        "INSERT INTO provider_disputes (supplier_id, dispute_ref, account_id, payment_ref, attempt_id, amount_minor, "
        "currency, reason, state, answer_until, opened_at, changed_at) VALUES (:supplier, :ref, :account, :payment, "
        ":attempt, :amount, 'EUR', 'product_not_received', 'open', :until, :at, :at)",
        ref=ref,
        account=account_id,
        payment=payment_ref,
        attempt=attempt_id,
        amount=invoice.payable_minor,
        until=datetime.combine(today() + timedelta(days=6), time(12), UTC),
        at=PAID_AT,
    )


def _comparison(work: Work, account_id: UUID) -> None:
    for kind, minor, differing in (("payment", 100000, []), ("payout", 30000, [DIFFERENCE])):
        work.execute(
            "INSERT INTO provider_comparisons (supplier_id, account_id, compared_on, currency, kind, provider_count, "
            "provider_minor, books_count, books_minor, differing, compared_at) VALUES (:supplier, :account, :on, "
            "'EUR', :kind, 3, :minor, 3, :minor, CAST(:differing AS jsonb), :at)",
            account=account_id,
            on=today(),
            kind=kind,
            minor=minor,
            differing=to_json(differing),
            at=now(),
        )
