"""What dunning asks people to do: approve, find an address; and tasks whose cause is gone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from portal.words import money
from receivables.domain.collecting.scenarios import Approval
from receivables.services.collecting.tasking import NewTask, drop_tasks, open_tasks_for

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date
    from uuid import UUID

    from receivables.domain.collecting.reminders import Plan
    from receivables.store.work import Work

APPROVE, NO_ADDRESS = "dunning.approve", "dunning.no_address"
_UNREACHABLE = ("no_address", "mails_come_back")


def open_tasks_of(work: Work, plan: Plan, customer_ids: Sequence[UUID], day: date) -> None:
    """Tasks for what waits for approval or has nowhere to go; those of these customers with another cause end."""
    wanted: list[NewTask] = []
    for each in plan.reminders:
        if each.approval is not Approval.NOBODY:
            total = " + ".join(money(minor, currency, "fr") for currency, minor in sorted(each.totals.items()))
            facts = {"level": each.level, "total": total, "totals": dict(each.totals), "channel": str(each.channel)}
            key = f"dunning/approve/{each.customer_id}/{each.fingerprint}"
            wanted.append(NewTask(key, APPROVE, day, customer_id=each.customer_id, facts=facts))
    unreachable = {each.customer_id for each in plan.silences if each.why in _UNREACHABLE}
    for customer_id in sorted(unreachable - _asked_after_a_return(work, unreachable)):
        key = f"dunning/address/{customer_id}/{day:%Y-%m}"
        wanted.append(NewTask(key, NO_ADDRESS, day, customer_id=customer_id))
    keys = {each.key for each in wanted}
    for row in work.rows(
        "SELECT task_key FROM tasks WHERE supplier_id = :supplier AND state = 'open' AND customer_id = ANY(:ids) "
        "AND kind = ANY(:kinds)",
        ids=list(customer_ids),
        kinds=[APPROVE, NO_ADDRESS],
    ):
        if row["task_key"] not in keys:
            drop_tasks(work, row["task_key"], "changed")
    open_tasks_for(work, wanted)


def _asked_after_a_return(work: Work, customer_ids: set[UUID]) -> set[UUID]:
    """Those for whom somebody looks for an address already, because a mail came back."""
    rows = work.rows(
        "SELECT DISTINCT customer_id FROM tasks WHERE supplier_id = :supplier AND state = 'open' "
        "AND kind = 'mail.returned' AND customer_id = ANY(:ids)",
        ids=list(customer_ids),
    )
    return {row["customer_id"] for row in rows}


def tidy_tasks(work: Work, day: date) -> int:
    """End what was to be done about customers or claims of which nothing is left to pay; returns how many."""
    rows = work.rows(
        "SELECT task_key FROM tasks WHERE tasks.supplier_id = :supplier AND tasks.state = 'open' "
        "AND ((starts_with(tasks.task_key, 'dunning/') OR tasks.kind = 'promise.broken') AND NOT EXISTS ("
        "SELECT 1 FROM receivable_items AS item WHERE item.supplier_id = :supplier "
        "AND item.customer_id = tasks.customer_id AND item.kind = 'invoice' "
        "AND item.open_minor > 0 AND item.due_on < :day) "
        "OR tasks.kind = 'dunning.limitation' AND NOT EXISTS (SELECT 1 FROM receivable_items AS item "
        "WHERE item.supplier_id = :supplier AND item.invoice_id = tasks.invoice_id AND item.kind = 'invoice' "
        "AND item.open_minor > 0))",
        day=day,
    )
    return sum(drop_tasks(work, row["task_key"], "settled") for row in rows)
