"""A reminder as a mail: readable as plain text, a small table in HTML, a link for each invoice and one for all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from markupsafe import Markup

from portal.access.sign_in_mail import Mail, MailFile
from portal.dunning.words import label, late_words
from portal.mailbox.addresses import reply_address
from portal.words import catalogue, day, note_text
from receivables.domain.messages import Subject

if TYPE_CHECKING:
    from uuid import UUID

    from portal.dunning.view import ReminderView
    from portal.wiring import Services
    from receivables.domain.reminders import Reminder
    from receivables.store.work import Work

HELD_BY = "dunning"
"""Who looks at these mails once more before they go."""
MOST_FILES, MOST_FILE_BYTES = 10, 8 * 1024 * 1024
"""Servers take mails of ten megabytes; in base 64 a file grows by a third."""
_ALL = note_text("Voir et payer toutes vos factures :")
_LEFT = Markup('style="padding:6px 12px 6px 0;border-bottom:1px solid #dfe3e8;text-align:left"')
_RIGHT = Markup('style="padding:6px 0;border-bottom:1px solid #dfe3e8;text-align:right"')


def reminder_mail(
    services: Services, work: Work, reminder: Reminder, view: ReminderView, notice_id: UUID | None
) -> Mail | None:
    """The mail of a reminder, or ``None`` where nobody is known to write to; without a notice it is only shown."""
    if reminder.recipient is None:
        return None
    subject = Subject(reminder.customer_id)
    files = _invoices(work, reminder) if reminder.step.attach else ()
    return Mail(
        mail_key=f"dunning/{notice_id}",
        recipient=reminder.recipient.email,
        subject=view.words.subject,
        text_body=_text(services, view, attached=bool(files)),
        html_body=_html(services, view, attached=bool(files)),
        invoice_id=reminder.parts[0].invoice_id if len(reminder.parts) == 1 else None,
        files=files,
        held_by=HELD_BY,
        reply_to=reply_address(services.settings, services.keyring, work, subject, reminder.recipient.email)
        if notice_id
        else None,
    )


def _invoices(work: Work, reminder: Reminder) -> tuple[MailFile, ...]:
    """The invoices as PDF, as they were issued, as many as a mail can carry."""
    found: list[MailFile] = []
    for row in work.rows(
        "SELECT DISTINCT ON (document.invoice_id) filename, mime, sha256, size_bytes FROM documents AS document "
        "WHERE document.supplier_id = :supplier AND document.invoice_id = ANY(:ids) AND document.mime = :pdf "
        "AND document.form IN ('facturx', 'original') ORDER BY document.invoice_id, document.created_at DESC",
        ids=[part.invoice_id for part in reminder.parts],
        pdf="application/pdf",
    ):
        file = MailFile(**row)
        if len(found) < MOST_FILES and sum(each.size_bytes for each in (*found, file)) <= MOST_FILE_BYTES:
            found.append(file)
    return tuple(found)


def _text(services: Services, view: ReminderView, *, attached: bool) -> str:
    spoken = view.language
    rows = [
        f"- {label('number', spoken)} {row.number}, {label('due', spoken).lower()} {day(row.due_on, spoken)}"
        + (f" ({late_words(row.late_days, spoken)})" if row.late_days else "")
        + f" : {row.amount}\n  {row.url}"
        for row in view.rows
    ]
    parts = [
        label("hello", spoken),
        *view.words.opening,
        "\n".join(rows),
        f"{label('total', spoken)} : {view.total}",
        *([label("attached", spoken)] if attached else []),
        *view.words.closing,
        f"{catalogue(spoken).gettext(_ALL)} {services.settings.public_url}/c/",
        "\n".join([label("regards", spoken), *_signed(view)]),
    ]
    return "\n\n".join(parts) + "\n"


def _html(services: Services, view: ReminderView, *, attached: bool) -> str:
    spoken = view.language

    def said(texts: tuple[str, ...]) -> Markup:
        return Markup("").join(Markup("<p>{}</p>").format(each) for each in texts)

    head = Markup("").join(
        Markup("<th {}>{}</th>").format(side, label(name, spoken))
        for name, side in (("number", _LEFT), ("due", _LEFT), ("late", _LEFT), ("amount", _RIGHT))
    )
    rows = Markup("").join(_row(view, number) for number in range(len(view.rows)))
    body = Markup(
        "<p>{hello}</p>{opening}"
        '<table role="presentation" style="border-collapse:collapse;margin:16px 0"><tr>{head}</tr>{rows}'
        '<tr><td colspan="3" {left}><strong>{total_label}</strong></td>'
        "<td {right}><strong>{total}</strong></td></tr></table>"
        "{attached}{closing}"
        '<p>{all} <a href="{portal}/c/">{portal}/c/</a></p><p>{regards}<br>{signed}</p>'
    ).format(
        hello=label("hello", spoken),
        opening=said(view.words.opening),
        head=head,
        rows=rows,
        left=_LEFT,
        right=_RIGHT,
        total_label=label("total", spoken),
        total=view.total,
        attached=said((label("attached", spoken),)) if attached else "",
        closing=said(view.words.closing),
        all=catalogue(spoken).gettext(_ALL),
        portal=services.settings.public_url,
        regards=label("regards", spoken),
        signed=Markup("<br>").join(_signed(view)),
    )
    return str(
        Markup(
            '<!doctype html><html lang="{}"><body style="font-family:system-ui,sans-serif;font-size:15px;'
            'line-height:1.5;color:#14181f;max-width:640px">{}</body></html>'
        ).format(spoken, body)
    )


def _row(view: ReminderView, number: int) -> Markup:
    row, spoken = view.rows[number], view.language
    return Markup(
        '<tr><td {l}>{number}</td><td {l}>{due}</td><td {l}>{late}</td><td {r}><a href="{url}">{amount}</a></td></tr>'
    ).format(
        l=_LEFT,
        r=_RIGHT,
        number=row.number,
        due=day(row.due_on, spoken),
        late=late_words(row.late_days, spoken),
        url=row.url,
        amount=row.amount,
    )


def _signed(view: ReminderView) -> list[str]:
    name, title = view.signatory
    own = [name, title] if name != view.seller.name else []
    return [each for each in (*own, view.seller.name, *view.seller.reach) if each]
