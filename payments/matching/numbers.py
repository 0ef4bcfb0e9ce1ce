"""Invoice numbers in free text: cut, spaced, misread, without prefix or year, several of them, ranges.

Nothing here knows which invoices there are: it says under which keys to look, and how much a hit would mean.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

from payments.matching.texts import is_one_slip, plain

if TYPE_CHECKING:
    from collections.abc import Iterable

_DATE = re.compile(r"(?<!\d)\d{1,2}[/.]\d{1,2}[/.](?:\d{4}|\d{2})(?!\d)|(?<!\d)20\d\d-\d\d-\d\d(?!\d)")
_AMOUNT = re.compile(r"\d[\d ]*,\d{2}(?!\d)(?: ?(?:EUR|E)\b)?|\d+\.\d{2} ?(?:EUR|E)\b")
_RUN = re.compile(r"[A-Z0-9]+")
_LETTERS = re.compile(r"[A-Z]*")
_PARTS = re.compile(r"[A-Z]+|\d+")
_MISREAD = str.maketrans("OILSBZ", "011582")
_DIGIT_LIKE = frozenset("0123456789OILSBZ")
_NUMBER_WORDS = frozenset(
    {
        "F",
        "FA",
        "FAC",
        "FACT",
        "FACTS",
        "FACTURE",
        "FACTURES",
        "FCT",
        "FTR",
        "FRE",
        "N",
        "NO",
        "NR",
        "NUM",
        "NUMERO",
        "INV",
        "INVOICE",
        "A",
        "AV",
        "AVOIR",
        "D",
    }
)
_LIST_WORDS = frozenset({"ET", "AND", "PLUS"})
_RANGE_WORDS = frozenset({"A", "AU", "TO", "JUSQU"})
_YEARS = range(2010, 2100)
_SHORT_YEARS = range(18, 40)
MOST_RANGE = 30
"""Invoices that ``118 a 121`` may stand for; more is a slip."""
LEAST_BARE = 3
"""Digits of a serial that nothing announces."""
MOST_TOGETHER = 3
"""Groups of digits that a payer may have spaced apart within one number."""
MOST_MENTIONS = 60


class Strength(IntEnum):
    """How surely a mention means an invoice; the later the surer."""

    NONE = 0
    BARE = 1
    """Only a serial, as any number might be."""
    SLIP = 2
    """The number with one sign wrong."""
    WORDED = 3
    """A serial that the text announces as an invoice's."""
    YEARED = 4
    """Year and serial."""
    FULL = 5
    """The whole number, prefix and all."""


@dataclass(frozen=True, slots=True)
class Mention:
    """A number in the text: its possible keys, its serial without leading zeros, what stands before it."""

    wholes: tuple[str, ...]
    tail: str
    year: int | None
    worded: bool

    @property
    def looks_like_ours(self) -> bool:
        """Whether it can hardly be anything but an invoice number."""
        return self.worded and self.year is not None

    def strength(self, number: str, tail: str, issue_year: int) -> Strength:
        """How surely it means the invoice of this number (its letters and digits), serial and year."""
        if number in self.wholes:
            return Strength.FULL
        if self.tail != tail or self.year not in (None, issue_year):
            return Strength.NONE
        if self.year is not None:
            return Strength.YEARED
        return Strength.WORDED if self.worded else Strength.BARE


@dataclass(frozen=True, slots=True)
class _Atom:
    text: str
    is_digits: bool


def is_slip_of(typed: Iterable[str], number: str) -> bool:
    """Whether one sign wrong makes one of the numbers ``typed`` that number, with its prefix or without."""
    digits = number.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    return any(is_one_slip(each, number) or is_one_slip(each, digits) for each in typed)


def read_mentions(text: str) -> tuple[Mention, ...]:
    """Every number in ``text`` that might be an invoice's, dates and amounts left out."""
    cleaned = _AMOUNT.sub(" / ", _DATE.sub(" / ", plain(text)))
    atoms = [atom for run in _RUN.findall(cleaned) for atom in _atoms(run)]
    found: dict[Mention, None] = {}
    listed = False
    for at, atom in enumerate(atoms):
        if not atom.is_digits:
            listed = atom.text in _NUMBER_WORDS or (listed and atom.text in _LIST_WORDS | _RANGE_WORDS)
            continue
        for mention in _mentions_at(atoms, at, listed=listed):
            found[mention] = None
        for mention in _range_at(atoms, at, listed=listed):
            found[mention] = None
    return tuple(found)[:MOST_MENTIONS]


