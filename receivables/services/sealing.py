"""Seal the audit trail into a chain of hashes, and verify it from its beginning.

Rows are appended without a lock; a block seals those whose transactions have all ended (below the xmin horizon), so
that a row that commits late is sealed later, never skipped. The chain shows tampering; it does not stop a superuser.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from config.clock import now
from receivables.store.work import to_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import RowMapping

    from receivables.store.work import Work

GENESIS = b"\0" * 32
BLOCK_ROWS = 5_000
"""Rows sealed at once: a block stays readable in one go."""

_ROWS = (
    "SELECT audit_id, actor, act, object, details, happened_at FROM audit_rows "
    "WHERE supplier_id = :supplier AND audit_id = ANY(:ids) ORDER BY audit_id"
)


@dataclass(frozen=True, slots=True)
class ChainState:
    """How many rows the trail has, and how many faults its chain shows."""

    rows: int
    faults: int


def seal_audit(work: Work) -> int:
    """Seal the rows that no running transaction can still precede; returns how many."""
    work.scalar("SELECT pg_advisory_xact_lock(hashtextextended('audit-seal:' || :supplier, 0))")
    last = work.row(
        "SELECT block, hash, last_xid, last_audit_id FROM audit_seals WHERE supplier_id = :supplier "
        "ORDER BY block DESC LIMIT 1"
    )
    rows = work.rows(
        "SELECT audit_id, written_in FROM audit_rows WHERE supplier_id = :supplier "
        "AND written_in < pg_snapshot_xmin(pg_current_snapshot()) "
        "AND (CAST(:xid AS xid8) IS NULL OR (written_in, audit_id) > (CAST(:xid AS xid8), :audit_id)) "
        "ORDER BY written_in, audit_id LIMIT :limit",
        xid=last["last_xid"] if last else None,
        audit_id=last["last_audit_id"] if last else 0,
        limit=BLOCK_ROWS,
    )
    ids = [row["audit_id"] for row in rows]
    if not ids:
        return 0
    previous = bytes(last["hash"]) if last else GENESIS
    work.execute(
        "INSERT INTO audit_seals (supplier_id, block, audit_ids, previous_hash, hash, last_xid, last_audit_id, "
        "sealed_at) VALUES (:supplier, :block, :ids, :previous, :hash, CAST(:xid AS xid8), :audit_id, :at)",
        block=(last["block"] if last else 0) + 1,
        ids=ids,
        previous=previous,
        hash=_hash(previous, work.rows(_ROWS, ids=ids)),
        xid=rows[-1]["written_in"],
        audit_id=rows[-1]["audit_id"],
        at=now(),
    )
    return len(ids)


def verify_chain(work: Work) -> ChainState:
    """Recompute every block from the rows themselves.

    Faults: a block whose hash or predecessor is wrong, a row sealed twice or never (older than a minute), an entry
    without its audit row.
    """
    faults, previous = 0, GENESIS
    seen: set[int] = set()
    seals = work.rows(
        "SELECT block, audit_ids, previous_hash, hash FROM audit_seals WHERE supplier_id = :supplier ORDER BY block"
    )
    for number, seal in enumerate(seals, start=1):
        rows = work.rows(_ROWS, ids=seal["audit_ids"])
        whole = seal["block"] == number and bytes(seal["previous_hash"]) == previous and not seen & {*seal["audit_ids"]}
        if not whole or len(rows) != len(seal["audit_ids"]) or _hash(previous, rows) != bytes(seal["hash"]):
            faults += 1
        seen |= set(seal["audit_ids"])
        previous = bytes(seal["hash"])
    late = work.rows(
        "SELECT audit_id FROM audit_rows WHERE supplier_id = :supplier AND happened_at < now() - interval '60 seconds'"
    )
    faults += sum(row["audit_id"] not in seen for row in late)
    faults += int(
        work.scalar(
            "SELECT count(*) FROM entries AS entry WHERE supplier_id = :supplier AND NOT EXISTS (SELECT 1 FROM "
            "audit_rows AS row WHERE row.supplier_id = :supplier AND row.object = entry.source_ref "
            "AND row.act IN (entry.source_kind || '.booked', entry.source_kind || '.issued'))"
        )
    )
    return ChainState(int(work.scalar("SELECT count(*) FROM audit_rows WHERE supplier_id = :supplier")), faults)


def _hash(previous: bytes, rows: Sequence[RowMapping]) -> bytes:
    canonical = to_json([[*dict(row).values()] for row in rows]).encode()
    return hashlib.sha256(previous + canonical).digest()
