"""Payment plans and promises as pure rules: schedules to the cent, shares, the policy, verdicts."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from receivables.domain.collecting.plans import (
    Plan,
    PlanInvoice,
    PlanPolicy,
    PlanState,
    Rhythm,
    Standing,
    assess,
    schedule,
)
from receivables.domain.collecting.promises import PromisedInvoice, PromiseState, Source, judge
from receivables.domain.settlement.terms import Instalment

DAY = date(2026, 1, 31)
NOW = datetime(2026, 1, 31, 8, tzinfo=UTC)
ONE, TWO = UUID(int=1), UUID(int=2)
POLICY = PlanPolicy()
STANDING = Standing(DAY, DAY)


def plan_over(*invoices: PlanInvoice, count: int = 3) -> Plan:
    total = sum(each.amount_minor for each in invoices)
    parts = schedule(total, DAY, count, Rhythm.MONTHLY)
    return Plan(
        UUID(int=9),
        UUID(int=8),
        "test",
        Source.CUSTOMER,
        "EUR",
        total,
        interest=False,
        grace_days=8,
        language="fr",
        state=PlanState.ACCEPTED,
        decided_by="policy",
        reason=None,
        policy_version=0,
        beyond=(),
        proposed_at=NOW,
        accepted_at=NOW,
        changed_at=NOW,
        instalments=parts,
        invoices=invoices,
    )


def test_monthly_instalments_fall_on_the_last_day_where_a_month_is_shorter() -> None:
    parts = schedule(100_00, DAY, 4, Rhythm.MONTHLY)
    assert [each.due_on.isoformat() for each in parts] == ["2026-01-31", "2026-02-28", "2026-03-31", "2026-04-30"]
    assert [each.amount_minor for each in schedule(100_00, DAY, 3, Rhythm.WEEKLY)] == [33_34, 33_33, 33_33]
    assert [each.amount_minor for each in schedule(100_00, DAY, 3, Rhythm.WEEKLY, first_minor=50_00)] == [
        50_00,
        25_00,
        25_00,
    ]


@settings(max_examples=200, derandomize=True, deadline=None)
@given(
    first=st.tuples(st.integers(1, 10**7), st.integers(0, 10**7), st.integers(0, 10**7)),
    second=st.tuples(st.integers(1, 10**7), st.integers(0, 10**7), st.integers(0, 10**7)),
    count=st.integers(2, 24),
)
def test_what_a_plan_asks_for_is_shared_out_to_the_cent(
    first: tuple[int, int, int], second: tuple[int, int, int], count: int
) -> None:
    invoices = [PlanInvoice(id_, str(id_), *told) for id_, told in ((ONE, first), (TWO, second))]
    plan = plan_over(*invoices, count=count)
    free = sum(each.free_minor for each in invoices)
    assert sum(part.left_minor for part in plan.parts) == plan.left_minor >= 0
    assert sum(part.asked_minor for part in plan.parts) == free
    by_invoice = {each.invoice_id: sum(p.amount_minor for p in plan.terms_of(each.invoice_id)) for each in invoices}
    assert by_invoice == {each.invoice_id: each.free_minor for each in invoices}
    asked = plan.asked_minor(DAY)
    assert sum(plan.shares(asked).values()) == asked
    assert plan.fallen_minor(date(2030, 1, 1)) == free


@pytest.mark.parametrize(
    ("rule", "parts", "standing", "policy"),
    [
        ("manual", 3, STANDING, replace(POLICY, automatic=False)),
        ("amount", 3, STANDING, replace(POLICY, max_minor=999_99)),
        ("count", 5, STANDING, replace(POLICY, max_instalments=4)),
        ("length", 3, STANDING, replace(POLICY, max_days=50)),
        ("first_amount", 3, STANDING, replace(POLICY, first_percent=34)),
        ("first_day", 3, replace(STANDING, today=date(2026, 1, 1)), POLICY),
        ("smallest", 3, STANDING, replace(POLICY, smallest_minor=333_34)),
        ("late", 3, replace(STANDING, oldest_due_on=date(2025, 11, 1)), POLICY),
        ("under_way", 3, replace(STANDING, plans_under_way=1), POLICY),
        ("broken_plan", 3, replace(STANDING, last_broken_on=date(2024, 3, 1)), POLICY),
        ("broken_promises", 3, replace(STANDING, broken_promises=2), POLICY),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_each_rule_of_the_policy_is_named_where_it_is_not_met(
    rule: str, parts: int, standing: Standing, policy: PlanPolicy
) -> None:
    instalments = schedule(1000_00, DAY, parts, Rhythm.MONTHLY)
    assert assess(policy, instalments, "EUR", standing).beyond == (rule,)
    assert assess(POLICY, instalments, "EUR", STANDING).automatic


def test_another_currency_is_never_agreed_to_without_looking() -> None:
    assert assess(POLICY, [Instalment(DAY, 100_00), Instalment(DAY, 100_00)], "USD", STANDING).beyond == ("currency",)


@pytest.mark.parametrize(
    ("line", "loose", "on", "wanted"),
    [
        ((100, 100, 0, 0, 0), 0, DAY, (PromiseState.PENDING, 0)),
        ((100, 0, 100, 100, 0), 0, DAY, (PromiseState.KEPT, 100)),
        ((100, 60, 40, 40, 0), 0, date(2026, 2, 1), (PromiseState.PARTLY, 40)),
        ((100, 100, 0, 0, 0), 0, date(2026, 2, 1), (PromiseState.BROKEN, 0)),
        ((100, 0, 0, 100, 0), 0, date(2026, 2, 1), (PromiseState.BROKEN, 0)),
        ((100, 100, 0, 0, 100), 0, date(2026, 2, 9), (PromiseState.PENDING, 0)),
        ((100, 100, 0, 0, 99), 0, date(2026, 2, 9), (PromiseState.BROKEN, 0)),
        ((100, 100, 0, 0, 0), 100, date(2026, 2, 9), (PromiseState.KEPT, 100)),
        ((100, 0, 70, 70, 0), 0, date(2026, 2, 9), (PromiseState.KEPT, 70)),
        ((100, 0, 0, 0, 0), 0, date(2026, 2, 9), (PromiseState.WITHDRAWN, 0)),
    ],
    ids=[
        "not yet",
        "kept",
        "partly",
        "broken",
        "too late",
        "in flight",
        "too little in flight",
        "unmatched",
        "credited",
        "nothing left",
    ],
)
def test_only_final_money_in_time_keeps_a_promise(
    line: tuple[int, int, int, int, int], loose: int, on: date, wanted: tuple[PromiseState, int]
) -> None:
    verdict = judge([PromisedInvoice(ONE, *line)], on, DAY, loose)
    assert (verdict.state, verdict.kept_minor) == wanted
