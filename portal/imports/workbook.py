"""The first sheet of an XLSX file (ECMA-376), read with the house's own XML parser: no macro, no entity, no bomb.

Numbers stay the text that the file holds, rounded to the fifteen digits that a spreadsheet knows, so that no amount
goes through a float; what is formatted as a day comes out as ``YYYY-MM-DD``.
"""

from __future__ import annotations

import re
import zipfile
import zlib
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from io import BytesIO
from typing import TYPE_CHECKING

from config import safe_xml
from receivables.errors import ReceivablesError

if TYPE_CHECKING:
    from lxml import etree

MAX_PART_BYTES = 60 * 1024 * 1024
"""Largest part of the file once unpacked, in bytes: a hundred thousand rows stay under it."""
MAX_PART_TAGS = 6_000_000
MAX_GAP = 200_000
"""Rows that a sheet may number; one that jumps beyond is made to exhaust its reader."""
MAX_WIDTH = 1_000
"""Columns that are looked at; what stands further right is in no table of ours."""
MAX_WEIGHT = 120_000_000
"""What the cells of a sheet may weigh, in bytes, before they are a bomb: a few letters can name a cell far to the
right of nothing, or a long text ten thousand times over."""
MAX_TEXT = 5_000
"""Characters of a cell, as of any text of an invoice."""
_CELL_BYTES = 8
_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_RELATIONS = "{http://schemas.openxmlformats.org/package/2006/relationships}"
_ID = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_STRICT = b"http://purl.oclc.org/ooxml/"
_BUILT_IN_DAYS = frozenset({14, 15, 16, 17, 22, 27, 28, 29, 30, 31, 36, 50, 51, 52, 53, 54, 55, 56, 57, 58})
"""Number formats of days (ECMA-376 part 1, 18.8.30)."""
_EPOCH, _EPOCH_1904 = date(1899, 12, 30), date(1904, 1, 1)
_PLACE = re.compile(r"([A-Z]{1,3})\d+")
_QUOTED = re.compile(r'"[^"]*"|\[[^\]]*\]|\\.')
_DIGITS = 15
_LONGEST_NUMBER = 40
"""Characters of a number that a spreadsheet writes; its exponents end at 308."""
_MOST_ADJUSTED = 308


class WorkbookError(ReceivablesError):
    """``workbook.unreadable``: the file is no XLSX that we can read."""

    def __init__(self, why: str, why_fr: str) -> None:
        super().__init__(
            "workbook.unreadable",
            f"This XLSX file cannot be read: {why}. Save it again, or save it as CSV.",
            f"Ce fichier XLSX ne se lit pas : {why_fr}. Enregistrez-le de nouveau, ou en CSV.",
        )


def is_workbook(content: bytes) -> bool:
    """Whether these bytes are an XLSX file, by what is in them."""
    if not content.startswith(b"PK"):
        return False
    try:
        with zipfile.ZipFile(BytesIO(content)) as archive:
            return "xl/workbook.xml" in archive.namelist()
    except (zipfile.BadZipFile, ValueError, OSError):
        return False


def read_workbook(content: bytes) -> list[list[str]]:
    """The cells of the first sheet as text, row by row; a row that the sheet leaves out is empty.

    Raises:
        WorkbookError: ``workbook.unreadable``.
        UnsafeXmlError: a part that no spreadsheet writes.
    """
    try:
        with zipfile.ZipFile(BytesIO(content)) as archive:
            book = _part(archive, "xl/workbook.xml")
            texts = _shared_texts(archive)
            days = _day_formats(archive)
            properties = book.find(f"{_MAIN}workbookPr")
            late = properties is not None and properties.get("date1904") in {"1", "true"}
            sheet = _part(archive, _first_sheet(archive, book))
    except (zipfile.BadZipFile, KeyError, NotImplementedError, RuntimeError, OSError, EOFError, zlib.error) as error:
        raise WorkbookError("it is damaged or locked", "il est abîmé ou protégé") from error
    return _rows(sheet, texts, days, _EPOCH_1904 if late else _EPOCH)


def _part(archive: zipfile.ZipFile, name: str) -> etree._Element:
    """A part of the file as XML; its size is what is read, not what the file says of itself."""
    with archive.open(name) as file:
        content = file.read(MAX_PART_BYTES + 1)
    if len(content) > MAX_PART_BYTES:
        raise WorkbookError("a sheet is too large", "une feuille est trop grande")
    if _STRICT in content[:4096]:
        raise WorkbookError("it is of the strict kind", "il est au format « strict »")
    return safe_xml.parse(content, max_bytes=MAX_PART_BYTES, max_tags=MAX_PART_TAGS)


