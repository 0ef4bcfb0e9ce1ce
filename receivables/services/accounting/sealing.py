"""Seal the audit trail into a chain of hashes, and verify it from its beginning.

Rows are appended without a lock; a block seals those whose transactions have all ended (below the xmin horizon), so
that a row that commits late is sealed later, never skipped. The chain shows tampering; it does not stop a superuser.

A block hashes the hash of the block before and the hashes of its rows (scheme 2), so that :func:`show_rows` can prove
that some rows stand in a block without telling the others. Blocks of scheme 1 hash their rows as one text.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from config.clock import now
from receivables.store.work import to_json

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from sqlalchemy import RowMapping

    from receivables.store.work import Work

GENESIS = b"\0" * 32
BLOCK_ROWS = 5_000
"""Rows sealed at once: a block stays readable in one go."""
SEALED_WITHIN_S = 60
"""A row that could be sealed and is not by then is a fault: nobody seals, or somebody keeps it from being sealed."""

_ROWS = (
    "SELECT audit_id, actor, act, object, details, happened_at FROM audit_rows "
    "WHERE supplier_id = :supplier AND audit_id = ANY(:ids) ORDER BY audit_id"
)


_ONE_TEXT, _BY_ROW = 1, 2
SCHEME = _BY_ROW
"""How new blocks are hashed."""


@dataclass(frozen=True, slots=True)
class ShownBlock:
    """One sealed block with some of its rows: ``leaves`` are the hashes of all its rows, in their order.

    ``rows`` maps a place among the leaves to the canonical text of that row: JSON of audit id, actor, act, object,
    details and instant. A leaf is the SHA-256 of that text; the block's hash is the SHA-256 of the previous hash and
    the leaves. A block of scheme 1 has no leaves: there only the house itself can prove its rows.
    """

    block: int
    scheme: int
    previous_hash: bytes
    hash: bytes
    sealed_at: datetime
    leaves: tuple[bytes, ...]
    rows: dict[int, str]


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
        "sealed_at, scheme) VALUES (:supplier, :block, :ids, :previous, :hash, CAST(:xid AS xid8), :audit_id, :at, "
        ":scheme)",
        block=(last["block"] if last else 0) + 1,
        ids=ids,
        previous=previous,
        hash=_hash(previous, work.rows(_ROWS, ids=ids), SCHEME),
        xid=rows[-1]["written_in"],
        audit_id=rows[-1]["audit_id"],
        at=now(),
        scheme=SCHEME,
    )
    return len(ids)


def show_rows(work: Work, ids: Collection[int]) -> list[ShownBlock]:
    """The blocks in which these audit rows were sealed, each showing them alone; rows not sealed yet are in none."""
    seals = work.rows(
        "SELECT block, scheme, audit_ids, previous_hash, hash, sealed_at FROM audit_seals "
        "WHERE supplier_id = :supplier AND audit_ids && CAST(:ids AS bigint[]) ORDER BY block",
        ids=list(ids),
    )
    return [_show(work, seal, {*ids}) for seal in seals]


def verify_chain(work: Work) -> ChainState:
    """Recompute every block from the rows themselves.

    Faults: a block whose hash or predecessor is wrong, a row sealed twice or never (older than ``SEALED_WITHIN_S``, and
    no running transaction can still precede it), an entry without its audit row.
    """
    faults, previous = 0, GENESIS
    seen: set[int] = set()
    seals = work.rows(
        "SELECT block, scheme, audit_ids, previous_hash, hash FROM audit_seals WHERE supplier_id = :supplier "
        "ORDER BY block"
    )
    for number, seal in enumerate(seals, start=1):
        rows = work.rows(_ROWS, ids=seal["audit_ids"])
        whole = seal["block"] == number and bytes(seal["previous_hash"]) == previous and not seen & {*seal["audit_ids"]}
        found = _hash(previous, rows, seal["scheme"])
        if not whole or len(rows) != len(seal["audit_ids"]) or found != bytes(seal["hash"]):
            faults += 1
        seen |= set(seal["audit_ids"])
        previous = bytes(seal["hash"])
    late = work.rows(
        "SELECT audit_id FROM audit_rows WHERE supplier_id = :supplier "
        "AND happened_at < now() - make_interval(secs => :within) "
        "AND written_in < pg_snapshot_xmin(pg_current_snapshot())",
        within=SEALED_WITHIN_S,
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


def _show(work: Work, seal: RowMapping, wanted: set[int]) -> ShownBlock:
    rows = work.rows(_ROWS, ids=seal["audit_ids"])
    return ShownBlock(
        block=seal["block"],
        scheme=seal["scheme"],
        previous_hash=bytes(seal["previous_hash"]),
        hash=bytes(seal["hash"]),
        sealed_at=seal["sealed_at"],
        leaves=tuple(_leaf(row) for row in rows) if seal["scheme"] == _BY_ROW else (),
        rows={place: _canonical(row) for place, row in enumerate(rows) if row["audit_id"] in wanted},
    )


def _hash(previous: bytes, rows: Sequence[RowMapping], scheme: int) -> bytes:
    if scheme == _BY_ROW:
        return hashlib.sha256(previous + b"".join(_leaf(row) for row in rows)).digest()
    canonical = to_json([[*dict(row).values()] for row in rows]).encode()
    return hashlib.sha256(previous + canonical).digest()


def _leaf(row: RowMapping) -> bytes:
    return hashlib.sha256(_canonical(row).encode()).digest()


def _canonical(row: RowMapping) -> str:
    return to_json([*dict(row).values()])
