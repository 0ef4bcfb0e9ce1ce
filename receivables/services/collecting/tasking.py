"""Tasks (tâches): what somebody has to do about an account; opened once for each cause, closed with an outcome."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from config.clock import new_id, now
from receivables.errors import ConflictError, NotFoundError
from receivables.store.customer_file.journal import AccountEvent, note_event

if TYPE_CHECKING:
    from datetime import date, datetime
    from uuid import UUID

    from receivables.store.work import Work

MOST_SHOWN = 200
_TASK = (
    "SELECT task_id, task_key, kind, customer_id, invoice_id, facts, due_on, assigned_to, state, outcome, note, "
    "done_by, opened_at, changed_at FROM tasks WHERE supplier_id = :supplier "
)


@dataclass(frozen=True, slots=True)
class NewTask:
    """Something to do: ``key`` makes it one, ``kind`` says which words tell it and ``facts`` what fills them."""

    key: str
    kind: str
    due_on: date
    customer_id: UUID | None = None
    invoice_id: UUID | None = None
    facts: dict[str, Any] = field(default_factory=dict)
    assigned_to: UUID | None = None


@dataclass(frozen=True, slots=True)
class Task:
    """A task as it stands; ``state`` is ``open``, ``done`` or ``dropped`` (its cause is gone)."""

    task_id: UUID
    task_key: str
    kind: str
    customer_id: UUID | None
    invoice_id: UUID | None
    facts: dict[str, Any]
    due_on: date
    assigned_to: UUID | None
    state: str
    outcome: str | None
    note: str | None
    done_by: str | None
    opened_at: datetime
    changed_at: datetime


def open_task(work: Work, task: NewTask) -> None:
    """Put something to do on the list; what was there before, open or done, stays as it is."""
    open_tasks_for(work, [task])


def open_tasks_for(work: Work, tasks: list[NewTask]) -> None:
    """Put several on the list, as one set; without somebody named they go to the customer's collector."""
    at = now()
    work.insert(
        "tasks",
        [
            {
                "task_id": new_id(),
                "task_key": task.key,
                "kind": task.kind,
                "customer_id": task.customer_id,
                "invoice_id": task.invoice_id,
                "facts": task.facts,
                "due_on": task.due_on,
                "assigned_to": task.assigned_to,
                "opened_at": at,
                "changed_at": at,
            }
            for task in tasks
        ],
        on_conflict="ON CONFLICT (supplier_id, task_key) DO NOTHING",
    )


def get_task(work: Work, task_id: UUID) -> Task:
    """One task.

    Raises:
        NotFoundError: ``task.not_found``.
    """
    row = work.row(_TASK + "AND task_id = :id", id=task_id)
    if row is None:
        raise NotFoundError("task.not_found", "There is no such task.", "Cette tâche n'existe pas.")
    return Task(**row)


def open_tasks(
    work: Work, *, customer_id: UUID | None = None, collector_id: UUID | None = None, until: date | None = None
) -> list[Task]:
    """What is to be done, what is due first first: of a customer, of a collector and their customers, up to a day."""
    rows = work.rows(
        _TASK + "AND state = 'open' AND (CAST(:customer AS uuid) IS NULL OR customer_id = :customer) "
        "AND (CAST(:until AS date) IS NULL OR due_on <= :until) "
        "AND (CAST(:collector AS uuid) IS NULL OR assigned_to = :collector OR (assigned_to IS NULL AND customer_id IN "
        "(SELECT customer_id FROM customer_files WHERE supplier_id = :supplier AND collector_id = :collector))) "
        "ORDER BY due_on, task_id LIMIT :limit",
        customer=customer_id,
        collector=collector_id,
        until=until,
        limit=MOST_SHOWN,
    )
    return [Task(**row) for row in rows]


def close_task(work: Work, task_id: UUID, actor: str, outcome: str, note: str = "") -> Task:
    """Say that something was done, and what came of it; it stands in the journal of the account.

    Raises:
        NotFoundError: ``task.not_found``.
        ConflictError: ``task.closed``: somebody else was faster.
    """
    task = get_task(work, task_id)
    done = work.execute(
        "UPDATE tasks SET state = 'done', outcome = :outcome, note = :note, done_by = :actor, changed_at = :at "
        "WHERE supplier_id = :supplier AND task_id = :id AND state = 'open'",
        id=task_id,
        outcome=outcome,
        note=note.strip() or None,
        actor=actor,
        at=now(),
    )
    if not done:
        raise ConflictError(
            "task.closed",
            "This task is closed already: somebody else has dealt with it. Open the customer's page to read what came "
            "of it.",
            "Cette tâche est déjà close : quelqu'un d'autre s'en est occupé. La fiche du client dit ce qu'il en est.",
        )
    work.audit(actor, "task.done", str(task_id), kind=task.kind, outcome=outcome)
    if task.customer_id is not None:
        facts = {"task": task.kind, "outcome": outcome, "note": note.strip()}
        event = AccountEvent(task.customer_id, "task.done", actor, shown=False, facts=facts, invoice_id=task.invoice_id)
        note_event(work, event)
    return task


def postpone_task(work: Work, task_id: UUID, due_on: date, actor: str) -> None:
    """Put an open task off to a day.

    Raises:
        NotFoundError: ``task.not_found``: no open task of that id.
    """
    moved = work.execute(
        "UPDATE tasks SET due_on = :due, changed_at = :at "
        "WHERE supplier_id = :supplier AND task_id = :id AND state = 'open'",
        id=task_id,
        due=due_on,
        at=now(),
    )
    if not moved:
        raise NotFoundError("task.not_found", "There is no such open task.", "Cette tâche n'existe pas ou est close.")
    work.audit(actor, "task.postponed", str(task_id), due_on=due_on)


def drop_tasks(work: Work, key_prefix: str, reason: str) -> int:
    """Drop the open tasks whose key begins with ``key_prefix``: their cause is gone. Returns how many."""
    return work.execute(
        "UPDATE tasks SET state = 'dropped', note = :reason, changed_at = :at "
        "WHERE supplier_id = :supplier AND state = 'open' AND starts_with(task_key, :prefix)",
        prefix=key_prefix,
        reason=reason,
        at=now(),
    )
