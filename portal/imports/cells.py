"""What a cell says: amounts, days and answers as French and English spreadsheets write them. Never a guess."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

from receivables.errors import ReceivablesError

if TYPE_CHECKING:
    from collections.abc import Iterable

_SPACES = re.compile(r"[\s\u00a0\u202f']")
_FRENCH = re.compile(r"[+-]?\d+(?:,\d+)?")
_PLAIN = re.compile(r"[+-]?\d+(?:\.\d+)?")
_DOTTED = re.compile(r"[+-]?\d{1,3}(?:\.\d{3})+,\d+")
_COMMAED = re.compile(r"[+-]?\d{1,3}(?:,\d{3})+\.\d+")
_ISO = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})(?:[T ].*)?")
_SLASHED = re.compile(r"(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})(?: .*)?")
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})")
_YES = frozenset({"1", "oui", "o", "yes", "y", "true", "vrai", "x"})
_NO = frozenset({"", "0", "non", "n", "no", "false", "faux"})
_LONGEST = 40
_MONTHS = 12


class CellError(ReceivablesError):
    """A cell that cannot be read: ``cell.bad_number``, ``cell.bad_day``, ``cell.bad_answer``, ``cell.missing``."""


def read_number(text: str, column: str) -> Decimal:
    """``1 234,56``, ``1.234,56``, ``1,234.56`` or ``1234.56`` with or without a currency sign.

    Raises:
        CellError: ``cell.bad_number``.
    """
    bare = _SPACES.sub("", text).removesuffix("€").removesuffix("EUR").removesuffix("%")
    if _DOTTED.fullmatch(bare):
        bare = bare.replace(".", "")
    if _COMMAED.fullmatch(bare):
        bare = bare.replace(",", "")
    if len(bare) <= _LONGEST and (_FRENCH.fullmatch(bare) or _PLAIN.fullmatch(bare)):
        return Decimal(bare.replace(",", "."))
    raise CellError(
        "cell.bad_number",
        f"{column}: {text[:_LONGEST]!r} is no number such as 1234.56.",
        f"{column} : « {text[:_LONGEST]} » n'est pas un nombre tel que 1234,56.",
    )


def read_cents(text: str, column: str) -> int:
    """An amount in cents; more than two decimals are refused, never rounded.

    Raises:
        CellError: ``cell.bad_number``.
    """
    cents = read_number(text, column) * 100
    if cents != cents.to_integral_value():
        raise CellError(
            "cell.bad_number",
            f"{column}: {text[:_LONGEST]!r} has more than two decimals.",
            f"{column} : « {text[:_LONGEST]} » a plus de deux décimales.",
        )
    return int(cents)


def read_day(text: str, column: str) -> date:
    """A day written ``31/12/2026``, ``2026-12-31`` or ``20261231``; day before month, as in France.

    Raises:
        CellError: ``cell.bad_day``.
    """
    found = _ISO.fullmatch(text) or _COMPACT.fullmatch(text)
    parts = (found[1], found[2], found[3]) if found else None
    if parts is None and (french := _SLASHED.fullmatch(text)):
        parts = (french[3], french[2], french[1])
    try:
        return date(*map(int, parts or ()))
    except (TypeError, ValueError) as error:
        raise CellError(
            "cell.bad_day",
            f"{column}: {text[:_LONGEST]!r} is no day such as 31/12/2026.",
            f"{column} : « {text[:_LONGEST]} » n'est pas un jour tel que 31/12/2026.",
        ) from error


def month_first(days: Iterable[str]) -> str | None:
    """A day that only makes sense with its month first, where none of ``days`` only makes sense with its day first.

    Such a file would be half refused and half misread: 05/06 is a day in either order.
    """
    pairs = [(int(found[1]), int(found[2]), each) for each in days if (found := _SLASHED.fullmatch(each))]
    if any(first > _MONTHS for first, _, _ in pairs):
        return None
    return next((each for _, second, each in pairs if second > _MONTHS), None)


def read_answer(text: str, column: str) -> bool:
    """Yes or no; an empty cell is no.

    Raises:
        CellError: ``cell.bad_answer``.
    """
    answer = text.strip().lower()
    if answer in _YES or answer in _NO:
        return answer in _YES
    raise CellError(
        "cell.bad_answer",
        f"{column}: {text[:_LONGEST]!r} is neither yes nor no.",
        f"{column} : « {text[:_LONGEST]} » n'est ni oui ni non.",
    )


def missing(column: str) -> CellError:
    """A cell that has to be filled in."""
    return CellError("cell.missing", f"{column} is empty.", f"{column} est vide.")
