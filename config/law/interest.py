"""Rates of late interest by half-year: those that came with the program, and those that somebody imported since.

Two tables that are often mixed up: the rate of the European Central Bank for its main refinancing operations, and the
legal rate of the ministry's decree. Past the last row of a table nothing is guessed.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from pathlib import Path
from typing import Any

from config.law import LawUnknownError, table

ECB, LEGAL = "ecb", "legal"
KINDS = (ECB, LEGAL)
FILE = "interest_rates.toml"
FOLDER = "law"
"""Below the house's data folder: rows that were imported."""
LEAST, MOST = Decimal(-2), Decimal(25)
"""A rate outside is a typing error."""
_folders: list[Path] = []


class LawImportError(ValueError):
    """Rows that cannot be imported: ``law.unreadable``, ``law.bad_row``, ``law.contradicts`` or ``law.gap``."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


@dataclass(frozen=True, slots=True)
class HalfYearRate:
    """The rate in percent that governs the half-year beginning on ``half``."""

    kind: str
    half: date
    percent: Decimal
    source: str


def read_imported_from(folder: Path) -> None:
    """Rows in ``folder`` count as well from now on; a change there shows at the next look."""
    if folder not in _folders:
        _folders.append(folder)


def rate_on(kind: str, day: date) -> Decimal:
    """The rate of one kind that governs ``day``, in percent.

    Raises:
        LawUnknownError: no row for that half-year.
    """
    half = date(day.year, 1 if day.month < 7 else 7, 1)  # noqa: PLR2004 -- July
    known = rates(kind)
    if half not in known:
        raise LawUnknownError(
            f"The {_NAMES[kind]} in force on {half} is not known, so interest of {day} cannot be reckoned. Look the "
            f"rate up at the Banque de France and add it: quittance law import (docs/interest.md)."
        )
    return known[half].percent


def statutory_rate_on(customer_kind: str, day: date) -> Decimal:
    """What the law asks for where the terms of sale are silent: C. com. art. L441-10 II, CCP art. R2192-31.

    Raises:
        LawUnknownError: the rate of that half-year is not known, or nothing is due by law from such a customer.
    """
    margins = table("interest_rates")["margins"]
    if customer_kind not in margins:
        raise LawUnknownError(f"No margin over the central bank's rate is known for {customer_kind} customers.")
    return rate_on(ECB, day) + Decimal(margins[customer_kind])


def known_until(kind: str) -> date:
    """The last day for which a rate of this kind is known, from its first row on without a gap."""
    last = max(rates(kind))
    return date(last.year, 6, 30) if last.month == 1 else date(last.year, 12, 31)


def rates(kind: str) -> dict[date, HalfYearRate]:
    """Every known rate of one kind by its half-year, oldest first."""
    found = {each.half: each for each in _rows(table("interest_rates"), kind)}
    for folder in _folders:
        path = folder / FILE
        if path.is_file():
            found |= {each.half: each for each in _imported(str(path), path.stat().st_mtime_ns, kind)}
    return dict(sorted(found.items()))


def import_rates(content: str, folder: Path) -> list[HalfYearRate]:
    """Add the rows of a TOML file, shaped like ours, to those imported before; returns the new ones.

    Raises:
        LawImportError: nothing was imported; the sentence says which row is wrong.
    """
    try:
        given = tomllib.loads(content)
    except tomllib.TOMLDecodeError as error:
        raise LawImportError("law.unreadable", f"The file is no TOML: {error}") from error
    if unknown := sorted(set(given) - set(KINDS)):
        raise LawImportError("law.unreadable", f"Unknown tables {', '.join(unknown)}: give [[ecb]] or [[legal]] rows.")
    fresh = [each for kind in KINDS for each in _checked(kind, _read(given, kind))]
    if fresh:
        _write(folder, fresh)
    return fresh


_NAMES = {ECB: "rate of the European Central Bank", LEGAL: "legal rate of interest"}


def _rows(tables: dict[str, Any], kind: str) -> tuple[HalfYearRate, ...]:
    return tuple(
        HalfYearRate(kind, row["half"], Decimal(row["percent"]), row["source"]) for row in tables.get(kind, ())
    )


@lru_cache(maxsize=8)
def _imported(path: str, _changed_ns: int, kind: str) -> tuple[HalfYearRate, ...]:
    return _rows(tomllib.loads(Path(path).read_text(encoding="utf-8")), kind)


def _read(given: dict[str, Any], kind: str) -> list[HalfYearRate]:
    found = []
    for row in given.get(kind, ()):
        try:
            rate = HalfYearRate(kind, row["half"], Decimal(str(row["percent"])), str(row["source"]).strip())
            wrong = (rate.half.month, rate.half.day) not in {(1, 1), (7, 1)} or not LEAST < rate.percent < MOST
        except (KeyError, TypeError, AttributeError, InvalidOperation):
            wrong = True
        if wrong or not rate.source:
            raise LawImportError(
                "law.bad_row",
                f'{row} in [[{kind}]] must look like half = 2026-07-01, percent = "2.15", source = "where it was '
                'read"; half is a 1 January or a 1 July.',
            )
        found.append(rate)
    return sorted(found, key=lambda each: each.half)


def _checked(kind: str, given: list[HalfYearRate]) -> list[HalfYearRate]:
    """The rows that are new, each the half-year after the last known one."""
    known = dict(rates(kind))
    fresh = []
    for each in given:
        before = known.get(each.half)
        if before is not None and before.percent != each.percent:
            raise LawImportError(
                "law.contradicts",
                f"{each.half} has {before.percent} % already ({before.source}), not {each.percent} %: claims may rest "
                "on it. Check which one is right.",
            )
        if before is None:
            last = max(known)
            if each.half != (date(last.year, 7, 1) if last.month == 1 else date(last.year + 1, 1, 1)):
                raise LawImportError(
                    "law.gap", f"After {last} comes the next half-year, not {each.half}: add it first."
                )
            known[each.half] = each
            fresh.append(each)
    return fresh


def _write(folder: Path, fresh: list[HalfYearRate]) -> None:
    """Write all imported rows anew, beside the old file and then over it: a reader sees the one or the other."""
    path = folder / FILE
    tables = tomllib.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    kept = [each for kind in KINDS for each in _rows(tables, kind)]
    folder.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".draft")
    draft.write_text("\n".join(_as_toml(each) for each in (*kept, *fresh)), encoding="utf-8")
    draft.replace(path)


def _as_toml(rate: HalfYearRate) -> str:
    source = rate.source.replace("\\", "\\\\").replace('"', '\\"')
    source = "".join(each for each in source if each.isprintable())
    return f'[[{rate.kind}]]\nhalf = {rate.half}\npercent = "{rate.percent}"\nsource = "{source}"\n'
