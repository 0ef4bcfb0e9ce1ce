"""The mail that brings a customer their invoice, with the PDF where the supplier wants it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from config.clock import now
from portal.access.sign_in_mail import MailFile
from portal.background.worker import NotYetError
from portal.mail.book import Envelope, keep_page
from portal.mail.page import MailPage
from portal.mail.readers import reader_of
from portal.mail.settings import mail_settings_of
from portal.mailbox.addresses import named_reply_address
from portal.words import catalogue, day, money, note_text
from receivables.domain.conversations.messages import Subject
from receivables.services.invoicing.dues import due_on_invoice
from receivables.store.customer_file.customers import get_customer
from receivables.store.customer_file.overviews import supplier_name
from receivables.store.invoicing.invoices import get_invoice

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from portal.wiring import Services
    from receivables.store.outbox import Announcement
    from receivables.store.work import Work

MOST_FILES, MOST_FILE_BYTES = 10, 8 * 1024 * 1024
"""Servers take mails of ten megabytes; in base 64 a file grows by a third."""
FILE_AWAITED = timedelta(minutes=10)
"""A mail waits for its PDF no longer than this: the page behind the link has it as well."""
FILE_LOOK_S = 1.0
_SUBJECT = note_text("%(supplier)s : facture %(number)s, %(amount)s")
_OPENING = note_text("Voici votre facture %(number)s. Vous pouvez la lire, la télécharger et la payer en ligne.")
_DUE = note_text("à régler au plus tard le %(due)s")
_ATTACHED = note_text("La facture est jointe à ce courriel, en PDF.")


def write_invoice_mail(services: Services, supplier_id: UUID, fact: Announcement) -> None:
    """Write the mail of an invoice that was issued, where something is due and an address is known.

    Raises:
        NotYetError: the PDF that goes with it is not made yet.
    """
    invoice_id = UUID(fact.payload["invoice_id"])
    with services.works.begin(supplier_id) as work:
        due = due_on_invoice(work, invoice_id)
        if due.payable_minor <= 0:
            return
        invoice = get_invoice(work, invoice_id)
        customer = get_customer(work, invoice.customer_id)
        reader = reader_of(work, customer)
        if reader is None:
            return
        files = _files(work, invoice_id, fact.created_at)
        spoken = reader.spoken
        supplier = supplier_name(work)
        page = invoice_page(
            number=due.number,
            amount=money(due.open_minor, due.currency, spoken),
            due=day(due.due_on, spoken),
            issued=day(invoice.issued_on, spoken),
            url=services.pay_link(work, invoice_id, "mail"),
            supplier=supplier,
            spoken=spoken,
            attached=bool(files),
        )
        values = {
            "client": customer.name,
            "facture": due.number,
            "montant": money(due.open_minor, due.currency, spoken),
            "echeance": day(due.due_on, spoken),
        }
        subject = Subject(customer.customer_id, invoice_id)
        answers = named_reply_address(services.settings, services.keyring, work, subject, reader.email, name=supplier)
        key = f"invoice/{invoice_id}"
        envelope = Envelope("invoice", key, reader.email, invoice_id, files, reply_to=answers, values=values)
        keep_page(work, page, envelope)


def _files(work: Work, invoice_id: UUID, issued_at: datetime) -> tuple[MailFile, ...]:
    """The PDF, where the supplier wants it in the mail; nothing where it was awaited long enough.

    Raises:
        NotYetError: it is not made yet.
    """
    if not mail_settings_of(work).attach_invoice:
        return ()
    files = pdfs_of(work, [invoice_id])
    if not files and now() - issued_at < FILE_AWAITED:
        raise NotYetError("mail.file_awaited: the PDF of this invoice is not made yet.", FILE_LOOK_S)
    return files


def invoice_page(
    *, number: str, amount: str, due: str, issued: str, url: str, supplier: str, spoken: str, attached: bool
) -> MailPage:
    """What the mail of an invoice says."""
    speak = catalogue(spoken).gettext
    told = {"number": number, "supplier": supplier, "due": due, "amount": amount}
    return MailPage(
        subject=speak(_SUBJECT) % told,
        preheader=f"{amount} {speak(_DUE) % told}",
        greeting=speak("Bonjour,"),
        paragraphs=(speak(_OPENING) % told,),
        figure=(amount, speak(_DUE) % told),
        facts=((speak(note_text("Facture")), number), (speak(note_text("Émise le")), issued)),
        button=(speak(note_text("Voir et payer la facture")), url),
        note=speak(_ATTACHED) if attached else None,
        language=spoken,
    )


def pdfs_of(work: Work, invoice_ids: Sequence[UUID]) -> tuple[MailFile, ...]:
    """The invoices as PDF, as they were issued, as many as a mail can carry."""
    found: list[MailFile] = []
    for row in work.rows(
        "SELECT DISTINCT ON (document.invoice_id) filename, mime, sha256, size_bytes FROM documents AS document "
        "WHERE document.supplier_id = :supplier AND document.invoice_id = ANY(:ids) AND document.mime = :pdf "
        "AND document.form IN ('facturx', 'original') ORDER BY document.invoice_id, document.created_at DESC",
        ids=list(invoice_ids),
        pdf="application/pdf",
    ):
        file = MailFile(**row)
        if len(found) < MOST_FILES and sum(each.size_bytes for each in (*found, file)) <= MOST_FILE_BYTES:
            found.append(file)
    return tuple(found)
