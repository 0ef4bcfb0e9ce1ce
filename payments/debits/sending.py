"""Files on their way: whoever handed one to the bank says so."""

from __future__ import annotations

from typing import TYPE_CHECKING

from config.clock import now
from payments.debits.listing import find_batch

if TYPE_CHECKING:
    from uuid import UUID

    from receivables.store.work import Work


def mark_sent(work: Work, batch_id: UUID, actor: str) -> bool:
    """Note that a file was handed to the bank; whether that was new.

    Raises:
        PaymentError: ``debit.unknown_file``.
    """
    batch = find_batch(work, batch_id)
    at = now()
    moved = work.execute(
        "UPDATE debit_batches SET state = 'sent', changed_at = :at WHERE supplier_id = :supplier AND batch_id = :id "
        "AND state = 'made'",
        id=batch_id,
        at=at,
    )
    if moved:
        work.execute(
            "UPDATE debits SET state = 'sent', changed_at = :at WHERE supplier_id = :supplier AND batch_id = :id "
            "AND state = 'in_file'",
            id=batch_id,
            at=at,
        )
        work.audit(actor, f"{batch['kind']}.file_sent", str(batch_id), reference=batch["batch_ref"])
    return bool(moved)
