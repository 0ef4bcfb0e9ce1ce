"""Hard cases of money: refunds that fail, deposits and roundings, changed accounts, long outages, closed invoices."""

from __future__ import annotations

from decimal import Decimal
from itertools import permutations
from typing import TYPE_CHECKING

import pytest
from catalogue import superuser
from ledger_builders import MORNING, attempt, issue, received, refunded

from portal.background.worker import Worker
from receivables.domain.events import Event
from receivables.domain.settlement.collected import VatRow
from receivables.domain.settlement.receipts import MoneyReturnFailed, Outcome
from receivables.services.accounting.checks import run_checks
from receivables.services.invoicing.dues import due_on_invoice
from receivables.services.risk.exposing import exposure_of
from receivables.services.settlement.receipts import record_facts
from receivables.store.inbox import Settlement, accept, claim, settle
from receivables.store.outbox import finish, postpone, take

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from config.embedded import EmbeddedPostgres
    from receivables.domain.settlement.receipts import Fact
    from receivables.store.inbox import Message
    from receivables.store.register import Supplier
    from receivables.store.work import Work, Works


def gaps(work: Work) -> dict[str, int]:
    return {finding.code: finding.gap for finding in run_checks(work) if finding.gap}


def balance(work: Work, account: str) -> int:
    return int(
        work.scalar(
            "SELECT coalesce(sum(debit_minor - credit_minor), 0) FROM postings "
            "WHERE supplier_id = :supplier AND account LIKE :account",
            account=account,
        )
    )


def came_back(attempt_id: UUID, amount_minor: int, ref: str = "re_1") -> MoneyReturnFailed:
    """The provider says that a refund of an attempt did not reach the payer."""
    return MoneyReturnFailed(f"{ref}_{attempt_id.hex}", f"pi_{attempt_id.hex}", amount_minor, "EUR", MORNING)


def tell(work: Work, facts: list[Fact]) -> None:
    """Tell facts one by one; what has to wait comes again."""
    todo = list(facts)
    for _ in range(len(facts) + 1):
        todo = [fact for fact in todo if record_facts(work, [fact]) == [Outcome.WAITING]]
    assert todo == []


def test_a_refund_that_failed_is_nothing_in_any_order(works: Works, supplier: Supplier) -> None:
    ends = set()
    for order in permutations(range(3)):
        with works.begin(supplier.supplier_id) as work:
            invoice = issue(work)
            paid = attempt(work, invoice)
            facts: list[Fact] = [received(paid, 10000), refunded(paid, 4000), came_back(paid, 4000)]
            tell(work, [facts[each] for each in order])
            tell(work, facts)
            assert due_on_invoice(work, invoice.invoice_id).state == "paid"
            assert exposure_of(work, invoice.customer_id).total_minor == 0
            assert (balance(work, "5115%"), balance(work, "411%"), balance(work, "44574%")) == (10000, 0, 0)
            assert gaps(work) == {}
            told = work.rows("SELECT sum(amount_minor)::bigint AS minor FROM collections WHERE supplier_id = :supplier")
            assert told[0]["minor"] == 10000
            ends.add(_open_items(work, paid))
            work.connection.get_transaction().rollback()  # each order begins with the same empty books
    assert len(ends) == 1


def _open_items(work: Work, paid: UUID) -> str:
    rows = work.rows(
        "SELECT kind, reference, open_minor FROM receivable_items WHERE supplier_id = :supplier "
        "ORDER BY kind, reference, open_minor"
    )
    return str([(row["kind"], row["reference"].replace(paid.hex, ""), row["open_minor"]) for row in rows])


def test_a_refund_that_failed_frees_nothing_of_another_refund(works: Works, supplier: Supplier) -> None:
    with works.begin(supplier.supplier_id) as work:
        invoice = issue(work)
        paid = attempt(work, invoice)
        tell(work, [received(paid, 10000), refunded(paid, 4000), refunded(paid, 2500, "re_2"), came_back(paid, 4000)])
        assert due_on_invoice(work, invoice.invoice_id).open_minor == 2500
        assert gaps(work) == {}


