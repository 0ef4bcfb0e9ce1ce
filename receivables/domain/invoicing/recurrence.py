"""When an invoice that comes back falls due to be written: dates counted from the first, and the words of each date.

A date is counted from the first one and never from the one before: the 31st of January is followed by the last of
February and the 31st of March.
"""

from __future__ import annotations

from calendar import monthrange
from datetime import date, timedelta
from enum import StrEnum

WEEK = timedelta(days=7)
MONTHS_A_YEAR = 12


class Rhythm(StrEnum):
    """How often an invoice comes back."""

    WEEK = "week"
    MONTH = "month"
    TWO_MONTHS = "two_months"
    QUARTER = "quarter"
    HALF_YEAR = "half_year"
    YEAR = "year"


MONTHS = {Rhythm.MONTH: 1, Rhythm.TWO_MONTHS: 2, Rhythm.QUARTER: 3, Rhythm.HALF_YEAR: 6, Rhythm.YEAR: 12}
"""Months between two dates; a week has none."""
_MONTH_NAMES = (
    [
        "janvier",
        "février",
        "mars",
        "avril",
        "mai",
        "juin",
        "juillet",
        "août",
        "septembre",
        "octobre",
        "novembre",
        "décembre",
    ],
    [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ],
)


def date_at(first: date, rhythm: Rhythm, position: int) -> date:
    """The date at ``position``, 0 for the first; a day that a month does not have is its last."""
    if rhythm is Rhythm.WEEK:
        return first + position * WEEK
    return _months_later(first, MONTHS[rhythm] * position)


def first_from(first: date, rhythm: Rhythm, position: int, day: date) -> int:
    """The position of the first date on or after ``day``, not before ``position``."""
    while date_at(first, rhythm, position) < day:
        position += 1
    return position


def fill_in(text: str, day: date, rhythm: Rhythm) -> str:
    """``text`` with the words in braces put in for the date ``day``, in French or in English.

    ``{mois}`` is *novembre 2026*, ``{mois précédent}`` *octobre 2026*, ``{trimestre}`` *4e trimestre 2026*, ``{année}``
    *2026*, ``{période}`` *du 1er novembre 2026 au 30 novembre 2026*: from this date to the day before the next.
    """
    last = date_at(day, rhythm, 1) - timedelta(days=1)
    before = _months_later(day.replace(day=1), -1)
    quarter = (day.month + 2) // 3
    words = {
        "{mois}": _month(day, 0),
        "{month}": _month(day, 1),
        "{mois précédent}": _month(before, 0),
        "{last month}": _month(before, 1),
        "{trimestre}": f"{'1er' if quarter == 1 else f'{quarter}e'} trimestre {day.year}",
        "{quarter}": f"Q{quarter} {day.year}",
        "{année}": str(day.year),
        "{year}": str(day.year),
        "{période}": f"du {_day(day)} au {_day(last)}",
        "{period}": f"{day.day} {_month(day, 1)} to {last.day} {_month(last, 1)}",
    }
    for written, meant in words.items():
        text = text.replace(written, meant)
    return text


def _months_later(day: date, months: int) -> date:
    year, month = divmod(day.year * MONTHS_A_YEAR + day.month - 1 + months, MONTHS_A_YEAR)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def _month(day: date, language: int) -> str:
    return f"{_MONTH_NAMES[language][day.month - 1]} {day.year}"


def _day(day: date) -> str:
    return f"{'1er' if day.day == 1 else day.day} {_month(day, 0)}"
