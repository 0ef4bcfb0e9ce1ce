"""Disputes whose deadlines passed are taken up the line: a task for the collector, then for whoever runs the house.

What is answered or decided since takes its tasks with it (receivables/services/conversations/disputing.py).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from receivables.services.collecting.tasking import NewTask, open_tasks_for
from receivables.services.conversations.disputing import LATE_ANSWER, LATE_OUTCOME
from receivables.store.customer_file.journal import AccountEvent, note_events

if TYPE_CHECKING:
    from datetime import date

    from receivables.store.work import Work

MOST_AT_ONCE = 200


def escalate_disputes(work: Work, today: date) -> int:
    """Open a task for each deadline that passed, once; how many were opened."""
    rows = work.rows(_LATE, today=today, limit=MOST_AT_ONCE)
    open_tasks_for(
        work,
        [
            NewTask(
                row["task_key"],
                row["kind"],
                today,
                row["customer_id"],
                row["invoice_id"],
                {"number": row["number"], "due_on": row["due_on"], "reason": row["reason"], "team": row["owner"]},
            )
            for row in rows
        ],
    )
    note_events(
        work,
        [
            AccountEvent(
                row["customer_id"],
                "dispute.escalated",
                "worker",
                shown=False,
                facts={"number": row["number"], "due_on": row["due_on"], "step": row["kind"]},
                invoice_id=row["invoice_id"],
            )
            for row in rows
        ],
    )
    return len(rows)


_DUE = (
    f"(VALUES ('{LATE_ANSWER}'), ('{LATE_OUTCOME}')) AS step (kind) "
    f"CROSS JOIN LATERAL (SELECT CASE WHEN kind = '{LATE_ANSWER}' THEN answer_due_on ELSE close_due_on END AS due_on, "
    "kind || '/' || dispute_id AS task_key) AS due"
)
_LATE = (
    "SELECT dispute.customer_id, dispute.invoice_id, dispute.reason, dispute.owner, invoice.number, step.kind, "
    "due.due_on, due.task_key FROM disputes AS dispute JOIN invoices AS invoice "
    f"ON invoice.supplier_id = :supplier AND invoice.invoice_id = dispute.invoice_id CROSS JOIN {_DUE} "
    "WHERE dispute.supplier_id = :supplier AND dispute.closed_at IS NULL AND dispute.merged_into IS NULL "
    f"AND due.due_on < :today AND (step.kind = '{LATE_OUTCOME}' OR dispute.answered_at IS NULL) "
    "AND NOT EXISTS (SELECT 1 FROM tasks WHERE tasks.supplier_id = :supplier AND tasks.task_key = due.task_key) "
    "ORDER BY due.due_on, due.task_key LIMIT :limit"
)