def test_a_failed_refund_that_was_never_told_declares_nothing(works: Works, supplier: Supplier) -> None:
    with works.begin(supplier.supplier_id) as work:
        invoice = issue(work)
        paid = attempt(work, invoice)
        tell(work, [received(paid, 10000), came_back(paid, 4000)])
        assert record_facts(work, [refunded(paid, 4000)]) == [Outcome.KNOWN]
        assert work.scalar("SELECT count(*) FROM collections WHERE supplier_id = :supplier") == 1
        assert due_on_invoice(work, invoice.invoice_id).state == "paid"
        assert gaps(work) == {}


@pytest.mark.parametrize("payable", [9950, 10050])
def test_a_rounded_invoice_paid_in_full_leaves_no_vat_waiting(works: Works, supplier: Supplier, payable: int) -> None:
    """BT-114 moves what is payable, not the VAT."""
    with works.begin(supplier.supplier_id) as work:
        invoice = issue(work, payable_minor=payable)
        record_facts(work, [received(attempt(work, invoice), payable)])
        assert (balance(work, "44574%"), balance(work, "44571%")) == (0, -1208)
        assert gaps(work) == {}


def test_a_partly_prepaid_invoice_paid_in_full_leaves_no_vat_waiting(works: Works, supplier: Supplier) -> None:
    with works.begin(supplier.supplier_id) as work:
        invoice = issue(work, prepaid_minor=4000, payable_minor=6000)
        record_facts(work, [received(attempt(work, invoice), 6000)])
        assert (balance(work, "44574%"), balance(work, "44571%")) == (0, -1208)
        assert gaps(work) == {}


def test_a_deposit_and_its_final_invoice_sell_once(works: Works, supplier: Supplier) -> None:
    """A deposit (386) waits on 4191 until the final invoice (S4) takes it; sales and VAT are booked once."""
    one_rate = {"type_code": "386", "total_minor": 3600, "payable_minor": 3600}
    with works.begin(supplier.supplier_id) as work:
        deposit = issue(work, vat_rows=(VatRow("S", Decimal(20), 3000, 600),), **one_rate)
        record_facts(work, [received(attempt(work, deposit), 3600)])
        assert (balance(work, "706%"), balance(work, "4191%"), balance(work, "44571%")) == (0, -3000, -600)
        final = issue(
            work,
            process="S4",
            vat_rows=(VatRow("S", Decimal(20), 10000, 2000),),
            total_minor=12000,
            prepaid_minor=3600,
            payable_minor=8400,
        )
        record_facts(work, [received(attempt(work, final), 8400)])
        assert {name: balance(work, f"{name}%") for name in ("411", "4191", "5115", "706", "44574", "44571")} == {
            "411": 0,
            "4191": 0,
            "5115": 12000,
            "706": -10000,
            "44574": 0,
            "44571": -2000,
        }
        assert gaps(work) == {}


def test_cash_beside_the_deposits_of_a_final_invoice_has_vat_of_its_own(works: Works, supplier: Supplier) -> None:
    """36.00 came by a deposit, which declared its VAT; 24.00 came without one: their 4.00 fall due at issue."""
    with works.begin(supplier.supplier_id) as work:
        issue(
            work,
            process="S4",
            vat_rows=(VatRow("S", Decimal(20), 10000, 2000),),
            total_minor=12000,
            prepaid_minor=6000,
            deposits_minor=3600,
            payable_minor=6000,
        )
        assert {name: balance(work, f"{name}%") for name in ("411", "4191", "706", "44574", "44571")} == {
            "411": 6000,
            "4191": 3000 + 2400,
            "706": -10000,
            "44574": -1000,
            "44571": -400,
        }
        assert gaps(work) == {}


def test_an_old_balance_carried_over_does_not_stop_the_payment(works: Works, supplier: Supplier) -> None:
    """A negative BT-113 (an old balance added to what is payable) is odd, but the money came."""
    with works.begin(supplier.supplier_id) as work:
        invoice = issue(work, prepaid_minor=-2000, payable_minor=12000)
        assert record_facts(work, [received(attempt(work, invoice), 12000)]) == [Outcome.POSTED]
        assert (balance(work, "44574%"), balance(work, "44571%")) == (0, -1208)
        assert gaps(work) == {}


