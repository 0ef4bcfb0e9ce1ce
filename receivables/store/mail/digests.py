"""What a week brought, for the digest that staff get by mail."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import date
    from uuid import UUID

    from receivables.store.work import Work

WEEK = timedelta(days=7)
_OWN = (
    "(CAST(:own AS uuid) IS NULL OR invoice.customer_id IN (SELECT customer_id FROM customer_files "
    "WHERE supplier_id = :supplier AND collector_id = :own))"
)


@dataclass(frozen=True, slots=True)
class Cashed:
    """Money that settled invoices in a week and in the one before, in minor units of a currency."""

    currency: str
    minor: int
    before_minor: int
    payments: int


@dataclass(frozen=True, slots=True)
class Contested:
    """A dispute that waits for somebody; ``due_on`` is the next day by which something is promised."""

    dispute_id: UUID
    number: str
    customer_name: str
    reason: str
    due_on: date


def looks_after_some(work: Work, person_id: UUID) -> bool:
    """Whether somebody is the collector of a customer."""
    return bool(
        work.scalar(
            "SELECT EXISTS (SELECT 1 FROM customer_files WHERE supplier_id = :supplier AND collector_id = :person)",
            person=person_id,
        )
    )


def cashed_in(work: Work, monday: date, own: UUID | None) -> tuple[Cashed, ...]:
    """Cash on invoices of the week from ``monday`` and of the one before, less what went back, by currency.

    Money that nobody has identified is no customer's yet. ``own``: of the customers of this collector.
    """
    rows = work.rows(
        "SELECT moved.currency, "
        "coalesce(sum(moved.amount_minor) FILTER (WHERE collected_on >= :monday), 0)::bigint AS minor, "
        "coalesce(sum(moved.amount_minor) FILTER (WHERE collected_on < :monday), 0)::bigint AS before_minor, "
        "count(DISTINCT moved.entry_id) FILTER (WHERE collected_on >= :monday AND moved.amount_minor > 0) AS payments "
        "FROM collections AS moved JOIN invoices AS invoice USING (supplier_id, invoice_id) "
        f"WHERE moved.supplier_id = :supplier AND moved.kind = 'cash' AND {_OWN} "
        "AND collected_on >= :before AND collected_on < :until GROUP BY moved.currency ORDER BY 2 DESC, 1",
        monday=monday,
        before=monday - WEEK,
        until=monday + WEEK,
        own=own,
    )
    return tuple(Cashed(**row) for row in rows if row["minor"] or row["before_minor"])


def open_disputes(work: Work, own: UUID | None) -> tuple[Contested, ...]:
    """Disputes that wait for somebody, the most urgent first; ``own``: of the customers of this collector."""
    rows = work.rows(
        "SELECT dispute_id, number, customer.name AS customer_name, reason, "
        "least(close_due_on, CASE WHEN answered_at IS NULL THEN answer_due_on END) AS due_on "
        "FROM disputes AS dispute JOIN invoices AS invoice USING (supplier_id, invoice_id) "
        "JOIN customers AS customer ON customer.supplier_id = :supplier "
        "AND customer.customer_id = dispute.customer_id "
        "WHERE dispute.supplier_id = :supplier AND closed_at IS NULL AND merged_into IS NULL "
        f"AND {_OWN} ORDER BY due_on, dispute_id",
        own=own,
    )
    return tuple(Contested(**row) for row in rows)
