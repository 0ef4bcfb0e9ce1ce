"""What a payment still holds, read from the books: what came in on it less what went back, and what is ordered back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from uuid import UUID

    from receivables.store.work import Work

OPEN_STATES = ("to_agree", "to_send", "sent")
"""States of refund orders that are not booked yet."""


@dataclass(frozen=True, slots=True)
class Held:
    """What a payment still holds, in minor units: received, gone back, ordered back, and open as credit."""

    attempt_id: UUID
    customer_id: UUID
    account_id: UUID | None
    payment_ref: str
    currency: str
    payer_iban: str | None
    received_minor: int
    returned_minor: int
    ordered_minor: int
    credit_minor: int
    contested: bool

    @property
    def left_minor(self) -> int:
        """What may still be given back."""
        return self.received_minor - self.returned_minor - self.ordered_minor


_HELD = (
    "SELECT attempt.attempt_id, attempt.customer_id, attempt.account_id, receipt.reference AS payment_ref, "
    "receipt.currency, coalesce(sum(item.amount_minor) FILTER (WHERE item.kind = 'receipt'), 0)::bigint "
    "AS received_minor, coalesce(sum(CASE item.kind WHEN 'refund' THEN item.amount_minor "
    "WHEN 'refund_failed' THEN -item.amount_minor END), 0)::bigint AS returned_minor, "
    "coalesce(sum(item.open_minor) FILTER (WHERE item.kind = 'receipt'), 0)::bigint AS credit_minor, "
    "(SELECT coalesce(sum(refund.amount_minor), 0)::bigint FROM refund_orders AS refund "
    "WHERE refund.supplier_id = :supplier AND refund.attempt_id = attempt.attempt_id AND (refund.state = ANY(:open) "
    "OR refund.state = 'done') AND NOT EXISTS (SELECT 1 FROM entries AS booked WHERE booked.supplier_id = :supplier "
    "AND booked.source_kind = 'return' AND booked.source_ref = refund.refund_ref)) AS ordered_minor, "
    "EXISTS (SELECT 1 FROM provider_disputes AS contest WHERE contest.supplier_id = :supplier "
    "AND contest.payment_ref = receipt.reference AND contest.state IN ('open', 'answered')) AS contested, "
    "(SELECT line.counterparty_iban FROM bank_lines AS line WHERE line.supplier_id = :supplier "
    "AND line.attempt_id = attempt.attempt_id AND line.amount_minor > 0 LIMIT 1) AS payer_iban "
    "FROM payment_attempts AS attempt "
    "JOIN LATERAL (SELECT reference, currency FROM receivable_items WHERE supplier_id = :supplier "
    "AND attempt_id = attempt.attempt_id AND kind = 'receipt' ORDER BY amount_minor DESC, reference LIMIT 1) "
    "AS receipt ON true "
    "JOIN receivable_items AS item ON item.supplier_id = :supplier AND item.attempt_id = attempt.attempt_id "
    "WHERE attempt.supplier_id = :supplier AND attempt.attempt_id = :attempt "
    "GROUP BY attempt.supplier_id, attempt.attempt_id, receipt.reference, receipt.currency"
)


def held_by(work: Work, attempt_id: UUID) -> Held | None:
    """What a payment holds, or ``None`` where no money came on it."""
    row = work.row(_HELD, attempt=attempt_id, open=list(OPEN_STATES))
    return Held(**row) if row else None