def test_money_for_an_invoice_without_any_amount_at_a_rate_is_posted(works: Works, supplier: Supplier) -> None:
    rows = (VatRow("Z", Decimal(0), 0, 0),)
    with works.begin(supplier.supplier_id) as work:
        invoice = issue(work, vat_rows=rows, total_minor=0, prepaid_minor=-500, payable_minor=500)
        assert record_facts(work, [received(attempt(work, invoice), 500)]) == [Outcome.POSTED]
        assert gaps(work) == {}


def _look(
    works: Works, supplier: Supplier, postgres: EmbeddedPostgres, *, days: int, tries: int
) -> tuple[str, str | None]:
    """What becomes of a message of this age that was tried so often, when it is looked at now and has to wait."""

    def wait(_: Work, messages: Sequence[Message]) -> list[Settlement]:
        return [Settlement(message.inbox_id, "waiting", "tests.not_yet") for message in messages]

    with works.begin(supplier.supplier_id) as work:
        accept(work, "tests", [("one", b"{}")])
    with superuser(postgres) as connection:
        connection.execute(
            "UPDATE inbox SET received_at = now() - make_interval(days => %s), tries = %s WHERE supplier_id = %s",
            (days, tries, supplier.supplier_id),
        )
    Worker(works, {"tests": wait}, {}).drain_inbox_of(supplier.supplier_id)
    with works.begin(supplier.supplier_id) as work:
        row = work.row("SELECT state, reason FROM inbox WHERE supplier_id = :supplier")
    assert row is not None
    return row["state"], row["reason"]


def test_an_outage_of_a_week_buries_nothing_at_the_first_look(
    works: Works, supplier: Supplier, postgres: EmbeddedPostgres
) -> None:
    """The worker was down: a refund looked at before its payment of the same batch has to wait like on any day."""
    assert _look(works, supplier, postgres, days=7, tries=0)[0] == "waiting"


def test_what_waited_long_and_was_often_looked_at_is_buried(
    works: Works, supplier: Supplier, postgres: EmbeddedPostgres
) -> None:
    assert _look(works, supplier, postgres, days=7, tries=40) == ("buried", "tests.not_yet")


def test_a_fact_that_was_done_by_another_worker_is_not_taken_up_again(works: Works, supplier: Supplier) -> None:
    """The first worker was slow: its lease ran out, another did the work, then the first one failed."""
    with works.begin(supplier.supplier_id) as work:
        work.emit([Event("tests.happened", "one", {})])
    with works.begin(supplier.supplier_id) as work:
        (slow,) = take(work, 1)
        finish(work, [slow.outbox_id])
        postpone(work, slow, "too late")
        assert work.scalar("SELECT state FROM outbox WHERE supplier_id = :supplier") == "done"


def test_a_message_done_by_another_worker_is_not_taken_up_again(works: Works, supplier: Supplier) -> None:
    with works.begin(supplier.supplier_id) as work:
        accept(work, "tests", [("one", b"{}")])
        (message,) = claim(work, 1)
        settle(work, [message], [Settlement(message.inbox_id, "done")])
        settle(work, [message], [Settlement(message.inbox_id, "waiting", "lock time-out")])
        assert work.scalar("SELECT state FROM inbox WHERE supplier_id = :supplier") == "done"


def test_a_reason_never_quotes_what_was_to_be_written(works: Works, supplier: Supplier) -> None:
    """An error of the database must not carry names and keys into the list of problems and the log."""

    def clumsy(work: Work, _: Sequence[Message]) -> list[Settlement]:
        work.execute(
            "INSERT INTO mails (supplier_id, recipient) VALUES (:supplier, :secret)", secret="a@secret.example"
        )
        return []

    with works.begin(supplier.supplier_id) as work:
        accept(work, "tests", [("one", b"{}")])
    Worker(works, {"tests": clumsy}, {}).drain_inbox_of(supplier.supplier_id)
    with works.begin(supplier.supplier_id) as work:
        reason = work.scalar("SELECT reason FROM inbox WHERE supplier_id = :supplier")
    assert "secret.example" not in reason
    assert "null value" in reason
