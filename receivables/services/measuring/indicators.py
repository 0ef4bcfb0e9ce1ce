"""Indicators (indicateurs): figures made of sums that can be listed, at the end of any day.

An indicator is a formula over *components*; each component is a measure within a scope, so that its list adds up to it
to the cent. Nothing is kept: every figure is computed from the lines of account 411 and the facts, as of its day.
"""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import TYPE_CHECKING

from receivables.domain.measuring.indicators import (
    AGES,
    MOST_MONTHS,
    CountBack,
    MonthSales,
    count_back,
    delinquency,
    dso,
    effectiveness,
    mean_days,
    share,
)
from receivables.store.measuring.measures import MEASURES, Total, sales_by_day, sum_measures

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import date

    from receivables.store.measuring.scopes import Scope
    from receivables.store.work import Work

PER_THOUSAND = 1000
MONTHS = 12


class Unit(StrEnum):
    """What an indicator is counted in."""

    MONEY = "money"
    DAYS = "days"
    SHARE = "share"
    PER_THOUSAND = "per_thousand"


@dataclass(frozen=True, slots=True)
class Component:
    """One sum of a formula: its measure within ``scope``; ``of`` is what of it counts, ``minor`` or ``count``."""

    measure: str
    scope: Scope
    total: Total
    of: str = "minor"


@dataclass(frozen=True, slots=True)
class Indicator:
    """A figure with the sums that it is made of; ``value`` is ``None`` where they do not suffice."""

    key: str
    unit: Unit
    value: Fraction | None
    components: tuple[Component, ...]


@dataclass(frozen=True, slots=True)
class Board:
    """Every indicator of a scope, by key, in the order of the formulas."""

    scope: Scope
    indicators: dict[str, Indicator]
    ages_minor: tuple[int, ...]
    """What is open, by age (:data:`receivables.domain.measuring.indicators.AGES`)."""

    def __getitem__(self, key: str) -> Indicator:
        return self.indicators[key]


@dataclass(frozen=True, slots=True)
class _Sums:
    """Sums of the period, of the day before it, and the count-back."""

    scope: Scope
    now: dict[str, Total]
    begin: dict[str, Total]
    exhausted: CountBack

    def of(self, name: str, of: str = "minor") -> Component:
        return Component(name, self.scope, self.now[name], of)

    def before(self, name: str) -> Component:
        return Component(name, self.scope.before, self.begin[name])

    def minor(self, name: str) -> int:
        return self.now[name].minor

    def count(self, name: str) -> int:
        return self.now[name].count


def indicators(work: Work, scope: Scope) -> Board:
    """Every indicator at the end of the day ``scope.on``."""
    now = sum_measures(work, list(MEASURES), scope)
    begin = sum_measures(work, ["sound"], scope.before)
    sums = _Sums(
        scope, now, begin, count_back(now["sound"].minor, months_back(scope.on, sales_by_day(work, _long(scope))))
    )
    found = [*_money(sums), *_speed(sums), *_quality(sums)]
    ages = tuple(now[f"age_{age}"].minor for age in range(len(AGES)))
    return Board(scope, {each.key: each for each in found}, ages)


