"""Limitation (prescription): a claim that nobody sues for in time is lost; somebody is told half a year before."""

from __future__ import annotations

from calendar import monthrange
from datetime import date
from typing import TYPE_CHECKING, Any

from config.law import LawUnknownError, table
from receivables.services.collecting.tasking import NewTask, open_tasks_for
from receivables.store.work import to_json

if TYPE_CHECKING:
    from receivables.store.work import Work

WARNED_MONTHS = 6
MONTHS_OF_YEAR = 12
MOST_AT_ONCE = 200
LIMITATION = "dunning.limitation"


def barred_on(kind: str, due_on: date) -> date:
    """The last day on which a claim on a kind of customer may be sued for (config/law/dunning.toml).

    Raises:
        LawUnknownError: no row holds for that kind and day.
    """
    rows = [row for row in _laws() if row["kind"] == kind and row["since"] <= due_on]
    if not rows:
        raise LawUnknownError(f"No limitation is known for {kind} on {due_on}: add a row to config/law/dunning.toml.")
    law = max(rows, key=lambda row: row["since"])
    if law["from_year_end"]:
        return date(due_on.year + law["years"], MONTHS_OF_YEAR, 31)
    return _later(due_on, law["years"] * MONTHS_OF_YEAR)


def warn_of_limitation(work: Work, day: date) -> int:
    """Open a task for every open invoice that is barred within six months; returns how many were looked at.

    Payments and acknowledgements interrupt limitation (C. civ. art. 2240): the day told is the earliest that may be.
    """
    soon = _later(day, WARNED_MONTHS)
    rows = work.rows(
        f"SELECT claim.* FROM ({_OPEN_CLAIMS}) AS claim JOIN jsonb_each_text(CAST(:old AS jsonb)) AS law (kind, day) "
        "USING (kind) WHERE due_on <= CAST(law.day AS date) ORDER BY due_on LIMIT :most",
        old=to_json({kind: _due_until(kind, soon) for kind in {row["kind"] for row in _laws()}}),
        most=MOST_AT_ONCE,
    )
    found = [(row, barred_on(row["kind"], row["due_on"])) for row in rows]
    tasks = [
        NewTask(
            f"limitation/{row['invoice_id']}",
            LIMITATION,
            day,
            customer_id=row["customer_id"],
            invoice_id=row["invoice_id"],
            facts={"number": row["number"], "day": f"{until:%d/%m/%Y}", "currency": row["currency"]},
        )
        for row, until in found
        if until <= soon
    ]
    open_tasks_for(work, tasks)
    return len(tasks)


_OPEN_CLAIMS = (
    "SELECT invoice.invoice_id, invoice.number, invoice.customer_id, customer.kind, invoice.currency, "
    "coalesce((SELECT min(upto.due_on) FROM (SELECT part.due_on, sum(part.amount_minor) OVER (ORDER BY position) "
    "AS minor FROM instalments AS part WHERE part.supplier_id = :supplier AND part.invoice_id = item.invoice_id) "
    "AS upto WHERE upto.minor > item.amount_minor - item.open_minor), item.due_on) AS due_on "
    "FROM receivable_items AS item JOIN invoices AS invoice USING (supplier_id, invoice_id) JOIN customers AS customer "
    "ON customer.supplier_id = :supplier AND customer.customer_id = invoice.customer_id "
    "WHERE item.supplier_id = :supplier AND item.kind = 'invoice' AND item.open_minor > 0 "
    "AND NOT EXISTS (SELECT 1 FROM tasks WHERE tasks.supplier_id = :supplier "
    "AND tasks.task_key = 'limitation/' || invoice.invoice_id)"
)
"""Open invoices nobody was warned of, by the day of the first part that is not paid: each part is barred by itself
(Cass. 1re civ., 11 February 2016, 14-28.383)."""


def _laws() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = table("dunning")["limitations"]
    return found


def _due_until(kind: str, barred: date) -> date:
    """The last due day whose claim on a kind of customer is barred on a day, by the shortest time that ever held."""
    law = min((row for row in _laws() if row["kind"] == kind), key=lambda row: row["years"])
    if law["from_year_end"]:
        ended = barred.year - (barred < date(barred.year, MONTHS_OF_YEAR, 31))
        return date(ended - law["years"], MONTHS_OF_YEAR, 31)
    return _later(barred, -law["years"] * MONTHS_OF_YEAR)


def _later(day: date, months: int) -> date:
    """The same day so many months later, or the last of that month."""
    year, month = divmod(day.year * MONTHS_OF_YEAR + day.month - 1 + months, MONTHS_OF_YEAR)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))
