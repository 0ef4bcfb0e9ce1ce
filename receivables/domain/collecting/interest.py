"""Late interest (pénalités de retard): what has run on an invoice, from its facts alone.

Interest runs as of right from the day after a debt fell due to the day of the cash inclusive, on what was owed with
VAT (C. com. art. L441-10 II). The rate may change on every 1 January and 1 July; days are counted over 365. Everything
is reckoned exactly and rounded once at the end: a sum of rounded parts would be cents away from the right figure.

Amounts are minor units, rates percent a year.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from decimal import Decimal

    from receivables.domain.settlement.terms import Instalment

DAYS_A_YEAR = 365
INDEMNITY_MINOR = 4_000
"""Fixed indemnity for recovery costs (C. com. art. D441-5, CCP art. D2192-35): euros, once an invoice, without VAT."""
INDEMNITY_CURRENCY = "EUR"
ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class CashIn:
    """Money that settles an invoice, on its cash day: value date, settlement of a debit, capture of a card."""

    on: date
    amount_minor: int


@dataclass(frozen=True, slots=True)
class LateFacts:
    """What interest on one invoice is reckoned from.

    ``never_owed_minor`` was taken off by its credit notes or by a dispute that was accepted: it owed nothing from the
    start. ``disputed_minor`` is disputed now: its interest runs, and nobody is asked for it until the outcome; a
    dispute that was rejected or taken back is none any more, so that interest counts from the due date.
    ``after`` is the day before the first that may count (a consumer's formal notice), ``until`` the last that may
    (the day before proceedings open). On days of ``pauses`` (first, last or still) none runs: a plan without interest.
    """

    parts: tuple[Instalment, ...]
    paid: tuple[CashIn, ...] = ()
    never_owed_minor: int = 0
    disputed_minor: int = 0
    after: date | None = None
    until: date | None = None
    pauses: tuple[tuple[date, date | None], ...] = ()


@dataclass(frozen=True, slots=True)
class Stretch:
    """Days in a row (``first`` to ``last`` inclusive) with one base and one rate."""

    first: date
    last: date
    base_minor: int
    percent: Decimal

    @property
    def days(self) -> int:
        """How many."""
        return (self.last - self.first).days + 1

    @property
    def exact(self) -> Fraction:
        """Interest of these days, not rounded."""
        return Fraction(self.base_minor) * Fraction(self.percent) * self.days / (100 * DAYS_A_YEAR)


@dataclass(frozen=True, slots=True)
class Interest:
    """What has run: ``stretches`` may be claimed, ``frozen_minor`` more would be if nothing were disputed."""

    stretches: tuple[Stretch, ...]
    frozen_minor: int = 0

    @property
    def amount_minor(self) -> int:
        """What may be claimed, rounded once."""
        return rounded(self.stretches)

    @property
    def days_late(self) -> int:
        """Days on which anything was owed late and not disputed."""
        return sum(each.days for each in self.stretches)

    @property
    def is_late(self) -> bool:
        """Whether anything was."""
        return bool(self.stretches)


def rounded(stretches: Iterable[Stretch]) -> int:
    """Interest of stretches together, to the nearest minor unit, halves up."""
    exact = sum((each.exact for each in stretches), Fraction(0))
    return (2 * exact.numerator + exact.denominator) // (2 * exact.denominator)


def interest_of(facts: LateFacts, through: date, rate_on: Callable[[date], Decimal]) -> Interest:
    """What has run to the end of the day ``through``; ``rate_on`` is asked for the first day of every stretch.

    Whatever ``rate_on`` raises for a day whose rate is not known is let through: nothing is guessed. It is asked only
    for days on which something is owed late.
    """
    stretches = _stretches(facts, facts.never_owed_minor + facts.disputed_minor, through, rate_on)
    if not facts.disputed_minor:
        return Interest(stretches)
    whole = _stretches(facts, facts.never_owed_minor, through, rate_on)
    return Interest(stretches, rounded(whole) - rounded(stretches))


def next_half_year(day: date) -> date:
    """The first day of the half-year after that of ``day``."""
    return date(day.year, 7, 1) if day.month < 7 else date(day.year + 1, 1, 1)  # noqa: PLR2004 -- July


def _stretches(
    facts: LateFacts, taken_off_minor: int, through: date, rate_on: Callable[[date], Decimal]
) -> tuple[Stretch, ...]:
    last = min(through, facts.until) if facts.until else through
    starts = [part.due_on + ONE_DAY for part in facts.parts]
    first = max(min(starts), facts.after + ONE_DAY) if facts.after else min(starts)
    turns = {first, *starts, *(each.on + ONE_DAY for each in facts.paid)}
    turns |= {begins for begins, _ in facts.pauses} | {ends + ONE_DAY for _, ends in facts.pauses if ends}
    half = next_half_year(first)
    while half <= last:
        turns.add(half)
        half = next_half_year(half)
    days = sorted(day for day in turns if first <= day <= last)
    found: list[Stretch] = []
    for start, after in zip(days, [*days, last + ONE_DAY][1:], strict=True):
        base = _owed_late(facts, start, taken_off_minor)
        if base:
            found = _joined(found, Stretch(start, after - ONE_DAY, base, rate_on(start)))
    return tuple(found)


def _owed_late(facts: LateFacts, day: date, taken_off_minor: int) -> int:
    """What was due before ``day`` and not paid before it: on the day of the cash itself it was still owed."""
    if any(begins <= day and (ends is None or day <= ends) for begins, ends in facts.pauses):
        return 0
    due = sum(part.amount_minor for part in facts.parts if part.due_on < day)
    paid = sum(each.amount_minor for each in facts.paid if each.on < day)
    return max(due - taken_off_minor - paid, 0)


def _joined(found: list[Stretch], fresh: Stretch) -> list[Stretch]:
    """``fresh`` after ``found``, in one with the last where nothing changed but the half-year."""
    last = found[-1] if found else None
    if last and (last.base_minor, last.percent, last.last + ONE_DAY) == (fresh.base_minor, fresh.percent, fresh.first):
        return [*found[:-1], Stretch(last.first, fresh.last, last.base_minor, last.percent)]
    return [*found, fresh]
