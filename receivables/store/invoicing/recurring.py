"""Invoices that come back, in PostgreSQL: their plan, and what became of each date."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date  # noqa: TC003 -- a field of what is kept
from typing import TYPE_CHECKING, Any

from config.clock import new_id, now
from receivables.domain.invoicing.recurrence import Rhythm
from receivables.errors import NotFoundError
from receivables.store.work import to_json

if TYPE_CHECKING:
    from uuid import UUID

    from sqlalchemy import RowMapping

    from receivables.store.work import Work

PAGE = 100
_COLUMNS = (
    "recurring_id, customer_id, name, typed, rhythm, starts_on, ends_on, automatic, state, next_on, position "
    "FROM recurring_invoices WHERE supplier_id = :supplier "
)


@dataclass(frozen=True, slots=True)
class Recurring:
    """What is invoiced at intervals; ``position`` counts the dates before ``next_on``."""

    recurring_id: UUID
    customer_id: UUID | None
    name: str
    typed: dict[str, Any]
    rhythm: Rhythm
    starts_on: date
    ends_on: date | None
    automatic: bool
    state: str
    next_on: date
    position: int


@dataclass(frozen=True, slots=True)
class NewRecurring:
    """A plan to be begun."""

    customer_id: UUID | None
    name: str
    typed: dict[str, Any]
    rhythm: Rhythm
    starts_on: date
    ends_on: date | None
    automatic: bool
    actor: str


@dataclass(frozen=True, slots=True)
class RecurringDate:
    """One date: the frozen request, and the invoice or the draft that became of it."""

    recurring_id: UUID
    date_on: date
    request: str
    state: str
    invoice_id: UUID | None
    draft_id: UUID | None
    number: str | None = None


def begin_recurring(work: Work, new: NewRecurring) -> UUID:
    """Keep a plan; its first date is the next one."""
    recurring_id = new_id()
    work.execute(
        "INSERT INTO recurring_invoices (supplier_id, recurring_id, customer_id, name, typed, rhythm, starts_on, "
        "ends_on, automatic, next_on, created_by, created_at, changed_by, changed_at) VALUES (:supplier, :recurring, "
        ":customer, :name, CAST(:typed AS jsonb), :rhythm, :starts, :ends, :automatic, :starts, :actor, :at, :actor, "
        ":at)",
        recurring=recurring_id,
        customer=new.customer_id,
        name=new.name,
        typed=to_json(new.typed),
        rhythm=new.rhythm,
        starts=new.starts_on,
        ends=new.ends_on,
        automatic=new.automatic,
        actor=new.actor,
        at=now(),
    )
    return recurring_id


def get_recurring(work: Work, recurring_id: UUID, *, held: bool = False) -> Recurring:
    """One plan, ``held`` until this work ends.

    Raises:
        NotFoundError: ``recurring.not_found``.
    """
    lock = " FOR UPDATE" if held else ""
    row = work.row(f"SELECT {_COLUMNS} AND recurring_id = :recurring{lock}", recurring=recurring_id)
    if row is None:
        raise NotFoundError(
            "recurring.not_found", "There is no such recurring invoice.", "Cette facture récurrente n'existe pas."
        )
    return _recurring(row)


def list_recurring(work: Work, after: UUID | None = None) -> list[Recurring]:
    """Plans, the newest first, and one more than a page where there are more."""
    rows = work.rows(
        f"SELECT {_COLUMNS} AND (CAST(:after AS uuid) IS NULL OR recurring_id < :after) "
        "ORDER BY recurring_id DESC LIMIT :most",
        after=after,
        most=PAGE + 1,
    )
    return [_recurring(row) for row in rows]


def due_recurring(work: Work, day: date) -> list[UUID]:
    """Plans with a date on or before ``day`` that nobody has planned."""
    rows = work.rows(
        "SELECT recurring_id FROM recurring_invoices WHERE supplier_id = :supplier AND state = 'on' "
        "AND next_on <= :day ORDER BY next_on, recurring_id LIMIT :most",
        day=day,
        most=PAGE,
    )
    return [row["recurring_id"] for row in rows]


def move_recurring(work: Work, plan: Recurring, position: int, next_on: date, *, state: str, actor: str) -> None:
    """The plan stands at another date, or in another state."""
    work.execute(
        "UPDATE recurring_invoices SET position = :position, next_on = :next, state = :state, changed_by = :actor, "
        "changed_at = :at WHERE supplier_id = :supplier AND recurring_id = :recurring",
        position=position,
        next=next_on,
        state=state,
        actor=actor,
        at=now(),
        recurring=plan.recurring_id,
    )


def change_recurring(work: Work, plan: Recurring, ends_on: date | None, *, automatic: bool, actor: str) -> None:
    """Another end, or issued by itself or not."""
    work.execute(
        "UPDATE recurring_invoices SET ends_on = :ends, automatic = :automatic, changed_by = :actor, changed_at = :at "
        "WHERE supplier_id = :supplier AND recurring_id = :recurring",
        ends=ends_on,
        automatic=automatic,
        actor=actor,
        at=now(),
        recurring=plan.recurring_id,
    )


def plan_date(work: Work, planned: RecurringDate) -> bool:
    """Freeze the request of a date; ``False`` where it was planned before."""
    return bool(
        work.execute(
            "INSERT INTO recurring_dates (supplier_id, recurring_id, date_on, request, state, draft_id, planned_at, "
            "changed_at) VALUES (:supplier, :recurring, :date, :request, :state, :draft, :at, :at) "
            "ON CONFLICT DO NOTHING",
            recurring=planned.recurring_id,
            date=planned.date_on,
            request=planned.request,
            state=planned.state,
            draft=planned.draft_id,
            at=now(),
        )
    )


def settle_date(
    work: Work, planned: RecurringDate, *, invoice_id: UUID | None = None, draft_id: UUID | None = None
) -> None:
    """What became of a planned date: its invoice, or a draft for somebody to correct."""
    work.execute(
        "UPDATE recurring_dates SET state = :state, invoice_id = :invoice, draft_id = :draft, changed_at = :at "
        "WHERE supplier_id = :supplier AND recurring_id = :recurring AND date_on = :date AND state = 'planned'",
        state="issued" if invoice_id else "drafted",
        invoice=invoice_id,
        draft=draft_id,
        at=now(),
        recurring=planned.recurring_id,
        date=planned.date_on,
    )


def planned_dates(work: Work) -> list[RecurringDate]:
    """Dates whose invoice is still to be issued, the oldest first."""
    return _dates(work, "AND told.state = 'planned' ORDER BY date_on, recurring_id")


def dates_of(work: Work, recurring_id: UUID) -> list[RecurringDate]:
    """What became of the latest dates of a plan, the newest first."""
    return _dates(work, "AND told.recurring_id = :recurring ORDER BY date_on DESC", recurring=recurring_id)


def _dates(work: Work, which: str, **values: Any) -> list[RecurringDate]:
    rows = work.rows(
        "SELECT told.recurring_id, date_on, request, told.state, told.invoice_id, draft_id, invoice.number "
        "FROM recurring_dates AS told LEFT JOIN invoices AS invoice USING (supplier_id, invoice_id) "
        f"WHERE told.supplier_id = :supplier {which} LIMIT :most",
        most=PAGE,
        **values,
    )
    return [RecurringDate(**row) for row in rows]


def _recurring(row: RowMapping) -> Recurring:
    return Recurring(**{**row, "rhythm": Rhythm(row["rhythm"])})
