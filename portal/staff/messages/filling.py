"""Templates on a conversation: the supplier's own and three to begin with, filled with what is known of its subject."""

from __future__ import annotations

from typing import TYPE_CHECKING

from portal.words import day, known_language, money, note_text
from receivables.domain.conversations.messages import Template, fill
from receivables.services.invoicing.dues import due_on_invoice
from receivables.store.conversations.message_templates import templates
from receivables.store.customer_file.overviews import supplier_name

if TYPE_CHECKING:
    from receivables.domain.conversations.messages import Subject
    from receivables.domain.parties import Customer
    from receivables.store.work import Work

STARTERS = {
    "received": Template(
        None,
        note_text("Bien reçu"),
        "Bonjour,\n\nNous avons bien reçu votre message et vous répondrons sous deux jours ouvrés.\n\nCordialement,\n"
        "{signature}, {societe}",
        "Hello,\n\nWe have received your message and will answer within two working days.\n\nKind regards,\n"
        "{signature}, {societe}",
    ),
    "papers": Template(
        None,
        note_text("Demande de précisions"),
        "Bonjour,\n\nPour traiter votre demande sur la facture {facture}, il nous faut un justificatif (bon de "
        "livraison, photo, échange avec nos équipes). Vous pouvez le joindre en répondant à ce message.\n\n"
        "Cordialement,\n{signature}, {societe}",
        "Hello,\n\nTo deal with your question on invoice {facture} we need a document (delivery note, photograph, "
        "earlier messages). You may attach it to your answer.\n\nKind regards,\n{signature}, {societe}",
    ),
    "when": Template(
        None,
        note_text("Date de paiement prévue"),
        "Bonjour,\n\nSauf erreur de notre part, {reste} restent à payer sur la facture {facture}, échue le {echeance}. "
        "Pouvez-vous nous dire à quelle date vous pensez la régler ?\n\nCordialement,\n{signature}, {societe}",
        "Hello,\n\nUnless we are mistaken, {reste} of invoice {facture}, due on {echeance}, is still to be paid. Could "
        "you tell us on which day you expect to pay it?\n\nKind regards,\n{signature}, {societe}",
    ),
}
"""For a supplier that has written none yet; by key."""


def choices(work: Work) -> list[tuple[str, str]]:
    """What may be inserted: key and name, the supplier's own first."""
    own = [(str(each.template_id), each.name) for each in templates(work)]
    return own + [(key, each.name) for key, each in STARTERS.items()]


def filled(work: Work, key: str, subject: Subject, customer: Customer, signature: str) -> str | None:
    """A template as it would be sent to this customer, in their language; ``None`` where there is none of this key."""
    own = {str(each.template_id): each for each in templates(work)}
    template = own.get(key) or STARTERS.get(key)
    if template is None:
        return None
    spoken = known_language(customer.language)
    values = {"client": customer.name, "societe": supplier_name(work), "signature": signature}
    if subject.invoice_id is not None:
        due = due_on_invoice(work, subject.invoice_id)
        values |= {
            "facture": due.number,
            "reste": money(max(due.payable_minor, 0), due.currency, spoken),
            "echeance": day(due.next_due_on, spoken),
        }
    return fill(template.body(spoken), values)
