"""Gapless numbers: a counter row, locked until the transaction that uses its number ends."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from config.clock import now
from receivables.domain.invoicing.number_series import OWN_SERIES, NumberWording
from receivables.errors import ConflictError

if TYPE_CHECKING:
    from receivables.store.work import Work


@dataclass(frozen=True, slots=True)
class SeriesState:
    """One series in one year: how many numbers it gave, how they are worded, and since which year so."""

    series: str
    year: int
    last_number: int
    wording: NumberWording

    @property
    def next_number(self) -> str:
        """The number of the next document."""
        return self.wording.number(self.year, self.last_number + 1)

    def will_give(self, number: str, year: int) -> bool:
        """Whether ``number`` of ``year`` is one that this series has not given yet."""
        serial = number.removeprefix(f"{self.wording.prefix}{self.year}-")
        if year != self.year or serial == number or not (serial.isascii() and serial.isdigit()):
            return False
        return int(serial) > self.last_number and self.wording.number(year, int(serial)) == number


def take_number(work: Work, series: str, year: int) -> int:
    """The next number of ``series`` in ``year``, from 1. Given back by a rollback, so that no gap appears."""
    return int(
        work.scalar(
            "INSERT INTO number_series (supplier_id, series, year, last_number) VALUES (:supplier, :series, :year, 1) "
            "ON CONFLICT (supplier_id, series, year) DO UPDATE SET last_number = number_series.last_number + 1 "
            "RETURNING last_number",
            series=series,
            year=year,
        )
    )


def lock_number(work: Work, number: str, year: int) -> None:
    """Let one transaction at a time look for a finished invoice's number and take it."""
    work.scalar(
        "SELECT pg_advisory_xact_lock(hashtextextended(:key, 0))", key=f"number:{work.supplier_id}:{year}:{number}"
    )


def number_wording(work: Work, series: str, year: int) -> NumberWording:
    """How numbers of ``series`` are worded in ``year``: as last said for it or a year before, else by their series."""
    row = work.row(
        "SELECT prefix, digits FROM series_wordings WHERE supplier_id = :supplier AND series = :series "
        "AND from_year <= :year ORDER BY from_year DESC LIMIT 1",
        series=series,
        year=year,
    )
    return NumberWording(row["prefix"], row["digits"]) if row else NumberWording(series)


def series_states(work: Work, year: int) -> list[SeriesState]:
    """Our series in ``year``, also those that gave no number yet."""
    rows = work.rows(
        "SELECT series, last_number FROM number_series WHERE supplier_id = :supplier AND year = :y", y=year
    )
    last = {row["series"]: row["last_number"] for row in rows}
    return [SeriesState(series, year, last.get(series, 0), number_wording(work, series, year)) for series in OWN_SERIES]


def word_numbers(work: Work, series: str, year: int, wording: NumberWording, actor: str) -> None:
    """Word the numbers of ``series`` otherwise from ``year`` on.

    Raises:
        ConflictError: ``series.begun``: numbers of that year are given already; ``series.prefix_taken``: another series
            has this prefix in that year or a later one.
    """
    work.scalar("SELECT pg_advisory_xact_lock(hashtextextended(:key, 0))", key=f"series:{work.supplier_id}")
    work.execute(  # held from here on, so that no number of the old wording is given meanwhile
        "INSERT INTO number_series (supplier_id, series, year, last_number) VALUES (:supplier, :series, :year, 0) "
        "ON CONFLICT DO NOTHING",
        series=series,
        year=year,
    )
    given = work.rows(
        "SELECT last_number FROM number_series WHERE supplier_id = :supplier AND series = :series AND year >= :year "
        "ORDER BY year FOR UPDATE",
        series=series,
        year=year,
    )
    if any(row["last_number"] for row in given):
        raise ConflictError(
            "series.begun",
            f"Numbers of {year} are given already in this series: choose how they look from {year + 1} on.",
            f"Des numéros de {year} sont déjà attribués dans cette série : choisissez leur forme à partir de "
            f"{year + 1}.",
        )
    years = range(year, year + 2)
    others = {number_wording(work, other, each).prefix for other in OWN_SERIES if other != series for each in years}
    if wording.prefix in others:
        raise ConflictError(
            "series.prefix_taken",
            f"Another series has the prefix {wording.prefix} already: two documents would bear one number.",
            f"Une autre série porte déjà le préfixe {wording.prefix} : deux documents auraient le même numéro.",
        )
    work.execute(
        "INSERT INTO series_wordings (supplier_id, series, from_year, prefix, digits, changed_by, changed_at) "
        "VALUES (:supplier, :series, :year, :prefix, :digits, :actor, :at) "
        "ON CONFLICT (supplier_id, series, from_year) DO UPDATE SET prefix = excluded.prefix, "
        "digits = excluded.digits, changed_by = excluded.changed_by, changed_at = excluded.changed_at",
        series=series,
        year=year,
        prefix=wording.prefix,
        digits=wording.digits,
        actor=actor,
        at=now(),
    )
    work.audit(actor, "series.worded", series, year=year, prefix=wording.prefix, digits=wording.digits)
