"""Working days (jours ouvrés) and banking days: Monday to Friday without the closing days of their calendar."""

from __future__ import annotations

from datetime import date, timedelta
from functools import cache

from config.law import LawUnknownError, table

PUBLIC = "public"
"""French public holidays (Code du travail art. L3133-1)."""
BANKING = "banking"
"""Closing days of TARGET, the euro's settlement system."""
_SATURDAY = 5


def easter(year: int) -> date:
    """Easter Sunday of the Gregorian calendar (the anonymous computus of 1876: Meeus, Jones, Butcher)."""
    century, in_century = divmod(year, 100)
    leap_centuries, left_centuries = divmod(century, 4)
    moon = (19 * (year % 19) + century - leap_centuries - (century - (century + 8) // 25 + 1) // 3 + 15) % 30
    leap_years, left_years = divmod(in_century, 4)
    weekday = (32 + 2 * left_centuries + 2 * leap_years - moon - left_years) % 7
    late = (year % 19 + 11 * moon + 22 * weekday) // 451
    month, day = divmod(moon + weekday - 7 * late + 114, 31)
    return date(year, month, day + 1)


@cache
def closing_days(calendar: str, year: int) -> frozenset[date]:
    """The days of ``year`` on which ``calendar`` (:data:`PUBLIC`, :data:`BANKING`) is closed, beside weekends.

    Raises:
        LawUnknownError: no row of that calendar holds for the year.
    """
    rows = [row for row in table("holidays")["calendars"] if row["name"] == calendar and row["since"] <= year]
    if not rows:
        raise LawUnknownError(f"No {calendar} calendar is known for {year}: add a row to config/law/holidays.toml.")
    row = max(rows, key=lambda each: each["since"])
    fixed = {date(year, month, day) for month, day in row["fixed"]}
    return frozenset(fixed | {easter(year) + timedelta(days=offset) for offset in row["easter"]})


def is_open(day: date, calendar: str = PUBLIC) -> bool:
    """Whether ``day`` is a working day of ``calendar``."""
    return day.weekday() < _SATURDAY and day not in closing_days(calendar, day.year)


def add_days(day: date, count: int, calendar: str = PUBLIC) -> date:
    """The ``count``-th open day of ``calendar`` after ``day``; ``day`` itself for 0."""
    for _ in range(count):
        day += timedelta(days=1)
        while not is_open(day, calendar):
            day += timedelta(days=1)
    return day


def on_or_after(day: date, calendar: str = PUBLIC) -> date:
    """``day`` itself where ``calendar`` is open on it, the next open day otherwise."""
    while not is_open(day, calendar):
        day += timedelta(days=1)
    return day


def days_before(day: date, count: int, calendar: str = PUBLIC) -> date:
    """The ``count``-th open day of ``calendar`` before ``day``; ``day`` itself for 0."""
    for _ in range(count):
        day -= timedelta(days=1)
        while not is_open(day, calendar):
            day -= timedelta(days=1)
    return day
