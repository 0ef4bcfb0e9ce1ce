"""The inbox: everything from outside, stored as received before anything is done with it."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from config.clock import now
from receivables.store.work import to_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from receivables.store.work import Work

FIRST_WAIT_S = 0.05
LONGEST_WAIT_S = 300
"""A waiting message is looked at again after 50 ms, then twice as long each time, never longer than five minutes."""
PATIENCE = timedelta(days=3)
"""What waited this long will not come: the message is buried, with its reason, for a human."""
LEAST_TRIES = 16
"""But not before it was looked at for about twenty minutes: the worker itself may have been down."""


@dataclass(frozen=True, slots=True)
class Message:
    """A stored message: ``external_id`` is the sender's, ``body`` is exactly what came."""

    inbox_id: int
    source: str
    external_id: str
    body: bytes
    tries: int
    received_at: datetime


@dataclass(frozen=True, slots=True)
class Settlement:
    """What became of a message: ``done``, ``waiting`` (again later) or ``buried`` (for a human), and why."""

    inbox_id: int
    state: str
    reason: str | None = None


def accept(work: Work, source: str, messages: Sequence[tuple[str, bytes]]) -> int:
    """Store messages (external id, body) that are new; returns how many were."""
    return int(
        work.scalar(
            "SELECT accept_events(:supplier, :source, CAST(:events AS jsonb))",
            source=source,
            events=to_json([{"id": key, "body": base64.b64encode(body).decode()} for key, body in messages]),
        )
    )


def claim(work: Work, limit: int) -> list[Message]:
    """Up to ``limit`` messages to work on, locked until the transaction ends; other workers skip them."""
    rows = work.rows(
        "SELECT inbox_id, source, external_id, body, tries, received_at FROM inbox WHERE supplier_id = :supplier "
        "AND state IN ('new', 'waiting') AND next_try_at <= now() "
        "ORDER BY next_try_at, inbox_id LIMIT :limit FOR UPDATE SKIP LOCKED",
        limit=limit,
    )
    return [Message(**row) for row in rows]


def claim_one(work: Work, inbox_id: int) -> Message | None:
    """One message, locked, if it is still to be worked on and nobody else has it."""
    row = work.row(
        "SELECT inbox_id, source, external_id, body, tries, received_at FROM inbox WHERE supplier_id = :supplier "
        "AND inbox_id = :id AND state IN ('new', 'waiting') FOR UPDATE SKIP LOCKED",
        id=inbox_id,
    )
    return Message(**row) if row else None


def settle(work: Work, messages: Sequence[Message], settlements: Sequence[Settlement]) -> None:
    """Write what became of ``messages``; a wait beyond :data:`PATIENCE` becomes a burial.

    What another worker has settled meanwhile stays as it is.
    """
    by_id = {message.inbox_id: message for message in messages}
    at = now()
    rows = []
    for each in settlements:
        message = by_id[each.inbox_id]
        state = each.state
        if state == "waiting" and at - message.received_at > PATIENCE and message.tries >= LEAST_TRIES:
            state = "buried"
        wait = min(FIRST_WAIT_S * 2 ** min(message.tries, 20), LONGEST_WAIT_S)
        rows.append(
            {
                "inbox_id": each.inbox_id,
                "state": state,
                "reason": each.reason,
                "next_try_at": at + timedelta(seconds=wait),
                "done_at": at if state == "done" else None,
            }
        )
    if rows:
        work.execute(
            "UPDATE inbox SET state = given.state, reason = given.reason, tries = inbox.tries + 1, "
            "next_try_at = given.next_try_at, done_at = given.done_at "
            "FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS given "
            "(inbox_id bigint, state text, reason text, next_try_at timestamptz, done_at timestamptz) "
            "WHERE inbox.supplier_id = :supplier AND inbox.inbox_id = given.inbox_id "
            "AND inbox.state IN ('new', 'waiting')",
            rows=to_json(rows),
        )
