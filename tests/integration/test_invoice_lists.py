"""Lists, tiles and ages of invoices: plans that are respected make nobody late, disputes stand beside the state."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest
from dispute_builders import claim
from ledger_builders import attempt
from promise_builders import owed, pay, plan_for

from config.clock import today
from receivables.domain.conversations.disputes import Scope
from receivables.domain.settlement.receipts import AttemptMoved, AttemptState
from receivables.services.invoicing.dues import due_on_invoices
from receivables.services.settlement.receipts import record_facts
from receivables.store.customer_file.overviews import late_by_age, list_customers, sum_open
from receivables.store.invoicing import lists as invoice_lists
from receivables.store.invoicing.lists import list_invoices

if TYPE_CHECKING:
    from collections.abc import Iterator

    from receivables.store.register import Supplier
    from receivables.store.work import Work, Works


@pytest.fixture
def work(works: Works, supplier: Supplier) -> Iterator[Work]:
    """One transaction of a supplier of its own."""
    with works.begin(supplier.supplier_id) as begun:
        yield begun


def test_an_invoice_of_a_plan_that_is_respected_is_late_nowhere_until_an_instalment_is(work: Work) -> None:
    first, second = owed(work, 120_00), owed(work, 180_00)
    plan = plan_for(work, [first, second], first_on=today() + timedelta(days=3))

    def shown(on: date) -> tuple[list[tuple[str, date]], int, int, list[int]]:
        rows = [(each.state, each.due_on) for each in list_invoices(work, on, most_urgent=True)]
        (total,), (account,) = sum_open(work, on), list_customers(work, on)
        assert account.late_minor == total.late_minor
        assert len(list_invoices(work, on, narrowed="late")) == total.late_count
        return rows, total.late_minor, total.due_minor, late_by_age(work, on, "EUR")

    days = [each.due_on for each in plan.instalments]
    kept = [("planned", days[0]), ("planned", days[1])]
    assert shown(days[0]) == (kept, 0, 300_00, [300_00, 0, 0, 0, 0])
    late = [("late", days[0]), ("planned", days[1])]
    assert shown(days[0] + timedelta(days=1)) == (late, 100_00, 300_00, [200_00, 100_00, 0, 0, 0])
    pay(work, first.customer_id, {first.invoice_id: 110_00})
    late = [("planned", days[1]), ("planned", days[1])]
    assert shown(days[0] + timedelta(days=1)) == (late, 0, 190_00, [190_00, 0, 0, 0, 0])
    begun = attempt(work, second, 95_00)
    record_facts(work, [AttemptMoved(begun, AttemptState.PROCESSING)])
    after = days[1] + timedelta(days=1)
    states, minor, _, ages = shown(after)
    assert ([state for state, _ in states], minor, ages[1]) == (["planned", "planned"], 0, 0), "205.00 of 200.00 came"
    for row, due in zip(states, due_on_invoices(work, [first.invoice_id, second.invoice_id], after), strict=True):
        assert row[1] == due.next_due_on


def test_an_invoice_wholly_in_dispute_says_so_beside_its_state(work: Work) -> None:
    whole, part = owed(work), owed(work, late_days=21)
    claim(work, whole)
    claim(work, part, scope=Scope.AMOUNT, amount_minor=50_00)
    rows = {each.number: (each.state, each.disputed) for each in list_invoices(work, today())}
    assert rows == {whole.number: ("late", True), part.number: ("late", False)}
    pay(work, part.customer_id, {part.invoice_id: 70_00})
    assert [each.disputed for each in list_invoices(work, today())] == [True, True]


@pytest.mark.parametrize(
    ("wanted", "is_found"),
    [
        ("{number}", True),
        ("{start}", True),
        ("{small}", True),
        ("{tail}", True),
        ("boulangerie", True),
        ("cmd 2026/7", True),
        ("CMD-2026-7", True),
        ("%", False),
        ("_", False),
        ("nobody", False),
        ("{tail}0", False),
    ],
)
def test_a_list_is_searched_by_number_reference_and_name(work: Work, wanted: str, is_found: bool) -> None:  # noqa: FBT001 -- a column of the table
    invoice = owed(work, buyer_reference="CMD 2026-77")
    head, _, tail = invoice.number.rpartition("-")
    words = {"number": invoice.number, "start": f"{head}-", "small": invoice.number.lower(), "tail": tail}
    for customer_id in (None, invoice.customer_id):
        rows = list_invoices(work, today(), wanted=wanted.format(**words), customer_id=customer_id)
        assert [each.number for each in rows] == ([invoice.number] if is_found else [])


def test_pages_of_a_narrowed_list_follow_each_other_without_gap_or_twin(
    work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(invoice_lists, "FIRST_LOOK", 2)
    invoices = [owed(work, late_days=20 if n % 3 else -20) for n in range(9)]
    late = {each.number for n, each in enumerate(invoices) if n % 3}
    seen: list[str] = []
    after = None
    while True:
        rows = list_invoices(work, today(), narrowed="late", after=after, limit=2)
        seen += [each.number for each in rows[:2]]
        if len(rows) <= 2:
            break
        after = rows[1].invoice_id
    assert len(seen) == len(late)
    assert set(seen) == late


def test_each_choice_shows_the_invoices_in_its_states_and_no_other(work: Work) -> None:
    due, paid, flying = owed(work, late_days=-5), owed(work), owed(work)
    pay(work, paid.customer_id, {paid.invoice_id: paid.payable_minor})
    record_facts(work, [AttemptMoved(attempt(work, flying), AttemptState.PROCESSING)])
    work.execute(
        "UPDATE reservations SET state = 'processing' WHERE supplier_id = :supplier AND state = 'released' "
        "AND invoice_id = :id",
        id=flying.invoice_id,
    )
    shown = {
        choice: {each.number for each in list_invoices(work, today(), narrowed=choice)}
        for choice in ("all", "to_pay", "late", "in_flight", "paid", "credits")
    }
    assert shown == {
        "all": {due.number, paid.number, flying.number},
        "to_pay": {due.number},
        "late": set(),
        "in_flight": {flying.number},
        "paid": {paid.number},
        "credits": set(),
    }
