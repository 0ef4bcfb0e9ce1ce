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
