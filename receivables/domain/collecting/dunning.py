"""Whom to remind of what, and why not the others: a pure function of facts, a scenario and a day.

Levels belong to each invoice, messages to the customer: what is to be asked of one customer by one channel on one day
is one message, in the tone of its highest level. Nothing is asked that is paid, in flight, promised, planned, disputed,
announced for debit, or covered by money of the customer's that nobody has lettered yet.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from receivables.domain.collecting.reminders import BROKEN_PROMISE, DEBIT_BACK, OFFSET, Part, Plan, Reminder, Silence
from receivables.domain.collecting.scenarios import BEFORE, FORMAL_NOTICE, Channel

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date
    from uuid import UUID

    from receivables.domain.collecting.reminders import CustomerFacts, InvoiceFacts
    from receivables.domain.collecting.scenarios import Limits, Occasion, Scenario, Step

STANDARD_SEGMENT = "standard"
USUAL_SEGMENTS = {"consumer": "consumer", "public": "public"}
"""By kind of customer: the segment whose scenario counts where nothing else was said."""
_Try = tuple["InvoiceFacts", "Step", int, str]
"""An invoice with a step that is due, the amount and the reason."""


def plan_reminders(facts: Iterable[CustomerFacts], scenarios: Mapping[str, Scenario], occasion: Occasion) -> Plan:
    """What goes out on the day of ``occasion``, and why nothing goes out about the other invoices.

    ``scenarios`` are by segment. A segment without one is reminded like others of its kind: putting customers into a
    segment must not silence them. Only where there is none for their kind either are they left alone, with that reason.
    """
    reminders: list[Reminder] = []
    silences: list[Silence] = []
    for customer in facts:
        planned = _plan_customer(customer, _scenario_of(customer, scenarios), occasion)
        reminders += planned.reminders
        silences += planned.silences
    return Plan(tuple(reminders), tuple(silences))


def _scenario_of(customer: CustomerFacts, scenarios: Mapping[str, Scenario]) -> Scenario | None:
    return scenarios.get(customer.segment) or scenarios.get(USUAL_SEGMENTS.get(customer.kind, STANDARD_SEGMENT))


def _plan_customer(customer: CustomerFacts, scenario: Scenario | None, occasion: Occasion) -> Plan:
    why = _left_alone(customer, scenario, occasion)
    if why is not None or scenario is None:
        reason, until = why or ("no_scenario", None)
        return Plan((), tuple(_silent(customer, each, _held_or(each, reason), until) for each in customer.invoices))
    tries: list[_Try] = []
    silences: list[Silence] = []
    for invoice in _take_credits(customer):
        found, silence = _look(customer, invoice, scenario, occasion.day)
        tries += found
        silences += [silence] if silence else []
    reminders: list[Reminder] = []
    for group in _grouped(tries):
        reminder, missed = _write(customer, scenario, group, occasion)
        reminders += [reminder] if reminder else []
        silences += missed
    asked = {part.invoice_id for each in reminders for part in each.parts}
    kept = {each.invoice_id: each for each in silences if each.invoice_id not in asked}
    return Plan(tuple(reminders), tuple(kept.values()))


def still_right(customer: CustomerFacts, asked: Mapping[UUID, int], day: date) -> str | None:
    """Why a reminder that asks for these amounts by invoice is not right any more; ``None`` where it still is."""
    if customer.stopped_until is not None and customer.stopped_until > day:
        return "stopped"
    known = {each.invoice_id: each for each in _take_credits(customer)}
    for invoice_id, minor in asked.items():
        invoice = known.get(invoice_id)
        if invoice is None:
            return "paid"
        if minor > max(invoice.late_minor, invoice.coming_minor):
            why = _why_nothing(customer, invoice)
            return "part_paid" if why == "not_due" else why
    return None


def _left_alone(
    customer: CustomerFacts, scenario: Scenario | None, occasion: Occasion
) -> tuple[str, date | None] | None:
    """Why a customer gets nothing at all, whatever they owe."""
    if scenario is None:
        return "no_scenario", None
    if customer.stopped_until is not None and customer.stopped_until > occasion.day:
        return "stopped", customer.stopped_until
    if not occasion.is_open:
        return "closed_day", None
    return None


def _held_or(invoice: InvoiceFacts, why: str) -> str:
    """What holds all of an invoice tells more than what holds its customer."""
    return invoice.holds[0].why if invoice.holds and not (invoice.late_minor or invoice.coming_minor) else why


def _take_credits(customer: CustomerFacts) -> list[InvoiceFacts]:
    """The invoices less the customer's own money that settles nothing yet, the oldest first (C. civ. art. 1342-10)."""
    left = dict(customer.credits)
    found = []
    for invoice in sorted(customer.invoices, key=lambda each: (each.late_from, each.number)):
        taken = min(left.get(invoice.currency, 0), max(invoice.late_minor, invoice.coming_minor))
        left[invoice.currency] = left.get(invoice.currency, 0) - taken
        found.append(
            replace(
                invoice,
                late_minor=max(invoice.late_minor - taken, 0),
                coming_minor=max(invoice.coming_minor - taken, 0),
            )
        )
    return found


