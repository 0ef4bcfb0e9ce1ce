"""Declarations in PostgreSQL: one row per version of a period, its lines, and what stopped one."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from config.clock import now
from einvoice.reporting.lines import Block, ReportLine, Untold
from einvoice.reporting.periods import Period, ReportKind
from receivables.store.work import to_json

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime
    from uuid import UUID

    from sqlalchemy import RowMapping

    from einvoice.errors import EInvoiceError
    from einvoice.reporting.lines import Total
    from receivables.store.work import Work

PREPARED, HANDED, ACCEPTED, REFUSED = "prepared", "handed", "accepted", "refused"
"""States of a declaration: written and on its way; taken by the platform; taken by the State (300); refused."""
TAKEN = frozenset({HANDED, ACCEPTED})
"""States in which the State has the data of the period, or will."""


@dataclass(frozen=True, slots=True)
class Declaration:
    """One version of the declaration of a period. ``answer`` is what the State said (300, 301), with its reasons."""

    report_id: UUID
    period: Period
    type_code: str
    version: int
    number: str
    regime: str
    state: str
    answer: dict[str, Any] | None
    document_id: UUID
    created_at: datetime
    totals: list[dict[str, Any]]


_SELECT = (
    "SELECT report_id, kind, starts_on, ends_on, due_on, type_code, version, number, regime, state, answer, "
    "document_id, created_at, totals FROM reports WHERE supplier_id = :supplier "
)


def versions_of(work: Work, period: Period) -> list[Declaration]:
    """Every version of a period, newest first."""
    rows = work.rows(
        _SELECT + "AND kind = :kind AND starts_on = :first ORDER BY version DESC",
        kind=period.kind,
        first=period.starts_on,
    )
    return [_declaration(row) for row in rows]


def find_declaration(work: Work, report_id: UUID) -> Declaration | None:
    """One version, or ``None``."""
    row = work.row(_SELECT + "AND report_id = :report", report=report_id)
    return _declaration(row) if row else None


def list_declarations(work: Work, *, limit: int, before: date | None = None) -> list[Declaration]:
    """Versions whose period began before ``before``, newest period first: ``limit`` of them."""
    rows = work.rows(
        _SELECT + "AND (CAST(:before AS date) IS NULL OR starts_on < :before) "
        "ORDER BY starts_on DESC, kind, version DESC LIMIT :limit",
        before=before,
        limit=limit,
    )
    return [_declaration(row) for row in rows]


def newest_versions(work: Work, kind: ReportKind) -> list[Declaration]:
    """The newest version of every period of a kind, oldest period first."""
    rows = work.rows(
        _SELECT + "AND kind = :kind AND version = (SELECT max(version) FROM reports AS other "  # noqa: S608 -- parts of ours
        "WHERE other.supplier_id = :supplier AND other.kind = reports.kind AND other.starts_on = reports.starts_on) "
        "ORDER BY starts_on",
        kind=kind,
    )
    return [_declaration(row) for row in rows]


def lines_of(work: Work, report_id: UUID) -> tuple[ReportLine, ...]:
    """The lines of one version, in order."""
    rows = work.rows(
        f"SELECT {', '.join(_COLUMNS)} FROM report_lines WHERE supplier_id = :supplier "  # noqa: S608 -- columns of ours
        "AND report_id = :report "
        "ORDER BY line",
        report=report_id,
    )
    return tuple(_line(row) for row in rows)


def insert_declaration(
    work: Work, declaration: Declaration, totals: Sequence[Total], lines: Sequence[ReportLine]
) -> None:
    """Write one version with all its lines; a version that is there already is an error of the database."""
    period = declaration.period
    work.execute(
        "INSERT INTO reports (supplier_id, report_id, kind, starts_on, ends_on, due_on, type_code, version, number, "
        "regime, totals, state, document_id, created_at, changed_at) VALUES (:supplier, :id, :kind, :first, :last, "
        ":due, :type, :version, :number, :regime, CAST(:totals AS jsonb), :state, :document, :at, :at)",
        id=declaration.report_id,
        kind=period.kind,
        first=period.starts_on,
        last=period.ends_on,
        due=period.due_on,
        type=declaration.type_code,
        version=declaration.version,
        number=declaration.number,
        regime=declaration.regime,
        totals=to_json([asdict(each) for each in totals]),
        state=declaration.state,
        document=declaration.document_id,
        at=declaration.created_at,
    )
    typed = ", ".join(f"{name} {kind}" for name, kind in _COLUMNS.items())
    work.execute(
        f"INSERT INTO report_lines (supplier_id, report_id, line, {', '.join(_COLUMNS)}) "  # noqa: S608 -- columns of ours
        f"SELECT :supplier, :report, line, {', '.join(_COLUMNS)} FROM jsonb_to_recordset(CAST(:lines AS jsonb)) "
        f"AS given (line integer, {typed})",
        report=declaration.report_id,
        lines=to_json([{"line": place, **asdict(each)} for place, each in enumerate(lines, start=1)]),
    )


def note_trouble(work: Work, period: Period, error: EInvoiceError) -> None:
    """Keep why a period could not be declared, until :func:`clear_troubles`."""
    work.execute(
        "INSERT INTO report_troubles (supplier_id, kind, starts_on, code, sentence, sentence_fr, noted_at) "
        "VALUES (:supplier, :kind, :first, :code, :sentence, :french, :at) "
        "ON CONFLICT (supplier_id, kind, starts_on, code) DO UPDATE SET sentence = :sentence, sentence_fr = :french, "
        "noted_at = CASE WHEN report_troubles.cleared_at IS NULL THEN report_troubles.noted_at ELSE :at END, "
        "cleared_at = NULL",
        kind=period.kind,
        first=period.starts_on,
        code=error.code,
        sentence=error.sentence,
        french=error.sentence_fr,
        at=now(),
    )


def clear_troubles(work: Work, period: Period, code: str | None = None) -> None:
    """What stood in the way of a period is gone: all of it, or one cause."""
    work.execute(
        "UPDATE report_troubles SET cleared_at = :at WHERE supplier_id = :supplier AND kind = :kind "
        "AND starts_on = :first AND cleared_at IS NULL AND code = coalesce(:code, code)",
        code=code,
        kind=period.kind,
        first=period.starts_on,
        at=now(),
    )


def open_troubles(work: Work) -> Sequence[RowMapping]:
    """What stands in the way now: kind, first day, code and sentences, oldest period first."""
    return work.rows(
        "SELECT kind, starts_on, code, sentence, sentence_fr, noted_at FROM report_troubles "
        "WHERE supplier_id = :supplier AND cleared_at IS NULL ORDER BY starts_on, kind, code"
    )


_COLUMNS = {
    "block": "text",
    "invoice_id": "uuid",
    "sequence": "integer",
    "happened_on": "date",
    "category": "text",
    "rate": "numeric",
    "taxable_minor": "bigint",
    "tax_minor": "bigint",
    "tax_eur_minor": "bigint",
    "amount_minor": "bigint",
    "amount_eur_minor": "bigint",
    "currency": "text",
    "untold": "text",
}


def _line(row: RowMapping) -> ReportLine:
    values = dict(row)
    values["block"] = Block(values["block"])
    values["untold"] = Untold(values["untold"]) if values["untold"] else None
    return ReportLine(**values)


def _declaration(row: RowMapping) -> Declaration:
    values = dict(row)
    period = Period(
        ReportKind(values.pop("kind")), values.pop("starts_on"), values.pop("ends_on"), values.pop("due_on")
    )
    return Declaration(period=period, **values)
