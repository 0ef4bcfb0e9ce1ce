"""What costs nothing while there is nothing: chores ask the register, a batch of receipts asks as often as one."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from checkout_builders import KEYRING
from ledger_builders import MORNING, attempt, issue
from sqlalchemy import event, text
from sqlalchemy.exc import DBAPIError
from treasury_builders import pay

from config.clock import new_id, now
from payments.accounts import open_account
from payments.gateways.port import FactKind, PaymentFact
from payments.reactions import record_told
from payments.refunds.orders import NewRefund, ask_refund
from receivables.domain.money import Money
from receivables.services.accounting.sealing import seal_audit
from receivables.store import work_to_do
from receivables.store.event_log import number_events
from receivables.store.work_to_do import suppliers_with, suppliers_with_contests

if TYPE_CHECKING:
    from uuid import UUID

    from config.database import Database
    from receivables.store.register import Supplier
    from receivables.store.work import Work, Works

CONDITIONS = {
    name: value
    for name, value in vars(work_to_do).items()
    if name.isupper() and isinstance(value, str) and "EXISTS" in value
}
MOST_STATEMENTS = 31
"""Of an ordinary batch, from the facts to the discount and the mail: limits, claims outside the books, doubtful
customers and closed periods are one look each, and one set is told outside."""


def waiting(database: Database, supplier_id: UUID) -> set[str]:
    """The conditions that a supplier meets."""
    return {name for name, each in CONDITIONS.items() if supplier_id in suppliers_with(database, each)}


def open_account_of(work: Work) -> UUID:
    return open_account(
        work, KEYRING, provider="stripe", key="sk_test_1", webhook_secret="whsec_1", base_url=None, live=False
    )


def test_the_chores_find_a_supplier_only_while_there_is_something_to_do(
    works: Works, supplier: Supplier, database: Database
) -> None:
    mine = supplier.supplier_id
    assert waiting(database, mine) == set()
    with works.begin(mine) as work:
        account_id = open_account_of(work)
        paid = pay(work, account_id, issue(work), f"pi_{new_id().hex}")
    assert waiting(database, mine) == {"PAID_ONLINE", "UNSEALED_AUDIT", "EVENTS_TO_NUMBER"}
    works.run(mine, seal_audit)
    works.run(mine, number_events)
    assert waiting(database, mine) == {"PAID_ONLINE"}
    with works.begin(mine) as work:
        ask_refund(
            work,
            NewRefund(
                order_id=new_id(), attempt_id=paid, amount_minor=100, road="provider", reason="x", actor="person a"
            ),
        )
    assert waiting(database, mine) == {"PAID_ONLINE", "UNSEALED_AUDIT", "REFUNDS", "REFUNDS_UNDER_WAY"}


def test_a_complaint_is_looked_at_until_the_watermark_is_past_it(
    works: Works, supplier: Supplier, database: Database
) -> None:
    mine, overlap = supplier.supplier_id, timedelta(minutes=10)
    assert mine not in suppliers_with_contests(database, "told", overlap)
    with works.begin(mine) as work:
        work.execute(
            "INSERT INTO provider_disputes (supplier_id, dispute_ref, account_id, payment_ref, amount_minor, currency, "
            "reason, state, opened_at, changed_at) VALUES (:supplier, :ref, :account, 'pi', 100, 'EUR', 'x', 'open', "
            ":at, :at)",
            ref=new_id().hex,
            account=open_account_of(work),
            at=now() - timedelta(hours=1),
        )
    assert mine in suppliers_with_contests(database, "told", overlap)
    with works.begin(mine) as work:
        work.execute("INSERT INTO watermarks (supplier_id, name, reached_at) VALUES (:supplier, 'told', :at)", at=now())
    assert mine not in suppliers_with_contests(database, "told", overlap)


@pytest.mark.parametrize(
    "column", ["refund_orders.amount_minor", "bank_lines.remittance", "bank_accounts.iban", "audit_rows.details"]
)
def test_the_register_sees_that_there_is_work_and_never_what(database: Database, column: str) -> None:
    table, _, name = column.partition(".")
    with database.register() as connection, pytest.raises(DBAPIError, match="permission denied"):
        connection.execute(text(f"SELECT {name} FROM {table} LIMIT 1"))  # noqa: S608 -- names come from the test


def test_an_ordinary_batch_takes_as_many_statements_for_thirty_receipts_as_for_one(
    works: Works, supplier: Supplier, database: Database
) -> None:
    def post(count: int) -> int:
        with works.begin(supplier.supplier_id) as work:
            told = [_told(work) for _ in range(count)]
            account_id = work.scalar("SELECT account_id FROM gateway_accounts WHERE supplier_id = :supplier AND active")
        seen: list[Any] = []
        event.listen(database.application, "before_cursor_execute", note := lambda *told_: seen.append(told_[2]))
        try:
            with works.begin(supplier.supplier_id) as work:
                came_to = record_told(work, account_id, told)
        finally:
            event.remove(database.application, "before_cursor_execute", note)
        assert [each.outcomes for each in came_to] == [["posted"]] * count
        return len(seen)

    one, thirty = post(1), post(30)
    assert thirty == one <= MOST_STATEMENTS


def _told(work: Work) -> PaymentFact:
    invoice = issue(work)
    attempt_id, ref = attempt(work, invoice), f"pi_{new_id().hex}"
    amount = Money(invoice.payable_minor, "EUR")
    return PaymentFact(
        "stripe",
        FactKind.SUCCEEDED,
        ref,
        ref,
        work.supplier_id,
        attempt_id,
        amount,
        MORNING,
        "card",
        None,
        None,
        livemode=False,
    )
