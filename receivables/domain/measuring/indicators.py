"""Indicators of receivables: formulas on sums in minor units, exact, without a clock or a database.

Formulas and names: domain file 3.7 (DSO, count-back or *épuisement*, best possible DSO, average days delinquent, CEI).
An indicator without the figures that it needs is ``None``, never zero.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

AGES = ((None, 0), (1, 30), (31, 60), (61, 90), (91, None))
"""First and last day past due of each age: not due, 1-30, 31-60, 61-90, more than 90."""
AT_RISK_AFTER_DAYS = 90
MOST_MONTHS = 24
"""How far back the count-back method looks; what is older says nothing about how fast customers pay now."""


@dataclass(frozen=True, slots=True)
class MonthSales:
    """Sales of one month, VAT included, in minor units; ``days`` are those that count (the last may be cut)."""

    begins_on: date
    days: int
    minor: int


@dataclass(frozen=True, slots=True)
class CountBack:
    """The DSO by exhaustion; ``days`` is ``None`` where the sales known do not cover what is owed."""

    days: Fraction | None
    months: tuple[MonthSales, ...]
    """The months that it used, the latest first."""


def share(part: int, whole: int) -> Fraction | None:
    """``part`` of ``whole``, between 0 and 1 where the part is one; ``None`` of nothing."""
    return Fraction(part, whole) if whole > 0 else None


def dso(receivable_minor: int, sales_minor: int, days: int) -> Fraction | None:
    """Days of sales outstanding: receivables over sales of the period, times its days (30 000, 60 000, 90: 45.0).

    With what is not due instead of all receivables, the best possible DSO.
    """
    return Fraction(receivable_minor * days, sales_minor) if sales_minor > 0 else None


def count_back(receivable_minor: int, months: Sequence[MonthSales]) -> CountBack:
    """Take the sales of each month, the latest first, off what is owed; full months count whole, the last in part.

    A month without sales ends the history: what is still owed then is older than anything known, and a guess would
    make the figure look better than it is.
    """
    left, days = max(receivable_minor, 0), Fraction(0)
    for used, month in enumerate(months, start=1):
        if left == 0:
            return CountBack(days, tuple(months[: used - 1]))
        if month.minor <= 0:
            return CountBack(None, tuple(months[: used - 1]))
        if left <= month.minor:
            return CountBack(days + Fraction(left * month.days, month.minor), tuple(months[:used]))
        left -= month.minor
        days += month.days
    return CountBack(days if left == 0 else None, tuple(months))


def delinquency(dso_days: Fraction | None, best_days: Fraction | None) -> Fraction | None:
    """Average days delinquent: the DSO less the best possible one."""
    return None if dso_days is None or best_days is None else dso_days - best_days


def effectiveness(begin_minor: int, sales_minor: int, end_minor: int, end_current_minor: int) -> Fraction | None:
    """The collection effectiveness index (CEI), 1 where all that was due came (100, 80, 90, 70: 0.8182)."""
    due = begin_minor + sales_minor - end_current_minor
    return Fraction(begin_minor + sales_minor - end_minor, due) if due > 0 else None


def mean_days(weighted: int, weight: int) -> Fraction | None:
    """The mean of days weighted by amounts: ``weighted`` is the sum of amount times days."""
    return Fraction(weighted, weight) if weight > 0 else None


def rounded(value: Fraction, decimals: int = 1) -> Fraction:
    """``value`` to so many decimals, halves away from zero: for display alone, sums are kept exact."""
    scale = 10**decimals
    whole, rest = divmod(abs(value.numerator) * scale, value.denominator)
    whole += 2 * rest >= value.denominator
    return Fraction(whole if value >= 0 else -whole, scale)
