"""The book of mails: what was written to whom, and its sending by SMTP where the house has a server."""

from __future__ import annotations

import smtplib
from email.message import EmailMessage
from email.utils import parseaddr
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from markupsafe import Markup

from config.clock import new_id, now
from portal.access.sign_in_mail import Mail
from portal.words import day, known_language, money
from receivables.services.dues import due_on_invoice
from receivables.store.register import get_supplier

if TYPE_CHECKING:
    from uuid import UUID

    from portal.wiring import Services
    from receivables.store.work import Work

TIMEOUT_S = 20.0
BATCH = 20
_WORDS = {
    "fr": (
        "{supplier} : facture {number}",
        "Bonjour,",
        "Votre facture {number} de {amount} est à régler au plus tard le {due}.",
        "Voir et payer en ligne :",
    ),
    "en": (
        "{supplier}: invoice {number}",
        "Hello,",
        "Your invoice {number} of {amount} is due by {due}.",
        "View and pay online:",
    ),
}


def keep_mail(work: Work, mail: Mail) -> None:
    """Put a mail into the book; the same key is written once."""
    work.execute(
        "INSERT INTO mails (supplier_id, mail_id, mail_key, recipient, subject, text_body, html_body, invoice_id, "
        "state, created_at) VALUES (:supplier, :id, :key, :recipient, :subject, :text, :html, :invoice, 'to_send', "
        ":at) ON CONFLICT (supplier_id, mail_key) DO NOTHING",
        id=new_id(),
        key=mail.mail_key,
        recipient=mail.recipient,
        subject=mail.subject,
        text=mail.text_body,
        html=mail.html_body,
        invoice=mail.invoice_id,
        at=now(),
    )


def write_invoice_mail(services: Services, supplier_id: UUID, invoice_id: UUID) -> None:
    """Write the mail that brings a customer their invoice, where something is due and an address is known."""
    supplier = get_supplier(services.database, supplier_id)
    with services.works.begin(supplier_id) as work:
        due = due_on_invoice(work, invoice_id)
        if supplier is None or due.customer_email is None or due.payable_minor <= 0:
            return
        language = work.scalar(
            "SELECT language FROM customers JOIN invoices USING (supplier_id, customer_id) "
            "WHERE supplier_id = :supplier AND invoice_id = :invoice",
            invoice=invoice_id,
        )
        spoken = known_language(language)
        values = {
            "number": due.number,
            "supplier": supplier.name,
            "amount": money(due.open_minor, due.currency, spoken),
            "due": day(due.due_on, spoken),
        }
        subject, hello, sentence, invite = (each.format(**values) for each in _WORDS[spoken])
        url = services.pay_link(work, invoice_id, "mail")
        keep_mail(
            work,
            Mail(
                mail_key=f"invoice/{invoice_id}",
                recipient=due.customer_email,
                subject=subject,
                text_body=f"{hello}\n\n{sentence}\n\n{invite}\n{url}\n\n{supplier.name}\n",
                html_body=str(
                    Markup('<p>{}</p><p>{}</p><p><a href="{}">{}</a></p><p>{}</p>').format(
                        hello, sentence, url, invite, supplier.name
                    )
                ),
                invoice_id=invoice_id,
            ),
        )


def send_due_mails(services: Services, supplier_id: UUID) -> int:
    """Send what waits in a supplier's book; returns how many went. Without a server they stay, to be read there."""
    if services.settings.smtp_url is None:
        return 0
    with services.works.begin(supplier_id) as work:
        rows = work.rows(
            "SELECT mail_id, mail_key, recipient, subject, text_body, html_body FROM mails "
            "WHERE supplier_id = :supplier AND state = 'to_send' ORDER BY created_at LIMIT :limit "
            "FOR UPDATE SKIP LOCKED",
            limit=BATCH,
        )
        if not rows:
            return 0
        with _server(services.settings.smtp_url) as server:
            for row in rows:
                state = _send(server, services.settings.mail_from, dict(row))
                work.execute(
                    "UPDATE mails SET state = :state, sent_at = :at WHERE supplier_id = :supplier AND mail_id = :id",
                    state=state,
                    at=now(),
                    id=row["mail_id"],
                )
    return len(rows)


def _send(server: smtplib.SMTP, sender: str, row: dict[str, str]) -> str:
    message = EmailMessage()
    message["From"] = sender
    message["To"] = row["recipient"]
    message["Subject"] = row["subject"]
    message["Message-ID"] = f"<{row['mail_id']}@{parseaddr(sender)[1].rpartition('@')[2]}>"
    message.set_content(row["text_body"])
    message.add_alternative(row["html_body"], subtype="html")
    try:
        server.send_message(message)
    except (smtplib.SMTPRecipientsRefused, smtplib.SMTPDataError):
        return "failed"
    return "sent"


def _server(url: str) -> smtplib.SMTP:
    parts = urlsplit(url)
    kind = smtplib.SMTP_SSL if parts.scheme == "smtps" else smtplib.SMTP
    server = kind(parts.hostname or "localhost", parts.port or 25, timeout=TIMEOUT_S)
    if parts.username:
        if parts.scheme == "smtp":
            server.starttls()
        server.login(unquote(parts.username), unquote(parts.password or ""))
    return server
