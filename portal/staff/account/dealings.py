"""What is going on with a customer: promises, plans, disputes, messages, reminders, interest; and the forms to act."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from config.clock import today as present_day
from config.law.days import on_or_after
from portal.access.context import caller
from portal.customer.basket import plain_amount
from portal.fields import new_once
from portal.mail.message_mails import staff_path
from portal.plan_forms import choices_of
from portal.staff.claims.shown import STATES as CLAIM_STATES
from portal.staff.claims.shown import debtors_of
from portal.staff.dunning import shown as dunning_words
from portal.telling.dispute_words import choices, reason_words
from portal.telling.plan_words import PLAN_STATES, PROMISE_STATES, shown_state
from portal.words import told_by
from receivables.services.collecting.dunning import plan_for, rules_of
from receivables.services.collecting.promising import MOST_DAYS_OF_COLLECTOR
from receivables.services.collecting.reckoning import reckon_known
from receivables.store.collecting.claims import list_claims
from receivables.store.collecting.dunning import list_notices, stop_of
from receivables.store.collecting.plans import plans_of
from receivables.store.collecting.promises import promises_of
from receivables.store.conversations.disputes import list_disputes
from receivables.store.conversations.messages import list_threads

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from receivables.domain.collecting.reminders import Silence
    from receivables.domain.parties import Customer
    from receivables.store.work import Work

MOST_LINES, MOST_CHOICES = 5, 12
"""Rows of a panel, and invoices of a form: the rest is on the area's own page."""
LIVE_PROMISES = frozenset({"pending", "partly", "broken"})
LIVE_PLANS = frozenset({"proposed", "accepted", "broken"})


def show_forms(work: Work, customer: Customer, _today: date, _known: frozenset[str]) -> dict[str, Any]:
    """What the forms of a promise, a message and a dispute choose from."""
    found = choices_of(work, customer.customer_id)
    free = [each for each in found if each.free_minor and each.why != "planned"]
    return {
        "free": free[:MOST_CHOICES],
        "more": len(free) > MOST_CHOICES,
        "plain": plain_amount,
        "most_days": MOST_DAYS_OF_COLLECTOR,
        "open": found[: 4 * MOST_CHOICES],
        "reasons": choices(customer.kind),
        "once": new_once(),
    }


def show_promises(work: Work, customer: Customer, _today: date, _known: frozenset[str]) -> dict[str, Any] | None:
    """Promises awaited and broken, plans offered, running and broken; nothing where there is neither."""
    promises = [each for each in promises_of(work, customer.customer_id, limit=20) if each.state in LIVE_PROMISES]
    plans = [each for each in plans_of(work, customer.customer_id, limit=20) if each.state in LIVE_PLANS]
    if not promises and not plans:
        return None
    return {
        "promises": [(each, shown_state(PROMISE_STATES, each.state)) for each in promises[:MOST_LINES]],
        "plans": [(each, shown_state(PLAN_STATES, each.state)) for each in plans[:MOST_LINES]],
    }


def show_disputes(work: Work, customer: Customer, _today: date, _known: frozenset[str]) -> dict[str, Any] | None:
    """The disputes that wait for an outcome; nothing where there is none."""
    rows = list_disputes(work, customer_id=customer.customer_id, limit=MOST_LINES)
    if not rows:
        return None
    return {"rows": [(each, reason_words(each.dispute.reason)) for each in rows[:MOST_LINES]]}


def show_messages(work: Work, customer: Customer, _today: date, _known: frozenset[str]) -> dict[str, Any] | None:
    """The conversations, the latest first, each with its last words; nothing where nobody has written."""
    me = caller().person.person_id
    rows = list_threads(work, me, choice="all", customer_id=customer.customer_id, limit=MOST_LINES)
    return {"rows": rows[:MOST_LINES], "path_of": lambda each: staff_path(each.thread.subject)} if rows else None


@dataclass(frozen=True, slots=True)
class Left:
    """Why some invoices are not reminded of, and how much of them; ``words`` says until when as well."""

    words: str
    currency: str
    amount_minor: int
    invoices: int


def show_dunning(work: Work, customer: Customer, today: date, known: frozenset[str]) -> dict[str, Any]:
    """What was sent, what goes next and to whom, and why nothing about the rest."""
    rules, day = rules_of(work), on_or_after(today)
    plan = plan_for(work, rules, [customer.customer_id], day) if rules.scenarios else None
    reminders = plan.reminders if plan else ()
    notices = list_notices(work, customer_id=customer.customer_id, limit=3) if "notices" in known else []
    return {
        "has_rules": bool(rules.scenarios),
        "reminders": reminders,
        "ready": any(each.approval == "nobody" for each in reminders),
        "left": leave_out(plan.silences) if plan else [],
        "stop": stop_of(work, customer.customer_id, today) if "stops" in known else None,
        "notices": [(each, dunning_words.notice_badge(each)) for each in notices[:3]],
        "day": day,
        "is_today": day == present_day(),
    }


def leave_out(silences: Iterable[Silence]) -> list[Left]:
    """Why nothing is sent, by reason, the most money first."""
    sums: dict[tuple[str, str], tuple[int, int]] = {}
    for each in silences:
        key = (dunning_words.why_words(each), each.currency)
        minor, count = sums.get(key, (0, 0))
        sums[key] = (minor + each.amount_minor, count + 1)
    left = [Left(words, currency, minor, count) for (words, currency), (minor, count) in sums.items()]
    return sorted(left, key=lambda each: (-each.amount_minor, each.words))


def show_claims(work: Work, customer: Customer, today: date, known: frozenset[str]) -> dict[str, Any] | None:
    """The interest that has run, and the claims for it; nothing where there is neither."""
    run = reckon_known(work, today, today, customer.customer_id)
    found, why = run.reckoned, told_by(run.error) if run.error else ""
    claims = list_claims(work, customer_id=customer.customer_id, limit=MOST_LINES) if "claims" in known else []
    if not found and not claims:
        return None
    return {
        "debtors": debtors_of(found),
        "claims": claims[:MOST_LINES],
        "states": CLAIM_STATES,
        "through_on": run.through_on,
        "why": why,
    }