def _atoms(run: str) -> list[_Atom]:
    """Letters and digits of a run apart; letters that scanners and fingers put for digits become digits."""
    letters = _LETTERS.match(run)
    assert letters is not None  # noqa: S101 -- it also matches nothing
    prefix = letters.group()
    digits = run[len(prefix) :]
    if not digits:
        return [_Atom(run, is_digits=False)]
    kept = "" if prefix and not prefix.strip("OIL") else prefix.rstrip("O")
    digits = prefix[len(kept) :] + digits
    if set(digits) <= _DIGIT_LIKE:
        parts = [_Atom(kept, is_digits=False)] if kept else []
        return [*parts, _Atom(digits.translate(_MISREAD), is_digits=True)]
    return [_Atom(each, is_digits=each.isdigit()) for each in _PARTS.findall(run)]


def _mentions_at(atoms: list[_Atom], at: int, *, listed: bool) -> list[Mention]:
    """What the digits from here on may be, alone or with the groups behind them."""
    before = atoms[at - 1] if at else None
    prefix = before.text if before and not before.is_digits else ""
    found = []
    joined = ""
    for atom in atoms[at : at + MOST_TOGETHER]:
        if not atom.is_digits:
            break
        joined += atom.text
        year, serial = _year_and_serial(joined, before)
        wholes: tuple[str, ...] = (prefix + joined, joined) if prefix else (joined,)
        if before and before.is_digits:
            start = atoms[at - 2].text if at > 1 and not atoms[at - 2].is_digits else ""
            wholes += (start + before.text + joined, before.text + joined)
        tail = serial.lstrip("0")
        is_year = len(joined) == 4 and int(joined) in _YEARS and _is_digits_at(atoms, at + 1)  # noqa: PLR2004 -- as below
        if tail and not is_year and (listed or year is not None or len(tail) >= LEAST_BARE):
            found.append(Mention(wholes, tail, year, listed))
            if listed and before and before.is_digits and len(before.text) == 2:  # noqa: PLR2004 -- a year, or a serial
                found.append(Mention(wholes, tail, None, listed))
    return found


def _is_digits_at(atoms: list[_Atom], at: int) -> bool:
    return at < len(atoms) and atoms[at].is_digits


def _year_and_serial(digits: str, before: _Atom | None) -> tuple[int | None, str]:
    """The year that stands before a serial, glued to it or apart."""
    if before and before.is_digits and (year := _as_year(before.text)):
        return year, digits
    if len(digits) > 4 and int(digits[:4]) in _YEARS:  # noqa: PLR2004 -- four digits of a year, then a serial
        return int(digits[:4]), digits[4:]
    if len(digits) == 7 and int(digits[:2]) in _SHORT_YEARS:  # noqa: PLR2004 -- two digits of a year, five of a serial
        return 2000 + int(digits[:2]), digits[2:]
    return None, digits


def _as_year(digits: str) -> int | None:
    if len(digits) == 4 and int(digits) in _YEARS:  # noqa: PLR2004 -- a year in full
        return int(digits)
    if len(digits) == 2 and int(digits) in _SHORT_YEARS:  # noqa: PLR2004 -- a year without its century
        return 2000 + int(digits)
    return None


def _range_at(atoms: list[_Atom], at: int, *, listed: bool) -> list[Mention]:
    """The serials between two that ``a`` or ``au`` joins; the second may repeat prefix and year."""
    behind = atoms[at + 1 : at + 5]
    if not (listed and behind and behind[0].text in _RANGE_WORDS):
        return []
    year, first = _year_and_serial(atoms[at].text, atoms[at - 1] if at else None)
    ends = [each.text for each in behind[1:] if each.is_digits]
    serials = [_year_and_serial(end, None)[1] for end in ends]
    last = next((each for each in serials if len(each) != 4 or int(each) not in _YEARS), "")  # noqa: PLR2004 -- years
    if not last or not 0 < int(last) - int(first) <= MOST_RANGE:
        return []
    return [Mention((), str(serial), year, worded=True) for serial in range(int(first), int(last) + 1)]
