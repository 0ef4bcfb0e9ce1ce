"""Dated law: tables as TOML; past the last known row the program refuses instead of guessing."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import date


class LawUnknownError(Exception):
    """No row of a law table applies to the day asked for."""

    code = "law.unknown"


@cache
def table(name: str) -> dict[str, Any]:
    """The law table ``name`` as written in its TOML file."""
    return tomllib.loads(law_text(name))


def law_text(name: str) -> str:
    """The TOML of the law table ``name``, to tell which version of it judged."""
    return resources.files(__name__).joinpath(f"{name}.toml").read_text(encoding="utf-8")


def accounts_on(day: date) -> dict[str, str]:
    """The accounts in force on ``day``.

    Raises:
        LawUnknownError: ``day`` is before the first row.
    """
    rows = [row for row in table("accounts")["accounts"] if row["since"] <= day]
    if not rows:
        raise LawUnknownError(f"No chart of accounts is known for {day}: add a row to config/law/accounts.toml.")
    newest = max(rows, key=lambda row: row["since"])
    return {name: value for name, value in newest.items() if name not in ("since", "source")}


def account_name(number: str) -> str:
    """The French name of an account: that of the longest known number that it begins with.

    Raises:
        LawUnknownError: no known number begins it.
    """
    names = table("accounts")["names"]
    known = [each for each in names if number.startswith(each)]
    if not known:
        raise LawUnknownError(f"Account {number} has no name: add one to [names] in config/law/accounts.toml.")
    return str(names[max(known, key=len)])


@dataclass(frozen=True, slots=True)
class TermCeiling:
    """The longest payment term (délai de paiement) of one trade.

    ``days`` are added to the day, to the end of the ten days (``ten_days``) or to the end of the ``month`` of issue or
    delivery (``start``); ``end_of_month`` days counted with the end of the month are allowed too where given.
    """

    sector: str
    since: date
    start: str
    after: str
    days: int
    article: str
    end_of_month: int | None = None


def term_ceiling_on(sector: str, day: date) -> TermCeiling:
    """The longest payment term of ``sector`` (``general``, ``transport``, ...) for an invoice of ``day``.

    Raises:
        LawUnknownError: no row of that sector had begun on ``day``.
    """
    rows = [row for row in table("terms")["terms"] if row["sector"] == sector and row["since"] <= day]
    if not rows:
        raise LawUnknownError(f"No payment term is known for {sector} on {day}: add a row to config/law/terms.toml.")
    newest = max(rows, key=lambda row: row["since"])
    return TermCeiling(**{("start" if name == "from" else name): value for name, value in newest.items()})


def term_sectors() -> frozenset[str]:
    """The trades that have a row."""
    return frozenset(row["sector"] for row in table("terms")["terms"])


@dataclass(frozen=True, slots=True)
class Duty:
    """From which day a company of one size has a duty (``receive``, ``issue`` or ``report``)."""

    name: str
    size: str
    since: date


def duty_of(name: str, size: str) -> Duty:
    """From when companies of ``size`` (``micro``, ``sme``, ``mid``, ``large``) have the duty ``name``.

    Raises:
        LawUnknownError: no step of the calendar names that duty and size.
    """
    days = [row["since"] for row in table("calendar")["steps"] if row["duty"] == name and size in row["sizes"]]
    if not days:
        raise LawUnknownError(f"No day is known from which a {size} company must {name}: see config/law/calendar.toml.")
    return Duty(name, size, min(days))


def duty_on(name: str, size: str, day: date) -> bool:
    """Whether companies of ``size`` have the duty ``name`` on ``day`` (loi 2023-1322 art. 91).

    Raises:
        LawUnknownError: the duty or the size is unknown, or ``day`` is past the day until which the calendar is known.
    """
    known_until = table("calendar")["known_until"]
    if day > known_until:
        raise LawUnknownError(
            f"The calendar of e-invoicing is known until {known_until}, not for {day}: read the law again and complete "
            "config/law/calendar.toml."
        )
    return bool(duty_of(name, size).since <= day)


@dataclass(frozen=True, slots=True)
class VatRateLaw:
    """Where a VAT rate (percent) applies, and until which day it did."""

    rate: Decimal
    since: date
    places: frozenset[str]
    until: date | None = None


@cache
def vat_rates() -> tuple[VatRateLaw, ...]:
    """Every VAT rate whose place is known."""
    return tuple(
        VatRateLaw(Decimal(row["rate"]), row["since"], frozenset(row["places"]), row.get("until"))
        for row in table("vat_rates")["rates"]
    )
