"""The states of an invoice as pages show them: words, tone and icon, never colour alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from portal.words import gettext, note_text

if TYPE_CHECKING:
    from datetime import date

    from receivables.domain.invoices import Invoice
    from receivables.services.dues import InvoiceDue


@dataclass(frozen=True, slots=True)
class Badge:
    """How a state looks: ``tone`` is a class of the style sheet, ``icon`` a file of the icons."""

    label: str
    tone: str
    icon: str


STATES = {
    "due": Badge(note_text("À payer"), "plain", "clock"),
    "late": Badge(note_text("En retard"), "late", "alert"),
    "part_paid": Badge(note_text("Payée en partie"), "part", "half"),
    "in_flight": Badge(note_text("Paiement en cours"), "flight", "transfer"),
    "paid": Badge(note_text("Payée"), "paid", "check"),
    "credit_open": Badge(note_text("Avoir disponible"), "paid", "credit"),
    "credit_used": Badge(note_text("Avoir utilisé"), "plain", "credit"),
    "revoked": Badge(note_text("Lien retiré"), "plain", "lock"),
    "to_send": Badge(note_text("À envoyer"), "flight", "clock"),
    "sent": Badge(note_text("Envoyé"), "paid", "check"),
    "failed": Badge(note_text("Non envoyé"), "late", "alert"),
}


KINDS = {
    "receipt": note_text("Paiement"),
    "refund": note_text("Remboursement ou retour"),
    "credit_note": note_text("Avoir"),
}


def kind_name(kind: str) -> str:
    """What a movement on a customer's account is called."""
    return gettext(KINDS[kind])


def badge(state: str) -> Badge:
    """The badge of a state, in the reader's language."""
    plain = STATES[state]
    return Badge(gettext(plain.label), plain.tone, plain.icon)


def state_of(invoice: Invoice, due: InvoiceDue, today: date) -> str:
    """The state of one invoice; the same rule as in lists."""
    if invoice.is_credit_note:
        return "credit_open"
    late = due.payable_minor > 0 and due.due_on < today
    return "late" if late else due.state
