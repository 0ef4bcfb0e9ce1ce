"""Cells and tables as people write them: read exactly, or refused with the column."""

from __future__ import annotations

import zipfile
from datetime import date, datetime
from decimal import Decimal
from io import BytesIO

import pytest
from import_builders import HEADINGS, csv_of, row, xlsx_of

from config.safe_xml import UnsafeXmlError
from portal.imports.archives import ZipError, members_of
from portal.imports.cells import CellError, read_answer, read_cents, read_day, read_number
from portal.imports.columns import guess
from portal.imports.invoices import FIELDS
from portal.imports.sheets import TableError, read_table
from portal.imports.workbook import WorkbookError, read_workbook


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1234.56", "1234.56"), ("1234,56", "1234.56"), ("1 234,56", "1234.56"), ("1\u202f234,56 €", "1234.56"),
        ("1.234,56", "1234.56"), ("1,234.56", "1234.56"), ("-12", "-12"), ("20 %", "20"), ("0,5", "0.5"),
    ],
)  # fmt: skip
def test_a_number_is_read_as_it_is_written(text: str, value: str) -> None:
    assert read_number(text, "PU HT") == Decimal(value)


@pytest.mark.parametrize("text", ["", "douze", "1,2,3", "12e3", "=1+1", "NaN", "1" * 60])
def test_what_is_no_number_is_refused_with_its_column(text: str) -> None:
    with pytest.raises(CellError, match="PU HT") as refused:
        read_number(text, "PU HT")
    assert refused.value.code == "cell.bad_number"


def test_cents_are_never_rounded() -> None:
    assert read_cents("12,30", "Total") == 1230
    with pytest.raises(CellError):
        read_cents("12,345", "Total")


@pytest.mark.parametrize("text", ["31/12/2026", "2026-12-31", "20261231", "31.12.2026", "2026-12-31 00:00:00"])
def test_a_day_is_read_day_before_month(text: str) -> None:
    assert read_day(text, "Date") == date(2026, 12, 31)


@pytest.mark.parametrize("text", ["12/31/2026", "31/12/26", "demain", ""])
def test_what_is_no_day_is_refused(text: str) -> None:
    with pytest.raises(CellError):
        read_day(text, "Date")


def test_an_answer_is_yes_or_no_and_nothing_else() -> None:
    assert read_answer("Oui", "x")
    assert not read_answer("", "x")
    with pytest.raises(CellError):
        read_answer("peut-être", "x")


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-8", "cp1252", "utf-16"])
def test_a_table_is_read_in_every_usual_encoding_with_its_lines(encoding: str) -> None:
    table = read_table(csv_of(row("A-1"), encoding=encoding))
    assert table.headings == HEADINGS
    assert table.rows[0].line == 2
    columns = guess(FIELDS, table)
    assert not columns.missing
    assert columns.read(table.rows[0], "reference") == "A-1"


def test_a_spreadsheet_gives_days_numbers_and_texts_without_a_float() -> None:
    cells = read_workbook(xlsx_of(["A-1", datetime(2026, 12, 31), 0.1 + 0.2, 1234.5, "été", True], headings=("a",)))  # noqa: DTZ001 -- as a spreadsheet has it
    assert cells[1] == ["A-1", "2026-12-31", "0.3", "1234.5", "été", "oui"]


def _workbook(sheet: bytes) -> bytes:
    out = BytesIO()
    with zipfile.ZipFile(BytesIO(xlsx_of(["x"]))) as good, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as bad:
        for name in good.namelist():
            bad.writestr(name, sheet if name == "xl/worksheets/sheet1.xml" else good.read(name))
    return out.getvalue()


def test_a_hostile_spreadsheet_is_refused_before_it_costs_anything() -> None:
    main = b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
    with pytest.raises(UnsafeXmlError):
        read_workbook(_workbook(b"<!DOCTYPE a [<!ENTITY b 'c'>]>" + main + b"</sheetData></worksheet>"))
    with pytest.raises(WorkbookError):
        read_workbook(_workbook(main + b'<row r="999999999"/></sheetData></worksheet>'))
    with pytest.raises(WorkbookError):
        read_workbook(_workbook(b" " * (61 * 1024 * 1024)))


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "table.empty"),
        (b"a;b\r\n", "table.no_rows"),
        (b"\r\n\r\n;;\r\n", "table.empty"),
        (b"\x89PNG\r\n\x1a\nsome;picture", "table.not_text"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 old xls", "table.not_text"),
    ],
)
def test_a_file_without_rows_is_refused(content: bytes, code: str) -> None:
    with pytest.raises(TableError) as refused:
        read_table(content)
    assert refused.value.code == code


def test_an_archive_that_unpacks_without_end_or_holds_nothing_is_refused() -> None:
    for name, content, code in (("a.txt", b"x", "zip.empty"), ("a.xml", b" " * (21 * 1024 * 1024), "zip.too_large")):
        out = BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(name, content)
        with pytest.raises(ZipError) as refused:
            members_of(out.getvalue())
        assert refused.value.code == code
