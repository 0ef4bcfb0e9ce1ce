"""One transaction's connection and repositories: what a service works with.

``with works.begin(supplier_id) as work:`` commits on a clean exit and rolls back on any exception.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeVar

import orjson
from sqlalchemy import text

from config.database import run_again
from receivables.store.columns import COLUMNS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from uuid import UUID

    from sqlalchemy import Connection, RowMapping, TextClause

    from config.database import Database
    from receivables.domain.events import Event

Result = TypeVar("Result")


MOST_READ = 2_000
"""Statements whose parameters are found once: the house has fewer, those that are put together from parts included."""


@lru_cache(MOST_READ)
def _read(sql: str) -> TextClause:
    """A statement with its parameters found: each time, that is a good part of what Python spends on a small one."""
    return text(sql)


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
        return self.connection.execute(_read(sql), {"supplier": self.supplier_id, **values}).mappings().all()

    def row(self, sql: str, **values: Any) -> RowMapping | None:
        """The first row of a query, or ``None``."""
        return self.connection.execute(_read(sql), {"supplier": self.supplier_id, **values}).mappings().first()

    def scalar(self, sql: str, **values: Any) -> Any:
        """The first value of the first row."""
        return self.connection.scalar(_read(sql), {"supplier": self.supplier_id, **values})

    def execute(self, sql: str, **values: Any) -> int:
        """Run a statement and return how many rows it touched."""
        return self.connection.execute(_read(sql), {"supplier": self.supplier_id, **values}).rowcount

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
    """Begins works on one database; ``portfolio`` says who is asking, where they may see their own customers only."""

    def __init__(self, database: Database, portfolio: Callable[[], UUID | None] = lambda: None) -> None:
        self.database = database
        self._portfolio = portfolio

    @contextmanager
    def begin(self, supplier_id: UUID) -> Iterator[Work]:
        """One transaction of one supplier."""
        with self.database.begin(supplier_id, self._portfolio()) as connection:
            yield Work(connection, supplier_id)

    def run(self, supplier_id: UUID, service: Callable[[Work], Result]) -> Result:
        """Run ``service`` in a transaction of its own, again where PostgreSQL asks for it (40001, 40P01)."""

        def once() -> Result:
            with self.begin(supplier_id) as work:
                return service(work)

        return run_again(once)