def _first_sheet(archive: zipfile.ZipFile, book: etree._Element) -> str:
    """The path of the first sheet that is shown."""
    sheets = [each for each in book.iter(f"{_MAIN}sheet") if each.get("state", "visible") == "visible"]
    if not sheets:
        raise WorkbookError("it has no sheet", "il n'a pas de feuille")
    relations = _part(archive, "xl/_rels/workbook.xml.rels")
    for each in relations.iter(f"{_RELATIONS}Relationship"):
        if each.get("Id") == sheets[0].get(_ID):
            target = each.get("Target") or ""
            return target.lstrip("/") if target.startswith("/") else f"xl/{target}"
    raise WorkbookError("its first sheet is missing", "sa première feuille manque")


def _shared_texts(archive: zipfile.ZipFile) -> list[str]:
    if "xl/sharedStrings.xml" not in archive.namelist():
        return []
    return [_text_of(item).strip()[:MAX_TEXT] for item in _part(archive, "xl/sharedStrings.xml").iter(f"{_MAIN}si")]


def _text_of(item: etree._Element) -> str:
    """The text of an item, its phonetic guide left out."""
    return "".join(
        each.text or ""
        for each in item.iter(f"{_MAIN}t")
        if (above := each.getparent()) is None or above.tag != f"{_MAIN}rPh"
    )


def _day_formats(archive: zipfile.ZipFile) -> frozenset[int]:
    """The places in the list of cell styles that show a day."""
    if "xl/styles.xml" not in archive.namelist():
        return frozenset()
    styles = _part(archive, "xl/styles.xml")
    own = {
        _count(each.get("numFmtId"), 0): _QUOTED.sub("", each.get("formatCode") or "").lower()
        for each in styles.iter(f"{_MAIN}numFmt")
    }
    days = _BUILT_IN_DAYS | {number for number, code in own.items() if "y" in code or ("d" in code and "m" in code)}
    cells = styles.find(f"{_MAIN}cellXfs")
    if cells is None:
        return frozenset()
    return frozenset(place for place, each in enumerate(cells) if _count(each.get("numFmtId"), 0) in days)


def _rows(sheet: etree._Element, texts: list[str], days: frozenset[int], epoch: date) -> list[list[str]]:
    found: list[list[str]] = []
    weight = 0
    for row in sheet.iter(f"{_MAIN}row"):
        number = _count(row.get("r"), len(found) + 1)
        if number > MAX_GAP:
            raise WorkbookError("it has too many rows", "il a trop de lignes")
        found.extend([] for _ in range(number - 1 - len(found)))
        cells: list[str] = []
        for cell in row.iter(f"{_MAIN}c"):
            place = _PLACE.fullmatch(cell.get("r") or "")
            column = _column(place[1]) if place else len(cells)
            value = _value(cell, texts, days, epoch) if column < MAX_WIDTH else ""
            if value or not place:  # an empty cell with a place is there once something stands to the right of it
                cells.extend("" for _ in range(column - len(cells)))
                cells.append(value)
                weight += len(value)
        weight += _CELL_BYTES * len(cells)
        if weight > MAX_WEIGHT:
            raise WorkbookError("it holds too much", "il contient trop de choses")
        found.append(cells)
    return found


def _count(written: str | None, otherwise: int) -> int:
    """A number that the file counts by."""
    if not written:
        return otherwise
    if not (written.isascii() and written.isdigit() and len(written) < 10):  # noqa: PLR2004 -- below every limit
        raise WorkbookError("it is damaged or locked", "il est abîmé ou protégé")
    return int(written)


def _column(letters: str) -> int:
    """The place of a column, from 0."""
    place = 0
    for letter in letters:
        place = place * 26 + ord(letter) - ord("A") + 1
    return place - 1


def _value(cell: etree._Element, texts: list[str], days: frozenset[int], epoch: date) -> str:
    kind = cell.get("t", "n")
    if kind == "inlineStr":
        return _text_of(cell)
    value = cell.find(f"{_MAIN}v")
    written = (value.text or "") if value is not None else ""
    if kind == "s":
        place = int(written) if written.isdecimal() else -1
        return texts[place] if 0 <= place < len(texts) else ""
    if kind == "b":
        return "oui" if written == "1" else "non"
    if kind != "n" or not written:
        return "" if kind == "e" else written
    return _number(written, is_day=_count(cell.get("s"), 0) in days, epoch=epoch)


def _number(written: str, *, is_day: bool, epoch: date) -> str:
    try:
        value = Decimal(written) if len(written) <= _LONGEST_NUMBER else Decimal("NaN")
    except InvalidOperation:
        return written
    if not value.is_finite() or abs(value.adjusted()) > _MOST_ADJUSTED:
        return written
    if is_day and 0 < value < 2_958_466:  # noqa: PLR2004 -- 31 December 9999
        return (epoch + timedelta(days=int(value))).isoformat()
    digits = _DIGITS - 1 - value.adjusted()
    rounded = round(value, digits) if digits > 0 else value
    return format(rounded.normalize(), "f") if rounded else "0"
