"""Lists as files: one description of the columns, written as CSV, JSON or XLSX, row by row however long the list is.

A cell that a spreadsheet would run as a formula begins with an apostrophe in CSV; in XLSX text is text. Amounts are
exact decimals in all three, never floats. A CSV is written as its reader's spreadsheet opens it; with ``?form=raw`` in
the address it is written for programs (RFC 4180), whoever asks.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from tempfile import SpooledTemporaryFile
from typing import IO, TYPE_CHECKING, Any, Generic, TypeVar
from uuid import UUID

import xlsxwriter
from flask import Response, request

from config.clock import PARIS
from portal.access.headers import FILE_POLICY
from portal.words import language
from receivables.domain.money import Money
from receivables.errors import ReceivablesError
from receivables.store.work import to_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

Row = TypeVar("Row")
Cell = str | int | Decimal | Money | date | datetime | bool | UUID | None
"""What a cell may hold; ``None`` is an empty cell. ``Money`` is written without its currency: give that a column."""

IN_MEMORY_BYTES = 4 * 1024 * 1024
"""What a file may take before it is kept on disk until it is sent."""
CHUNK_BYTES = 64 * 1024
MOST_XLSX_ROWS = 1_048_575
"""Rows of a sheet below its headings."""
MOST_XLSX_DIGITS = 15
"""Digits of a number that a sheet keeps."""
LONGEST_XLSX_TEXT = 32_767
"""Characters of a cell."""
MARK = "\ufeff"
"""Spreadsheets take a CSV file for UTF-8 by it."""
_YES_NO = {"fr": ("non", "oui"), "en": ("no", "yes"), None: ("false", "true")}
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""How a formula begins, in full width too (OWASP, CSV injection)."""
RAW = "raw"
"""The value of ``form`` in an address that wants a CSV as programs read it."""
_DAY, _MOMENT = "yyyy-mm-dd", "yyyy-mm-dd hh:mm"


class Form(StrEnum):
    """The form of a file; the value is its suffix."""

    CSV = "csv"
    JSON = "json"
    XLSX = "xlsx"

    @property
    def mime(self) -> str:
        """Its media type."""
        return _MIMES[self]


_MIMES = {
    Form.CSV: "text/csv; charset=utf-8",
    Form.JSON: "application/json",
    Form.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


@dataclass(frozen=True, slots=True)
class Column(Generic[Row]):
    """One column: its key in JSON, its heading in French and English, and how its cell is read off a row."""

    key: str
    french: str
    english: str
    read: Callable[[Row], Cell]

    def heading(self, spoken: str) -> str:
        """Its heading in ``spoken`` (``fr`` or ``en``)."""
        return self.french if spoken == "fr" else self.english


@dataclass(frozen=True, slots=True)
class Manner:
    """How a CSV is written; ``spoken`` is the language of its headings, none where they are the columns' keys."""

    spoken: str | None
    separator: str
    comma: str
    mark: str = MARK

    def decimal(self, value: Decimal) -> str:
        """A number with this manner's sign before its decimals, and no grouping."""
        return f"{value:f}".replace(".", self.comma)


MANNERS = {"fr": Manner("fr", ";", ","), "en": Manner("en", ",", ".")}
"""What a spreadsheet of that language opens by itself."""
FOR_PROGRAMS = Manner(None, ",", ".", "")


class TableTooLongError(ReceivablesError):
    """More rows than a sheet holds; ``code`` is ``table.too_long``."""

    def __init__(self) -> None:
        super().__init__(
            "table.too_long",
            f"A sheet holds {MOST_XLSX_ROWS} rows: narrow the list, or ask for CSV.",
            f"Une feuille contient {MOST_XLSX_ROWS} lignes : réduisez la liste, ou demandez le CSV.",
        )


def raw_wanted() -> bool:
    """Whether the address of this request wants a CSV as programs read it."""
    return request.args.get("form") == RAW


def manner_of(spoken: str, *, raw: bool = False) -> Manner:
    """How a CSV is written for somebody who speaks ``spoken``, or for a program."""
    return FOR_PROGRAMS if raw else MANNERS[spoken]


def send_table(columns: Sequence[Column[Row]], rows: Iterable[Row], form: Form, name: str) -> Response:
    """The rows as a file called ``name`` and its suffix, in the reader's language; a CSV for programs on ``?form=raw``.

    Rows are read to their end before this returns, so that the caller's transaction ends before a slow reader begins.

    Raises:
        TableTooLongError: see :func:`write_table`.
    """
    kept = SpooledTemporaryFile(max_size=IN_MEMORY_BYTES)  # noqa: SIM115 -- closed when it is sent
    write_table(kept, columns, rows, form, language(), raw=raw_wanted())
    size = kept.tell()
    kept.seek(0)
    response = Response(_chunks(kept), content_type=form.mime)
    response.content_length = size
    response.headers.set("Content-Disposition", "attachment", filename=f"{plain_name(name)}.{form}")
    response.headers["Content-Security-Policy"] = FILE_POLICY
    response.call_on_close(kept.close)
    return response


def write_table(
    out: IO[bytes],
    columns: Sequence[Column[Row]],
    rows: Iterable[Row],
    form: Form,
    spoken: str = "fr",
    *,
    raw: bool = False,
) -> None:
    """Write the rows into ``out``; only one of them is held at a time. ``raw`` writes a CSV for programs.

    Raises:
        TableTooLongError: more rows than a sheet holds, in XLSX.
    """
    if form is Form.CSV:
        _write_csv(out, columns, rows, manner_of(spoken, raw=raw))
    elif form is Form.JSON:
        _write_json(out, columns, rows)
    else:
        _write_xlsx(out, columns, rows, spoken)


def plain_name(name: str) -> str:
    """A file name that every system takes."""
    return "".join(sign if sign.isascii() and (sign.isalnum() or sign in "._-") else "-" for sign in name)


def guarded(text: str) -> str:
    """``text`` so that no spreadsheet runs it: what begins like a formula begins with an apostrophe."""
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULA) else text


