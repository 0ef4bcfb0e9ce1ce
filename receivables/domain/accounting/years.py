"""Accounting years (exercices): twelve months that end on the same day of the year; the first one may be longer."""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_COMMON_YEAR = 2023


@dataclass(frozen=True, slots=True)
class AccountingYear:
    """An accounting year, both days included."""

    starts_on: date
    ends_on: date

    @property
    def name(self) -> str:
        """``2026``, or ``2026-2027`` where it begins in the calendar year before it ends."""
        first, last = self.starts_on.year, self.ends_on.year
        return str(last) if first == last else f"{first}-{last}"


@dataclass(frozen=True, slots=True)
class YearEnds:
    """When a supplier's accounting years end: on ``month``/``day``, the last of a month staying the last of it.

    ``first_close`` is the close of a first year of more than twelve months.
    """

    month: int = 12
    day: int = 31
    first_close: date | None = None

    @classmethod
    def read(cls, month_day: str | None, first_close: str | None = None) -> YearEnds:
        """From ``MM-DD`` and an ISO date, as a supplier's profile keeps them."""
        month, _, day = (month_day or "12-31").partition("-")
        return cls(int(month), int(day), date.fromisoformat(first_close) if first_close else None)

    def year_of(self, day: date) -> AccountingYear:
        """The accounting year of ``day``; all before the close of a longer first year belongs to that."""
        if self.first_close and day <= self.first_close:
            return AccountingYear(self._close_in(self.first_close.year - 2) + timedelta(days=1), self.first_close)
        ends_on = self._close_in(day.year)
        if day > ends_on:
            ends_on = self._close_in(day.year + 1)
        starts_on = self._close_in(ends_on.year - 1) + timedelta(days=1)
        if self.first_close:
            starts_on = max(starts_on, self.first_close + timedelta(days=1))
        return AccountingYear(starts_on, ends_on)

    def years_between(self, first: date, last: date) -> Iterator[AccountingYear]:
        """Every accounting year from that of ``first`` to that of ``last``."""
        year = self.year_of(first)
        while year.starts_on <= last:
            yield year
            year = self.year_of(year.ends_on + timedelta(days=1))

    def _close_in(self, year: int) -> date:
        last = monthrange(year, self.month)[1]
        return date(year, self.month, last if self.day >= monthrange(_COMMON_YEAR, self.month)[1] else self.day)
