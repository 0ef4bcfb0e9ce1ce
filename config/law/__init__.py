"""Dated law: tables as TOML; past the last known row the program refuses instead of guessing."""

from __future__ import annotations

import tomllib
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
    return tomllib.loads(resources.files(__name__).joinpath(f"{name}.toml").read_text(encoding="utf-8"))


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
