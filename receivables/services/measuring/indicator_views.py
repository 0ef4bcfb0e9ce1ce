"""Indicators seen from other sides: month by month, and by collector, segment, age or reason of dispute."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from receivables.domain.measuring.indicators import AGES, count_back, dso
from receivables.services.measuring.indicators import first_month, months_back
from receivables.store.measuring.measures import group_position, sales_by_day, sum_measures, sum_minor
from receivables.store.measuring.scopes import NO_SEGMENT

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from fractions import Fraction

    from receivables.store.measuring.scopes import Scope
    from receivables.store.work import Work

BY = ("collector", "segment", "age", "reason")
"""What open amounts are broken down by."""
_KEYS = {"collector": "file.collector_id::text", "segment": f"coalesce(file.segment, '{NO_SEGMENT}')"}
_AGE_MEASURES = tuple(f"age_{age}" for age in range(len(AGES)))


@dataclass(frozen=True, slots=True)
class MonthEnd:
    """Where the books stood at the end of a month, or today: open amounts by age, and two figures of speed."""

    on: date
    ages_minor: tuple[int, ...]
    credits_minor: int
    dso_days: Fraction | None
    count_back_days: Fraction | None

    @property
    def receivable_minor(self) -> int:
        """All that was open."""
        return sum(self.ages_minor)


@dataclass(frozen=True, slots=True)
class Group:
    """What is open of one collector, segment, age or reason; ``key`` is ``None`` where nobody is named."""

    key: str | None
    customers: int
    receivable_minor: int = 0
    late_minor: int = 0
    at_risk_minor: int = 0
    disputed_minor: int = 0
    credits_minor: int = 0


def month_ends(on: date, count: int) -> list[date]:
    """The day ``on`` and the ends of the months before it, the oldest first; ``count`` of them."""
    days = [on]
    while len(days) < count:
        days.append(days[-1].replace(day=1) - timedelta(days=1))
    return days[::-1]


def trend(work: Work, scope: Scope, count: int = 12) -> list[MonthEnd]:
    """The last ``count`` month ends, each recomputed from the books as of its day."""
    days = month_ends(scope.on, count)
    sold = sales_by_day(work, scope.reaching(min(first_month(days[0]), days[0] - timedelta(days=scope.days))))
    return [_month_end(work, replace(scope, on=on), sold) for on in days]


def _month_end(work: Work, scope: Scope, sold: Mapping[date, int]) -> MonthEnd:
    sums = sum_minor(work, [*_AGE_MEASURES, "credits", "sound"], scope)
    sound = sums["sound"]
    sales = sum(minor for day, minor in sold.items() if scope.since <= day <= scope.on)
    return MonthEnd(
        scope.on,
        tuple(sums[name] for name in _AGE_MEASURES),
        sums["credits"],
        dso(sound, sales, scope.days),
        count_back(sound, months_back(scope.on, sold)).days,
    )


def break_down(work: Work, scope: Scope, by: str) -> list[Group]:
    """What is open on the day by one of :data:`BY`, the largest first; the rows add up to the whole."""
    if by == "age":
        groups = list(_by_age(work, scope))
    elif by == "reason":
        groups = list(_by_reason(work, scope))
    else:
        groups = list(_by_file(work, scope, _KEYS[by]))
    return groups if by == "age" else sorted(groups, key=lambda each: (-each.receivable_minor, each.key or ""))


def _by_file(work: Work, scope: Scope, key: str) -> Iterable[Group]:
    disputed = {row["key"]: row["disputed_minor"] for row in group_position(work, key, "contested", scope)}
    for row in group_position(work, key, "position", scope):
        yield _group(row, disputed.get(row["key"], 0))


def _by_reason(work: Work, scope: Scope) -> Iterable[Group]:
    """Each reason with the whole of the invoices that are disputed for it; then what nobody disputes."""
    whole = sum_measures(work, ["receivable", "late", "at_risk", "credits"], scope)
    left = {name: total.minor for name, total in whole.items()}
    for row in group_position(work, "line.kind", "contested", scope):
        sums = sum_measures(work, ["receivable", "late", "at_risk"], replace(scope, reason=row["key"]))
        for name, total in sums.items():
            left[name] -= total.minor
        yield Group(
            row["key"],
            row["customers"],
            sums["receivable"].minor,
            sums["late"].minor,
            sums["at_risk"].minor,
            row["disputed_minor"],
        )
    yield Group(None, 0, left["receivable"], left["late"], left["at_risk"], 0, left["credits"])


def _by_age(work: Work, scope: Scope) -> Iterable[Group]:
    for age in range(len(AGES)):
        here = replace(scope, age=age)
        (row,) = group_position(work, "1", "position", here) or ({},)
        disputed = sum_measures(work, ["disputed"], here)["disputed"].minor
        yield _group({**row, "key": str(age)}, disputed)


def _group(row: Mapping[Any, Any], disputed_minor: int) -> Group:
    return Group(
        row["key"],
        row.get("customers", 0),
        row.get("receivable_minor", 0),
        row.get("late_minor", 0),
        row.get("at_risk_minor", 0),
        disputed_minor,
        row.get("credits_minor", 0),
    )
