"""The states of an invoice as pages show them: words, tone and icon, never colour alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from portal.words import gettext, note_text
from receivables.domain.invoicing.invoices import DEPOSITS

if TYPE_CHECKING:
    from datetime import date

    from receivables.domain.invoicing.invoices import Invoice
    from receivables.services.invoicing.dues import InvoiceDue
    from receivables.store.work import Work


@dataclass(frozen=True, slots=True)
class Badge:
    """How a state looks: ``tone`` is a class of the style sheet, ``icon`` a file of the icons."""

    label: str
    tone: str
    icon: str

    def spoken(self) -> Badge:
        """The same, in the reader's language."""
        return Badge(gettext(self.label), self.tone, self.icon)


STATES = {
    "due": Badge(note_text("À payer"), "plain", "clock"),
    "late": Badge(note_text("En retard"), "late", "alert"),
    "planned": Badge(note_text("Échéancier"), "flight", "clock"),
    "contested": Badge(note_text("Contestée"), "part", "alert"),
    "part_paid": Badge(note_text("Payée en partie"), "part", "half"),
    "in_flight": Badge(note_text("Paiement en cours"), "flight", "transfer"),
    "paid": Badge(note_text("Payée"), "paid", "check"),
    "credited": Badge(note_text("Soldée par avoir"), "plain", "credit"),
    "assigned": Badge(note_text("À payer à l'affactureur"), "part", "transfer"),
    "refused": Badge(note_text("Refusée"), "late", "alert"),
    "rejected": Badge(note_text("Rejetée par une plateforme"), "late", "alert"),
    "cancelled": Badge(note_text("Annulée, remplacée"), "plain", "back"),
    "dispute_open": Badge(note_text("En litige"), "part", "alert"),
    "dispute_info_needed": Badge(note_text("Document demandé"), "part", "clock"),
    "dispute_accepted": Badge(note_text("Acceptée"), "paid", "check"),
    "dispute_partly": Badge(note_text("Acceptée en partie"), "part", "half"),
    "dispute_rejected": Badge(note_text("Facture maintenue"), "plain", "back"),
    "dispute_withdrawn": Badge(note_text("Réclamation retirée"), "plain", "check"),
    "dispute_refused": Badge(note_text("Facture refusée"), "late", "alert"),
    "credit_open": Badge(note_text("Avoir disponible"), "paid", "credit"),
    "credit_used": Badge(note_text("Avoir utilisé"), "plain", "credit"),
    "revoked": Badge(note_text("Lien retiré"), "plain", "lock"),
    "to_send": Badge(note_text("À envoyer"), "flight", "clock"),
    "kept": Badge(note_text("Gardé ici"), "plain", "archive"),
    "sent": Badge(note_text("Envoyé"), "paid", "check"),
    "failed": Badge(note_text("Non envoyé"), "late", "alert"),
    "withdrawn": Badge(note_text("Retenu avant l'envoi"), "plain", "back"),
    "bounced": Badge(note_text("Courriel revenu"), "late", "alert"),
    "report_running": Badge(note_text("Période en cours"), "plain", "clock"),
    "report_preview": Badge(note_text("Aperçu"), "plain", "unknown"),
    "report_empty": Badge(note_text("Aucune opération"), "plain", "check"),
    "report_due": Badge(note_text("À déclarer"), "part", "clock"),
    "report_prepared": Badge(note_text("En route"), "flight", "transfer"),
    "report_handed": Badge(note_text("Remise à la plateforme"), "paid", "check"),
    "report_accepted": Badge(note_text("Acceptée par l'État"), "paid", "check"),
    "report_refused": Badge(note_text("Déclaration refusée"), "late", "alert"),
}


KINDS = {
    "receipt": note_text("Paiement"),
    "refund": note_text("Remboursement ou retour"),
    "refund_failed": note_text("Remboursement non abouti"),
    "credit_note": note_text("Avoir"),
    "discount": note_text("Escompte accordé"),
    "waiver": note_text("Reste abandonné"),
    "charge": note_text("Frais gardés par une banque"),
    "waived_back": note_text("Abandon repris"),
    "gain": note_text("Trop-perçu gardé"),
    "gain_back": note_text("Trop-perçu rendu"),
    "assigned": note_text("Créance cédée à un affactureur"),
    "assigned_back": note_text("Créance rendue par un affactureur"),
}


def kind_name(kind: str) -> str:
    """What a movement on a customer's account is called."""
    return gettext(KINDS[kind])


def document_title(invoice: Invoice) -> str:
    """What a document is called, with its number."""
    if invoice.is_claim:
        words = gettext("Avoir sur note de débit %(number)s") if invoice.is_credit_note else ""
        return (words or gettext("Note de débit %(number)s")) % {"number": invoice.number}
    if invoice.is_credit_note:
        words = gettext("Avoir %(number)s")
    elif invoice.type_code in DEPOSITS:
        words = gettext("Facture d'acompte %(number)s")
    elif invoice.is_correction:
        words = gettext("Facture rectificative %(number)s")
    else:
        words = gettext("Facture %(number)s")
    return words % {"number": invoice.number}


def badge(state: str) -> Badge:
    """The badge of a state, in the reader's language."""
    return STATES[state].spoken()


def credit_left(work: Work, invoice: Invoice) -> int:
    """What of a credit note is not used yet, in minor units; 0 for an invoice."""
    if not invoice.is_credit_note:
        return 0
    left: int = work.scalar(
        "SELECT coalesce(sum(open_minor), 0)::bigint FROM receivable_items "
        "WHERE supplier_id = :supplier AND invoice_id = :invoice",
        invoice=invoice.invoice_id,
    )
    return left


def state_of(invoice: Invoice, due: InvoiceDue, today: date, credit_left_minor: int) -> str:
    """The state of one invoice, or of a credit note of which so much is left; the same rule as in lists."""
    if invoice.is_credit_note:
        return "credit_open" if credit_left_minor else "credit_used"
    if due.payable_minor > 0 and due.next_due_on < today:
        return "late"
    return "planned" if due.planned and due.state in {"due", "part_paid"} else due.state
