"""Periods of e-reporting: they tile the calendar, and their deadlines are the table's."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.law import LawUnknownError
from einvoice.reporting.periods import Period, ReportKind, period_of, periods_between, read_name, wants_lines

REGIMES = ("monthly", "quarterly", "simplified", "franchise")
TRANSACTIONS, PAYMENTS = ReportKind.TRANSACTIONS, ReportKind.PAYMENTS
days = st.dates(date(2026, 9, 1), date(2030, 12, 31))
rhythms = st.tuples(st.sampled_from(REGIMES), st.sampled_from(list(ReportKind)))


def period(kind: ReportKind, starts_on: str, ends_on: str, due_on: str) -> Period:
    return Period(kind, *(date.fromisoformat(each) for each in (starts_on, ends_on, due_on)))


@given(rhythms, days, days)
def test_periods_tile_the_calendar_without_gap_or_overlap(rhythm: tuple[str, ReportKind], one: date, two: date) -> None:
    first, last = min(one, two), max(one, two)
    found = periods_between(*rhythm, first, last)
    assert found[0].holds(first)
    assert found[-1].holds(last)
    for before, after in pairwise(found):
        assert after.starts_on == before.ends_on + timedelta(days=1)


@given(rhythms, days)
def test_every_day_of_a_period_gives_that_period(rhythm: tuple[str, ReportKind], day: date) -> None:
    found = period_of(*rhythm, day)
    assert found.holds(day)
    assert found.starts_on < found.ends_on < found.due_on
    assert period_of(*rhythm, found.starts_on) == period_of(*rhythm, found.ends_on) == found
    assert read_name(found.name, rhythm[0]) == found


@pytest.mark.parametrize(
    ("regime", "day", "expected"),
    [
        ("monthly", "2026-11-03", period(TRANSACTIONS, "2026-11-01", "2026-11-10", "2026-11-20")),
        ("monthly", "2026-11-20", period(TRANSACTIONS, "2026-11-11", "2026-11-20", "2026-11-30")),
        ("monthly", "2026-12-25", period(TRANSACTIONS, "2026-12-21", "2026-12-31", "2027-01-10")),
        ("monthly", "2028-02-29", period(PAYMENTS, "2028-02-01", "2028-02-29", "2028-03-10")),
        ("quarterly", "2026-12-25", period(TRANSACTIONS, "2026-12-01", "2026-12-31", "2027-01-10")),
        ("quarterly", "2026-11-30", period(PAYMENTS, "2026-11-01", "2026-11-30", "2026-12-10")),
        ("simplified", "2027-01-15", period(TRANSACTIONS, "2027-01-01", "2027-01-31", "2027-02-28")),
        ("simplified", "2026-12-15", period(PAYMENTS, "2026-12-01", "2026-12-31", "2027-01-31")),
        ("franchise", "2026-10-31", period(TRANSACTIONS, "2026-09-01", "2026-10-31", "2026-11-30")),
        ("franchise", "2026-11-01", period(PAYMENTS, "2026-11-01", "2026-12-31", "2027-01-31")),
    ],
)
def test_periods_and_deadlines_are_those_of_the_table(regime: str, day: str, expected: Period) -> None:
    assert period_of(regime, expected.kind, date.fromisoformat(day)) == expected


def test_a_deadline_on_a_sunday_stays_there() -> None:
    found = period_of("monthly", PAYMENTS, date(2026, 12, 1))
    assert found.due_on == date(2027, 1, 10)
    assert found.due_on.isoweekday() == 7


def test_days_before_e_reporting_have_no_period() -> None:
    assert periods_between("monthly", PAYMENTS, date(2026, 1, 1), date(2026, 8, 31)) == []
    assert periods_between("monthly", PAYMENTS, date(2026, 1, 1), date(2026, 9, 2))[0].starts_on == date(2026, 9, 1)
    with pytest.raises(LawUnknownError):
        period_of("monthly", PAYMENTS, date(2026, 8, 31))


@pytest.mark.parametrize(("regime", "day"), [("yearly", date(2026, 9, 1)), ("monthly", date(2031, 1, 1))])
def test_an_unknown_regime_and_a_day_past_the_table_are_refused(regime: str, day: date) -> None:
    with pytest.raises(LawUnknownError, match=r"reporting\.toml|correct the profile"):
        period_of(regime, PAYMENTS, day)


def test_lines_are_wanted_from_september_2027_on() -> None:
    assert not wants_lines(date(2027, 8, 31))
    assert wants_lines(date(2027, 9, 1))
