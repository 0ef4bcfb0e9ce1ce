"""What a file that was brought would do: its invoices counted and added up, its faults, before anything is issued."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from portal.imports.archives import is_zip, members_of
from portal.imports.cells import CellError, month_first
from portal.imports.columns import chosen, recalled
from portal.imports.invoices import DAYS, FIELDS, PURPOSE, pieces_of
from portal.imports.sheets import read_table
from portal.imports.workbook import is_workbook
from portal.jobs.jobs import NewLine

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from portal.imports.columns import Columns
    from portal.imports.invoices import Piece
    from portal.imports.sheets import Table
    from receivables.errors import ReceivablesError
    from receivables.store.work import Work

SHOWN_FAULTS = 20
CENT = Decimal("0.01")
HOME = "EUR"
"""The currency of an invoice that names none."""
TABLE, DOCUMENTS = "table", "documents"


@dataclass(frozen=True, slots=True)
class Plan:
    """A file as it is understood: what it is, its invoices as lines of a job, and what is wrong already."""

    kind: str
    """``table`` (CSV, XLSX) or ``documents`` (UBL, CII, Factur-X, JSON, or a zip of them)."""
    lines: tuple[NewLine, ...]
    table: Table | None = None
    columns: Columns | None = None
    faults: tuple[tuple[str, ReceivablesError], ...] = ()
    refused: int = 0
    """How many invoices are refused already; ``faults`` tells the first of them."""
    net: Mapping[str, Decimal] = field(default_factory=dict)
    """Amounts without VAT of the table's invoices that can be read, by currency, credit notes taken off."""
    customers: int = 0
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_ready(self) -> bool:
        """Whether it can be taken in: every column that is needed is known."""
        return self.columns is None or not self.columns.missing


def plan_import(work: Work, content: bytes, filename: str, choice: Mapping[str, str] | None = None) -> Plan:
    """Read a file; ``choice`` says which column is what, where it is a table and somebody said so.

    Raises:
        ReceivablesError, UnsafeXmlError: it cannot be read at all; the sentence says what to do.
    """
    if is_document(content):
        return Plan(DOCUMENTS, (NewLine(filename, content),))
    if is_zip(content) and not is_workbook(content):
        return Plan(DOCUMENTS, tuple(NewLine(each.name, each.content) for each in members_of(content)))
    table = read_table(content)
    columns = chosen(FIELDS, table, choice) if choice is not None else recalled(work, PURPOSE, FIELDS, table)
    if columns.missing:
        return Plan(TABLE, (), table, columns)
    _check_days(table, columns)
    pieces = sorted(pieces_of(table, columns), key=lambda each: each.names_another)
    requests = [json.loads(each.request) for each in pieces if each.request]
    return Plan(
        TABLE,
        tuple(_line(each) for each in pieces),
        table,
        columns,
        tuple((each.reference, each.fault) for each in pieces if each.fault)[:SHOWN_FAULTS],
        sum(1 for each in pieces if each.fault),
        _net_of(requests),
        len({(each["buyer"].get("siren"), each["buyer"]["name"]) for each in requests}),
        {"headings": list(table.headings)},
    )


def _check_days(table: Table, columns: Columns) -> None:
    """Refuse a file that writes the month first: nothing of it is issued under a wrong day."""
    days = (columns.read(row, key) for key in DAYS for row in table.rows)
    if found := month_first(days):
        raise CellError(
            "table.month_first",
            f"{found!r}: this file writes the month first. Save its days as 2026-12-31 or 31/12/2026, then bring it "
            "again.",
            f"« {found} » : ce fichier écrit le mois d'abord. Enregistrez ses dates sous la forme 2026-12-31 ou "
            "31/12/2026, puis apportez-le à nouveau.",
        )


def is_document(content: bytes) -> bool:
    """Whether this is one invoice: XML, PDF or our JSON."""
    start = content.removeprefix(b"\xef\xbb\xbf").lstrip()[:5]
    return start.startswith((b"<", b"{", b"%PDF")) or content[:4] in (b"\xff\xfe<\x00", b"\xfe\xff\x00<")


def _line(piece: Piece) -> NewLine:
    """A line of the job: what was written for it, and the request made of it, or why there is none."""
    told = {
        "reference": piece.reference,
        "rows": [[row.line, list(row.cells)] for row in piece.rows],
        "request": piece.request.decode() if piece.request else None,
        "fault": [piece.fault.code, str(piece.fault), piece.fault.sentence_fr] if piece.fault else None,
    }
    label = piece.reference or f"{piece.rows[0].line}"
    return NewLine(label[:200], json.dumps(told, ensure_ascii=False).encode())


def _net_of(requests: Sequence[dict[str, Any]]) -> dict[str, Decimal]:
    sums: dict[str, Decimal] = {}
    for each in requests:
        currency = each.get("currency") or HOME
        sums[currency] = sums.get(currency, Decimal(0)) + _net(each)
    return {currency: sums[currency].quantize(CENT) for currency in sorted(sums)}


def _net(request: dict[str, Any]) -> Decimal:
    sense = -1 if request.get("type_code") == "381" else 1
    whole = sum((Decimal(line["quantity"]) * Decimal(line["net_price"]) for line in request["lines"]), Decimal(0))
    return sense * whole
