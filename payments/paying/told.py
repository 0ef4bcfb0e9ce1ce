"""What became of payments, in the words of the payer: from the books first, from the attempt where they are silent.

Source: the table of payment states (provisional and final); a debit under way is never told as paid.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import date, datetime
    from uuid import UUID

    from receivables.store.work import Work

SHOWN = 50


@dataclass(frozen=True, slots=True)
class Part:
    """What a payment was for: an invoice, with its part in minor units."""

    invoice_id: UUID
    number: str
    amount_minor: int


@dataclass(frozen=True, slots=True)
class ToldPayment:
    """One payment as its payer sees it, in minor units.

    ``credit_minor`` is what of it no invoice took. ``received_on`` is the legal day of the money.
    """

    attempt_id: UUID
    customer_id: UUID
    customer_name: str
    method: str
    amount_minor: int
    currency: str
    attempt_state: str
    begun_at: datetime
    received_minor: int
    received_on: date | None
    reference: str | None
    returned_minor: int
    unpaid: bool
    contested: bool
    credit_minor: int
    parts: tuple[Part, ...]

    @property
    def state(self) -> str:
        """A state of `portal.customer.payment_words.STATES`, from ``started`` to ``abandoned``."""
        if self.received_minor:
            if self.returned_minor >= self.received_minor:
                return "returned" if self.unpaid else "refunded"
            if self.contested:
                return "contested"
            return "part_back" if self.returned_minor else "paid"
        return {"processing": "in_flight", "failed": "failed", "created": "started", "open": "started"}.get(
            self.attempt_state, "abandoned"
        )


_TOLD = (
    "SELECT attempt.attempt_id, attempt.customer_id, customer.name AS customer_name, attempt.method, "
    "attempt.amount_minor, attempt.currency, attempt.state AS attempt_state, attempt.created_at AS begun_at, "
    "coalesce(sum(item.amount_minor) FILTER (WHERE item.kind = 'receipt'), 0)::bigint AS received_minor, "
    "min(item.booked_on) FILTER (WHERE item.kind = 'receipt') AS received_on, "
    "min(item.reference) FILTER (WHERE item.kind = 'receipt') AS reference, "
    "coalesce(sum(CASE item.kind WHEN 'refund' THEN item.amount_minor WHEN 'refund_failed' THEN -item.amount_minor "
    "END), 0)::bigint AS returned_minor, "
    "EXISTS (SELECT 1 FROM receivable_items AS line JOIN postings USING (supplier_id, posting_id) "
    "JOIN collections AS moved USING (supplier_id, entry_id) WHERE line.supplier_id = :supplier "
    "AND line.attempt_id = attempt.attempt_id AND line.kind = 'refund' AND moved.reason IS DISTINCT FROM 'refund') "
    "AS unpaid, "
    "EXISTS (SELECT 1 FROM provider_disputes AS contest WHERE contest.supplier_id = :supplier "
    "AND contest.payment_ref = attempt.payment_ref AND contest.state IN ('open', 'answered')) AS contested, "
    "coalesce(sum(item.open_minor) FILTER (WHERE item.kind = 'receipt'), 0)::bigint AS credit_minor "
    "FROM payment_attempts AS attempt JOIN customers AS customer USING (supplier_id, customer_id) "
    "LEFT JOIN receivable_items AS item ON item.supplier_id = :supplier AND item.attempt_id = attempt.attempt_id "
    "WHERE attempt.supplier_id = :supplier AND {condition} "
    "GROUP BY attempt.supplier_id, attempt.attempt_id, customer.supplier_id, customer.customer_id "
    "ORDER BY attempt.created_at DESC, attempt.attempt_id DESC LIMIT :limit"
)
_REAL = (
    "attempt.state IN ('processing', 'succeeded') AND NOT EXISTS (SELECT 1 FROM receivable_items AS moved "
    "WHERE moved.supplier_id = :supplier AND moved.attempt_id = attempt.attempt_id AND moved.kind = 'refund' "
    "AND moved.reference LIKE 'undo:%')"
)
"""Tries that came to nothing are no payments, and money that was put here by mistake never was this customer's."""


def payments_on(work: Work, invoice_id: UUID) -> list[ToldPayment]:
    """Payments that were for this invoice and are there or on their way, newest first."""
    aimed = (
        "attempt.attempt_id IN (SELECT attempt_id FROM reservations WHERE supplier_id = :supplier "
        "AND invoice_id = :invoice UNION SELECT attempt_id FROM aim_choices WHERE supplier_id = :supplier "
        "AND invoice_id = :invoice)"
    )
    return _told(work, f"{_REAL} AND {aimed}", invoice=invoice_id)


def payments_of(work: Work, customer_id: UUID) -> list[ToldPayment]:
    """A customer's payments that are there or on their way, newest first."""
    return _told(work, f"{_REAL} AND attempt.customer_id = :customer", customer=customer_id)


def find_payment(work: Work, attempt_id: UUID) -> ToldPayment | None:
    """One payment, or a try that came to nothing."""
    return next(iter(_told(work, "attempt.attempt_id = :attempt", attempt=attempt_id)), None)


def _told(work: Work, condition: str, **values: UUID) -> list[ToldPayment]:
    rows = work.rows(_TOLD.format(condition=condition), limit=SHOWN, **values)
    parts = work.rows(
        "SELECT attempt_id, invoice_id, number, held.amount_minor FROM reservations AS held "
        "JOIN invoices USING (supplier_id, invoice_id) WHERE supplier_id = :supplier AND attempt_id = ANY(:ids) "
        "ORDER BY due_on, number",
        ids=[row["attempt_id"] for row in rows],
    )
    return [
        ToldPayment(
            **row,
            parts=tuple(
                Part(each["invoice_id"], each["number"], each["amount_minor"])
                for each in parts
                if each["attempt_id"] == row["attempt_id"]
            ),
        )
        for row in rows
    ]
