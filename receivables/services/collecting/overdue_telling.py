"""Tells which invoices became overdue: at the start of the first day on which their money is late."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING

from config.clock import PARIS, legal_day, today
from receivables.domain.told import Told
from receivables.services.invoicing.dues import due_on_invoices
from receivables.store.event_log import tell

if TYPE_CHECKING:
    from datetime import date
    from uuid import UUID

    from receivables.store.work import Work

WATERMARK = "overdue_told"
LONGEST_CATCH_UP = timedelta(days=31)
"""A worker that was down for longer tells no more than this: what is older shows in every list as late."""


def tell_overdue(work: Work) -> int:
    """Tell what fell due since the last look, up to yesterday, and is not settled or in flight; returns how many."""
    day = today()
    seen = work.scalar(
        "SELECT reached_at FROM watermarks WHERE supplier_id = :supplier AND name = :name FOR UPDATE", name=WATERMARK
    )
    since = max(legal_day(seen), day - LONGEST_CATCH_UP) if seen else day - timedelta(days=1)
    late = [due for due in due_on_invoices(work, _fallen_due(work, since, day), day) if due.due_now_minor > 0]
    customers = _customers_of(work, [due.invoice_id for due in late])
    tell(
        work,
        [
            Told(
                "invoice.overdue",
                {
                    "number": due.number,
                    "due_on": due.next_due_on,
                    "open_minor": due.due_now_minor,
                    "currency": due.currency,
                },
                customers[due.invoice_id],
                due.invoice_id,
            )
            for due in late
        ],
    )
    work.execute(
        "INSERT INTO watermarks (supplier_id, name, reached_at) VALUES (:supplier, :name, :at) "
        "ON CONFLICT (supplier_id, name) DO UPDATE SET reached_at = greatest(watermarks.reached_at, :at)",
        name=WATERMARK,
        at=datetime.combine(day, time(), PARIS),
    )
    return len(late)


def _fallen_due(work: Work, since: date, day: date) -> list[UUID]:
    """Invoices with a day of payment from ``since`` to the day before ``day`` and something open."""
    rows = work.rows(
        "SELECT invoice_id FROM receivable_items WHERE supplier_id = :supplier AND kind = 'invoice' "
        "AND open_minor > 0 AND due_on >= :since AND due_on < :day UNION "
        "SELECT part.invoice_id FROM instalments AS part JOIN receivable_items AS item USING (supplier_id, invoice_id) "
        "WHERE supplier_id = :supplier AND item.kind = 'invoice' AND item.open_minor > 0 "
        "AND part.due_on >= :since AND part.due_on < :day",
        since=since,
        day=day,
    )
    return [row["invoice_id"] for row in rows]


def _customers_of(work: Work, invoice_ids: list[UUID]) -> dict[UUID, UUID]:
    rows = work.rows(
        "SELECT invoice_id, customer_id FROM invoices WHERE supplier_id = :supplier AND invoice_id = ANY(:ids)",
        ids=invoice_ids,
    )
    return {row["invoice_id"]: row["customer_id"] for row in rows}
