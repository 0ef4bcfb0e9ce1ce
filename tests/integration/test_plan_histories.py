"""Payment plans in random histories against a small model: plan, books, chasing and pages agree to the cent."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest
from dispute_builders import claim
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from ledger_builders import attempt, received, refunded
from promise_builders import owed, plan_for

from config.clock import new_id, today
from receivables.domain.collecting import plans as plan_rules
from receivables.domain.collecting.plans import PlanState
from receivables.domain.conversations.disputes import Scope
from receivables.domain.settlement.receipts import AttemptMoved, AttemptState
from receivables.services.accounting.checks import run_checks
from receivables.services.collecting.chasing import chase_states
from receivables.services.collecting.plan_reviews import last_day_of, review_plans
from receivables.services.conversations.disputing import reject_dispute
from receivables.services.invoicing.dues import due_on_invoices
from receivables.services.settlement.receipts import record_facts
from receivables.store.collecting.plans import get_plan
from receivables.store.register import create_supplier

if TYPE_CHECKING:
    from uuid import UUID

    from config.database import Database
    from receivables.domain.collecting.plans import Plan
    from receivables.domain.invoicing.invoices import Invoice
    from receivables.store.work import Work, Works

STEPS = st.one_of(
    st.tuples(st.just("pay"), st.integers(0, 2), st.integers(1, 130_00)),
    st.tuples(st.just("pay_asked"), st.just(0), st.just(0)),
    st.tuples(st.just("pay_asked"), st.just(0), st.just(0)),
    st.tuples(st.just("give_back"), st.integers(0, 5), st.just(0)),
    st.tuples(st.just("send_off"), st.integers(0, 2), st.integers(1, 90_00)),
    st.tuples(st.just("land"), st.integers(0, 5), st.just(0)),
    st.tuples(st.just("fail"), st.integers(0, 5), st.just(0)),
    st.tuples(st.just("dispute"), st.integers(0, 2), st.integers(1, 60_00)),
    st.tuples(st.just("end_dispute"), st.integers(0, 5), st.just(0)),
    st.tuples(st.just("wait"), st.sampled_from([1, 7, 20]), st.just(0)),
)


@dataclass
class Model:
    """What is known without the books: money by invoice, what flies, what is disputed, and the day."""

    total: dict[UUID, int]
    paid: dict[UUID, int]
    day: date
    receipts: list[tuple[UUID, UUID, int]] = field(default_factory=list)
    flying: list[tuple[UUID, UUID, int]] = field(default_factory=list)
    disputes: list[tuple[UUID, UUID, int]] = field(default_factory=list)
    warned: dict[int, date] = field(default_factory=dict)
    state: PlanState = PlanState.ACCEPTED

    def open(self, invoice_id: UUID) -> int:
        return self.total[invoice_id] - self.paid[invoice_id]

    def held(self, invoice_id: UUID) -> int:
        return sum(minor for _, about, minor in (*self.flying, *self.disputes) if about == invoice_id)

    def free(self, invoice_id: UUID) -> int:
        return max(self.open(invoice_id) - self.held(invoice_id), 0)

    def late(self, plan: Plan, before: date) -> int:
        """What should have come by instalments of days before ``before``, and neither came nor is held."""
        due = sum(each.amount_minor for each in plan.instalments if each.due_on < before)
        return max(due - (sum(self.total.values()) - sum(map(self.free, self.total))), 0)


def act(  # noqa: C901, PLR0912 -- one branch for each kind of step
    work: Work, model: Model, plan: Plan, step: tuple[str, int, int], invoices: list[Invoice]
) -> None:
    """One step in the books and in the model."""
    what, number, minor = step
    if what == "pay":
        invoice = invoices[number % len(invoices)]
        if model.free(invoice.invoice_id) >= minor:
            take(work, model, invoice, minor)
    elif what == "pay_asked":
        for invoice_id, share in get_plan(work, plan.plan_id).shares(plan_now(work, plan, model.day)).items():
            take(work, model, next(each for each in invoices if each.invoice_id == invoice_id), share)
    elif what == "give_back" and model.receipts:
        begun, invoice_id, amount = model.receipts.pop(number % len(model.receipts))
        record_facts(work, [refunded(begun, amount)])
        model.paid[invoice_id] -= amount
    elif what == "send_off":
        invoice = invoices[number % len(invoices)]
        if model.free(invoice.invoice_id) >= minor:
            begun = attempt(work, invoice, minor)
            record_facts(work, [AttemptMoved(begun, AttemptState.PROCESSING)])
            model.flying.append((begun, invoice.invoice_id, minor))
    elif what in ("land", "fail") and model.flying:
        begun, invoice_id, amount = model.flying.pop(number % len(model.flying))
        if what == "fail":
            record_facts(work, [AttemptMoved(begun, AttemptState.FAILED)])
        else:
            record_facts(work, [received(begun, amount)])
            model.receipts.append((begun, invoice_id, amount))
            model.paid[invoice_id] += amount
    elif what == "dispute":
        invoice = invoices[number % len(invoices)]
        if model.free(invoice.invoice_id) >= minor and not any(d[1] == invoice.invoice_id for d in model.disputes):
            opened = claim(work, invoice, scope=Scope.AMOUNT, amount_minor=minor, once=str(new_id()))
            if opened.is_open:  # said again soon after its answer, it is the same matter, which is closed
                model.disputes.append((opened.dispute_id, invoice.invoice_id, minor))
    elif what == "end_dispute" and model.disputes:
        dispute_id, _, _ = model.disputes.pop(number % len(model.disputes))
        reject_dispute(work, dispute_id, "test", "La livraison est signée.")
    elif what == "wait":
        model.day += timedelta(days=number)


def plan_now(work: Work, plan: Plan, day: date) -> int:
    return get_plan(work, plan.plan_id).asked_minor(day)


def take(work: Work, model: Model, invoice: Invoice, minor: int) -> None:
    begun = attempt(work, invoice, minor)
    record_facts(work, [received(begun, minor)])
    model.receipts.append((begun, invoice.invoice_id, minor))
    model.paid[invoice.invoice_id] += minor


def review(work: Work, model: Model, plan: Plan) -> None:
    """Let the rule look, and say from the model alone what it has to find."""
    review_plans(work, model.day)
    review_plans(work, model.day)
    left = sum(model.open(each) for each in model.total)
    if model.state is PlanState.KEPT and left:
        model.state = PlanState.ACCEPTED
    if model.state is PlanState.ACCEPTED and not left:
        model.state = PlanState.KEPT
    if model.state is PlanState.ACCEPTED:
        late = [
            (place, each)
            for place, each in enumerate(plan.parts, 1)
            if each.due_on < model.day and model.late(plan, each.due_on + timedelta(days=1))
        ]
        if late:
            place, part = late[0]
            if model.day > last_day_of(plan, part) and model.warned.get(place, model.day) < model.day:
                model.state = PlanState.BROKEN
            model.warned.setdefault(place, model.day)


def agree(work: Work, model: Model, plan: Plan) -> None:
    """Books, plan, chasing and what pages ask for say what the model says."""
    now_ = get_plan(work, plan.plan_id)
    ids = list(model.total)
    assert now_.left_minor == sum(max(min(model.open(i), model.total[i]), 0) for i in ids)
    assert sum(part.left_minor for part in now_.parts) == now_.left_minor
    assert sum(part.asked_minor for part in now_.parts) == sum(model.free(i) for i in ids)
    assert now_.state is model.state
    chased = chase_states(work, ids, model.day)
    assert all(state.open_minor == model.open(i) for i, state in chased.items())
    free, late = sum(model.free(i) for i in ids), model.late(plan, model.day)
    under_way = model.state is PlanState.ACCEPTED
    assert sum(state.chaseable_minor for state in chased.values()) == (late if under_way else free)
    assert sum(state.held_minor("planned") for state in chased.values()) == (free - late if under_way else 0)
    dues = due_on_invoices(work, ids, model.day)
    if under_way and not model.disputes:
        assert sum(due.due_now_minor for due in dues) == model.late(plan, model.day + timedelta(days=1))
        assert sum(sum(part.amount_minor for part in due.planned) for due in dues) == free


def run_history(works: Works, supplier_id: UUID, steps: list[tuple[str, int, int]], amounts: list[int]) -> None:
    with works.begin(supplier_id) as work:
        invoices = [owed(work, minor) for minor in amounts]
        plan = plan_for(work, invoices, 3)
        assert plan.state is PlanState.ACCEPTED
        model = Model({i.invoice_id: i.payable_minor for i in invoices}, {i.invoice_id: 0 for i in invoices}, today())
        for step in steps:
            act(work, model, plan, step, invoices)
            review(work, model, plan)
            agree(work, model, plan)
    with works.begin(supplier_id) as work:
        assert [each for each in run_checks(work) if each.gap] == []


HISTORIES = settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],  # to shrink a history of a database takes minutes
    report_multiple_bugs=False,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@HISTORIES
@given(
    steps=st.lists(STEPS, min_size=4, max_size=14),
    amounts=st.lists(st.integers(150_00, 400_00), min_size=1, max_size=3),
)
def test_a_plan_and_the_books_agree_to_the_cent_whatever_happens(
    works: Works, database: Database, steps: list[tuple[str, int, int]], amounts: list[int]
) -> None:
    supplier = create_supplier(database, f"{new_id().int % 10**9:09d}", "Modèle")
    run_history(works, supplier.supplier_id, steps, amounts)


def test_the_model_finds_a_planted_bug(works: Works, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Money in flight that is forgotten: the customer would be chased for what is on its way."""
    monkeypatch.setattr(
        plan_rules.PlanInvoice, "free_minor", property(lambda self: min(self.open_minor, self.amount_minor))
    )
    supplier = create_supplier(database, f"{new_id().int % 10**9:09d}", "Modèle")
    with pytest.raises(AssertionError):
        run_history(works, supplier.supplier_id, [("send_off", 0, 20_00)], [190_00])


def test_one_who_pays_every_instalment_keeps_the_plan(works: Works, database: Database) -> None:
    supplier = create_supplier(database, f"{new_id().int % 10**9:09d}", "Modèle")
    steps = [("pay_asked", 0, 0), ("wait", 20, 0), ("pay_asked", 0, 0), ("wait", 20, 0), ("pay_asked", 0, 0)]
    run_history(works, supplier.supplier_id, steps, [100_00, 77_77])
    with works.begin(supplier.supplier_id) as work:
        assert work.scalar("SELECT state FROM plans WHERE supplier_id = :supplier") == "kept"
