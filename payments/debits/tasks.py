"""What somebody has to do about debits: opened once for each cause, closed with a word."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from config.clock import new_id, now

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from sqlalchemy import RowMapping

    from receivables.store.work import Work

MOST_SHOWN = 100


@dataclass(frozen=True, slots=True)
class NewTask:
    """Something to do: ``what`` names it, ``key`` makes it one, the rest says about what."""

    key: str
    what: str
    code: str | None = None
    customer_id: UUID | None = None
    invoice_id: UUID | None = None
    mandate_id: UUID | None = None
    batch_id: UUID | None = None


def open_task(work: Work, task: NewTask) -> None:
    """Put something to do on the list; what is there already stays as it is."""
    work.execute(
        "INSERT INTO debit_tasks (supplier_id, task_id, task_key, what, code, customer_id, invoice_id, mandate_id, "
        "batch_id, state, opened_at, changed_at) VALUES (:supplier, :id, :key, :what, :code, :customer, :invoice, "
        ":mandate, :batch, 'open', :at, :at) ON CONFLICT (supplier_id, task_key) DO NOTHING",
        id=new_id(),
        key=task.key,
        what=task.what,
        code=task.code,
        customer=task.customer_id,
        invoice=task.invoice_id,
        mandate=task.mandate_id,
        batch=task.batch_id,
        at=now(),
    )


def open_tasks(work: Work, limit: int = MOST_SHOWN) -> Sequence[RowMapping]:
    """What is to be done, the oldest first, with the names of what it is about."""
    return work.rows(
        "SELECT task_id, what, code, task.customer_id, customer.name AS customer_name, task.invoice_id, "
        "invoice.number, task.mandate_id, mandate.rum, task.batch_id, batch.batch_ref, task.opened_at "
        "FROM debit_tasks AS task LEFT JOIN customers AS customer ON customer.supplier_id = :supplier "
        "AND customer.customer_id = task.customer_id LEFT JOIN invoices AS invoice "
        "ON invoice.supplier_id = :supplier AND invoice.invoice_id = task.invoice_id LEFT JOIN mandates AS mandate "
        "ON mandate.supplier_id = :supplier AND mandate.mandate_id = task.mandate_id LEFT JOIN debit_batches AS batch "
        "ON batch.supplier_id = :supplier AND batch.batch_id = task.batch_id "
        "WHERE task.supplier_id = :supplier AND task.state = 'open' ORDER BY task.opened_at, task_id LIMIT :limit",
        limit=limit,
    )


def has_task(work: Work, task_id: UUID) -> bool:
    """Whether this supplier has that task, open or done."""
    return bool(
        work.scalar(
            "SELECT EXISTS (SELECT 1 FROM debit_tasks WHERE supplier_id = :supplier AND task_id = :id)", id=task_id
        )
    )


def close_task(work: Work, task_id: UUID, actor: str, note: str) -> bool:
    """Say that something is done; whether it was open."""
    done = work.execute(
        "UPDATE debit_tasks SET state = 'done', note = :note, done_by = :actor, changed_at = :at "
        "WHERE supplier_id = :supplier AND task_id = :id AND state = 'open'",
        id=task_id,
        note=note.strip() or None,
        actor=actor,
        at=now(),
    )
    if done:
        work.audit(actor, "debit_task.done", str(task_id), note=note.strip())
    return bool(done)
