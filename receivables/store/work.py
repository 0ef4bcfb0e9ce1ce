"""One transaction's connection and repositories: what a service works with.

``with works.begin(supplier_id) as work:`` commits on a clean exit and rolls back on any exception.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeVar

import orjson
from sqlalchemy import text

from config.database import run_again

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from uuid import UUID

    from sqlalchemy import Connection, RowMapping

    from config.database import Database
    from receivables.domain.events import Event

Result = TypeVar("Result")

COLUMNS: dict[str, dict[str, str]] = {
    "customers": {
        "customer_id": "uuid",
        "account_code": "text",
        "name": "text",
        "siren": "text",
        "vat_id": "text",
        "email": "text",
        "kind": "text",
        "party": "jsonb",
        "language": "text",
        "created_at": "timestamptz",
    },
    "invoices": {
        "invoice_id": "uuid",
        "customer_id": "uuid",
        "number": "text",
        "issue_year": "integer",
        "series": "text",
        "serial": "integer",
        "origin": "text",
        "type_code": "text",
        "process": "text",
        "issued_on": "date",
        "due_on": "date",
        "currency": "text",
        "total_minor": "bigint",
        "prepaid_minor": "bigint",
        "payable_minor": "bigint",
        "vat_on_collection": "boolean",
        "vat_rows": "jsonb",
        "document": "jsonb",
        "source_sha256": "text",
        "routing": "text",
        "buyer_reference": "text",
        "created_at": "timestamptz",
    },
    "entries": {
        "entry_id": "uuid",
        "journal": "text",
        "booked_on": "date",
        "source_kind": "text",
        "source_ref": "text",
        "document_ref": "text",
        "label": "text",
        "reverses_id": "uuid",
        "document_on": "date",
        "created_at": "timestamptz",
    },
    "postings": {
        "posting_id": "uuid",
        "entry_id": "uuid",
        "account": "text",
        "customer_id": "uuid",
        "invoice_id": "uuid",
        "debit_minor": "bigint",
        "credit_minor": "bigint",
        "currency": "text",
    },
    "allocations": {
        "allocation_id": "uuid",
        "customer_id": "uuid",
        "debit_posting_id": "uuid",
        "credit_posting_id": "uuid",
        "amount_minor": "bigint",
        "cause": "text",
        "effective_on": "date",
        "created_at": "timestamptz",
    },
    "letterings": {
        "lettering_id": "uuid",
        "customer_id": "uuid",
        "year": "integer",
        "code": "text",
        "balanced": "boolean",
        "lettered_on": "date",
        "lettered_at": "timestamptz",
    },
    "lettering_lines": {"lettering_id": "uuid", "posting_id": "uuid"},
    "lettering_ends": {"lettering_id": "uuid", "reason": "text", "ended_at": "timestamptz"},
    "collections": {
        "invoice_id": "uuid",
        "sequence": "integer",
        "entry_id": "uuid",
        "kind": "text",
        "amount_minor": "bigint",
        "currency": "text",
        "split": "jsonb",
        "reason": "text",
        "collected_on": "date",
        "created_at": "timestamptz",
    },
    "named_invoices": {
        "invoice_id": "uuid",
        "position": "integer",
        "kind": "text",
        "number": "text",
        "issue_year": "integer",
        "amount_minor": "bigint",
    },
    "receivable_items": {
        "posting_id": "uuid",
        "customer_id": "uuid",
        "invoice_id": "uuid",
        "attempt_id": "uuid",
        "reference": "text",
        "kind": "text",
        "debit": "boolean",
        "amount_minor": "bigint",
        "open_minor": "bigint",
        "currency": "text",
        "booked_on": "date",
        "due_on": "date",
        "ranked_at": "timestamptz",
        "lettering_id": "uuid",
    },
    "payment_attempts": {
        "attempt_id": "uuid",
        "customer_id": "uuid",
        "account_id": "uuid",
        "road": "text",
        "method": "text",
        "chosen_by": "text",
        "save_method": "boolean",
        "amount_minor": "bigint",
        "currency": "text",
        "state": "text",
        "payment_ref": "text",
        "expires_at": "timestamptz",
        "created_at": "timestamptz",
        "changed_at": "timestamptz",
        "flew_at": "timestamptz",
    },
    "reservations": {"attempt_id": "uuid", "invoice_id": "uuid", "amount_minor": "bigint", "state": "text"},
    "credit_decisions": {
        "decision_id": "uuid",
        "customer_id": "uuid",
        "amount_minor": "bigint",
        "currency": "text",
        "verdict": "text",
        "reasons": "jsonb",
        "facts": "jsonb",
        "policy_version": "integer",
        "purpose": "text",
        "asked_by": "text",
        "decided_at": "timestamptz",
    },
    "credit_limits": {
        "limit_id": "uuid",
        "kind": "text",
        "customer_id": "uuid",
        "group_siren": "text",
        "currency": "text",
        "amount_minor": "bigint",
        "valid_from": "date",
        "valid_until": "date",
        "reason": "text",
        "set_by": "text",
        "set_at": "timestamptz",
    },
    "commitments": {
        "commitment_id": "uuid",
        "customer_id": "uuid",
        "kind": "text",
        "reference": "text",
        "order_reference": "text",
        "buyer_reference": "text",
        "currency": "text",
        "version": "integer",
        "amount_minor": "bigint",
        "weight_percent": "smallint",
        "began_on": "date",
        "state": "text",
        "left_minor": "bigint",
        "created_at": "timestamptz",
        "changed_at": "timestamptz",
    },
    "commitment_versions": {
        "commitment_id": "uuid",
        "version": "integer",
        "amount_minor": "bigint",
        "weight_percent": "smallint",
        "order_reference": "text",
        "buyer_reference": "text",
        "state": "text",
        "reason": "text",
        "effective_on": "date",
        "told_by": "text",
        "told_at": "timestamptz",
    },
    "billed_references": {
        "invoice_id": "uuid",
        "customer_id": "uuid",
        "kind": "text",
        "reference": "text",
        "amount_minor": "bigint",
        "deposit": "boolean",
        "told_by": "text",
        "told_at": "timestamptz",
    },
    "account_events": {
        "event_id": "uuid",
        "customer_id": "uuid",
        "invoice_id": "uuid",
        "kind": "text",
        "actor": "text",
        "shown": "boolean",
        "facts": "jsonb",
        "happened_at": "timestamptz",
    },
    "tasks": {
        "task_id": "uuid",
        "task_key": "text",
        "kind": "text",
        "customer_id": "uuid",
        "invoice_id": "uuid",
        "facts": "jsonb",
        "due_on": "date",
        "assigned_to": "uuid",
        "opened_at": "timestamptz",
        "changed_at": "timestamptz",
    },
    "plans": {
        "plan_id": "uuid",
        "customer_id": "uuid",
        "proposed_by": "text",
        "source": "text",
        "currency": "text",
        "total_minor": "bigint",
        "interest": "boolean",
        "grace_days": "integer",
        "language": "text",
        "policy_version": "integer",
        "beyond": "jsonb",
        "state": "text",
        "proposed_at": "timestamptz",
        "changed_at": "timestamptz",
    },
    "plan_instalments": {"plan_id": "uuid", "position": "integer", "due_on": "date", "amount_minor": "bigint"},
    "plan_invoices": {"plan_id": "uuid", "invoice_id": "uuid", "position": "integer", "amount_minor": "bigint"},
    "promised_invoices": {"promise_id": "uuid", "invoice_id": "uuid", "amount_minor": "bigint"},
    "claim_lines": {
        "claim_id": "uuid",
        "late_id": "uuid",
        "interest_minor": "bigint",
        "indemnity_minor": "bigint",
        "facts": "jsonb",
    },
    "interest_waivers": {
        "waiver_id": "uuid",
        "late_id": "uuid",
        "claim_id": "uuid",
        "interest_minor": "bigint",
        "indemnity_minor": "bigint",
        "kind": "text",
        "reason": "text",
        "note_id": "uuid",
        "waived_by": "text",
        "waived_at": "timestamptz",
    },
    "scores": {
        "customer_id": "uuid",
        "scored_on": "date",
        "formula": "integer",
        "tenths": "integer",
        "class": "text",
        "facts": "jsonb",
        "computed_at": "timestamptz",
    },
    "agency_reports": {
        "report_id": "uuid",
        "agency": "text",
        "customer_id": "uuid",
        "siren": "text",
        "reported_on": "date",
        "score_text": "text",
        "score": "integer",
        "trend": "text",
        "advised_minor": "bigint",
        "currency": "text",
        "legal_events": "jsonb",
        "told": "jsonb",
        "told_sha256": "text",
        "source": "text",
        "taken_by": "text",
        "taken_at": "timestamptz",
    },
    "insurer_decisions": {
        "decision_id": "uuid",
        "policy_id": "uuid",
        "customer_id": "uuid",
        "kind": "text",
        "state": "text",
        "asked_minor": "bigint",
        "amount_minor": "bigint",
        "currency": "text",
        "decided_on": "date",
        "effective_on": "date",
        "ends_on": "date",
        "reference": "text",
        "source": "text",
        "noted_by": "text",
        "noted_at": "timestamptz",
    },
    "assignments": {
        "assignment_id": "uuid",
        "batch_id": "uuid",
        "invoice_id": "uuid",
        "customer_id": "uuid",
        "factor_id": "uuid",
        "confidential": "boolean",
        "recourse": "boolean",
        "amount_minor": "bigint",
        "open_minor": "bigint",
        "currency": "text",
        "state": "text",
        "holder": "text",
        "iban": "text",
        "bic": "text",
        "assigned_on": "date",
        "assigned_by": "text",
        "changed_at": "timestamptz",
    },
    "assignment_moves": {
        "move_id": "uuid",
        "assignment_id": "uuid",
        "kind": "text",
        "amount_minor": "bigint",
        "entry_id": "uuid",
        "moved_on": "date",
        "actor": "text",
        "reason": "text",
        "moved_at": "timestamptz",
    },
    "outbox": {"kind": "text", "event_key": "text", "payload": "jsonb"},
    "audit_rows": {"actor": "text", "act": "text", "object": "text", "details": "jsonb"},
}
"""Columns that are written as sets, with the type each has in the tables."""


def _exact(value: object) -> str:
    """Decimals become text: a JSON number would pass through a float somewhere."""
    if isinstance(value, Decimal):
        return str(value)
    raise TypeError(type(value).__name__)


def literally(wanted: str) -> str:
    """``wanted`` for ILIKE, with its wildcards taken as they are."""
    return wanted.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")


def to_json(value: object) -> str:
    """Compact JSON: ids, days and instants as text (ISO 8601), exact decimals as text."""
    return orjson.dumps(value, default=_exact).decode()


@dataclass(slots=True)
class Work:
    """One supplier's transaction."""

    connection: Connection
    supplier_id: UUID

    def rows(self, sql: str, **values: Any) -> Sequence[RowMapping]:
        """Rows of a query; ``:supplier`` is bound to the supplier of this work."""
        return self.connection.execute(text(sql), {"supplier": self.supplier_id, **values}).mappings().all()

    def row(self, sql: str, **values: Any) -> RowMapping | None:
        """The first row of a query, or ``None``."""
        return self.connection.execute(text(sql), {"supplier": self.supplier_id, **values}).mappings().first()

    def scalar(self, sql: str, **values: Any) -> Any:
        """The first value of the first row."""
        return self.connection.scalar(text(sql), {"supplier": self.supplier_id, **values})

    def execute(self, sql: str, **values: Any) -> int:
        """Run a statement and return how many rows it touched."""
        return self.connection.execute(text(sql), {"supplier": self.supplier_id, **values}).rowcount

    def insert(self, table: str, rows: Sequence[Mapping[str, Any]], *, on_conflict: str = "") -> None:
        """Insert ``rows`` as one set: one statement and one parameter, however many they are."""
        if not rows:
            return
        columns = COLUMNS[table]
        names = ", ".join(columns)
        typed = ", ".join(f"{name} {kind}" for name, kind in columns.items())
        self.connection.exec_driver_sql(
            f"INSERT INTO {table} (supplier_id, {names}) SELECT %s::uuid, {names} "
            f"FROM jsonb_to_recordset(%s::jsonb) AS given ({typed}) {on_conflict}",
            (str(self.supplier_id), to_json(rows)),
        )

    def emit(self, events: Sequence[Event]) -> None:
        """Put facts into the outbox of this transaction; a fact already told stays told once."""
        self.insert(
            "outbox",
            [{"kind": event.kind, "event_key": event.key, "payload": event.payload} for event in events],
            on_conflict="ON CONFLICT (supplier_id, kind, event_key) DO NOTHING",
        )

    def audit(self, actor: str, act: str, object_: str, **details: Any) -> None:
        """Append one row to the audit trail."""
        self.audit_all([{"actor": actor, "act": act, "object": object_, "details": details}])

    def audit_all(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Append rows (actor, act, object, details) to the audit trail."""
        self.insert("audit_rows", rows)


class Works:
    """Begins works on one database."""

    def __init__(self, database: Database) -> None:
        self.database = database

    @contextmanager
    def begin(self, supplier_id: UUID) -> Iterator[Work]:
        """One transaction of one supplier."""
        with self.database.begin(supplier_id) as connection:
            yield Work(connection, supplier_id)

    def run(self, supplier_id: UUID, service: Callable[[Work], Result]) -> Result:
        """Run ``service`` in a transaction of its own, again where PostgreSQL asks for it (40001, 40P01)."""

        def once() -> Result:
            with self.begin(supplier_id) as work:
                return service(work)

        return run_again(once)
