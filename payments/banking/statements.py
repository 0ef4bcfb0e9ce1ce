"""Statements that were imported: when, by whom, how far, and what came of their lines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from config.clock import new_id, now
from payments.errors import PaymentError
from receivables.store.work import to_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date, datetime
    from uuid import UUID

    from sqlalchemy import RowMapping

    from payments.statements.line import Remark, Statement
    from receivables.store.work import Work

PAGE = 30
"""Statements on one page."""
_NAMES = (
    "statement_id, sha256, filename, format, account, currency, from_on, to_on, opening_minor, closing_minor, lines, "
    "fresh_lines, done_lines, remarks, report, imported_by, imported_at, finished_at"
)


@dataclass(frozen=True, slots=True)
class KeptStatement:
    """One imported statement; ``report`` is there once every line was gone through."""

    statement_id: UUID
    sha256: str
    filename: str
    format: str
    account: str
    currency: str
    from_on: date | None
    to_on: date | None
    opening_minor: int | None
    closing_minor: int | None
    lines: int
    fresh_lines: int
    done_lines: int
    remarks: Sequence[Mapping[str, str]]
    report: Mapping[str, Any] | None
    imported_by: str
    imported_at: datetime
    finished_at: datetime | None


def note_file(work: Work, sha256: str, filename: str, actor: str) -> None:
    """Note that a supplier's file is in the archive; the first name that it came under stays."""
    work.execute(
        "INSERT INTO statement_files (supplier_id, sha256, filename, brought_by, brought_at) "
        "VALUES (:supplier, :sha256, :filename, :actor, :at) ON CONFLICT DO NOTHING",
        sha256=sha256,
        filename=filename,
        actor=actor,
        at=now(),
    )


def name_of_file(work: Work, sha256: str) -> str | None:
    """The name of a file that this supplier brought, or ``None``."""
    found: str | None = work.scalar(
        "SELECT filename FROM statement_files WHERE supplier_id = :supplier AND sha256 = :sha256", sha256=sha256
    )
    return found


def keep_statement(work: Work, statement: Statement, sha256: str, filename: str, actor: str) -> KeptStatement:
    """The row of a statement of a file; the same file and account have one row, however often they are imported."""
    statement_id = new_id()
    fresh = work.execute(
        "INSERT INTO statements (supplier_id, statement_id, sha256, filename, format, account, currency, from_on, "
        "to_on, opening_minor, closing_minor, lines, fresh_lines, imported_by, imported_at) VALUES (:supplier, :id, "
        ":sha256, :filename, :format, :account, :currency, :from_on, :to_on, :opening, :closing, :lines, 0, :actor, "
        ":at) ON CONFLICT (supplier_id, sha256, account, currency) DO NOTHING",
        id=statement_id,
        sha256=sha256,
        filename=filename,
        format=statement.format,
        account=statement.account,
        currency=statement.currency,
        from_on=statement.from_on,
        to_on=statement.to_on,
        opening=statement.opening_minor,
        closing=statement.closing_minor,
        lines=len(statement.lines),
        actor=actor,
        at=now(),
    )
    if fresh:
        work.audit(actor, "bank.statement_imported", str(statement_id), filename=filename, account=statement.account)
    row = work.row(
        f"SELECT {_NAMES} FROM statements WHERE supplier_id = :supplier AND sha256 = :sha256 "
        "AND account = :account AND currency = :currency",
        sha256=sha256,
        account=statement.account,
        currency=statement.currency,
    )
    assert row is not None  # noqa: S101 -- just written, or there before
    return _kept(row)


def get_statement(work: Work, statement_id: UUID) -> KeptStatement:
    """One statement.

    Raises:
        PaymentError: ``bank.unknown_statement``.
    """
    row = work.row(
        f"SELECT {_NAMES} FROM statements WHERE supplier_id = :supplier AND statement_id = :id", id=statement_id
    )
    if row is None:
        raise PaymentError(
            "bank.unknown_statement",
            f"There is no statement {statement_id}.",
            f"Il n'y a pas de relevé {statement_id}.",
        )
    return _kept(row)


def statements_of_file(work: Work, sha256: str) -> list[KeptStatement]:
    """What was imported of a file."""
    return [
        _kept(row)
        for row in work.rows(
            f"SELECT {_NAMES} FROM statements WHERE supplier_id = :supplier AND sha256 = :sha256 ORDER BY statement_id",
            sha256=sha256,
        )
    ]


def list_statements(work: Work, after: UUID | None = None) -> tuple[list[KeptStatement], bool]:
    """A page of statements, newest import first, and whether there are more."""
    rows = work.rows(
        f"SELECT {_NAMES} FROM statements WHERE supplier_id = :supplier AND format <> 'hand' "
        f"{'AND statement_id < :after' if after else ''} ORDER BY statement_id DESC LIMIT :limit",
        limit=PAGE + 1,
        **({"after": after} if after else {}),
    )
    return [_kept(row) for row in rows[:PAGE]], len(rows) > PAGE


def unfinished_files(work: Work) -> list[str]:
    """Files whose import is under way or was interrupted, oldest first."""
    rows = work.rows(
        "SELECT sha256, min(statement_id::text) FROM statements WHERE supplier_id = :supplier "
        "AND finished_at IS NULL GROUP BY sha256 ORDER BY 2"
    )
    return [row["sha256"] for row in rows]


def note_progress(work: Work, statement_id: UUID, done_lines: int) -> None:
    """How many lines were gone through."""
    work.execute(
        "UPDATE statements SET done_lines = :done WHERE supplier_id = :supplier AND statement_id = :id",
        id=statement_id,
        done=done_lines,
    )


def finish_statement(
    work: Work, statement_id: UUID, fresh_lines: int, report: Mapping[str, object], remarks: Sequence[Remark]
) -> None:
    """Every line was gone through: keep what came of it."""
    told = [{"code": each.code, "sentence": each.sentence, "sentence_fr": each.sentence_fr} for each in remarks]
    work.execute(
        "UPDATE statements SET fresh_lines = :fresh, done_lines = lines, report = CAST(:report AS jsonb), "
        "remarks = CAST(:remarks AS jsonb), finished_at = :at WHERE supplier_id = :supplier AND statement_id = :id",
        id=statement_id,
        fresh=fresh_lines,
        report=to_json(report),
        remarks=to_json(told),
        at=now(),
    )


def _kept(row: RowMapping) -> KeptStatement:
    return KeptStatement(*row.values())
