"""A day of reminders: plan all, then write what needs nobody's approval, customer by customer and once.

What is written is decided a second time in the transaction that writes it, with the customers locked: a receipt that
was posted meanwhile is seen, one that comes later waits for the lock.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from config.clock import legal_day, new_id, now
from config.typeset import TypesetError
from einvoice.archive import retention_end
from portal.dunning.letters import reminder_letter
from portal.dunning.mails import reminder_mail
from portal.dunning.tasks import open_tasks_of, tidy_tasks
from portal.dunning.view import view_reminder
from portal.mail.book import keep_mail
from portal.words import money
from receivables.domain.collecting.scenarios import Approval, Channel
from receivables.errors import ConflictError
from receivables.services.collecting.dunning import (
    customers_to_look_at,
    next_opening,
    opening_after,
    plan_for,
    rules_of,
)
from receivables.services.collecting.limitation import warn_of_limitation
from receivables.services.collecting.tasking import NewTask, open_task
from receivables.store.collecting.dunning import Writing, insert_notice, set_next_run
from receivables.store.customer_file.customers import lock_customers
from receivables.store.customer_file.journal import AccountEvent, note_event

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date
    from uuid import UUID

    from portal.dunning.view import ReminderView
    from portal.wiring import Services
    from receivables.domain.collecting.reminders import Plan, Reminder
    from receivables.store.work import Work

CHUNK = 500
"""Customers that are planned at once."""
TOGETHER = 20
"""Customers that are locked and written to in one transaction: a letter takes a few hundredths of a second to set."""
PDF = "application/pdf"
SENT = "dunning.sent"
BAD_LETTER = "dunning.letter_not_set"
"""A task: a name has letters that the font lacks."""


@dataclass(frozen=True, slots=True)
class Tally:
    """What a day of reminders came to."""

    written: int = 0
    to_approve: int = 0
    silent: int = 0

    def plus(self, other: Tally) -> Tally:
        """The sum of two."""
        return Tally(self.written + other.written, self.to_approve + other.to_approve, self.silent + other.silent)


@dataclass(frozen=True, slots=True)
class Writer:
    """Writes reminders for ``actor`` on a day."""

    services: Services
    actor: str
    day: date

    def write(self, work: Work, reminder: Reminder, approved_by: str | None = None) -> UUID:
        """Write one: its mail or letter, its task, its line in the journal of the account. Returns the notice's id.

        Raises:
            ConflictError: ``dunning.letter_not_set``.
        """
        notice_id = new_id()
        mail_id = sha256 = filename = None
        if reminder.channel is Channel.MAIL:
            view = view_reminder(self.services, work, reminder, self.day)
            mail = reminder_mail(self.services, work, reminder, view, notice_id)
            mail_id = keep_mail(work, mail) if mail else None
        elif reminder.channel.is_letter:
            view = view_reminder(self.services, work, reminder, self.day)
            filename, sha256 = _set_letter(self.services, reminder, view, self.day)
        writing = Writing(notice_id, self.day, self.actor, approved_by, mail_id, sha256, filename)
        insert_notice(work, reminder, writing)
        _open_task(work, reminder, notice_id, self.day)
        shown = reminder.channel is Channel.MAIL or reminder.channel.is_letter
        note_event(work, AccountEvent(reminder.customer_id, SENT, self.actor, shown, facts_of(reminder)))
        work.audit(self.actor, SENT, str(notice_id), channel=reminder.channel, level=reminder.level)
        return notice_id


def run_dunning_day(services: Services, supplier_id: UUID) -> Tally:
    """The worker's chore: the reminders of today, once, within the hours; then the next open day is waited for."""
    at = now()
    with services.works.begin(supplier_id) as work:
        settings = rules_of(work).settings
        opens_at = next_opening(settings, at)
        if opens_at > at:
            set_next_run(work, opens_at)
            return Tally()
    tally = send_reminders(services, supplier_id, "worker", legal_day(at))
    with services.works.begin(supplier_id) as work:
        set_next_run(work, opening_after(settings, at))
    return tally


