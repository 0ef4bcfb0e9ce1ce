"""The book of mails: what was written to whom; the post (`portal/post.py`) sends it where there is a server."""

from __future__ import annotations

from typing import TYPE_CHECKING

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


def keep_mail(work: Work, mail: Mail) -> UUID | None:
    """Put a mail into the book; the same key is written once. Returns its id, ``None`` where it was there before."""
    mail_id = new_id()
    kept = work.execute(
        "INSERT INTO mails (supplier_id, mail_id, mail_key, recipient, subject, text_body, html_body, invoice_id, "
        "held_by, reply_to, state, created_at) VALUES (:supplier, :id, :key, :recipient, :subject, :text, :html, "
        ":invoice, :held_by, :reply_to, 'to_send', :at) ON CONFLICT (supplier_id, mail_key) DO NOTHING",
        id=mail_id,
        key=mail.mail_key,
        recipient=mail.recipient,
        subject=mail.subject,
        text=mail.text_body,
        html=mail.html_body,
        invoice=mail.invoice_id,
        held_by=mail.held_by,
        reply_to=mail.reply_to,
        at=now(),
    )
    if not kept:
        return None
    for position, file in enumerate(mail.files, start=1):
        work.execute(
            "INSERT INTO mail_files (supplier_id, mail_id, position, filename, mime, sha256, size_bytes) "
            "VALUES (:supplier, :mail, :position, :filename, :mime, :sha256, :size)",
            mail=mail_id,
            position=position,
            filename=file.filename,
            mime=file.mime,
            sha256=file.sha256,
            size=file.size_bytes,
        )
    return mail_id


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
