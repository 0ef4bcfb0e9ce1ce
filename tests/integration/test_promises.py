"""Promises: judged by final money alone, whatever comes in which order; what is promised is not chased meanwhile."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from ledger_builders import attempt, issue, received, refunded
from promise_builders import owed, pay, plan_for, promise_for

from config.clock import new_id, now, today
from payments.debits.planning import amount_to_collect
from receivables.domain.collecting.promises import PromiseState, Source
from receivables.domain.settlement.receipts import AttemptMoved, AttemptState, MoneyReceived, MoneyReturned
from receivables.errors import ConflictError, ReceivablesError
from receivables.services.collecting.chasing import chase_state
from receivables.services.collecting.plan_reviews import review_plans
from receivables.services.collecting.planning import agree_to_plan, interest_pauses
from receivables.services.collecting.promising import judge_promises, promised_by_customer, withdraw_promise
from receivables.services.collecting.tasking import open_tasks
from receivables.services.invoicing.dues import due_on_invoice
from receivables.services.settlement.receipts import record_facts
from receivables.store.collecting.plans import get_plan
from receivables.store.collecting.promises import get_promise
from receivables.store.customer_file.journal import journal_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from receivables.store.register import Supplier
    from receivables.store.work import Work, Works


@pytest.fixture
def work(works: Works, supplier: Supplier) -> Iterator[Work]:
    """One transaction of a supplier of its own."""
    with works.begin(supplier.supplier_id) as begun:
        yield begun


def state(work: Work, promise: object) -> PromiseState:
    return get_promise(work, promise.promise_id).state  # type: ignore[attr-defined]


def test_a_promise_holds_what_it_is_for_and_the_rest_is_chased(work: Work) -> None:
    invoice = owed(work)
    promise = promise_for(work, invoice, 50_00)
    chase = chase_state(work, invoice.invoice_id, today())
    assert (chase.chaseable_minor, chase.held_minor("promised")) == (70_00, 50_00)
    assert chase.holds[0].until == promise.judged_on
    assert promised_by_customer(work, [invoice.invoice_id]) == {invoice.invoice_id}
    over = chase_state(work, invoice.invoice_id, promise.judged_on + timedelta(days=1))
    assert over.chaseable_minor == 120_00, "nothing is held once the verdict is due"


def test_final_money_in_time_keeps_it_at_once_and_the_rest_waits_for_its_day(work: Work) -> None:
    invoice = owed(work)
    promise = promise_for(work, invoice, 50_00)
    pay(work, invoice.customer_id, {invoice.invoice_id: 20_00})
    assert judge_promises(work, today()) == []
    pay(work, invoice.customer_id, {invoice.invoice_id: 30_00})
    (judged,) = judge_promises(work, today())
    assert (judged.verdict.state, judged.verdict.kept_minor) == (PromiseState.KEPT, 50_00)
    assert chase_state(work, invoice.invoice_id, today()).chaseable_minor == 70_00
    assert [each.kind for each in journal_of(work, invoice.customer_id, internal=True)] == [
        "promise.kept",
        "promise.made",
    ]
    assert promise.judged_on > promise.promised_on


@pytest.mark.parametrize(("paid", "verdict"), [(0, PromiseState.BROKEN), (1, PromiseState.PARTLY)])
def test_after_two_banking_days_it_is_broken_or_partly_kept_and_somebody_has_to_call(
    work: Work, paid: int, verdict: PromiseState
) -> None:
    invoice = owed(work)
    promise = promise_for(work, invoice)
    if paid:
        pay(work, invoice.customer_id, {invoice.invoice_id: paid})
    assert judge_promises(work, promise.judged_on) == []
    (judged,) = judge_promises(work, promise.judged_on + timedelta(days=1))
    assert (judged.verdict.state, judged.verdict.kept_minor) == (verdict, paid)
    assert [task.kind for task in open_tasks(work, customer_id=invoice.customer_id)] == ["promise.broken"]


def test_money_that_came_late_does_not_keep_a_promise(work: Work) -> None:
    invoice = owed(work)
    promise = promise_for(work, invoice, days=0)
    pay(work, invoice.customer_id, {invoice.invoice_id: 120_00}, promise.judged_on + timedelta(days=1))
    (judged,) = judge_promises(work, promise.judged_on + timedelta(days=2))
    assert judged.verdict.state is PromiseState.BROKEN


def test_a_debit_sent_off_in_time_makes_it_wait_until_the_bank_has_spoken(work: Work) -> None:
    invoice = owed(work)
    promise = promise_for(work, invoice, days=0)
    begun = attempt(work, invoice, 120_00)
    record_facts(work, [AttemptMoved(begun, AttemptState.PROCESSING)])
    late = promise.judged_on + timedelta(days=8)
    assert judge_promises(work, late) == []
    record_facts(
        work, [MoneyReceived(f"pi_{begun.hex}", begun, 120_00, "EUR", now() + timedelta(days=9), "sepa_debit")]
    )
    (judged,) = judge_promises(work, late)
    assert judged.verdict.state is PromiseState.KEPT, "final money, of a payment that was begun in time"


def test_a_kept_promise_whose_money_goes_back_is_broken_after_all(work: Work) -> None:
    invoice = owed(work)
    promise = promise_for(work, invoice)
    begun = attempt(work, invoice, 120_00)
    record_facts(work, [received(begun, 120_00)])
    judge_promises(work, today())
    assert state(work, promise) is PromiseState.KEPT
    record_facts(work, [MoneyReturned(f"re_{begun.hex}", f"pi_{begun.hex}", "return", 120_00, "EUR", now())])
    judge_promises(work, promise.judged_on + timedelta(days=1))
    assert state(work, promise) is PromiseState.BROKEN
    assert get_promise(work, promise.promise_id).reason == "money_returned"


def test_money_of_before_that_goes_back_is_not_the_promises(work: Work) -> None:
    invoice = owed(work)
    begun = attempt(work, invoice, 40_00)
    record_facts(work, [received(begun, 40_00)])
    promise = promise_for(work, invoice, 50_00)
    record_facts(work, [refunded(begun, 40_00)])
    pay(work, invoice.customer_id, {invoice.invoice_id: 50_00})
    judge_promises(work, today())
    assert state(work, promise) is PromiseState.KEPT


def test_a_transfer_that_nobody_has_matched_counts_once_for_who_sent_it(work: Work) -> None:
    first, second = owed(work), owed(work, 80_00)
    one = promise_for(work, first, days=1)
    two = promise_for(work, second, days=2)
    pay(work, first.customer_id, {issue(work, currency="USD").invoice_id: 120_00})
    judge_promises(work, two.judged_on + timedelta(days=1))
    assert (state(work, one), state(work, two)) == (PromiseState.KEPT, PromiseState.BROKEN)


def test_what_was_credited_meanwhile_nobody_has_to_pay(work: Work) -> None:
    from receivables.domain.invoicing.invoices import NamedInvoice  # noqa: PLC0415 -- of this test alone

    invoice = owed(work)
    promise = promise_for(work, invoice)
    names = (NamedInvoice(invoice.number, invoice.issued_on.year, 20_00),)
    issue(work, type_code="381", names=names, total_minor=20_00, payable_minor=20_00, issued_on=today())
    pay(work, invoice.customer_id, {invoice.invoice_id: 100_00})
    judge_promises(work, today())
    assert get_promise(work, promise.promise_id).kept_minor == 100_00
    assert state(work, promise) is PromiseState.KEPT


def test_a_customer_promises_once_and_a_collector_may_put_another_in_its_place(work: Work) -> None:
    invoice = owed(work)
    promise = promise_for(work, invoice)
    assert promise_for(work, invoice).promise_id == promise.promise_id, "said twice it is one"
    with pytest.raises(ConflictError, match="promised a payment"):
        promise_for(work, invoice, days=9)
    noted = promise_for(work, invoice, days=9, source=Source.COLLECTOR)
    assert (state(work, promise), state(work, noted)) == (PromiseState.WITHDRAWN, PromiseState.PENDING)
    withdraw_promise(work, noted.promise_id, "test", "Erreur de saisie")
    assert chase_state(work, invoice.invoice_id, today()).chaseable_minor == 120_00


def test_who_broke_a_promise_cannot_buy_time_with_another(work: Work) -> None:
    invoice = owed(work)
    promise = promise_for(work, invoice)
    judge_promises(work, promise.judged_on + timedelta(days=1))
    with pytest.raises(ReceivablesError, match="was not kept") as refused:
        promise_for(work, invoice)
    assert refused.value.code == "promise.broken_before"
    assert promise_for(work, invoice, source=Source.COLLECTOR).is_pending


@pytest.mark.parametrize(
    ("wish", "days", "code"),
    [
        (120_01, 1, "promise.too_much"),
        (0, 1, "promise.too_much"),
        (None, 16, "promise.bad_day"),
        (None, -1, "promise.bad_day"),
    ],
)
def test_a_promise_that_cannot_be_is_refused(work: Work, wish: int | None, days: int, code: str) -> None:
    invoice = owed(work)
    with pytest.raises(ReceivablesError) as refused:
        promise_for(work, invoice, wish, days=days)
    assert refused.value.code == code


def test_a_plan_takes_the_place_of_a_promise_and_keeps_others_out(work: Work) -> None:
    invoice = owed(work, 300_00)
    promise = promise_for(work, invoice)
    plan_for(work, [invoice])
    assert get_promise(work, promise.promise_id).reason == "planned"
    with pytest.raises(ConflictError) as refused:
        promise_for(work, invoice)
    assert refused.value.code == "promise.planned"


def test_a_plan_gives_its_own_days_to_payments_debits_and_chasing(work: Work) -> None:
    invoice = owed(work, 300_00)
    plan_for(work, [invoice], first_on=today() + timedelta(days=3))
    due = due_on_invoice(work, invoice.invoice_id)
    assert (due.due_now_minor, due.asked_minor) == (0, 100_00)
    assert due.next_due_on >= today() + timedelta(days=3)
    assert due.due_on == invoice.due_on, "the invoice keeps its own terms"
    assert amount_to_collect(work, invoice.invoice_id) == 100_00
    assert chase_state(work, invoice.invoice_id, today()).chaseable_minor == 0
    late = due.next_due_on + timedelta(days=1)
    assert chase_state(work, invoice.invoice_id, late).chaseable_minor == 100_00


def test_a_kept_plan_whose_money_goes_back_is_under_way_again(work: Work) -> None:
    invoice = owed(work, 150_00)
    plan = plan_for(work, [invoice])
    begun = attempt(work, invoice, 150_00)
    record_facts(work, [received(begun, 150_00)])
    assert [each.what for each in review_plans(work, today())] == ["kept"]
    assert interest_pauses(work, [invoice.invoice_id]) == {invoice.invoice_id: (today(), today())}
    record_facts(work, [refunded(begun, 150_00)])
    assert [each.what for each in review_plans(work, today())] == ["reopened"]
    assert get_plan(work, plan.plan_id).left_minor == 150_00


def test_customers_in_proceedings_get_no_time_and_break_no_plan(work: Work) -> None:
    invoice, other = owed(work, 300_00), owed(work, 200_00)
    plan_for(work, [invoice])
    work.execute(
        "INSERT INTO insolvencies (supplier_id, insolvency_id, customer_id, kind, opened_on, source, state, noted_by, "
        "noted_at, changed_at) VALUES (:supplier, :id, :customer, 'redressement', :day, 'bodacc', 'open', 'test', "
        ":at, :at)",
        id=new_id(),
        customer=invoice.customer_id,
        day=today(),
        at=now(),
    )
    assert review_plans(work, today() + timedelta(days=60)) == []
    for ask in (lambda: promise_for(work, other), lambda: plan_for(work, [other])):
        with pytest.raises(ReceivablesError, match="L622-7"):
            ask()


@pytest.mark.parametrize("what", ["in flight", "planned already"])
def test_a_plan_covers_an_invoice_whole_or_not_at_all(work: Work, what: str) -> None:
    invoice = owed(work, 300_00)
    if what == "in flight":
        record_facts(work, [AttemptMoved(attempt(work, invoice, 10_00), AttemptState.PROCESSING)])
    else:
        plan_for(work, [invoice])
    with pytest.raises(ConflictError) as refused:
        plan_for(work, [invoice])
    assert refused.value.code == ("grant.held" if what == "in flight" else "plan.planned")


def test_a_proposal_whose_invoice_was_paid_meanwhile_is_not_agreed_to(work: Work) -> None:
    invoice = owed(work, 900_00)
    plan = plan_for(work, [invoice], 12)
    assert plan.beyond
    pay(work, invoice.customer_id, {invoice.invoice_id: 1})
    with pytest.raises(ConflictError) as refused:
        agree_to_plan(work, plan.plan_id, "test")
    assert refused.value.code == "plan.changed"
    assert [each.what for each in review_plans(work, today() + timedelta(days=9))] == ["expired"]
