"""Why a debit came back, as dated rows of the law tables: what a code means, and what we do then."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from config.law import table

if TYPE_CHECKING:
    from datetime import date

UNKNOWN = "ask_bank"
"""The task behind a code that nobody told us about."""


@dataclass(frozen=True, slots=True)
class Reason:
    """What a code means, and what we do: see ``config/law/returns.toml`` for the fields."""

    code: str
    since: date
    french: str
    english: str
    retries: int
    mandate: str
    dispute: bool
    task: str
    level: int
    aliases: tuple[str, ...] = ()


def reason_of(given: str | None, day: date) -> Reason:
    """The row for a bank's code, or for a payment provider's name of it, as it stood on ``day``.

    A code without a row is never tried again by itself: somebody asks the bank.
    """
    wanted = (given or "").strip()
    rows = [
        row
        for row in table("returns")["codes"]
        if row["since"] <= day and (row["code"] == wanted.upper() or wanted.lower() in row["aliases"])
    ]
    if wanted and rows:
        newest = max(rows, key=lambda row: row["since"])
        return Reason(**{**newest, "aliases": tuple(newest["aliases"])})
    code = wanted.upper()[:35] or "NARR"
    return Reason(code, day, "Motif inconnu de nous", "A reason unknown to us", 0, "keep", False, UNKNOWN, 1)  # noqa: FBT003 -- a row like the others
