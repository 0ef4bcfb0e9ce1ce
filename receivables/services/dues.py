"""What is due: on one invoice, for one customer; always from the books, never from the last payment."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from config.clock import today
from receivables.domain.disputes import ENDED
from receivables.domain.exposure import Exposure
from receivables.domain.terms import Instalment, due_by, next_part
from receivables.errors import NotFoundError
from receivables.store.contests import CONTESTED
from receivables.store.disputes import ENDED_BY

if TYPE_CHECKING:
    from collections.abc import Sequence
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
    instalments: tuple[Instalment, ...] = ()
    """The parts in which it falls due; none where all of it does on ``due_on``."""
    looked_on: date = date.max
    """The day for which ``due_now_minor`` tells what has fallen due."""

    @property
    def parts(self) -> tuple[Instalment, ...]:
        """Its instalments, or the whole of it as one."""
        return self.instalments or (Instalment(self.due_on, self.total_minor),)

    @property
    def settled_minor(self) -> int:
        """What is settled, or on its way: it takes the instalments in their order."""
        return self.total_minor - self.open_minor + self.in_flight_minor

    @property
    def due_now_minor(self) -> int:
        """What has fallen due, less what is settled or in flight; 0 before the first day."""
        return max(min(due_by(self.parts, self.looked_on, self.settled_minor), self.payable_minor), 0)

    @property
    def next_due_on(self) -> date:
        """The day of the first instalment that is not settled; the last day once all are."""
        part = next_part(self.parts, self.settled_minor)
        return part.due_on if part else self.parts[-1].due_on

    @property
    def asked_minor(self) -> int:
        """What is asked for by default: what has fallen due, else the next instalment."""
        part = next_part(self.parts, self.settled_minor)
        return self.due_now_minor or max(min(part.amount_minor if part else 0, self.payable_minor), 0)

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


def due_on_invoice(work: Work, invoice_id: UUID, on: date | None = None) -> InvoiceDue:
    """What is due on one invoice, its instalments looked at on the day ``on`` (today).

    Raises:
        NotFoundError: ``invoice.not_found``.
    """
    found = due_on_invoices(work, [invoice_id], on)
    if not found:
        raise NotFoundError("invoice.not_found", "There is no such invoice.")
    return found[0]


def due_on_invoices(work: Work, invoice_ids: Sequence[UUID], on: date | None = None) -> list[InvoiceDue]:
    """What is due on each of these invoices, the first to fall due first; those that do not exist are left out."""
    looked_on = on or today()
    rows = work.rows(
        "SELECT invoice.invoice_id, invoice.number, invoice.currency, invoice.due_on, "
        "invoice.payable_minor AS total_minor, customer.email AS customer_email, "
        "coalesce((SELECT sum(open_minor) FROM receivable_items AS item WHERE item.supplier_id = :supplier "
        "AND item.invoice_id = invoice.invoice_id AND kind = 'invoice'), 0)::bigint AS open_minor, "
        "coalesce((SELECT sum(amount_minor) FROM reservations AS held WHERE held.supplier_id = :supplier "
        "AND held.invoice_id = invoice.invoice_id AND state = 'processing'), 0)::bigint AS in_flight_minor, "
        "coalesce((SELECT sum(amount_minor) FROM collections AS moved WHERE moved.supplier_id = :supplier "
        "AND moved.invoice_id = invoice.invoice_id AND kind = 'set_off'), 0)::bigint AS credited_minor, "
        f"{ENDED_BY} AS ended_by, "
        "(SELECT jsonb_agg(jsonb_build_array(part.due_on, part.amount_minor) ORDER BY position) "
        "FROM instalments AS part "
        "WHERE part.supplier_id = :supplier AND part.invoice_id = invoice.invoice_id) AS instalments "
        "FROM invoices AS invoice JOIN customers AS customer USING (supplier_id, customer_id) "
        "WHERE supplier_id = :supplier AND invoice_id = ANY(:ids)",
        ids=list(invoice_ids),
    )
    found = [
        InvoiceDue(
            **{
                **row,
                "instalments": tuple(
                    Instalment(date.fromisoformat(day), minor) for day, minor in row["instalments"] or ()
                ),
                "looked_on": looked_on,
            }
        )
        for row in rows
    ]
    return sorted(found, key=lambda due: (due.next_due_on, due.number))


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
        "flying AS (SELECT customer_id, sum(least(flying, open_minor))::bigint AS in_flight FROM ("  # paid meanwhile
        "SELECT invoice_id, sum(amount_minor) AS flying FROM reservations WHERE supplier_id = :supplier "
        "AND state = 'processing' GROUP BY invoice_id) AS held JOIN receivable_items AS item USING (invoice_id) "
        "WHERE item.supplier_id = :supplier AND item.kind = 'invoice' AND item.currency = :currency "
        "AND (CAST(:ids AS uuid[]) IS NULL OR item.customer_id = ANY(:ids)) GROUP BY customer_id), "
        f"contested AS (SELECT customer_id, sum(minor)::bigint AS contested FROM ({CONTESTED}) AS taken "
        "WHERE currency = :currency AND (CAST(:ids AS uuid[]) IS NULL OR customer_id = ANY(:ids)) "
        "GROUP BY customer_id) "
        "SELECT customer_id, coalesce(debits, 0) AS debits, coalesce(credits, 0) AS credits, "
        "coalesce(in_flight, 0) AS in_flight, coalesce(contested, 0) AS contested FROM open_items "
        "FULL JOIN flying USING (customer_id) FULL JOIN contested USING (customer_id)",
        ids=customer_ids,
        currency=currency,
    )
    return {
        row["customer_id"]: Exposure(
            invoiced_minor=row["debits"] - row["in_flight"],
            in_flight_minor=row["in_flight"],
            credits_minor=row["credits"],
            contested_minor=row["contested"],
        )
        for row in rows
    }
