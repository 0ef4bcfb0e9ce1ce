"""What is due on an invoice; always from the books, never from the last payment."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from config.clock import today
from receivables.domain.conversations.disputes import ENDED
from receivables.domain.settlement.terms import Instalment, due_by, next_part
from receivables.errors import NotFoundError
from receivables.store.collecting.claims import FORGONE_OUTSIDE, OUTSIDE
from receivables.store.collecting.plans import planned_terms
from receivables.store.conversations.disputes import ENDED_BY

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
    assigned_minor: int = 0
    """What of it is owed to a factor, as its customer was told; one assigned in confidence is owed to us."""
    ended_by: str | None = None
    """The status by which nobody asks for its money any more: 210 refused, 213 rejected, 220 cancelled. The books keep
    what is open until it is credited, and take whatever is paid all the same."""
    instalments: tuple[Instalment, ...] = ()
    """The parts in which it falls due; none where all of it does on ``due_on``."""
    planned: tuple[Instalment, ...] = ()
    """When what is left of it is asked for by a payment plan that is kept; its own terms stay what they are."""
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
        """What has fallen due, less what is settled or in flight; 0 before the first day. A plan gives more time."""
        if self.planned:
            return due_by(self.planned, self.looked_on, 0)
        return max(min(due_by(self.parts, self.looked_on, self.settled_minor), self.payable_minor), 0)

    @property
    def next_due_on(self) -> date:
        """The day of the first instalment that is not settled, by its plan if it has one; the last once all are."""
        part = self._coming_part
        return part.due_on if part else self.parts[-1].due_on

    @property
    def asked_minor(self) -> int:
        """What is asked for by default: what has fallen due, else the next instalment."""
        part = self._coming_part
        return self.due_now_minor or max(min(part.amount_minor if part else 0, self.payable_minor), 0)

    @property
    def _coming_part(self) -> Instalment | None:
        return self.planned[0] if self.planned else next_part(self.parts, self.settled_minor)

    @property
    def payable_minor(self) -> int:
        """What a payer may pay now: open, less in flight; nothing of an invoice that was refused or replaced."""
        return 0 if self.ended_by else self.open_minor - self.in_flight_minor

    @property
    def state(self) -> str:
        """``paid``, ``in_flight``, ``part_paid`` or ``due``: from the open amount alone (never from the last event).

        ``credited`` where credit notes settle all of it, and no money does; ``assigned`` where a factor is owed.
        ``refused`` or ``rejected`` where something is open that nobody asks for any more; ``cancelled`` when replaced.
        """
        if self.ended_by == REPLACED:
            return ENDED[REPLACED]
        if self.open_minor == 0 and self.assigned_minor:
            return "assigned"
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
        raise NotFoundError("invoice.not_found", "There is no such invoice.", "Cette facture n'existe pas.")
    return found[0]


def due_on_invoices(work: Work, invoice_ids: Sequence[UUID], on: date | None = None) -> list[InvoiceDue]:
    """What is due on each of these invoices, the first to fall due first; those that do not exist are left out."""
    looked_on = on or today()
    rows = work.rows(
        "SELECT invoice.invoice_id, invoice.number, invoice.currency, invoice.due_on, "
        "invoice.payable_minor AS total_minor, customer.email AS customer_email, "
        "(coalesce((SELECT sum(open_minor) FROM receivable_items AS item WHERE item.supplier_id = :supplier "
        f"AND item.invoice_id = invoice.invoice_id AND kind = 'invoice'), 0) + {OUTSIDE})::bigint AS open_minor, "
        "coalesce((SELECT sum(amount_minor) FROM reservations AS held WHERE held.supplier_id = :supplier "
        "AND held.invoice_id = invoice.invoice_id AND state = 'processing'), 0)::bigint AS in_flight_minor, "
        "(coalesce((SELECT sum(amount_minor) FROM collections AS moved WHERE moved.supplier_id = :supplier AND "
        f"moved.invoice_id = invoice.invoice_id AND kind = 'set_off'), 0) + {FORGONE_OUTSIDE})::bigint "
        "AS credited_minor, "
        "coalesce((SELECT taken.open_minor FROM assignments AS taken WHERE taken.supplier_id = :supplier "
        "AND taken.invoice_id = invoice.invoice_id AND taken.state = 'assigned' AND NOT taken.confidential), 0) "
        "AS assigned_minor, "
        f"{ENDED_BY} AS ended_by, "
        "EXISTS (SELECT 1 FROM plan_invoices AS line JOIN plans AS plan USING (supplier_id, plan_id) "
        "WHERE line.supplier_id = :supplier AND line.invoice_id = invoice.invoice_id "
        "AND plan.state = 'accepted') AS in_plan, "
        "(SELECT jsonb_agg(jsonb_build_array(part.due_on, part.amount_minor) ORDER BY position) "
        "FROM instalments AS part "
        "WHERE part.supplier_id = :supplier AND part.invoice_id = invoice.invoice_id) AS instalments "
        "FROM invoices AS invoice JOIN customers AS customer USING (supplier_id, customer_id) "
        "WHERE supplier_id = :supplier AND invoice_id = ANY(:ids)",
        ids=list(invoice_ids),
    )
    in_plan = [row["invoice_id"] for row in rows if row["in_plan"]]
    planned = planned_terms(work, in_plan) if in_plan else {}
    found = [
        InvoiceDue(
            **{
                **{name: value for name, value in row.items() if name != "in_plan"},
                "planned": planned.get(row["invoice_id"], ()),
                "instalments": tuple(
                    Instalment(date.fromisoformat(day), minor) for day, minor in row["instalments"] or ()
                ),
                "looked_on": looked_on,
            }
        )
        for row in rows
    ]
    return sorted(found, key=lambda due: (due.next_due_on, due.number))
