"""Lists as files: no spreadsheet runs a cell, no amount becomes a float, no list is held in memory."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import openpyxl
import pytest

from portal import tables
from portal.tables import Column, Form, TableTooLongError, guarded, plain_name, write_table
from receivables.domain.money import Money

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

COLUMNS: tuple[Column[dict[str, Any]], ...] = (
    Column("name", "Client", "Customer", lambda row: row["name"]),
    Column("amount", "Montant", "Amount", lambda row: row["amount"]),
    Column("rate", "Taux", "Rate", lambda row: row.get("rate")),
    Column("day", "Jour", "Day", lambda row: row.get("day")),
    Column("at", "Instant", "At", lambda row: row.get("at")),
    Column("done", "Fait", "Done", lambda row: row.get("done")),
)
ROWS = (
    {
        "name": 'Łódź; "Fils"\nSARL',
        "amount": Money(-123456789012345678),
        "rate": Decimal("5.5"),
        "day": date(2026, 2, 28),
        "at": datetime(2026, 2, 28, 23, 30, tzinfo=UTC),
        "done": True,
    },
    {"name": "=1+2", "amount": Money(5, "JPY"), "done": False},
)  # fmt: skip


def made(form: Form, rows: Iterable[dict[str, Any]] = ROWS, spoken: str = "fr") -> bytes:
    out = io.BytesIO()
    write_table(out, COLUMNS, rows, form, spoken)
    return out.getvalue()


def test_a_french_csv_has_semicolons_decimal_commas_and_french_headings() -> None:
    text = made(Form.CSV).decode("utf-8-sig")
    heading, first, second = csv.reader(io.StringIO(text, newline=""), delimiter=";")
    assert heading == ["Client", "Montant", "Taux", "Jour", "Instant", "Fait"]
    day = ["2026-02-28", "2026-02-28T23:30:00+00:00"]
    assert first == [ROWS[0]["name"], "-1234567890123456,78", "5,5", *day, "oui"]
    assert second == ["'=1+2", "5", "", "", "", "non"]
    english = made(Form.CSV, spoken="en").decode("utf-8-sig").splitlines()
    assert english[0] == "Customer,Amount,Rate,Day,At,Done"
    assert "-1234567890123456.78,5.5" in "".join(english)


def test_a_csv_for_programs_is_the_same_whoever_asks() -> None:
    def raw(spoken: str) -> bytes:
        out = io.BytesIO()
        write_table(out, COLUMNS, ROWS, Form.CSV, spoken, raw=True)
        return out.getvalue()

    assert raw("fr") == raw("en")
    heading, first, _ = csv.reader(io.StringIO(raw("fr").decode("utf-8"), newline=""))
    assert heading == ["name", "amount", "rate", "day", "at", "done"], "keys, and no mark before them"
    assert (first[1], first[2], first[5]) == ("-1234567890123456.78", "5.5", "true")


def test_json_keeps_keys_and_writes_amounts_as_exact_text() -> None:
    first, second = json.loads(made(Form.JSON))
    assert (first["amount"], first["rate"], first["day"], first["done"]) == (
        "-1234567890123456.78", "5.5", "2026-02-28", True,
    )  # fmt: skip
    assert (second["name"], second["amount"], second["rate"]) == ("=1+2", "5", None)
    assert json.loads(made(Form.JSON, ())) == []


def test_xlsx_holds_numbers_days_and_text_that_is_never_a_formula() -> None:
    sheet = openpyxl.load_workbook(io.BytesIO(made(Form.XLSX))).active
    assert sheet is not None
    heading, first, second = sheet.iter_rows()
    assert [cell.value for cell in heading] == ["Client", "Montant", "Taux", "Jour", "Instant", "Fait"]
    assert first[1].value == "-1234567890123456.78", "more digits than a sheet keeps stay text"
    assert (first[2].value, first[3].value, first[5].value) == (5.5, datetime(2026, 2, 28), "oui")  # noqa: DTZ001
    assert first[4].value == datetime(2026, 3, 1, 0, 30), "in Paris"  # noqa: DTZ001
    assert (second[0].value, second[0].data_type, second[1].value) == ("=1+2", "s", 5)


@pytest.mark.parametrize("text", ["=cmd|' /C calc'!A0", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "  =1", "\uff1d1"])
def test_what_a_spreadsheet_would_run_begins_with_an_apostrophe(text: str) -> None:
    assert guarded(text) == f"'{text}"
    assert guarded(f"a{text}") == f"a{text}"


def test_only_one_row_is_held_at_a_time() -> None:
    alive: list[int] = []

    def rows() -> Iterator[dict[str, Any]]:
        for number in range(1_000):
            alive.append(number)
            yield {"name": str(number), "amount": Money(number)}

    class Reader(io.BytesIO):
        def write(self, data: Any) -> int:
            written.append(len(alive))
            return super().write(data)

    for form in (Form.CSV, Form.JSON):
        alive.clear()
        written: list[int] = []
        write_table(Reader(), COLUMNS, rows(), form)
        assert len(set(written)) > 990, "rows are written as they come"


def test_a_sheet_that_would_be_cut_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "MOST_XLSX_ROWS", 1)
    with pytest.raises(TableTooLongError, match="ask for CSV"):
        made(Form.XLSX)
    assert plain_name("Relevé/2026 01.csv") == "Relev--2026-01.csv"
