"""What an insurance policy makes urgent: deadlines of declaration, time given too long, invoices beyond the limit."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from config.clock import now, today
from receivables.services.collecting.tasking import NewTask, drop_tasks, open_tasks_for
from receivables.services.risk.insuring import covers, feed_limits, weigh
from receivables.store.risk.insurance import open_debts, policies

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from datetime import date
    from uuid import UUID

    from sqlalchemy import RowMapping

    from receivables.domain.risk.insurance import Cover
    from receivables.store.risk.insurance import Policy
    from receivables.store.work import Work

DECLARE, EXTENSION = "insurance.declare", "insurance.extension"
STOPPED, BEYOND, ENDING = "insurance.stopped", "insurance.beyond", "insurance.ending"
WATERMARK = "insurance"
"""When the alarms of a supplier were last looked at."""
ENDING_DAYS = 15
"""How long before the end of a temporary limit somebody should ask for another, in days."""


def tend_insurance(work: Work, on: date) -> int:
    """Bring limits to the day, open a task for every alarm, drop those whose cause is gone; the worker's daily chore.

    Returns how many alarms there are.
    """
    feed_limits(work, on)
    in_force = {policy.policy_id: policy for policy in policies(work, on)}
    if not in_force:
        return 0
    debtors = _debtors(work)
    covered = covers(work, on, debtors)
    alarms: list[NewTask] = []
    for currency in {cover.currency for cover in covered.values()}:
        by_customer: dict[UUID, list[RowMapping]] = {}
        for row in open_debts(work, list(covered), currency):
            by_customer.setdefault(row["customer_id"], []).append(row)
        for customer_id, rows in by_customer.items():
            cover = covered[customer_id]
            alarms += _alarms(cover, in_force[cover.policy_id], rows, on)
    open_tasks_for(work, alarms)
    _drop_settled(work, {alarm.key for alarm in alarms})
    return len(alarms)


def tend_insurance_daily(work: Work) -> None:
    """The chore of a day, done once a day."""
    tend_insurance(work, today())
    work.execute(
        "INSERT INTO watermarks (supplier_id, name, reached_at) VALUES (:supplier, :name, :at) "
        "ON CONFLICT (supplier_id, name) DO UPDATE SET reached_at = greatest(watermarks.reached_at, :at)",
        name=WATERMARK,
        at=now(),
    )


def stopped_customers(work: Work, customer_ids: Collection[UUID], on: date) -> set[UUID]:
    """Customers whose new deliveries are covered no more, because an invoice is later than their policy allows.

    Who has no cover at all (refused, taken back) is not among them: their limit of 0 says it.
    """
    in_force = {policy.policy_id: policy for policy in policies(work, on)}
    covered = covers(work, on, customer_ids) if in_force else {}
    found = set()
    for currency in {cover.currency for cover in covered.values()}:
        for row in open_debts(work, list(covered), currency):
            terms = in_force[covered[row["customer_id"]].policy_id].terms
            if covered[row["customer_id"]].limit_minor and _is_stopped(row, terms.stop_days, on):
                found.add(row["customer_id"])
    return found


def _alarms(cover: Cover, policy: Policy, rows: list[RowMapping], on: date) -> Iterator[NewTask]:
    if cover.limit_minor:
        yield from _deadlines(cover, policy, rows, on)
    stopping = [row for row in rows if _is_stopped(row, policy.terms.stop_days, on)]
    if stopping and cover.limit_minor:
        yield _task(f"{STOPPED}/{stopping[0]['invoice_id']}", STOPPED, on, cover, stopping[0])
    beyond = weigh(cover, rows).beyond_minor
    if beyond > 0:
        key = f"{BEYOND}/{cover.customer_id}/{on:%Y-%m}/{cover.limit_minor}/"
        facts = {"amount_minor": beyond, "currency": cover.currency, "insurer": cover.insurer}
        yield NewTask(key, BEYOND, on, cover.customer_id, None, facts)
    if cover.ends_on is not None and cover.ends_on - on <= timedelta(days=ENDING_DAYS):
        key = f"{ENDING}/{cover.customer_id}/{cover.ends_on}"
        facts = {"amount_minor": cover.temporary_minor, "currency": cover.currency, "insurer": cover.insurer}
        yield NewTask(key, ENDING, cover.ends_on, cover.customer_id, None, facts)


def _deadlines(cover: Cover, policy: Policy, rows: list[RowMapping], on: date) -> Iterator[NewTask]:
    """What has to be declared soon, and time that was given for longer than the policy allows."""
    for row in rows:
        deadline = policy.terms.deadline(row["due_on"])
        if (
            deadline
            and not row["declared"]
            and on >= max(deadline - timedelta(days=policy.terms.warn_days), row["due_on"])
        ):
            yield _task(f"{DECLARE}/{row['invoice_id']}", DECLARE, deadline, cover, row)
        longest = policy.terms.extension_days
        if longest and row["given_until"] and row["given_until"] > row["due_on"] + timedelta(days=longest):
            yield _task(f"{EXTENSION}/{row['invoice_id']}/{row['given_until']}", EXTENSION, on, cover, row)


def _is_stopped(row: RowMapping, stop_days: int, on: date) -> bool:
    undisputed = row["open_minor"] > row["disputed_minor"]
    return bool(stop_days) and undisputed and (on - row["due_on"]).days > stop_days


def _task(key: str, kind: str, due_on: date, cover: Cover, row: RowMapping) -> NewTask:
    facts = {
        "number": row["number"],
        "insurer": cover.insurer,
        "amount_minor": row["open_minor"],
        "currency": cover.currency,
    }
    return NewTask(key, kind, due_on, cover.customer_id, row["invoice_id"], facts)


def _debtors(work: Work) -> list[UUID]:
    rows = work.rows(
        "SELECT DISTINCT customer_id FROM receivable_items WHERE supplier_id = :supplier AND kind = 'invoice' "
        "AND open_minor > 0"
    )
    return [row["customer_id"] for row in rows]


def _drop_settled(work: Work, standing: set[str]) -> None:
    """Drop the open alarms that nothing causes any more: paid, declared, covered."""
    rows = work.rows(
        "SELECT task_key FROM tasks WHERE supplier_id = :supplier AND state = 'open' AND kind = ANY(:kinds)",
        kinds=[DECLARE, EXTENSION, STOPPED, BEYOND, ENDING],
    )
    for key in sorted({row["task_key"] for row in rows} - standing):
        drop_tasks(work, key, "settled")
