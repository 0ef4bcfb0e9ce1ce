"""Which suppliers have something to do for a chore: asked of the register in one query, instead of each supplier.

In a large house most suppliers have nothing to do most of the time. The register sees *that* there is something, never
what it is (`WORK_TO_DO` in the migrations); each condition is one look into an index per supplier.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import text

from config.clock import now

if TYPE_CHECKING:
    from datetime import timedelta
    from uuid import UUID

    from config.database import Database

PAID_ONLINE = "EXISTS (SELECT 1 FROM gateway_accounts AS account WHERE account.supplier_id = supplier.supplier_id)"
"""Has an account at a payment provider, the active one or an earlier one."""
CHECKOUTS_TO_TEND = (
    "EXISTS (SELECT 1 FROM gateway_accounts AS account WHERE account.supplier_id = supplier.supplier_id "
    "AND (provider <> 'stripe' OR NOT active))"
)
"""Is or was paid through a provider whose checkouts do not end by themselves, or has left one."""
REFUNDS_UNDER_WAY = (
    "EXISTS (SELECT 1 FROM refund_orders AS refund WHERE refund.supplier_id = supplier.supplier_id "
    "AND state IN ('to_send', 'sent'))"
)
REFUNDS = "EXISTS (SELECT 1 FROM refund_orders AS refund WHERE refund.supplier_id = supplier.supplier_id)"
OPEN_PAYOUTS = (
    "EXISTS (SELECT 1 FROM payouts WHERE payouts.supplier_id = supplier.supplier_id "
    "AND state IN ('on_its_way', 'paid'))"
)
UNFINISHED_STATEMENTS = (
    "EXISTS (SELECT 1 FROM statements WHERE statements.supplier_id = supplier.supplier_id AND finished_at IS NULL)"
)
WAITING_BANK_LINES = (
    "EXISTS (SELECT 1 FROM bank_lines AS line WHERE line.supplier_id = supplier.supplier_id "
    "AND state IN ('proposed', 'unidentified'))"
)
DEBITS = (
    "(EXISTS (SELECT 1 FROM debits WHERE debits.supplier_id = supplier.supplier_id) "
    "OR EXISTS (SELECT 1 FROM autopay WHERE autopay.supplier_id = supplier.supplier_id) "
    "OR EXISTS (SELECT 1 FROM debit_returns AS back WHERE back.supplier_id = supplier.supplier_id))"
)
"""Collects, or has ever collected, by itself."""
RIPE_ACCOUNTS = (
    "EXISTS (SELECT 1 FROM bank_accounts AS account WHERE account.supplier_id = supplier.supplier_id "
    "AND state IN ('proposed', 'confirmed') AND active_from <= :now)"
)
"""A change of bank account whose quarantine is over."""
UNSEALED_AUDIT = (
    "EXISTS (SELECT 1 FROM (SELECT written_in, audit_id FROM audit_rows AS written "
    "WHERE written.supplier_id = supplier.supplier_id ORDER BY written_in DESC, audit_id DESC LIMIT 1) AS newest "
    "LEFT JOIN (SELECT last_xid, last_audit_id FROM audit_seals AS seal "
    "WHERE seal.supplier_id = supplier.supplier_id ORDER BY block DESC LIMIT 1) AS sealed ON true "
    "WHERE last_xid IS NULL OR (written_in, audit_id) > (last_xid, last_audit_id))"
)


def suppliers_with(database: Database, condition: str) -> list[UUID]:
    """Suppliers that meet a ``condition`` of this module."""
    return _ask(database, condition)


def suppliers_with_contests(database: Database, watermark: str, overlap: timedelta) -> list[UUID]:
    """Suppliers with a complaint that changed since their ``watermark``, or was never looked at."""
    return _ask(
        database,
        "EXISTS (SELECT 1 FROM provider_disputes AS contest LEFT JOIN watermarks AS looked "
        "ON looked.supplier_id = contest.supplier_id AND looked.name = :watermark "
        "WHERE contest.supplier_id = supplier.supplier_id AND contest.state <> 'answered' "
        "AND (reached_at IS NULL OR contest.changed_at >= reached_at - CAST(:overlap AS interval)))",
        watermark=watermark,
        overlap=overlap,
    )


def _ask(database: Database, condition: str, **values: object) -> list[UUID]:
    with database.register() as connection:
        rows = connection.scalars(
            text(f"SELECT supplier_id FROM suppliers AS supplier WHERE {condition} ORDER BY supplier_id"),
            {"now": now(), **values} if ":now" in condition else values,
        )
        return list(rows)