def first_month(on: date, count: int = MOST_MONTHS) -> date:
    """The first day of the earliest of ``count`` months, the month of ``on`` being one of them."""
    months = on.year * MONTHS + on.month - count
    return on.replace(year=months // MONTHS, month=months % MONTHS + 1, day=1)


def months_back(on: date, sold: Mapping[date, int]) -> list[MonthSales]:
    """Sales of the month of ``on`` up to that day, then of the months before, as far as the count-back looks."""
    begins = [first_month(on, count) for count in range(1, MOST_MONTHS + 1)]
    sums = dict.fromkeys(begins, 0)
    for day, minor in sold.items():
        month = day.replace(day=1)
        if day <= on and month in sums:
            sums[month] += minor
    return [
        MonthSales(each, on.day if each == begins[0] else monthrange(each.year, each.month)[1], sums[each])
        for each in begins
    ]


def _long(scope: Scope) -> Scope:
    """The period that the count-back looks at."""
    return scope.reaching(first_month(scope.on))


def _money(sums: _Sums) -> Iterable[Indicator]:
    """What is open, as amounts."""
    for name in ("receivable", "not_due", "late", "at_risk", "disputed", "credits", "doubtful", "sales", "received"):
        yield Indicator(name, Unit.MONEY, Fraction(sums.minor(name)), (sums.of(name),))


def _speed(sums: _Sums) -> Iterable[Indicator]:
    """How fast customers pay; claims on customers in proceedings are left out of what is owed."""
    sound, current, sales = sums.minor("sound"), sums.minor("sound_not_due"), sums.minor("sales")
    days, disputed = sums.scope.days, sums.minor("disputed_sound")
    simple, best = dso(sound, sales, days), dso(current, sales, days)
    owed, not_due, sold = sums.of("sound"), sums.of("sound_not_due"), sums.of("sales")
    yield Indicator("dso", Unit.DAYS, simple, (owed, sold))
    yield Indicator("dso_count_back", Unit.DAYS, sums.exhausted.days, (owed, _consumed(sums)))
    yield Indicator("dso_best", Unit.DAYS, best, (not_due, sold))
    yield Indicator("delinquency", Unit.DAYS, delinquency(simple, best), (owed, not_due, sold))
    undisputed = dso(sound - disputed, sales, days)
    yield Indicator("dso_undisputed", Unit.DAYS, undisputed, (owed, sums.of("disputed_sound"), sold))
    for key, name in (("delay", "paid"), ("lateness", "paid_late")):
        yield Indicator(key, Unit.DAYS, mean_days(sums.now[name].weighted, sums.minor(name)), (sums.of(name),))
    begun = sums.before("sound")
    index = effectiveness(begun.total.minor, sales, sound, current)
    yield Indicator("effectiveness", Unit.SHARE, index, (begun, sold, owed, not_due))


def _consumed(sums: _Sums) -> Component:
    """The sales that the count-back used."""
    months = sums.exhausted.months
    since = months[-1].begins_on if months else sums.scope.on.replace(day=1)
    total = Total(sum(month.minor for month in months))
    return Component("sales", sums.scope.reaching(since), total)


def _quality(sums: _Sums) -> Iterable[Indicator]:
    """How clean claims are, and how well the house works."""
    owed = sums.of("receivable")
    yield _ratio(sums, "at_risk_share", "at_risk", "receivable")
    yield _ratio(sums, "disputed_share", "disputed", "receivable")
    for key, name in (("dispute_answer", "disputes_answered"), ("dispute_close", "disputes_closed")):
        days = sums.now[name].days
        yield Indicator(key, Unit.DAYS, mean_days(days, sums.count(name)), (sums.of(name, "count"),))
    yield _ratio(sums, "promises_kept", "promises_kept", "promises_judged")
    yield _ratio(sums, "reminder_effect", "reminders_paid", "reminders", "count")
    yield _ratio(sums, "auto_match", "bank_by_rule", "bank_in", "count")
    yield _ratio(sums, "auto_match_amount", "bank_by_rule", "bank_in")
    unapplied = sums.now["unapplied"]
    aged = mean_days(unapplied.weighted, unapplied.minor)
    yield Indicator("unapplied_age", Unit.DAYS, aged, (sums.of("unapplied"),))
    yield _ratio(sums, "right_first_time", "issued_right", "issued", "count")
    yield _ratio(sums, "debit_returns", "debits_back", "debits", "count")
    cost = share(sums.minor("fees") * PER_THOUSAND, sums.minor("received"))
    yield Indicator("collection_cost", Unit.PER_THOUSAND, cost, (sums.of("fees"), sums.of("received")))
    yield Indicator(
        "credit_share", Unit.SHARE, share(sums.minor("credits"), owed.total.minor), (sums.of("credits"), owed)
    )


def _ratio(sums: _Sums, key: str, part: str, whole: str, of: str = "minor") -> Indicator:
    """A share of one measure in another, by amount or by number."""
    read: Callable[[str], int] = sums.minor if of == "minor" else sums.count
    return Indicator(key, Unit.SHARE, share(read(part), read(whole)), (sums.of(part, of), sums.of(whole, of)))
