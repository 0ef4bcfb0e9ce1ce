"""When the money of a claim will come: by how late this very customer used to pay, exact days, no guess about amounts.

The habit is the set of days (below zero: early) by which a customer paid past claims after their due day. A claim that
is late by ``n`` days already is judged by the payments that were later than that: nobody who waited pays yesterday.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from uuid import UUID

ENOUGH = 3
"""Payments below which a customer has no habit of their own yet: that of all customers counts."""
WEEKS = 13
"""Weeks of a forecast: a quarter."""
WEEK_DAYS = 7
OWN, ALL, PROMISE, DUE_DAY = "own", "all", "promise", "due_day"
"""By what a day is expected: the customer's own habit, that of all, a promise, or the due day (nothing is known)."""


@dataclass(frozen=True, slots=True)
class OpenClaim:
    """What is open of an instalment: minor units, VAT included; ``promised_on`` where its payer named a day."""

    customer_id: UUID
    invoice_id: UUID | None
    reference: str
    due_on: date
    open_minor: int
    promised_on: date | None = None


@dataclass(frozen=True, slots=True)
class Expected:
    """A claim with the day on which its money is expected; ``None``: later than this customer ever paid."""

    claim: OpenClaim
    day: date | None
    by: str

    def week(self, on: date) -> int | None:
        """The week after ``on`` (0 the first) in which it is expected; ``None`` where no day is known."""
        return None if self.day is None else max((self.day - on).days - 1, 0) // WEEK_DAYS


@dataclass(frozen=True, slots=True)
class Habits:
    """Days after the due day, sorted, by customer and of all customers together."""

    own: Mapping[UUID, Sequence[int]]
    everybody: Sequence[int]

    def of(self, customer_id: UUID) -> tuple[Sequence[int], str]:
        """The customer's own habit where there are enough payments, else that of all."""
        own = self.own.get(customer_id, ())
        return (own, OWN) if len(own) >= ENOUGH else (self.everybody, ALL)


def habits_of(rows: Iterable[tuple[UUID, int]]) -> Habits:
    """Habits from payments: customer and days after the due day of each."""
    own: dict[UUID, list[int]] = {}
    for customer_id, days in rows:
        own.setdefault(customer_id, []).append(days)
    for days_of_one in own.values():
        days_of_one.sort()
    return Habits(own, sorted(days for days_of_one in own.values() for days in days_of_one))


def expect(claim: OpenClaim, habits: Habits, on: date) -> Expected:
    """The day on which a claim is expected, as known at the end of the day ``on``: the median of what can still be."""
    if claim.promised_on is not None and claim.promised_on > on:
        return Expected(claim, claim.promised_on, PROMISE)
    habit, by = habits.of(claim.customer_id)
    if not habit:
        return Expected(claim, max(claim.due_on, on + timedelta(days=1)), DUE_DAY)
    later = habit[bisect_right(habit, (on - claim.due_on).days) :]
    if not later:
        return Expected(claim, None, by)
    return Expected(claim, claim.due_on + timedelta(days=later[(len(later) - 1) // 2]), by)


def by_week(expected: Iterable[Expected], on: date, weeks: int = WEEKS) -> tuple[list[int], int]:
    """Amounts by week after ``on``, and what is expected later or on no known day; together all that was given."""
    sums, rest = [0] * weeks, 0
    for each in expected:
        week = each.week(on)
        if week is None or week >= weeks:
            rest += each.claim.open_minor
        else:
            sums[week] += each.claim.open_minor
    return sums, rest


def miss(forecast: Sequence[int], came: Sequence[int]) -> int:
    """How far a forecast was off, in minor units: the sum of what each week was off by, either way."""
    return sum(abs(told - true) for told, true in zip(forecast, came, strict=True))
