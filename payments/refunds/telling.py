"""The word to a payer that money went back to them, once for each refund that the books hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from receivables.store.work import Work

REFUND_TOLD = "refund.told"
"""Money went back to a payer who is to be told: ``attempt_id``, and ``refund_ref`` as in the books."""


def announce_refunds(work: Work, refund_refs: Sequence[str]) -> None:
    """Have payers told of these refunds, once for each; none without an address, none that the books do not hold."""
    work.execute(
        "INSERT INTO outbox (supplier_id, kind, event_key, payload) "
        "SELECT :supplier, :kind, concat(attempt_id, '/', item.reference), "
        "jsonb_build_object('attempt_id', attempt_id, 'refund_ref', item.reference) "
        "FROM receivable_items AS item JOIN payment_attempts USING (supplier_id, attempt_id) "
        "JOIN customers ON customers.supplier_id = item.supplier_id AND customers.customer_id = item.customer_id "
        "WHERE item.supplier_id = :supplier AND item.kind = 'refund' AND item.reference = ANY(:refs) "
        "AND email IS NOT NULL ON CONFLICT (supplier_id, kind, event_key) DO NOTHING",
        kind=REFUND_TOLD,
        refs=list(refund_refs),
    )


def refunded_minor(work: Work, attempt_id: UUID, refund_ref: str) -> int:
    """What this refund gave back in minor units; 0 where it came back to us meanwhile."""
    return int(
        work.scalar(
            "SELECT coalesce(sum(CASE kind WHEN 'refund' THEN amount_minor ELSE -amount_minor END), 0) "
            "FROM receivable_items WHERE supplier_id = :supplier AND attempt_id = :attempt AND reference = :ref "
            "AND kind IN ('refund', 'refund_failed')",
            attempt=attempt_id,
            ref=refund_ref,
        )
    )
