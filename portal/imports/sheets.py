"""A table as people save it: CSV from any spreadsheet in any of the usual encodings, or the first sheet of an XLSX.

What comes out is text, cell by cell, with the line of the file that each row stands on.
"""

from __future__ import annotations

import csv
import hashlib
import io
import unicodedata
from dataclasses import dataclass
from itertools import chain, islice
from typing import TYPE_CHECKING

from portal.imports.workbook import MAX_TEXT, is_workbook, read_workbook
from receivables.errors import ReceivablesError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

MAX_FILE_BYTES = 20 * 1024 * 1024
"""Largest file that the pages take, in bytes."""
MAX_ROWS = 100_000
MAX_COLUMNS = 200
MAX_CELL = MAX_TEXT
_SEPARATORS = ";,\t|"


@dataclass(frozen=True, slots=True)
class Row:
    """A row: its line in the file, the heading being line 1, and its cells as text, stripped."""

    line: int
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A table with its headings; every row is as long as they are."""

    headings: tuple[str, ...]
    rows: tuple[Row, ...]

    @property
    def headings_hash(self) -> str:
        """What its headings are recognised by, the next time."""
        return hashlib.sha256("\x1f".join(map(folded, self.headings)).encode()).hexdigest()


_CONTROLS = frozenset(map(chr, range(1, 32))) - set("\t\n\v\f\r")
"""What no text holds, and nearly every other file does near its start."""
_LOOKED_AT = 4096
_SHOWN_ROWS = 200
"""Rows of a long table by which a person says what its columns are."""


class TableError(ReceivablesError):
    """The file is no table that we can read: ``table.empty``, ``table.too_large``, ``table.no_rows`` ..."""


def folded(text: str) -> str:
    """``text`` for comparing: no case, accents or signs."""
    plain = unicodedata.normalize("NFKD", text.lower())
    return "".join(sign for sign in plain if sign.isalnum())


def read_table(content: bytes) -> Table:
    """The table in ``content``, CSV or XLSX by what it is, whatever its name.

    Raises:
        TableError: with what to do.
        UnsafeXmlError: a sheet that no spreadsheet writes.
    """
    rows = read_workbook(content) if is_workbook(content) else _read_csv(content)
    filled = list(_filled(rows))
    if not filled:
        raise TableError("table.empty", "The file is empty.", "Le fichier est vide.")
    headings = _headings(filled[0][1])
    if len(filled) - 1 > MAX_ROWS:
        raise TableError(
            "table.too_large",
            f"The table has {len(filled) - 1} rows; at most {MAX_ROWS} are read. Cut it in parts.",
            f"Le tableau a {len(filled) - 1} lignes ; au plus {MAX_ROWS} sont lues. Découpez-le.",
        )
    if len(filled) == 1:
        raise TableError(
            "table.no_rows",
            "The table has a heading and no row below it.",
            "Le tableau a des intitulés et aucune ligne en dessous.",
        )
    return Table(headings, tuple(Row(line, _cells(cells, len(headings))) for line, cells in filled[1:]))


def stream_table(content: bytes) -> tuple[Table, Iterator[Row]]:
    """A table of any length: its headings with the rows that a person looks at, and all of its rows one by one.

    Raises:
        TableError: with what to do; while rows are taken, ``table.unreadable``.
        UnsafeXmlError: a sheet that no spreadsheet writes.
    """
    rows = _filled(read_workbook(content) if is_workbook(content) else _rows_of_csv(content))
    first = list(islice(rows, _SHOWN_ROWS + 1))
    if not first:
        raise TableError("table.empty", "The file is empty.", "Le fichier est vide.")
    headings = _headings(first[0][1])
    table = Table(headings, tuple(Row(line, _cells(cells, len(headings))) for line, cells in first[1:]))
    return table, chain(table.rows, (Row(line, _cells(cells, len(headings))) for line, cells in rows))


def _filled(rows: Iterable[list[str]]) -> Iterator[tuple[int, list[str]]]:
    return ((line, cells) for line, cells in enumerate(rows, 1) if any(cell.strip() for cell in cells))


def _headings(cells: Sequence[str]) -> tuple[str, ...]:
    found = [cell.replace("\0", "").strip()[:MAX_CELL] for cell in cells]
    while found and not found[-1]:
        found.pop()
    if len(found) > MAX_COLUMNS:
        raise TableError(
            "table.too_wide",
            f"The table has {len(found)} columns; at most {MAX_COLUMNS} are read.",
            f"Le tableau a {len(found)} colonnes ; au plus {MAX_COLUMNS} sont lues.",
        )
    return tuple(found)


def _cells(cells: Sequence[str], width: int) -> tuple[str, ...]:
    found = [cell.replace("\0", "").strip()[:MAX_CELL] for cell in cells[:width]]
    return tuple(found + [""] * (width - len(found)))


def _read_csv(content: bytes) -> list[list[str]]:
    return list(_rows_of_csv(content))


def _rows_of_csv(content: bytes) -> Iterator[list[str]]:
    text = _decoded(content)
    if not _CONTROLS.isdisjoint(text[:_LOOKED_AT]):
        raise TableError(
            "table.not_text",
            "This is no table: a picture, an old .xls or another kind of file. Save it as XLSX or as CSV.",
            "Ce fichier n'est pas un tableau : c'est une image, un ancien .xls ou autre chose. Enregistrez-le en XLSX "
            "ou en CSV.",
        )
    first = text.split("\n", 1)[0]
    separator = max(_SEPARATORS, key=first.count)
    try:
        yield from csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    except csv.Error as error:
        raise TableError(
            "table.unreadable",
            f"The table cannot be read: {error}. Save it as CSV in UTF-8, or as XLSX.",
            f"Le tableau ne se lit pas ({error}). Enregistrez-le en CSV UTF-8, ou en XLSX.",
        ) from error


def _decoded(content: bytes) -> str:
    """UTF-8 or UTF-16 where it says so, else the encoding of French spreadsheets."""
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return content.decode("utf-16", errors="replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace")