def _look(
    customer: CustomerFacts, invoice: InvoiceFacts, scenario: Scenario, day: date
) -> tuple[list[_Try], Silence | None]:
    """The steps that are due on one invoice, or why there is none."""
    late_days = (day - invoice.late_from).days
    if late_days <= 0:
        return _look_ahead(customer, invoice, scenario, late_days)
    steps, why, until = _steps_due(customer, invoice, scenario, day)
    tries = [(invoice, step, asked, reason) for step, reason in steps if (asked := _asked(invoice, step)) > 0]
    if tries:
        return tries, None
    reason = why if not steps else _why_nothing(customer, invoice)
    return [], _silent(customer, invoice, reason if invoice.late_minor else _why_nothing(customer, invoice), until)


def _look_ahead(
    customer: CustomerFacts, invoice: InvoiceFacts, scenario: Scenario, late_days: int
) -> tuple[list[_Try], Silence | None]:
    """The reminder before the due date: for large sums of new or risky customers, as its step says."""
    done = {each.step for each in invoice.done}
    for step in scenario.at_level(BEFORE):
        if step.offset_days > late_days or step.key in done or not _meant(step, customer):
            continue
        if customer.autopay:
            return [], _silent(customer, invoice, "autopay")
        if invoice.coming_minor <= 0:
            return [], _silent(customer, invoice, _why_nothing(customer, invoice))
        to = customer.recipients.get(step.role)
        if step.channel is Channel.MAIL and to is not None and not to.wants_early:
            return [], _silent(customer, invoice, "unwanted", invoice.late_from)
        return [(invoice, step, invoice.coming_minor, OFFSET)], None
    return [], _silent(customer, invoice, "not_due", invoice.late_from)


def _steps_due(
    customer: CustomerFacts, invoice: InvoiceFacts, scenario: Scenario, day: date
) -> tuple[list[tuple[Step, str]], str, date | None]:
    """The steps to take now, each with its reason; where there is none, why, and the day of the next."""
    done = {each.step for each in invoice.done}
    late_days = (day - invoice.late_from).days
    still = [
        (step, OFFSET)
        for step in scenario.at_level(invoice.level)
        if invoice.level > BEFORE and step.key not in done and step.offset_days <= late_days and _meant(step, customer)
    ]
    above = sorted({step.level for step in scenario.steps if step.level > invoice.level and _meant(step, customer)})
    ways = [level for level in above if any(_has_way(s, customer) for s in _steps_of(scenario, level, customer))]
    level, why = _next_level(invoice, ways)
    ready_on = _ready_on(invoice, _steps_of(scenario, level, customer)[0], why) if level is not None else None
    if level is not None and ready_on is not None and ready_on <= day:
        first, *more = _steps_of(scenario, level, customer)
        return [*still, (first, why), *((step, why) for step in more if step.offset_days <= late_days)], why, None
    blocked = [level for level in above if level not in ways]
    if not still and blocked and _ready_on(invoice, _steps_of(scenario, blocked[0], customer)[0], OFFSET) <= day:
        return still, _no_way(customer), ready_on
    return still, "all_done" if level is None else "up_to_date", ready_on


def _ready_on(invoice: InvoiceFacts, step: Step, why: str) -> date:
    """From which day a step may be taken: its own, at once after a jump, never right after the step before."""
    ready_on = invoice.late_from + timedelta(days=step.offset_days if why == OFFSET else 1)
    last_on = max((each.on for each in invoice.done), default=None)
    return max(ready_on, last_on + timedelta(days=step.gap_days)) if last_on else ready_on


