"""The periods for which sales and receipts are declared, and the day by which: by VAT regime (DG v3.2, table 13)."""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Any

from config.law import LawUnknownError, table

MONTHS = 12


class ReportKind(StrEnum):
    """Transactions and payments are always declared apart (A7 G6.29)."""

    TRANSACTIONS = "transactions"
    """Sales: blocks 10.1 and 10.3."""
    PAYMENTS = "payments"
    """Receipts: blocks 10.2 and 10.4."""


@dataclass(frozen=True, slots=True)
class Period:
    """A period from ``starts_on`` to ``ends_on``, both included; the platform has its data on ``due_on`` at the latest.

    A deadline is the calendar day of the text, also where that is a Sunday or a holiday: no text moves it.
    """

    kind: ReportKind
    starts_on: date
    ends_on: date
    due_on: date

    def holds(self, day: date) -> bool:
        """Whether ``day`` is in the period."""
        return self.starts_on <= day <= self.ends_on

    @property
    def name(self) -> str:
        """How commands name it, e.g. ``payments/2026-10-01``."""
        return f"{self.kind}/{self.starts_on.isoformat()}"


def period_of(regime: str, kind: ReportKind, day: date) -> Period:
    """The period of ``day`` for a company of a VAT regime (``monthly``, ``quarterly``, ``simplified``, ``franchise``).

    Raises:
        LawUnknownError: the regime is unknown, or the table was not read for ``day``.
    """
    rhythm = _rhythm(regime, kind, day)
    first = (day.month - 1) // rhythm["months"] * rhythm["months"] + 1
    last = first + rhythm["months"] - 1
    for part in rhythm["parts"]:
        starts_on = _day(day.year, first, part["from"])
        ends_on = _day(day.year, last, part["to"])
        if starts_on <= day <= ends_on:
            due_on = _day(day.year, last + part["due_months"], part["due_day"])
            return Period(kind, starts_on, ends_on, due_on)
    raise LawUnknownError(f"No part of the {regime} rhythm holds {day}: see config/law/reporting.toml.")


def periods_between(regime: str, kind: ReportKind, first: date, last: date) -> list[Period]:
    """Every period that holds a day from ``first`` to ``last``, oldest first; days before e-reporting have none.

    Raises:
        LawUnknownError: as :func:`period_of`.
    """
    found: list[Period] = []
    day = max(first, begin_of_law())
    while day <= last:
        found.append(period_of(regime, kind, day))
        day = found[-1].ends_on + timedelta(days=1)
    return found


def read_name(name: str, regime: str) -> Period:
    """The period that a command names: ``payments/2026-10-01``, by its first day or any other.

    Raises:
        ValueError: it is no such name.
        LawUnknownError: as :func:`period_of`.
    """
    kind, _, day = name.partition("/")
    return period_of(regime, ReportKind(kind), date.fromisoformat(day))


def begin_of_law() -> date:
    """The first day of e-reporting."""
    begin: date = table("reporting")["since"]
    return begin


def wants_lines(day: date) -> bool:
    """Whether an invoice of ``day`` is declared with its lines (A7 G6.15)."""
    return bool(day >= table("reporting")["lines_since"])


def _rhythm(regime: str, kind: ReportKind, day: date) -> dict[str, Any]:
    law = table("reporting")
    if not law["since"] <= day <= law["known_until"]:
        raise LawUnknownError(
            f"The periods of e-reporting are known from {law['since']} to {law['known_until']}, not for {day}: read "
            "the law again and complete config/law/reporting.toml."
        )
    for row in law["rhythms"]:
        if (row["regime"], row["kind"]) == (regime, kind):
            found: dict[str, Any] = row
            return found
    raise LawUnknownError(f"No rhythm of e-reporting is known for the VAT regime {regime!r}: correct the profile.")


def _day(year: int, month: int, day: int) -> date:
    """A day of a month that may be past December; 31 is the last day of any month."""
    year, month = year + (month - 1) // MONTHS, (month - 1) % MONTHS + 1
    return date(year, month, min(day, monthrange(year, month)[1]))
