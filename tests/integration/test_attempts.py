"""A payment attempt climbs a ladder: late, repeated and foreign words never take it down again."""

from __future__ import annotations

from itertools import permutations
from typing import TYPE_CHECKING

import pytest
from ledger_builders import MORNING, attempt, issue, received, refunded

from config.clock import new_id
from receivables.domain.settlement.receipts import (
    RESERVATION_STATE,
    AttemptMoved,
    AttemptState,
    Fact,
    MoneyReceived,
    MoneyReturned,
    Outcome,
)
from receivables.services.accounting.checks import run_checks
from receivables.services.invoicing.dues import due_on_invoice
from receivables.services.risk.exposing import exposure_of
from receivables.services.settlement.receipts import record_facts

if TYPE_CHECKING:
    from uuid import UUID

    from receivables.store.register import Supplier
    from receivables.store.work import Work, Works

S = AttemptState


def state_of(work: Work, attempt_id: UUID) -> tuple[str, str, str | None, str | None]:
    row = work.row(
        "SELECT attempt.state, reservation.state AS reserved, payment_ref, failure_code "
        "FROM payment_attempts AS attempt JOIN reservations AS reservation USING (supplier_id, attempt_id) "
        "WHERE supplier_id = :supplier AND attempt_id = :id",
        id=attempt_id,
    )
    assert row is not None
    return tuple(row.values())  # type: ignore[return-value]


def test_every_state_says_what_becomes_of_the_reservation() -> None:
    assert set(RESERVATION_STATE) == set(AttemptState)


@pytest.mark.parametrize("order", list(permutations([S.SUPERSEDED, S.PROCESSING, S.EXPIRED, S.FAILED])))
def test_words_in_any_order_end_on_the_highest_step(
    works: Works, supplier: Supplier, order: tuple[AttemptState, ...]
) -> None:
    with works.begin(supplier.supplier_id) as work:
        begun = attempt(work, issue(work))
        for state in order:
            ref = None if state in {S.EXPIRED, S.SUPERSEDED} else "pi_1"
            record_facts(work, [AttemptMoved(begun, state, ref, "declined" if state is S.FAILED else None)])
        assert state_of(work, begun) == ("failed", "released", "pi_1", "declined")


def test_money_outranks_every_word_before_and_after_it(works: Works, supplier: Supplier) -> None:
    with works.begin(supplier.supplier_id) as work:
        invoice = issue(work)
        begun = attempt(work, invoice)
        words = [AttemptMoved(begun, state) for state in (S.FAILED, S.EXPIRED, S.PROCESSING)]
        outcomes = record_facts(work, [words[0], received(begun, 10000), *words])
        assert outcomes == [Outcome.POSTED, Outcome.POSTED, Outcome.KNOWN, Outcome.KNOWN, Outcome.KNOWN]
        assert state_of(work, begun)[:2] == ("succeeded", "consumed")
        assert due_on_invoice(work, invoice.invoice_id).state == "paid"


def test_a_debit_under_way_is_exposure_in_flight_and_neither_paid_nor_due(works: Works, supplier: Supplier) -> None:
    with works.begin(supplier.supplier_id) as work:
        invoice = issue(work)
        begun = attempt(work, invoice)
        record_facts(work, [AttemptMoved(begun, S.PROCESSING, "pi_1")])
        due = due_on_invoice(work, invoice.invoice_id)
        exposure = exposure_of(work, invoice.customer_id)
        assert (due.state, due.open_minor, due.payable_minor) == ("in_flight", 10000, 0)
        assert (exposure.invoiced_minor, exposure.in_flight_minor, exposure.total_minor) == (0, 10000, 10000)
        assert work.scalar("SELECT count(*) FROM entries WHERE supplier_id = :supplier") == 1
        assert work.scalar("SELECT count(*) FROM outbox WHERE supplier_id = :supplier AND kind = 'cash.collected'") == 0
        record_facts(work, [AttemptMoved(begun, S.FAILED, "pi_1", "insufficient_funds")])
        assert due_on_invoice(work, invoice.invoice_id).state == "due"


def test_money_in_another_currency_is_a_credit_in_that_currency_and_pays_nothing(
    works: Works, supplier: Supplier
) -> None:
    with works.begin(supplier.supplier_id) as work:
        invoice = issue(work)
        begun = attempt(work, invoice)
        foreign = MoneyReceived("pi_usd", begun, 10000, "USD", MORNING, "card")
        assert record_facts(work, [foreign]) == [Outcome.POSTED]
        assert due_on_invoice(work, invoice.invoice_id).open_minor == 10000
        assert exposure_of(work, invoice.customer_id, "USD").total_minor == -10000
        assert [finding for finding in run_checks(work) if finding.gap] == []
        record_facts(work, [received(begun, 10000, "pi_eur")])
        back = MoneyReturned("re_usd", "pi_eur", "refund", 10000, "USD", MORNING)
        assert record_facts(work, [back]) == [Outcome.OTHER_CURRENCY]
        home = MoneyReturned("re_home", "pi_usd", "refund", 10000, "USD", MORNING)
        assert record_facts(work, [home]) == [Outcome.POSTED]
        assert due_on_invoice(work, invoice.invoice_id).state == "paid"
        assert exposure_of(work, invoice.customer_id, "USD").total_minor == 0
        assert state_of(work, begun)[2] == "pi_usd"
        assert [finding for finding in run_checks(work) if finding.gap] == []


def test_more_sent_back_than_came_in_is_owed_and_the_books_still_balance(works: Works, supplier: Supplier) -> None:
    with works.begin(supplier.supplier_id) as work:
        invoice = issue(work)
        paid = attempt(work, invoice)
        record_facts(work, [received(paid, 10000), refunded(paid, 6000), refunded(paid, 10000, "dp")])
        assert exposure_of(work, invoice.customer_id).total_minor == 16000
        assert [finding for finding in run_checks(work) if finding.gap] == []


def test_two_payments_on_one_attempt_and_a_refund_are_three_facts(works: Works, supplier: Supplier) -> None:
    with works.begin(supplier.supplier_id) as work:
        invoice = issue(work)
        paid = attempt(work, invoice)
        facts: list[Fact] = [received(paid, 10000), received(paid, 10000, "pi_twice"), refunded(paid, 10000)]
        assert record_facts(work, facts) == [Outcome.POSTED] * 3
        assert exposure_of(work, invoice.customer_id).total_minor == 0
        assert [finding for finding in run_checks(work) if finding.gap] == []


def test_a_word_about_nobody_s_attempt_is_unknown(works: Works, supplier: Supplier) -> None:
    with works.begin(supplier.supplier_id) as work:
        assert record_facts(work, [AttemptMoved(new_id(), S.FAILED)]) == [Outcome.UNKNOWN]
