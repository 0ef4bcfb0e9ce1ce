"""Lists of invoices as pages show them, each with its state. Amounts are minor units."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from receivables.domain.conversations.disputes import ENDED
from receivables.domain.invoicing.invoices import CREDIT_NOTES
from receivables.store.collecting.claims import FORGONE_OUTSIDE, OUTSIDE
from receivables.store.collecting.planned_shares import PLANNED
from receivables.store.conversations.disputes import ENDED_BY
from receivables.store.customer_file.overviews import PAGE
from receivables.store.invoicing.choices import candidates, choose_invoices

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date
    from uuid import UUID

    from receivables.store.work import Work

TO_PAY = ("due", "late", "part_paid", "planned")
FILTERS: dict[str, tuple[str, ...] | None] = {
    "all": None,
    "to_pay": TO_PAY,
    "late": ("late",),
    "in_flight": ("in_flight",),
    "paid": ("paid", "credited"),
    "credits": ("credit_open", "credit_used"),
}
"""What a list of invoices can be narrowed to: the states behind each choice."""
_ENDS = " ".join(f"WHEN '{code}' THEN '{state}'" for code, state in ENDED.items())
_NEWEST_FIRST = "issued_on DESC, invoice_id DESC"
_THESE = "invoice.supplier_id = :supplier AND invoice.invoice_id = ANY(:ids)"
FIRST_LOOK, LONGEST_LOOK = 200, 3_200
"""Candidates whose state is worked out together; four times as many where the last look did not fill a page."""

_NEXT_DUE = (
    "coalesce((SELECT min(part.due_on) FROM (SELECT due_on, sum(amount_minor) OVER (ORDER BY position) AS upto "
    "FROM instalments WHERE supplier_id = :supplier AND invoice_id = figures.invoice_id) AS part "
    "WHERE part.upto > total_minor - open_minor + in_flight_minor), figures.due_on)"
)
"""The day of the first instalment that is not settled."""
_PLAN_DUE = (
    f"CROSS JOIN LATERAL (SELECT min(due_on) AS plan_due_on FROM ({PLANNED} "
    "AND own.invoice_id = figures.invoice_id) AS planned OFFSET 0) AS plan"
)
"""The next day of a payment plan that is under way; nothing without one. ``OFFSET 0`` has it planned once, not once for
each place that names it."""
_NO_PLAN = "CROSS JOIN (SELECT CAST(NULL AS date) AS plan_due_on) AS plan"
"""What is settled, or in flight as a whole, waits for no day of a plan."""
_FIGURES = (
    "SELECT invoice.invoice_id, invoice.number, invoice.customer_id, "
    "customer.name AS customer_name, invoice.issued_on, invoice.due_on, invoice.currency, "
    "invoice.payable_minor AS total_minor, invoice.type_code = ANY(:credit_notes) AS is_credit, "
    "(coalesce((SELECT sum(open_minor) FROM receivable_items AS item WHERE item.supplier_id = :supplier "
    f"AND item.invoice_id = invoice.invoice_id), 0) + {OUTSIDE})::bigint AS open_minor, "
    f"{FORGONE_OUTSIDE} AS forgone_minor, "
    "coalesce((SELECT sum(amount_minor) FROM reservations AS held WHERE held.supplier_id = :supplier "
    "AND held.invoice_id = invoice.invoice_id AND held.state = 'processing'), 0)::bigint AS in_flight_minor, "
    f"{ENDED_BY} AS ended_by "
    "FROM invoices AS invoice JOIN customers AS customer USING (supplier_id, customer_id) "
)
_STATED = (
    "SELECT *, CASE WHEN ended_by = '220' THEN 'cancelled' "
    "WHEN is_credit AND open_minor > 0 THEN 'credit_open' "
    "WHEN is_credit THEN 'credit_used' "
    "WHEN open_minor = 0 AND EXISTS (SELECT 1 FROM assignments AS taken WHERE taken.supplier_id = :supplier "
    "AND taken.invoice_id = timed.invoice_id AND taken.state = 'assigned' AND NOT taken.confidential) "
    "THEN 'assigned' "
    "WHEN open_minor = 0 THEN CASE WHEN total_minor > 0 AND total_minor <= forgone_minor "
    "+ coalesce((SELECT sum(amount_minor) FROM collections AS moved WHERE moved.supplier_id = :supplier "
    "AND moved.invoice_id = timed.invoice_id AND moved.kind = 'set_off'), 0) THEN 'credited' ELSE 'paid' END "
    f"WHEN ended_by IS NOT NULL THEN CASE ended_by {_ENDS} END "
    "WHEN open_minor <= in_flight_minor THEN 'in_flight' "
    "WHEN coalesce(plan_due_on, next_due_on) < :today THEN 'late' WHEN plan_due_on IS NOT NULL THEN 'planned' "
    "WHEN open_minor < total_minor THEN 'part_paid' ELSE 'due' END AS state FROM timed"
)
"""The state of every invoice, from what is open alone; a plan that is respected makes nobody late."""
_DISPUTED = (
    "state IN ('due', 'late', 'part_paid', 'planned') AND open_minor <= coalesce((SELECT "
    "sum(coalesce(dispute.amount_minor, total_minor)) FROM disputes AS dispute WHERE dispute.supplier_id = :supplier "
    "AND dispute.invoice_id = stated.invoice_id AND closed_at IS NULL AND merged_into IS NULL), 0)"
)


@dataclass(frozen=True, slots=True)
class Bounds:
    """Within which days a list's invoices were issued, and how much they come to, in minor units; both ends count."""

    issued_from: date | None = None
    issued_to: date | None = None
    least_minor: int | None = None
    most_minor: int | None = None

    def narrow(self, conditions: list[str], values: dict[str, Any]) -> None:
        """Add the conditions, with their values, for those of the bounds that are set."""
        for name, condition in _BOUNDS.items():
            value = getattr(self, name)
            if value is not None:
                conditions.append(condition)
                values[name] = value


