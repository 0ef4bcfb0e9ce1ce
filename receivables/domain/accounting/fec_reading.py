"""Read a FEC as anybody's: bytes into records, with the field names that its own heading gives (LPF art. A47 A-1, VI).

Knows nothing of how our own files are written: what it needs of the law it names itself.
"""

from __future__ import annotations

import codecs
import io
import re
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

NAMES = (
    "JournalCode",
    "JournalLib",
    "EcritureNum",
    "EcritureDate",
    "CompteNum",
    "CompteLib",
    "CompAuxNum",
    "CompAuxLib",
    "PieceRef",
    "PieceDate",
    "EcritureLib",
    "Debit",
    "Credit",
    "EcritureLet",
    "DateLet",
    "ValidDate",
    "Montantdevise",
    "Idevise",
)
"""VII 1°, in their order; ``Montant`` and ``Sens`` may stand for ``Debit`` and ``Credit``."""
OTHER_AMOUNTS = ("Montant", "Sens")
DEBIT_SIGNS, CREDIT_SIGNS = frozenset({"D", "+1"}), frozenset({"C", "-1"})
SEPARATORS = {"\t": "tabulation", "|": "barre verticale"}
_CODECS = {"ASCII": "ascii", "UTF-8": "utf-8", "ISO 8859-15": "iso8859-15"}
_DAY = re.compile(r"\d{8}")
_NUMBER = re.compile(r"[+-]?\d+(?:,\d+)?")


@dataclass(frozen=True, slots=True)
class Record:
    """One line: ``line`` is its number in the file, from 1, ``values`` are by field name as they stand."""

    line: int
    values: Mapping[str, str]
    width: int

    def __getitem__(self, name: str) -> str:
        return self.values.get(name, "")

    def day(self, name: str) -> date | None:
        """The date of a field, or ``None`` where it is empty or wrong."""
        return read_day(self[name])

    @property
    def debit(self) -> Decimal:
        """What is debited; 0 where the field is wrong."""
        if "Sens" in self.values:
            return read_number(self["Montant"]) if self["Sens"] in DEBIT_SIGNS else Decimal(0)
        return read_number(self["Debit"])

    @property
    def credit(self) -> Decimal:
        """What is credited; 0 where the field is wrong."""
        if "Sens" in self.values:
            return read_number(self["Montant"]) if self["Sens"] in CREDIT_SIGNS else Decimal(0)
        return read_number(self["Credit"])

    @property
    def signed(self) -> Decimal:
        """Debit less credit."""
        return self.debit - self.credit

    @property
    def entry(self) -> tuple[str, str]:
        """Its entry: journal and number."""
        return self["JournalCode"], self["EcritureNum"]


@dataclass(slots=True)
class FecFile:
    """A file as it was found: its name, how it is written, its heading, its lines as text."""

    name: str
    encoding: str
    has_mark: bool
    separator: str
    heading: list[str]
    lines: list[str] = field(repr=False)

    @property
    def names(self) -> list[str]:
        """The field names in the spelling of the law; others as they stand."""
        return _spelled(self.heading)

    def records(self) -> Iterator[Record]:
        """Its lines under the heading, the empty ones left out."""
        names = self.names
        for number, line in enumerate(self.lines[1:], start=2):
            if line:
                cells = line.split(self.separator)
                yield Record(number, dict(zip(names, (cell.strip() for cell in cells), strict=False)), len(cells))


def open_fec(name: str, content: bytes) -> FecFile:
    """Decode a file; never fails: what is wrong with it is for the rules to say."""
    encoding, text = _decode(content.removeprefix(codecs.BOM_UTF8))
    lines = re.split(r"\r\n|\n|\r", text)
    if lines and not lines[-1]:
        lines.pop()
    heading = lines[0] if lines else ""
    separator = max(SEPARATORS, key=heading.count)
    found = [each.strip() for each in heading.split(separator)]
    return FecFile(name, encoding, content.startswith(codecs.BOM_UTF8), separator, found, lines)


def stream_records(content: bytes) -> Iterator[Record]:
    """The lines of a large file one by one, as :meth:`FecFile.records` numbers them, without holding all of them."""
    bare = content.removeprefix(codecs.BOM_UTF8)
    text = io.TextIOWrapper(io.BytesIO(bare), encoding=_CODECS[_decode(bare)[0]], newline=None)
    heading = text.readline().rstrip("\n")
    separator = max(SEPARATORS, key=heading.count)
    names = _spelled([each.strip() for each in heading.split(separator)])
    for number, line in enumerate(text, start=2):
        bare_line = line.rstrip("\n")
        if bare_line:
            cells = bare_line.split(separator)
            yield Record(number, dict(zip(names, map(str.strip, cells), strict=False)), len(cells))


def _spelled(heading: list[str]) -> list[str]:
    known = {name.lower(): name for name in (*NAMES, *OTHER_AMOUNTS)}
    return [known.get(each.lower(), each) for each in heading]


def _decode(content: bytes) -> tuple[str, str]:
    if content.isascii():
        return "ASCII", content.decode("ascii")
    try:
        return "UTF-8", content.decode("utf-8")
    except UnicodeDecodeError:
        return "ISO 8859-15", content.decode("iso8859-15")


def read_day(text: str) -> date | None:
    """``AAAAMMJJ`` as a day, or ``None``."""
    if not _DAY.fullmatch(text) or not text.isascii():
        return None
    try:
        return date(int(text[:4]), int(text[4:6]), int(text[6:]))
    except ValueError:
        return None


def is_number(text: str) -> bool:
    """A decimal comma, no sign but the first, nothing between thousands (art. A47 A-1, VI)."""
    return text.isascii() and _NUMBER.fullmatch(text) is not None


def read_number(text: str) -> Decimal:
    """The value of a numeric field; 0 where it is none."""
    return Decimal(text.replace(",", ".")) if is_number(text) else Decimal(0)
