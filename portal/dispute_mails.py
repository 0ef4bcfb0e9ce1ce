"""Mails about a dispute: that it came in, what is answered, how it ended. The customer always hears the outcome."""

from __future__ import annotations

from typing import TYPE_CHECKING

from markupsafe import Markup

from portal.access.sign_in_mail import Mail
from portal.dispute_words import reason_words
from portal.mails import keep_mail
from portal.words import catalogue, known_language, money, note_text
from receivables.store.customers import get_customer
from receivables.store.invoices import get_invoice
from receivables.store.overviews import supplier_name

if TYPE_CHECKING:
    from portal.wiring import Services
    from receivables.domain.disputes import Dispute
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
        note_text("%(supplier)s : votre réclamation sur la facture %(number)s est acceptée"),
        note_text("Vous aviez signalé : « %(reason)s ». Nous l'acceptons, pour %(amount)s."),
    ),
    PARTLY: (
        note_text("%(supplier)s : votre réclamation sur la facture %(number)s est acceptée en partie"),
        note_text("Vous aviez signalé : « %(reason)s ». Nous l'acceptons en partie, pour %(amount)s."),
    ),
    REJECTED: (
        note_text("%(supplier)s : votre réclamation sur la facture %(number)s"),
        note_text("Vous aviez signalé : « %(reason)s ». Après examen, nous maintenons la facture :"),
    ),
}
_INVITE = note_text("Voir la facture et le suivi de votre réclamation :")


def write_dispute_mail(
    services: Services, work: Work, dispute: Dispute, what: str, said: str, *, key: str = "", amount_minor: int = 0
) -> bool:
    """Put the mail into the book, once per ``key``; whether the customer has an address to write to."""
    customer = get_customer(work, dispute.customer_id)
    if customer.email is None:
        return False
    spoken = known_language(customer.language)
    speak = catalogue(spoken)
    supplier = supplier_name(work)
    values = {
        "supplier": supplier,
        "number": get_invoice(work, dispute.invoice_id).number,
        "reason": reason_words(dispute.reason, spoken),
        "amount": money(amount_minor, dispute.currency, spoken),
    }
    subject, sentence = (speak.gettext(each) % values for each in _WORDS[what])
    hello, invite = speak.gettext("Bonjour,"), speak.gettext(_INVITE)
    url = services.pay_link(work, dispute.invoice_id, "mail")
    parts = [hello, sentence, *([said] if said else []), f"{invite}\n{url}", supplier]
    shown = Markup("").join(Markup("<p>{}</p>").format(each) for each in (hello, sentence, *([said] if said else [])))
    keep_mail(
        work,
        Mail(
            mail_key=f"dispute/{dispute.dispute_id}/{what}/{key}",
            recipient=customer.email,
            subject=subject,
            text_body="\n\n".join(parts) + "\n",
            html_body=str(shown + Markup('<p><a href="{}">{}</a></p><p>{}</p>').format(url, invite, supplier)),
            invoice_id=dispute.invoice_id,
        ),
    )
    return True
