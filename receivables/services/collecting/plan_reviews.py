"""Look at the plans under way: what is told of instalments, when a plan is kept, and when it is broken.

Whatever is decided here is a function of the books and of the day. Money in flight and disputed money are nobody's
default; only final money keeps a plan.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING

from config.clock import now
from config.law.days import BANKING, on_or_after
from receivables.domain.collecting.plans import Part, Plan, PlanState
from receivables.services.collecting.planning import end_plan
from receivables.services.collecting.tasking import NewTask, drop_tasks, open_task
from receivables.store.collecting.plans import find_plans, plans_on
from receivables.store.customer_file.customers import lock_customers
from receivables.store.customer_file.journal import AccountEvent, note_event

if TYPE_CHECKING:
    from collections.abc import Sequence

    from receivables.store.work import Work

ACTOR = "rule"
TOLD_BEFORE_DAYS = 4
"""A transfer ordered when the reminder comes is there on the day, weekends included."""
WATCHED = timedelta(days=90)
"""How long the money of a kept plan may still go back without a person asking."""
SOON, LATE, KEPT, BROKEN, EXPIRED, REOPENED = "soon", "late", "kept", "broken", "expired", "reopened"
DEFAULT, PAID_BACK = "default", "money_returned"


@dataclass(frozen=True, slots=True)
class PlanNews:
    """What a look found out: ``what`` is one of the words above, ``part`` the instalment that it is about."""

    what: str
    plan: Plan
    part: Part | None = None


def last_day_of(plan: Plan, part: Part) -> date:
    """The last day on which an instalment can be paid before the whole falls due again: grace, to a banking day."""
    return on_or_after(part.due_on + timedelta(days=plan.grace_days), BANKING)


def review_plans(work: Work, on: date) -> list[PlanNews]:
    """Look at every plan that may have moved, and write down what became of it; the same look twice tells once.

    Customers in proceedings are left alone: nobody may pay, and nobody is in default of a plan.
    """
    moving = [plan for plan in _to_look_at(work) if _news(plan, on)]
    lock_customers(work, {each.customer_id for each in moving})
    found: list[PlanNews] = []
    for plan in find_plans(work, "plan_id = ANY(:ids)", ids=[each.plan_id for each in moving]) if moving else ():
        found += [news for each in _news(plan, on) if (news := _write(work, each, on))]
    return found


def _to_look_at(work: Work) -> list[Plan]:
    return find_plans(
        work,
        "NOT EXISTS (SELECT 1 FROM insolvencies AS fallen WHERE fallen.supplier_id = :supplier "
        "AND fallen.customer_id = plan.customer_id AND fallen.state = 'open') AND (state IN ('proposed', 'accepted') "
        "OR state = 'kept' AND changed_at >= :watched AND EXISTS (SELECT 1 FROM plan_invoices AS named "
        "JOIN receivable_items AS claim USING (supplier_id, invoice_id) JOIN allocations AS moved "
        "ON moved.supplier_id = :supplier AND moved.debit_posting_id = claim.posting_id "
        "WHERE named.supplier_id = :supplier AND named.plan_id = plan.plan_id AND claim.kind = 'invoice' "
        "AND moved.amount_minor < 0 AND moved.created_at > plan.changed_at))",
        watched=now() - WATCHED,
    )


def _news(plan: Plan, on: date) -> Sequence[PlanNews]:
    """What there is to say of a plan on a day: one change of its state, or what is told of an instalment."""
    turns = {
        PlanState.PROPOSED: (plan.instalments[0].due_on < on, EXPIRED),
        PlanState.KEPT: (plan.left_minor > 0, REOPENED),
        PlanState.ACCEPTED: (plan.left_minor == 0, KEPT),
    }
    turned, what = turns.get(plan.state, (False, ""))
    if turned:
        return [PlanNews(what, plan)]
    return _of_instalments(plan, on) if plan.state is PlanState.ACCEPTED else []


def _of_instalments(plan: Plan, on: date) -> Sequence[PlanNews]:
    late = plan.late_part(on)
    if late is not None:
        return [PlanNews(BROKEN if on > last_day_of(plan, late) else LATE, plan, late)]
    coming = plan.next_part()
    if coming is not None and on >= coming.due_on - timedelta(days=TOLD_BEFORE_DAYS):
        return [PlanNews(SOON, plan, coming)]
    return []


def _write(work: Work, news: PlanNews, on: date) -> PlanNews | None:
    """Write one piece of news down; ``None`` where it was told before."""
    plan = news.plan
    if news.what == BROKEN and not _was_told(work, news, on):
        news = replace(news, what=LATE)
    if news.what in (SOON, LATE):
        return _tell(work, news, on)
    if news.what == KEPT:
        plan = end_plan(work, plan, PlanState.KEPT, ACTOR, None)
        drop_tasks(work, f"plan/{plan.plan_id}/", "plan.kept")
    elif news.what == EXPIRED:
        plan = end_plan(work, plan, PlanState.WITHDRAWN, ACTOR, EXPIRED)
    elif news.what == REOPENED:
        if plans_on(work, [each.invoice_id for each in plan.invoices]):
            return None  # a newer plan has taken these invoices over
        plan = end_plan(work, plan, PlanState.ACCEPTED, ACTOR, PAID_BACK)
    else:
        plan = end_plan(work, plan, PlanState.BROKEN, ACTOR, DEFAULT)
        open_task(work, NewTask(f"plan/{plan.plan_id}/broken", "plan.broken", on, plan.customer_id, None, _facts(news)))
    told = replace(news, plan=plan)
    note_event(work, AccountEvent(plan.customer_id, f"plan.{news.what}", ACTOR, shown=True, facts=_facts(told)))
    return told


def _was_told(work: Work, news: PlanNews, on: date) -> bool:
    """Whether the customer heard of the instalment on an earlier day: nobody loses a plan without a warning."""
    told = work.scalar(
        "SELECT told_on FROM plan_notices WHERE supplier_id = :supplier AND plan_id = :plan AND position = :position "
        "AND kind = 'late'",
        plan=news.plan.plan_id,
        position=news.part.position if news.part else 0,
    )
    return told is not None and told < on


def _tell(work: Work, news: PlanNews, on: date) -> PlanNews | None:
    part = news.part
    assert part is not None  # noqa: S101 -- these two are about an instalment
    fresh = work.execute(
        "INSERT INTO plan_notices (supplier_id, plan_id, position, kind, told_on, told_at) "
        "VALUES (:supplier, :plan, :position, :kind, :on, :at) ON CONFLICT DO NOTHING",
        plan=news.plan.plan_id,
        position=part.position,
        kind=news.what,
        on=on,
        at=now(),
    )
    if not fresh:
        return None
    if news.what == LATE:
        event = AccountEvent(news.plan.customer_id, "plan.late", ACTOR, shown=True, facts=_facts(news))
        note_event(work, event)
    return news


def _facts(news: PlanNews) -> dict[str, object]:
    plan, part = news.plan, news.part
    facts: dict[str, object] = {
        "plan_id": str(plan.plan_id),
        "amount_minor": plan.total_minor,
        "left_minor": plan.left_minor,
        "currency": plan.currency,
        "reason": plan.reason,
    }
    if part is not None:
        facts |= {
            "part_minor": part.asked_minor,
            "position": part.position,
            "due_on": part.due_on.isoformat(),
            "until_on": last_day_of(plan, part).isoformat(),
        }
    return facts