def _chunks(kept: IO[bytes]) -> Iterator[bytes]:
    while chunk := kept.read(CHUNK_BYTES):
        yield chunk


def _write_csv(out: IO[bytes], columns: Sequence[Column[Any]], rows: Iterable[Any], manner: Manner) -> None:
    line = io.StringIO(newline="")
    writer = csv.writer(line, delimiter=manner.separator, lineterminator="\r\n")

    def put(cells: Iterable[str]) -> None:
        writer.writerow(cells)
        out.write(line.getvalue().encode())
        line.seek(0)
        line.truncate()

    out.write(manner.mark.encode())
    put(column.heading(manner.spoken) if manner.spoken else column.key for column in columns)
    for row in rows:
        put(_text(column.read(row), manner) for column in columns)


def _text(cell: Cell, manner: Manner) -> str:  # noqa: PLR0911 -- one answer per kind of cell
    match cell:
        case None:
            return ""
        case str():
            return guarded(cell)
        case bool():
            return _YES_NO[manner.spoken][cell]
        case Money():
            return manner.decimal(cell.decimal)
        case Decimal():
            return manner.decimal(cell)
        case datetime():
            return cell.isoformat(timespec="seconds")
        case date():
            return cell.isoformat()
        case _:
            return str(cell)


def _write_json(out: IO[bytes], columns: Sequence[Column[Any]], rows: Iterable[Any]) -> None:
    """An array of objects; amounts and decimals are text, so that no reader makes floats of them."""
    out.write(b"[")
    for number, row in enumerate(rows):
        out.write(b",\n" if number else b"\n")
        out.write(to_json({column.key: _value(column.read(row)) for column in columns}).encode())
    out.write(b"\n]\n")


def _value(cell: Cell) -> Cell:
    return f"{cell.decimal:f}" if isinstance(cell, Money) else f"{cell:f}" if isinstance(cell, Decimal) else cell


def _write_xlsx(out: IO[bytes], columns: Sequence[Column[Any]], rows: Iterable[Any], spoken: str) -> None:
    """One sheet, its headings frozen and filtered; rows go to disk as they come."""
    book = xlsxwriter.Workbook(out, {"constant_memory": True, "default_date_format": _DAY})
    sheet = book.add_worksheet()
    head = book.add_format({"bold": True, "bottom": 1})
    shapes = {
        "amount": book.add_format({"num_format": "#,##0.00"}),
        "day": book.add_format({"num_format": _DAY}),
        "moment": book.add_format({"num_format": _MOMENT}),
    }
    sheet.freeze_panes(1, 0)
    sheet.set_column(0, len(columns) - 1, 16)
    for place, column in enumerate(columns):
        sheet.write_string(0, place, column.heading(spoken), head)
    last = 0
    for last, row in enumerate(rows, start=1):
        if last > MOST_XLSX_ROWS:
            raise TableTooLongError
        for place, column in enumerate(columns):
            _write_cell(sheet, last, place, column.read(row), shapes, spoken)
    sheet.autofilter(0, 0, last, len(columns) - 1)
    book.close()


def _write_cell(sheet: Any, line: int, place: int, cell: Cell, shapes: dict[str, Any], spoken: str) -> None:  # noqa: PLR0917 -- where, what and how
    match cell:
        case None:
            return
        case bool() | UUID():
            sheet.write_string(line, place, _text(cell, manner_of(spoken)))
        case str():
            sheet.write_string(line, place, cell[:LONGEST_XLSX_TEXT])
        case Money():
            _write_number(sheet, line, place, cell.decimal, shapes["amount"])
        case Decimal() | int():
            _write_number(sheet, line, place, Decimal(cell), None)
        case datetime():
            sheet.write_datetime(line, place, cell.astimezone(PARIS).replace(tzinfo=None), shapes["moment"])
        case date():
            sheet.write_datetime(line, place, cell, shapes["day"])


def _write_number(sheet: Any, line: int, place: int, value: Decimal, shape: Any) -> None:
    """A number, or text where a spreadsheet would round it."""
    if len(value.normalize().as_tuple().digits) > MOST_XLSX_DIGITS:
        sheet.write_string(line, place, f"{value:f}")
    else:
        sheet.write_number(line, place, value, shape)