def _next_level(invoice: InvoiceFacts, above: Sequence[int]) -> tuple[int | None, str]:
    """The level after the one reached. A broken promise jumps over one, a debit that came back resumes at its own."""
    if not above:
        return None, OFFSET
    floor, why = invoice.level + 1, OFFSET
    if invoice.resume_level > floor:
        floor, why = invoice.resume_level, DEBIT_BACK
    if invoice.promise_broken and invoice.level + 2 > floor:
        floor, why = invoice.level + 2, BROKEN_PROMISE
    jumped = [level for level in above if floor <= level <= FORMAL_NOTICE]
    if why != OFFSET and jumped:
        return jumped[0], why
    return above[0], OFFSET


def _steps_of(scenario: Scenario, level: int, customer: CustomerFacts) -> list[Step]:
    """The steps of a level that are meant for a customer, the earliest first."""
    return [step for step in scenario.at_level(level) if _meant(step, customer)]


def _has_way(step: Step, customer: CustomerFacts) -> bool:
    """Whether a step can be taken: mails need an address; a level without one does not hold up the next."""
    return step.channel is not Channel.MAIL or step.role in customer.recipients


def _no_way(customer: CustomerFacts) -> str:
    return "mails_come_back" if customer.mails_come_back else "no_address"


def _meant(step: Step, customer: CustomerFacts) -> bool:
    """Whether a step is meant for this customer at all."""
    known = {"new": customer.is_new, "risky": customer.is_risky}
    return (not step.kinds or customer.kind in step.kinds) and (
        not step.only or any(known.get(each, False) for each in step.only)
    )


def _asked(invoice: InvoiceFacts, step: Step) -> int:
    """What a step asks for: a legal step is ours, so that the customer's own promise does not put it off."""
    return invoice.late_minor + (invoice.own_promise_minor if step.level > FORMAL_NOTICE else 0)


def _grouped(tries: Sequence[_Try]) -> list[list[_Try]]:
    """What goes together: one mail and one call for all; letters and tasks by level, for each says one thing."""
    groups: dict[tuple[Channel, int], list[_Try]] = {}
    for each in tries:
        step = each[1]
        alone = step.channel.is_letter or step.channel is Channel.TASK
        known = groups.setdefault((step.channel, step.level if alone else 0), [])
        if not any(other[0].invoice_id == each[0].invoice_id for other in known):
            known.append(each)
    return [groups[key] for key in sorted(groups, key=lambda key: (list(Channel).index(key[0]), key[1]))]


def _write(
    customer: CustomerFacts, scenario: Scenario, group: Sequence[_Try], occasion: Occasion
) -> tuple[Reminder | None, list[Silence]]:
    """The message of a group, or why there is none."""
    step = max((each[1] for each in group), key=lambda each: each.level)
    parts = tuple(
        Part(invoice.invoice_id, invoice.number, taken, invoice.late_from, minor, invoice.currency, why)
        for invoice, taken, minor, why in group
    )
    reminder = Reminder(
        customer.customer_id, scenario.scenario_id, step.channel, step, parts, customer.recipients.get(step.role)
    )
    refused = _refused(customer, reminder, occasion.limits, occasion.day)
    if refused is None:
        return reminder, []
    why, until = refused
    return None, [_silent(customer, each[0], why, until) for each in group]


def _refused(customer: CustomerFacts, reminder: Reminder, limits: Limits, day: date) -> tuple[str, date | None] | None:
    """Why a message does not go, as a whole."""
    if max(reminder.totals.values()) < reminder.step.min_minor:
        return "below_minimum", None
    if reminder.channel is Channel.MAIL:
        if reminder.recipient is None:
            return _no_way(customer), None
        return _capped(customer.last_mail_on, limits.mail_every_days, day)
    if reminder.channel is Channel.CALL:
        return _capped(customer.last_call_on, limits.call_every_days, day)
    return None


def _capped(last_on: date | None, every_days: int, day: date) -> tuple[str, date | None] | None:
    next_on = last_on + timedelta(days=every_days) if last_on else day
    return ("capped", next_on) if next_on > day else None


def _why_nothing(customer: CustomerFacts, invoice: InvoiceFacts) -> str:
    """What holds an invoice of which nothing may be asked for."""
    if invoice.holds:
        return invoice.holds[0].why
    return "credited" if customer.credits.get(invoice.currency) else "not_due"


def _silent(customer: CustomerFacts, invoice: InvoiceFacts, why: str, until: date | None = None) -> Silence:
    held = next((hold for hold in invoice.holds if hold.why == why), None)
    return Silence(
        customer.customer_id,
        invoice.invoice_id,
        invoice.number,
        why,
        held.amount_minor if held else invoice.open_minor,
        invoice.currency,
        until or (held.until if held else None),
    )
