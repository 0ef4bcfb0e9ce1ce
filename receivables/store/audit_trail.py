"""The audit trail, read: who did what to what and when, and how far it is sealed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from config.clock import PARIS
from receivables.store.work import literally

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import RowMapping

    from receivables.store.work import Work

MOST_LISTED = 50
MOST_EXPORTED = 200_000
"""Rows of one file: a year of a busy house; more are asked for by a shorter span."""
_BATCH = 5_000
_LAST_ACTS = 5_000
_ASKED = (
    "(:actor = '' OR actor = :actor) AND (:area = '' OR act LIKE :area || '.%') "
    "AND (CAST(:since AS timestamptz) IS NULL OR happened_at >= :since) "
    "AND (CAST(:until AS timestamptz) IS NULL OR happened_at < :until) "
    "AND (:wanted = '' OR act ILIKE :like OR object ILIKE :like OR CAST(details AS text) ILIKE :like "
    "OR act = ANY(:acts))"
)


@dataclass(frozen=True, slots=True)
class AuditAsked:
    """What is looked for: words in act, object and details; an actor; an area (before the dot of an act).

    ``acts`` are those that the words stand for in the reader's language.
    """

    wanted: str = ""
    actor: str = ""
    area: str = ""
    since: date | None = None
    until: date | None = None
    acts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AuditRow:
    """One act."""

    audit_id: int
    actor: str
    act: str
    object: str
    details: dict[str, Any]
    happened_at: datetime


@dataclass(frozen=True, slots=True)
class SealState:
    """How far the trail is sealed: the last block with the hash of all before it, and the rows that wait."""

    block: int
    hash: bytes
    sealed_at: datetime
    waiting: int


def list_audit(work: Work, asked: AuditAsked, *, before: int | None = None, limit: int = MOST_LISTED) -> list[AuditRow]:
    """Acts, the newest first; ``before`` is the last one of the page before."""
    rows = work.rows(
        "SELECT audit_id, actor, act, object, details, happened_at FROM audit_rows WHERE supplier_id = :supplier "
        f"AND (CAST(:before AS bigint) IS NULL OR audit_id < :before) AND {_ASKED} ORDER BY audit_id DESC LIMIT :limit",
        before=before,
        limit=limit,
        **_values(asked),
    )
    return [_row(row) for row in rows]


def count_audit(work: Work, asked: AuditAsked) -> int:
    """How many acts are looked for."""
    return int(
        work.scalar(f"SELECT count(*) FROM audit_rows WHERE supplier_id = :supplier AND {_ASKED}", **_values(asked))
    )


def _values(asked: AuditAsked) -> dict[str, Any]:
    return {
        "actor": asked.actor,
        "area": literally(asked.area),
        "since": _begin(asked.since),
        "until": _begin(asked.until + timedelta(days=1)) if asked.until else None,
        "wanted": asked.wanted,
        "like": f"%{literally(asked.wanted)}%",
        "acts": list(asked.acts),
    }


def every_audit(work: Work, asked: AuditAsked) -> Iterator[AuditRow]:
    """Every act that is looked for, the newest first, up to :data:`MOST_EXPORTED`."""
    before, left = None, MOST_EXPORTED
    while left > 0:
        rows = list_audit(work, asked, before=before, limit=min(_BATCH, left))
        yield from rows
        if len(rows) < _BATCH:
            return
        before, left = rows[-1].audit_id, left - len(rows)


def audit_areas(work: Work) -> list[str]:
    """The areas of the last acts, by the alphabet: all of them would be a walk through the whole trail."""
    rows = work.rows(
        "SELECT DISTINCT split_part(act, '.', 1) AS area FROM (SELECT act FROM audit_rows "
        "WHERE supplier_id = :supplier ORDER BY audit_id DESC LIMIT :last) AS late ORDER BY area",
        last=_LAST_ACTS,
    )
    return [row["area"] for row in rows]


def seal_state(work: Work) -> SealState | None:
    """The last seal, ``None`` where nothing is sealed yet."""
    row = work.row(
        "SELECT block, hash, sealed_at, (SELECT count(*) FROM audit_rows AS late WHERE late.supplier_id = :supplier "
        "AND (late.written_in, late.audit_id) > (seal.last_xid, seal.last_audit_id)) AS waiting "
        "FROM audit_seals AS seal WHERE supplier_id = :supplier ORDER BY block DESC LIMIT 1"
    )
    return SealState(row["block"], bytes(row["hash"]), row["sealed_at"], row["waiting"]) if row else None


def _begin(day: date | None) -> datetime | None:
    return datetime.combine(day, time(), PARIS) if day else None


def _row(row: RowMapping) -> AuditRow:
    return AuditRow(row["audit_id"], row["actor"], row["act"], row["object"], dict(row["details"]), row["happened_at"])