_BOUNDS = {
    "issued_from": "invoice.issued_on >= :issued_from",
    "issued_to": "invoice.issued_on <= :issued_to",
    "least_minor": "invoice.payable_minor >= :least_minor",
    "most_minor": "invoice.payable_minor <= :most_minor",
}
NO_BOUNDS = Bounds()


@dataclass(frozen=True, slots=True)
class InvoiceLine:
    """One invoice in a list; ``state`` is one of those in :data:`FILTERS`; ``disputed``: all that is open of it is."""

    invoice_id: UUID
    number: str
    customer_id: UUID
    customer_name: str
    issued_on: date
    due_on: date
    currency: str
    total_minor: int
    open_minor: int
    in_flight_minor: int
    state: str
    disputed: bool = False

    @property
    def payable_minor(self) -> int:
        """What may be paid now; nothing of an invoice that was refused or replaced."""
        if self.state in ENDED.values():
            return 0
        return max(self.open_minor - self.in_flight_minor, 0)

    @property
    def is_credit_note(self) -> bool:
        """Whether it is in the customer's favour."""
        return self.state.startswith("credit_")


def list_invoices(
    work: Work,
    today: date,
    *,
    customer_id: UUID | None = None,
    narrowed: str = "all",
    wanted: str = "",
    after: UUID | None = None,
    most_urgent: bool = False,
    bounds: Bounds = NO_BOUNDS,
    limit: int = PAGE,
) -> Sequence[InvoiceLine]:
    """Invoices, newest first: of one customer or of all, in some states, whose number or customer holds ``wanted``.

    The state of an invoice takes a dozen looks, so that it is worked out for candidates alone, some at a time.
    ``after`` is the last invoice of the page before; ``most_urgent`` puts the earliest due date first instead;
    ``bounds`` are days and amounts. One more than ``limit`` is returned where there are more.
    """
    choice = choose_invoices(work, narrowed, wanted, today, customer_id)
    bounds.narrow(choice.conditions, choice.values)
    if most_urgent:
        return _stated(
            work, choice.sql, choice.values, narrowed, today=today, order="due_on, invoice_id", limit=limit + 1
        )
    found: list[InvoiceLine] = []
    size = limit + 1 if narrowed == "all" else FIRST_LOOK
    while True:
        ids = candidates(work, choice, after, size)
        found += _stated(work, _THESE, {"ids": ids}, narrowed, today=today, order=_NEWEST_FIRST, limit=limit + 1)
        if len(found) > limit or len(ids) < size:
            return found[: limit + 1]
        after, size = ids[-1], min(size * 4, LONGEST_LOOK)


def _stated(
    work: Work, where: str, values: dict[str, Any], narrowed: str, *, today: date, order: str, limit: int
) -> list[InvoiceLine]:
    """Invoices that meet a condition, with their states, in the states of a choice."""
    states = FILTERS[narrowed]
    planned = _PLAN_DUE if states is None or not set(TO_PAY).isdisjoint(states) else _NO_PLAN
    rows = work.rows(
        f"WITH figures AS ({_FIGURES} WHERE {where}), "
        f"timed AS (SELECT figures.*, {_NEXT_DUE} AS next_due_on, plan_due_on FROM figures {planned}), "
        f"stated AS ({_STATED}) "
        "SELECT invoice_id, number, customer_id, customer_name, issued_on, "
        "coalesce(plan_due_on, next_due_on) AS due_on, currency, "
        f"total_minor, open_minor, in_flight_minor, state, {_DISPUTED} AS disputed FROM stated "
        f"WHERE CAST(:states AS text[]) IS NULL OR state = ANY(:states) ORDER BY {order} LIMIT :limit",
        **values
        | {
            "credit_notes": sorted(CREDIT_NOTES),
            "today": today,
            "states": list(states) if states is not None else None,
            "limit": limit,
        },
    )
    return [InvoiceLine(**row) for row in rows]
