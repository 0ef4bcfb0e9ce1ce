"""Mails about a dispute: that it came in, what is answered, how it ended. The customer always hears the outcome."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from portal.mail.book import Envelope, keep_page
from portal.mail.page import MailPage
from portal.mail.readers import reader_of
from portal.telling.dispute_words import reason_words
from portal.words import catalogue, money, note_text
from receivables.store.customer_file.customers import get_customer
from receivables.store.customer_file.overviews import supplier_name
from receivables.store.invoicing.invoices import get_invoice

if TYPE_CHECKING:
    from portal.wiring import Services
    from receivables.domain.conversations.disputes import Dispute
    from receivables.store.work import Work

RECEIVED, ANSWERED, DOCUMENTS, ACCEPTED, PARTLY, REJECTED = (
    "received",
    "answered",
    "documents",
    "accepted",
    "partly",
    "rejected",
)
_WORDS = {
    RECEIVED: (
        note_text("%(supplier)s : votre message sur la facture %(number)s"),
        note_text(
            "Nous avons bien reçu votre message : « %(reason)s ». Vous aurez une première réponse sous deux jours "
            "ouvrés. La somme contestée ne vous est pas réclamée entre-temps."
        ),
    ),
    ANSWERED: (
        note_text("%(supplier)s : réponse sur la facture %(number)s"),
        note_text("Nous répondons à votre message « %(reason)s » :"),
    ),
    DOCUMENTS: (
        note_text("%(supplier)s : documents pour la facture %(number)s"),
        note_text("Les documents demandés (« %(reason)s ») vous attendent sur la page de la facture."),
    ),
    ACCEPTED: (
        note_text("%(supplier)s : réclamation acceptée, facture %(number)s"),
        note_text("Vous aviez signalé : « %(reason)s ». Nous l'acceptons, pour %(amount)s."),
    ),
    PARTLY: (
        note_text("%(supplier)s : réclamation acceptée en partie, facture %(number)s"),
        note_text("Vous aviez signalé : « %(reason)s ». Nous l'acceptons en partie, pour %(amount)s."),
    ),
    REJECTED: (
        note_text("%(supplier)s : votre réclamation sur la facture %(number)s"),
        note_text("Vous aviez signalé : « %(reason)s ». Après examen, nous maintenons la facture :"),
    ),
}
_BUTTON = note_text("Voir la facture et le suivi")


def write_dispute_mail(
    services: Services, work: Work, dispute: Dispute, what: str, said: str, *, key: str = "", amount_minor: int = 0
) -> bool:
    """Put the mail into the book, once per ``key``; whether the customer has an address to write to."""
    customer = get_customer(work, dispute.customer_id)
    reader = reader_of(work, customer)
    if reader is None:
        return False
    spoken = reader.spoken
    invoice = get_invoice(work, dispute.invoice_id)
    told = Told(what, invoice.number, dispute.reason, money(amount_minor, dispute.currency, spoken), said)
    page = dispute_page(told, services.pay_link(work, dispute.invoice_id, "mail"), supplier_name(work), spoken)
    values = {
        "client": customer.name,
        "facture": invoice.number,
        "motif": reason_words(dispute.reason, spoken),
        "montant": told.amount,
    }
    mail_key = f"dispute/{dispute.dispute_id}/{what}/{key}"
    keep_page(work, page, Envelope(f"dispute_{what}", mail_key, reader.email, dispute.invoice_id, values=values))
    return True


@dataclass(frozen=True, slots=True)
class Told:
    """What is told of a dispute: which turn, on which invoice, why, for how much, and in which words of ours."""

    what: str
    number: str
    reason: str
    amount: str
    said: str


def dispute_page(told: Told, url: str, supplier: str, spoken: str) -> MailPage:
    """What a mail about a dispute says."""
    speak = catalogue(spoken).gettext
    values = {
        "supplier": supplier,
        "number": told.number,
        "reason": reason_words(told.reason, spoken),
        "amount": told.amount,
    }
    subject, sentence = (speak(each) % values for each in _WORDS[told.what])
    granted = told.what in {ACCEPTED, PARTLY}
    return MailPage(
        subject=subject,
        preheader=told.said or sentence,
        greeting=speak("Bonjour,"),
        paragraphs=(sentence, *([told.said] if told.said else [])),
        facts=(
            (speak("Facture"), told.number),
            *([(speak(note_text("Montant accepté")), told.amount)] if granted else []),
        ),
        button=(speak(_BUTTON), url),
        language=spoken,
    )
