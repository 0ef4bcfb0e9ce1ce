"""What a customer has to their credit: credit notes and money that are used for nothing yet (avoir disponible)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import date
    from uuid import UUID

    from receivables.store.work import Work


@dataclass(frozen=True, slots=True)
class Credit:
    """One open credit, in minor units: ``kind`` is ``credit_note`` (has an invoice) or ``receipt`` (has an attempt)."""

    kind: str
    reference: str
    attempt_id: UUID | None
    invoice_id: UUID | None
    open_minor: int
    amount_minor: int
    currency: str
    on: date


def available_credits(work: Work, customer_id: UUID) -> list[Credit]:
    """The open credits of a customer, oldest first; only the customer's choice, or a collector's, uses them."""
    rows = work.rows(
        "SELECT kind, reference, attempt_id, invoice_id, open_minor, amount_minor, currency, booked_on "
        "FROM receivable_items WHERE supplier_id = :supplier AND customer_id = :customer AND NOT debit "
        "AND open_minor > 0 AND kind IN ('credit_note', 'receipt') ORDER BY booked_on, reference",
        customer=customer_id,
    )
    return [Credit(*row.values()) for row in rows]


def overpaid_on(work: Work, invoice_id: UUID) -> int:
    """What is left of payments that were for this invoice alone, in minor units of its currency."""
    minor: int = work.scalar(
        "SELECT coalesce(sum(item.open_minor), 0)::bigint FROM receivable_items AS item JOIN invoices AS invoice "
        "ON invoice.supplier_id = :supplier AND invoice.invoice_id = :invoice WHERE item.supplier_id = :supplier "
        "AND item.kind = 'receipt' AND item.open_minor > 0 AND item.currency = invoice.currency "
        "AND item.attempt_id IN (SELECT attempt_id FROM reservations WHERE supplier_id = :supplier "
        "AND invoice_id = :invoice) AND NOT EXISTS (SELECT 1 FROM reservations AS other "
        "WHERE other.supplier_id = :supplier AND other.attempt_id = item.attempt_id AND other.invoice_id <> :invoice)",
        invoice=invoice_id,
    )
    return minor
