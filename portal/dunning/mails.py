"""A reminder as a mail: readable as plain text, a small table in HTML, a link for each invoice and one for all."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from portal.dunning.words import label, late_words
from portal.mail.book import Envelope, dress, mail_of
from portal.mail.invoice_mails import pdfs_of
from portal.mail.kinds import KINDS
from portal.mail.page import MailPage, MailTable
from portal.mail.unsubscribing import unsubscribe_url
from portal.mailbox.addresses import reply_address
from portal.words import catalogue, day, note_text
from receivables.domain.collecting.scenarios import BEFORE
from receivables.domain.conversations.messages import Subject

if TYPE_CHECKING:
    from uuid import UUID

    from portal.access.sign_in_mail import Mail
    from portal.dunning.view import InvoiceRow, ReminderView
    from portal.wiring import Services
    from receivables.domain.collecting.reminders import Reminder
    from receivables.store.work import Work

HELD_BY = "dunning"
"""Who looks at these mails once more before they go."""
_ALL = note_text("Voir et payer toutes vos factures")
_LATE = note_text("%(days)s de retard")
_OVERDUE = note_text("à régler, échéance dépassée")
_DUE_ON = note_text("à régler le %(day)s")
_TO_PAY = note_text("à régler à leurs échéances")
_STOP = note_text("Ne plus recevoir de rappels avant l'échéance")


def reminder_mail(
    services: Services, work: Work, reminder: Reminder, view: ReminderView, notice_id: UUID | None
) -> Mail | None:
    """The mail of a reminder, or ``None`` where nobody is known to write to; without a notice it is only shown."""
    if reminder.recipient is None:
        return None
    subject, email = Subject(reminder.customer_id), reminder.recipient.email
    kind = "reminder_before" if reminder.level == BEFORE else "reminder"
    files = pdfs_of(work, [part.invoice_id for part in reminder.parts]) if reminder.step.attach else ()
    envelope = Envelope(
        kind,
        f"dunning/{notice_id}",
        email,
        reminder.parts[0].invoice_id if len(reminder.parts) == 1 else None,
        files,
        held_by=HELD_BY,
        reply_to=reply_address(services.settings, services.keyring, work, subject, email) if notice_id else None,
        unsubscribe_url=unsubscribe_url(services, work.supplier_id, email, kind) if KINDS[kind].may_stop else None,
    )
    page = reminder_page(view, f"{services.settings.public_url}/c/", attached=bool(files))
    if envelope.unsubscribe_url:
        page = replace(page, unsubscribe=(catalogue(view.language).gettext(_STOP), envelope.unsubscribe_url))
    page = dress(work, page, envelope)
    return mail_of(
        replace(page, sender=replace(page.sender, signature=_signed(view) or page.sender.signature)), envelope
    )


def reminder_page(view: ReminderView, portal: str, *, attached: bool) -> MailPage:
    """What a reminder says, with a link for each invoice and one for all; ``portal`` is the customers' start page."""
    spoken = view.language
    rows = tuple(((_named(row, spoken), row.amount), row.url) for row in view.rows)
    table = MailTable(
        heads=(label("number", spoken), label("amount", spoken)),
        rows=rows,
        total=(label("total", spoken), view.total),
    )
    return MailPage(
        subject=view.words.subject,
        preheader=" ".join(view.words.opening),
        greeting=label("hello", spoken),
        paragraphs=view.words.opening,
        figure=(view.total, _caption(view)),
        tables=(table,),
        button=(catalogue(spoken).gettext(_ALL), portal) if len(rows) > 1 else _one(view),
        closing=(*([label("attached", spoken)] if attached else []), *view.words.closing, label("regards", spoken)),
        language=spoken,
    )


def _caption(view: ReminderView) -> str:
    """What the total is: late, or to be paid by the one day on which all of it falls due."""
    speak, days = catalogue(view.language).gettext, {row.due_on for row in view.rows}
    if any(row.late_days for row in view.rows):
        return speak(_OVERDUE)
    return speak(_DUE_ON) % {"day": day(min(days), view.language)} if len(days) == 1 else speak(_TO_PAY)


def _one(view: ReminderView) -> tuple[str, str]:
    return catalogue(view.language).gettext("Voir et payer la facture"), view.rows[0].url


def _named(row: InvoiceRow, spoken: str) -> str:
    """Number, due date and how late, on lines of their own."""
    due = f"{label('due', spoken)} {day(row.due_on, spoken)}"
    late = catalogue(spoken).gettext(_LATE) % {"days": late_words(row.late_days, spoken)} if row.late_days else ""
    return "\n".join(each for each in (row.number, due, late) if each)


def _signed(view: ReminderView) -> tuple[str, ...]:
    name, title = view.signatory
    return tuple(each for each in (name, title) if each) if name != view.seller.name else ()