def send_reminders(
    services: Services, supplier_id: UUID, actor: str, day: date, chosen: Sequence[UUID] | None = None
) -> Tally:
    """Write what is due on a day and needs no approval, to all or to the ``chosen`` customers; tasks for the rest."""
    tally, after, writer = Tally(), None, Writer(services, actor, day)
    while True:
        with services.works.begin(supplier_id) as work:
            rules = rules_of(work)
            page = list(chosen) if chosen is not None else customers_to_look_at(work, rules, day, after=after)
            plan = plan_for(work, rules, page, day)
        due = sorted({each.customer_id for each in plan.reminders if each.approval is Approval.NOBODY})
        for start in range(0, len(due), TOGETHER):
            together = due[start : start + TOGETHER]
            written = services.works.run(supplier_id, partial(_write_due, writer=writer, customer_ids=together))
            tally = tally.plus(Tally(written=written))
        services.works.run(supplier_id, partial(open_tasks_of, plan=plan, customer_ids=page, day=day))
        waiting = sum(each.approval is not Approval.NOBODY for each in plan.reminders)
        tally = tally.plus(Tally(to_approve=waiting, silent=len(plan.silences)))
        if chosen is not None or len(page) < CHUNK:
            break
        after = page[-1]
    services.works.run(supplier_id, partial(tidy_tasks, day=day))
    services.works.run(supplier_id, partial(warn_of_limitation, day=day))
    return tally


def approve_reminder(writer: Writer, supplier_id: UUID, customer_id: UUID, fingerprint: str) -> UUID:
    """Write a reminder that the writer's actor looked at, exactly as they saw it. Returns the notice's id.

    Raises:
        ConflictError: ``dunning.changed``: what is due is not what the approver saw.
    """

    def write(work: Work) -> UUID:
        reminder = next(
            (r for r in plan_locked(work, [customer_id], writer.day).reminders if r.fingerprint == fingerprint), None
        )
        if reminder is None:
            raise ConflictError(
                "dunning.changed",
                "What is due has changed since this page was shown, or the reminder went out: look at it again.",
                "Ce qui est dû a changé depuis l'affichage de cette page, ou la relance est partie : revoyez-la.",
            )
        notice_id = writer.write(work, reminder, approved_by=writer.actor)
        work.audit(writer.actor, "dunning.approved", str(notice_id), level=reminder.level)
        return notice_id

    return writer.services.works.run(supplier_id, write)


def plan_locked(work: Work, customer_ids: Sequence[UUID], day: date) -> Plan:
    """The plan of these customers with their accounts locked: nothing is booked on them until this is written."""
    lock_customers(work, customer_ids)
    return plan_for(work, rules_of(work), customer_ids, day)


def _write_due(work: Work, writer: Writer, customer_ids: Sequence[UUID]) -> int:
    plan = plan_locked(work, customer_ids, writer.day)
    due = [each for each in plan.reminders if each.approval is Approval.NOBODY]
    for reminder in due:
        writer.write(work, reminder)
    return len(due)


def _set_letter(services: Services, reminder: Reminder, view: ReminderView, day: date) -> tuple[str, str]:
    """The letter in the archive, under its name.

    Raises:
        ConflictError: ``dunning.letter_not_set``: a name has letters that the font lacks.
    """
    try:
        pdf = reminder_letter(reminder, view)
    except TypesetError as error:
        raise ConflictError(
            BAD_LETTER,
            f"The letter to {view.name} cannot be set: {error}",
            f"La lettre à {view.name} ne peut pas être mise en page : {error}",
        ) from error
    return f"{reminder.step.template}-{day}-{view.rows[0].number}.pdf", services.archive.put(pdf, retention_end(day))


def _open_task(work: Work, reminder: Reminder, notice_id: UUID, day: date) -> None:
    """What somebody has to do: call, post, or decide."""
    if reminder.channel is Channel.MAIL:
        return
    kind = f"dunning.{reminder.step.template if reminder.channel is Channel.TASK else _ACTS[reminder.channel]}"
    key = f"dunning/{reminder.channel}/{reminder.customer_id}/{notice_id}"
    facts = facts_of(reminder) | {"notice_id": str(notice_id)}
    open_task(work, NewTask(key, kind, day, customer_id=reminder.customer_id, facts=facts))


_ACTS = {Channel.CALL: "call", Channel.LETTER: "post", Channel.REGISTERED: "post"}


def facts_of(reminder: Reminder) -> dict[str, object]:
    """What a task or the journal says of a reminder."""
    contact = reminder.recipient
    return {
        "level": reminder.level,
        "channel": str(reminder.channel),
        "invoices": len(reminder.parts),
        "total": " + ".join(money(minor, currency, "fr") for currency, minor in sorted(reminder.totals.items())),
        "totals": dict(reminder.totals),
        "contact": contact.name if contact else "",
        "phone": (contact.phone or "") if contact else "",
    }
