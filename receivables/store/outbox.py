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
MOST_FINISHED = 1_000
"""Facts finished as one set: a statement stays short enough not to hold up others."""
FIRST_WAIT_S = 0.5
LONGEST_WAIT_S = 300
PATIENCE = timedelta(days=30)
"""A platform may be down for days; a fact is only buried, for a human, after a month of trying."""
LEAST_TRIES = 16
"""But not before it was tried for about half an hour: the worker itself may have been down."""


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


def announce_again(work: Work, kind: str, key_prefix: str) -> int:
    """Give finished facts of a kind, whose key begins so, to their subscribers once more; returns how many.

    A subscriber has to know by itself what it did already.
    """
    return work.execute(
        "UPDATE outbox SET state = 'new', done_at = NULL, reason = NULL, tries = 0, next_try_at = :at, done_by = '{}' "
        "WHERE supplier_id = :supplier AND kind = :kind AND starts_with(event_key, :prefix) AND state <> 'new'",
        kind=kind,
        prefix=key_prefix,
        at=now(),
    )


def finish(work: Work, outbox_ids: Sequence[int]) -> None:
    """Every subscriber of these facts has done its part."""
    work.execute(
        "UPDATE outbox SET state = 'done', done_at = now(), reason = NULL "
        "WHERE supplier_id = :supplier AND outbox_id = ANY(:ids)",
        ids=list(outbox_ids),
    )


def finish_due(work: Work, kind: str) -> int:
    """Finish up to :data:`MOST_FINISHED` facts of a kind that are due and concern nobody; returns how many."""
    return work.execute(
        "UPDATE outbox SET state = 'done', done_at = now() WHERE supplier_id = :supplier AND outbox_id IN ("
        "SELECT outbox_id FROM outbox WHERE supplier_id = :supplier AND state = 'new' AND next_try_at <= now() "
        "AND kind = :kind ORDER BY next_try_at, outbox_id LIMIT :limit FOR UPDATE SKIP LOCKED)",
        kind=kind,
        limit=MOST_FINISHED,
    )


def postpone(work: Work, announcement: Announcement, reason: str, *, wait_s: float | None = None) -> None:
    """Try again later, or bury what was tried for longer than :data:`PATIENCE`.

    What another worker has finished meanwhile, after our lease, stays finished.
    """
    at = now()
    buried = at - announcement.created_at > PATIENCE and announcement.tries >= LEAST_TRIES
    wait = wait_s if wait_s is not None else min(FIRST_WAIT_S * 2 ** min(announcement.tries, 20), LONGEST_WAIT_S)
    work.execute(
        "UPDATE outbox SET state = :state, reason = :reason, next_try_at = :next "
        "WHERE supplier_id = :supplier AND outbox_id = :id AND state = 'new'",
        id=announcement.outbox_id,
        state="buried" if buried else "new",
        reason=reason[:500],
        next=at + timedelta(seconds=wait),
    )
