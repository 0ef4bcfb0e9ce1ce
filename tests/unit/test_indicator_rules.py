"""The formulas of indicators by the published vectors, and forecasts by a customer's own habit."""

from __future__ import annotations

from datetime import date, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.clock import new_id
from receivables.domain.measuring.forecasts import (
    ALL,
    DUE_DAY,
    OWN,
    PROMISE,
    Expected,
    Habits,
    OpenClaim,
    by_week,
    expect,
    habits_of,
    miss,
)
from receivables.domain.measuring.indicators import (
    AGES,
    MonthSales,
    count_back,
    delinquency,
    dso,
    effectiveness,
    mean_days,
    rounded,
    share,
)

ON = date(2026, 11, 30)
NOVEMBER, OCTOBER, SEPTEMBER = (
    MonthSales(date(2026, 11, 1), 30, 120000),
    MonthSales(date(2026, 10, 1), 31, 80000),
    MonthSales(date(2026, 9, 1), 30, 70000),
)


def test_dso_is_receivables_over_sales_times_days() -> None:
    assert dso(3_000_000, 6_000_000, 90) == 45


def test_the_count_back_takes_whole_months_then_a_part_of_the_last() -> None:
    found = count_back(250000, [NOVEMBER, OCTOBER, SEPTEMBER])
    assert found.days is not None
    assert rounded(found.days, 2) == Fraction(8243, 100)
    assert found.months == (NOVEMBER, OCTOBER, SEPTEMBER)


def test_the_count_back_leaves_a_thousand_in_april_where_a_published_example_leaves_two() -> None:
    sales = (250000, 175000, 225000, 250000, 200000, 225000)
    begins = (date(2026, month, 1) for month in (9, 8, 7, 6, 5, 4))
    months = [
        MonthSales(begin, days, minor)
        for begin, days, minor in zip(begins, (30, 31, 31, 30, 31, 30), sales, strict=True)
    ]
    found = count_back(1_200_000, months)
    assert found.days is not None
    assert rounded(found.days) == Fraction(1663, 10)


def test_the_count_back_says_nothing_where_sales_end_before_what_is_owed() -> None:
    empty = MonthSales(date(2026, 10, 1), 31, 0)
    found = count_back(250000, [NOVEMBER, empty, SEPTEMBER])
    assert found.days is None
    assert found.months == (NOVEMBER,)
    assert count_back(250000, [NOVEMBER]).days is None


def test_nothing_owed_is_paid_in_no_day() -> None:
    assert count_back(0, [NOVEMBER]).days == 0


def test_the_best_dso_and_the_average_delinquency_share_the_dso() -> None:
    simple, best = dso(90, 80, 90), dso(70, 80, 90)
    assert (simple, best, delinquency(simple, best)) == (Fraction(405, 4), Fraction(315, 4), Fraction(45, 2))


def test_the_collection_effectiveness_is_what_came_of_what_was_due() -> None:
    found = effectiveness(100, 80, 90, 70)
    assert found is not None
    assert rounded(found * 100, 2) == Fraction(8182, 100)
    assert effectiveness(100, 80, 70, 70) == 1


def test_nothing_known_is_no_figure_rather_than_zero() -> None:
    assert dso(100, 0, 90) is None
    assert share(1, 0) is None
    assert mean_days(10, 0) is None
    assert delinquency(Fraction(1), None) is None
    assert effectiveness(0, 0, 0, 0) is None


def test_early_payments_count_below_zero() -> None:
    assert mean_days(100 * -5 + 300 * 15, 400) == Fraction(10)
    assert rounded(Fraction(-25, 100)) == Fraction(-3, 10)


@pytest.mark.parametrize(
    ("days", "age"), [(-40, 0), (0, 0), (1, 1), (30, 1), (31, 2), (60, 2), (61, 3), (90, 3), (91, 4)]
)
def test_every_day_past_due_has_one_age(days: int, age: int) -> None:
    found = [n for n, (first, last) in enumerate(AGES) if (first or -999) <= days <= (999 if last is None else last)]
    assert found == [age]


def claim(days_late: int, minor: int = 1000, **changes: object) -> OpenClaim:
    values = {"customer_id": new_id(), "invoice_id": None, "reference": "F1", "open_minor": minor}
    return OpenClaim(due_on=ON - timedelta(days=days_late), **{**values, **changes})  # type: ignore[arg-type] -- by keyword


def test_a_customer_is_expected_by_their_own_habit() -> None:
    open_claim = claim(-10)
    habits = Habits({open_claim.customer_id: [2, 12, 13]}, [0, 0, 0])
    assert expect(open_claim, habits, ON) == Expected(open_claim, open_claim.due_on + timedelta(days=12), OWN)


def test_two_payments_are_no_habit_yet() -> None:
    open_claim = claim(-10)
    habits = Habits({open_claim.customer_id: [40, 50]}, [1, 5, 9])
    found = expect(open_claim, habits, ON)
    assert (found.day, found.by) == (open_claim.due_on + timedelta(days=5), ALL)


def test_a_claim_that_is_late_already_is_judged_by_payments_that_were_later() -> None:
    open_claim = claim(20)
    habits = Habits({open_claim.customer_id: [2, 5, 20, 30, 40]}, [])
    assert expect(open_claim, habits, ON).day == open_claim.due_on + timedelta(days=30)


def test_later_than_this_customer_ever_paid_is_no_day() -> None:
    open_claim = claim(60)
    found = expect(open_claim, Habits({open_claim.customer_id: [2, 5, 20]}, [90]), ON)
    assert (found.day, found.week(ON)) == (None, None)


def test_without_any_history_the_due_day_counts_and_never_a_day_that_is_past() -> None:
    nothing = Habits({}, [])
    assert expect(claim(5), nothing, ON).day == ON + timedelta(days=1)
    assert expect(claim(-5), nothing, ON).by == DUE_DAY


def test_a_promise_that_is_to_come_goes_before_the_habit() -> None:
    open_claim = claim(10, promised_on=ON + timedelta(days=3))
    assert expect(open_claim, Habits({open_claim.customer_id: [20, 20, 20]}, []), ON).by == PROMISE
    broken = claim(10, promised_on=ON - timedelta(days=3))
    assert expect(broken, Habits({broken.customer_id: [20, 20, 20]}, []), ON).by == OWN


@given(st.lists(st.tuples(st.integers(-120, 400), st.integers(1, 10**9)), max_size=30), st.lists(st.integers(-60, 200)))
def test_the_weeks_and_the_rest_add_up_to_what_is_open(given_claims: list[tuple[int, int]], habit: list[int]) -> None:
    claims = [claim(days, minor) for days, minor in given_claims]
    habits = habits_of((new_id(), days) for days in habit)
    expected = [expect(each, habits, ON) for each in claims]
    weeks, rest = by_week(expected, ON)
    assert sum(weeks) + rest == sum(minor for _, minor in given_claims)
    assert all(each.day is None or each.day > ON for each in expected)


def test_a_forecast_misses_by_the_sum_of_its_weeks() -> None:
    assert miss([100, 0, 50], [80, 30, 50]) == 50
