"""The log of events for the outside: written in the transaction that made each true, numbered in the order of commits.

A row gets its position after its commit, by one writer per supplier at a time: whoever has read up to a position has
read everything up to it, whichever transaction was slow.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from config.clock import new_id, now

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy import RowMapping

    from receivables.domain.told import Told
    from receivables.store.work import Work

MOST_NUMBERED = 1_000
"""Rows numbered in one transaction."""
MOST_READ = 500
_COLUMNS = "event_id, position, kind, customer_id, invoice_id, data, happened_at"


@dataclass(frozen=True, slots=True)
class LoggedEvent:
    """An event of the log at its ``position``: 1, 2, 3 ... without gaps for each supplier."""

    event_id: UUID
    position: int
    kind: str
    customer_id: UUID | None
    invoice_id: UUID | None
    data: dict[str, Any]
    happened_at: datetime


def tell(work: Work, events: Sequence[Told]) -> None:
    """Put events into the log, as one set."""
    at = now()
    work.insert(
        "event_log",
        [
            {
                "event_id": new_id(),
                "kind": each.kind,
                "customer_id": each.customer_id,
                "invoice_id": each.invoice_id,
                "data": each.data,
                "happened_at": each.happened_at or at,
            }
            for each in events
        ],
    )


def number_events(work: Work) -> list[LoggedEvent]:
    """Give the next positions to rows that have none, the oldest first; returns those rows."""
    work.execute("INSERT INTO event_heads (supplier_id) VALUES (:supplier) ON CONFLICT DO NOTHING")
    last = work.scalar("SELECT last_position FROM event_heads WHERE supplier_id = :supplier FOR UPDATE")
    rows = work.rows(
        "UPDATE event_log AS event SET position = :last + fresh.rank FROM ("
        "SELECT event_id, row_number() OVER (ORDER BY written) AS rank FROM event_log "
        "WHERE supplier_id = :supplier AND position IS NULL ORDER BY written LIMIT :limit) AS fresh "
        "WHERE event.supplier_id = :supplier AND event.event_id = fresh.event_id "
        f"RETURNING {', '.join(f'event.{each}' for each in _COLUMNS.split(', '))}",
        last=last,
        limit=MOST_NUMBERED,
    )
    if rows:
        work.execute(
            "UPDATE event_heads SET last_position = :last WHERE supplier_id = :supplier", last=last + len(rows)
        )
    return sorted(map(_event, rows), key=lambda each: each.position)


def events_since(
    work: Work,
    cursor: int = 0,
    limit: int = 100,
    *,
    kinds: Collection[str] = (),
    since: datetime | None = None,
) -> list[LoggedEvent]:
    """Up to ``limit`` events after position ``cursor``, in the order of positions; of any kind where none is named.

    ``since``: only what happened then or later. The last one's position is the next cursor.
    """
    rows = work.rows(
        f"SELECT {_COLUMNS} FROM event_log WHERE supplier_id = :supplier AND position > :cursor "
        "AND (cardinality(CAST(:kinds AS text[])) = 0 OR kind = ANY(:kinds)) "
        "AND (CAST(:since AS timestamptz) IS NULL OR happened_at >= :since) ORDER BY position LIMIT :limit",
        cursor=cursor,
        kinds=sorted(kinds),
        since=since,
        limit=min(limit, MOST_READ),
    )
    return [_event(row) for row in rows]


def events_before(work: Work, before: int | None, limit: int, *, kind: str | None = None) -> list[LoggedEvent]:
    """Up to ``limit`` events before a position, or the newest, backwards; of one kind or of any."""
    rows = work.rows(
        f"SELECT {_COLUMNS} FROM event_log WHERE supplier_id = :supplier AND position < :before "
        "AND (CAST(:kind AS text) IS NULL OR kind = :kind) ORDER BY position DESC LIMIT :limit",
        before=before or 2**62,
        kind=kind,
        limit=min(limit, MOST_READ),
    )
    return [_event(row) for row in rows]


def find_event(work: Work, event_id: UUID) -> LoggedEvent | None:
    """An event of the log, or ``None`` where there is none, or none with a position yet."""
    row = work.row(
        f"SELECT {_COLUMNS} FROM event_log WHERE supplier_id = :supplier AND event_id = :id AND position IS NOT NULL",
        id=event_id,
    )
    return _event(row) if row else None


def _event(row: RowMapping) -> LoggedEvent:
    return LoggedEvent(**row)
