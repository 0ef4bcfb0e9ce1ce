"""What is due: on one invoice, for one customer; always from the books, never from the last payment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from receivables.domain.disputes import ENDED
from receivables.domain.exposure import Exposure
from receivables.errors import NotFoundError
from receivables.store.disputes import ENDED_BY

if TYPE_CHECKING:
    from datetime import date
    from uuid import UUID

    from receivables.store.work import Work

REPLACED = "220"
"""The status of an invoice whose place a corrective one took, whether or not a platform was told."""


@dataclass(frozen=True, slots=True)
class InvoiceDue:
    """What an invoice still asks for, in minor units: ``open`` by the books, less what is in flight."""

    invoice_id: UUID
    number: str
    currency: str
    due_on: date
    total_minor: int
    open_minor: int
    in_flight_minor: int
    customer_email: str | None
    credited_minor: int = 0
    """What credit notes settle of it now."""
    ended_by: str | None = None
    """The status by which nobody asks for its money any more: 210 refused, 213 rejected, 220 cancelled. The books keep
    what is open until it is credited, and take whatever is paid all the same."""

    @property
    def payable_minor(self) -> int:
        """What a payer may pay now: open, less in flight; nothing of an invoice that was refused or replaced."""
        return 0 if self.ended_by else self.open_minor - self.in_flight_minor

    @property
    def state(self) -> str:
        """``paid``, ``in_flight``, ``part_paid`` or ``due``: from the open amount alone (never from the last event).

        ``credited`` where credit notes settle all of it, and no money does.
        ``refused`` or ``rejected`` where something is open that nobody asks for any more; ``cancelled`` when replaced.
        """
        if self.ended_by == REPLACED:
            return ENDED[REPLACED]
        if self.open_minor == 0:
            return "credited" if self.credited_minor >= self.total_minor > 0 else "paid"
        if self.ended_by:
            return ENDED[self.ended_by]
        if self.payable_minor <= 0:
            return "in_flight"
        return "part_paid" if self.open_minor < self.total_minor else "due"


def due_on_invoice(work: Work, invoice_id: UUID) -> InvoiceDue:
    """What is due on one invoice.

    Raises:
        NotFoundError: ``invoice.not_found``.
    """
    row = work.row(
        "SELECT invoice.invoice_id, invoice.number, invoice.currency, invoice.due_on, "
        "invoice.payable_minor AS total_minor, customer.email AS customer_email, "
        "coalesce((SELECT sum(open_minor) FROM receivable_items WHERE supplier_id = :supplier "
        "AND invoice_id = :invoice AND kind = 'invoice'), 0)::bigint AS open_minor, "
        "coalesce((SELECT sum(amount_minor) FROM reservations WHERE supplier_id = :supplier "
        "AND invoice_id = :invoice AND state = 'processing'), 0)::bigint AS in_flight_minor, "
        "coalesce((SELECT sum(amount_minor) FROM collections WHERE supplier_id = :supplier "
        "AND invoice_id = :invoice AND kind = 'set_off'), 0)::bigint AS credited_minor, "
        f"{ENDED_BY} AS ended_by "
        "FROM invoices AS invoice JOIN customers AS customer USING (supplier_id, customer_id) "
        "WHERE supplier_id = :supplier AND invoice_id = :invoice",
        invoice=invoice_id,
    )
    if row is None:
        raise NotFoundError("invoice.not_found", "There is no such invoice.")
    return InvoiceDue(**row)


def exposure_of(work: Work, customer_id: UUID, currency: str = "EUR") -> Exposure:
    """The exposure (encours) of a customer now in one currency, computed from the open items: it cannot drift."""
    return exposures(work, [customer_id], currency).get(customer_id, Exposure())


def exposures(work: Work, customer_ids: list[UUID] | None = None, currency: str = "EUR") -> dict[UUID, Exposure]:
    """The exposure in one currency of the given customers, or of all that have any."""
    rows = work.rows(
        "WITH open_items AS (SELECT customer_id, "
        "sum(open_minor) FILTER (WHERE debit)::bigint AS debits, "
        "sum(open_minor) FILTER (WHERE NOT debit)::bigint AS credits "
        "FROM receivable_items WHERE supplier_id = :supplier AND open_minor > 0 AND currency = :currency "
        "AND (CAST(:ids AS uuid[]) IS NULL OR customer_id = ANY(:ids)) GROUP BY customer_id), "
        "flying AS (SELECT attempt.customer_id, sum(reservation.amount_minor)::bigint AS in_flight "
        "FROM payment_attempts AS attempt JOIN reservations AS reservation USING (supplier_id, attempt_id) "
        "WHERE supplier_id = :supplier AND attempt.state = 'processing' AND attempt.currency = :currency "
        "AND (CAST(:ids AS uuid[]) IS NULL OR attempt.customer_id = ANY(:ids)) GROUP BY attempt.customer_id) "
        "SELECT customer_id, coalesce(debits, 0) AS debits, coalesce(credits, 0) AS credits, "
        "coalesce(in_flight, 0) AS in_flight FROM open_items FULL JOIN flying USING (customer_id)",
        ids=customer_ids,
        currency=currency,
    )
    return {
        row["customer_id"]: Exposure(
            invoiced_minor=row["debits"] - row["in_flight"],
            in_flight_minor=row["in_flight"],
            credits_minor=row["credits"],
        )
        for row in rows
    }
