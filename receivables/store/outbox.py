"""The outbox: facts for the outside, at least once, each subscriber marked when it has done its part."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from config.clock import now

if TYPE_CHECKING:
    from collections.abc import Sequence

    from receivables.store.work import Work

LEASE = timedelta(seconds=60)
"""A taken fact is given to another worker after this long: longer than any time-out of what is called with it."""
FIRST_WAIT_S = 0.5
LONGEST_WAIT_S = 300
PATIENCE = timedelta(days=30)
"""A platform may be down for days; a fact is only buried, for a human, after a month of trying."""


@dataclass(frozen=True, slots=True)
class Announcement:
    """A fact taken from the outbox; ``done_by`` names the subscribers that need it no more."""

    outbox_id: int
    kind: str
    event_key: str
    payload: dict[str, Any]
    done_by: frozenset[str]
    tries: int
    created_at: datetime


def take(work: Work, limit: int, kind: str | None = None) -> list[Announcement]:
    """Lease up to ``limit`` facts that are due, of one kind or of any: a crashed taker loses them to the next."""
    rows = work.rows(
        "UPDATE outbox SET tries = tries + 1, next_try_at = :until WHERE supplier_id = :supplier AND outbox_id IN ("
        "SELECT outbox_id FROM outbox WHERE supplier_id = :supplier AND state = 'new' AND next_try_at <= now() "
        "AND (CAST(:kind AS text) IS NULL OR kind = :kind) "
        "ORDER BY next_try_at, outbox_id LIMIT :limit FOR UPDATE SKIP LOCKED) "
        "RETURNING outbox_id, kind, event_key, payload, done_by, tries, created_at",
        until=now() + LEASE,
        limit=limit,
        kind=kind,
    )
    taken = [Announcement(**{**row, "done_by": frozenset(row["done_by"])}) for row in rows]
    return sorted(taken, key=lambda each: each.outbox_id)


def mark_done_by(work: Work, outbox_id: int, subscriber: str) -> None:
    """Note that one subscriber has done its part."""
    work.execute(
        "UPDATE outbox SET done_by = array_append(done_by, :subscriber) WHERE supplier_id = :supplier "
        "AND outbox_id = :id AND NOT :subscriber = ANY(done_by)",
        id=outbox_id,
        subscriber=subscriber,
    )


def mark_event_done_by(work: Work, kind: str, event_key: str, subscriber: str) -> None:
    """Note that a subscriber's part of a fact was done at once, before any worker took it."""
    work.execute(
        "UPDATE outbox SET done_by = array_append(done_by, :subscriber) WHERE supplier_id = :supplier "
        "AND kind = :kind AND event_key = :key AND NOT :subscriber = ANY(done_by)",
        kind=kind,
        key=event_key,
        subscriber=subscriber,
    )


def finish(work: Work, outbox_ids: Sequence[int]) -> None:
    """Every subscriber of these facts has done its part."""
    work.execute(
        "UPDATE outbox SET state = 'done', done_at = now(), reason = NULL "
        "WHERE supplier_id = :supplier AND outbox_id = ANY(:ids)",
        ids=list(outbox_ids),
    )


def postpone(work: Work, announcement: Announcement, reason: str, *, wait_s: float | None = None) -> None:
    """Try again later, or bury what was tried for longer than :data:`PATIENCE`."""
    at = now()
    wait = wait_s if wait_s is not None else min(FIRST_WAIT_S * 2 ** min(announcement.tries, 20), LONGEST_WAIT_S)
    work.execute(
        "UPDATE outbox SET state = :state, reason = :reason, next_try_at = :next "
        "WHERE supplier_id = :supplier AND outbox_id = :id",
        id=announcement.outbox_id,
        state="buried" if at - announcement.created_at > PATIENCE else "new",
        reason=reason[:500],
        next=at + timedelta(seconds=wait),
    )
