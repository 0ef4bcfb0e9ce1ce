"""Disputes in words: reasons as a customer would say them, states, teams, and what of a dispute its customer sees."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from einvoice.lifecycle.reasons import reason
from portal.words import catalogue, gettext, known_language, language, note_text
from receivables.domain.conversations.disputes import ANSWERS, EventKind, State
from receivables.domain.parties import CustomerKind
from receivables.store.conversations.disputes import disputes_on, events_of
from receivables.store.customer_file.overviews import list_documents

if TYPE_CHECKING:
    from datetime import datetime

    from receivables.domain.conversations.disputes import Dispute, DisputeEvent
    from receivables.domain.invoicing.invoices import Invoice
    from receivables.store.customer_file.overviews import DocumentLine
    from receivables.store.work import Work

PLAIN = {
    "LIVR_INCOMP": note_text("La livraison est incomplète ou n'est pas arrivée"),
    "QTE_ERR": note_text("La quantité facturée n'est pas la bonne"),
    "QUALITE_ERR": note_text("La qualité ne convient pas"),
    "ART_ERR": note_text("Ce n'est pas ce qui a été commandé"),
    "PU_ERR": note_text("Le prix n'est pas celui convenu"),
    "REM_ERR": note_text("Une remise manque ou est fausse"),
    "TX_TVA_ERR": note_text("Le taux de TVA est faux"),
    "MONTANTTOTAL_ERR": note_text("Le total est faux"),
    "MODPAI_ERR": note_text("L'échéance ou les conditions de paiement sont fausses"),
    "DOUBLON": note_text("Cette facture a déjà été reçue"),
    "DOUBLE_FACT": note_text("C'est déjà facturé sur une autre facture"),
    "DEST_ERR": note_text("Cette facture ne nous est pas destinée"),
    "CMD_ERR": note_text("Le numéro de commande manque ou est faux"),
    "NON_CONFORME": note_text("Une mention obligatoire manque"),
    "JUSTIF_ABS": note_text("Il manque un document (bon de livraison, attestation...)"),
    "COORD_BANC_ERR": note_text("Le compte bancaire (IBAN) n'est pas celui que nous connaissons"),
    "AUTRE": note_text("Autre chose"),
}
"""What a customer may choose, in their words."""
GROUPS = (
    (note_text("Livraison, prestation"), ("LIVR_INCOMP", "QTE_ERR", "QUALITE_ERR", "ART_ERR")),
    (note_text("Prix, calcul"), ("PU_ERR", "REM_ERR", "TX_TVA_ERR", "MONTANTTOTAL_ERR", "MODPAI_ERR")),
    (note_text("Facture"), ("DOUBLON", "DOUBLE_FACT", "DEST_ERR", "CMD_ERR", "NON_CONFORME", "JUSTIF_ABS")),
    (note_text("Autre"), ("COORD_BANC_ERR", "AUTRE")),
)
_NOT_FOR_CONSUMERS = frozenset({"TX_TVA_ERR", "DOUBLE_FACT", "CMD_ERR", "NON_CONFORME", "MODPAI_ERR"})
TEAMS = {
    "collector": note_text("Recouvrement"),
    "accounting": note_text("Comptabilité"),
    "sales_administration": note_text("Administration des ventes"),
    "sales": note_text("Commercial"),
    "logistics": note_text("Logistique"),
    "quality": note_text("Qualité"),
}
_FOR_CUSTOMERS = {
    State.OPEN: note_text("En cours d'examen"),
    State.INFO_NEEDED: note_text("En attente de notre document"),
    State.ACCEPTED: note_text("Vous avez eu gain de cause"),
    State.PARTLY: note_text("Acceptée en partie"),
    State.REJECTED: note_text("La facture est maintenue"),
    State.WITHDRAWN: note_text("Réclamation retirée"),
    State.REFUSED: note_text("Facture refusée : rien n'est à payer"),
}


@dataclass(frozen=True, slots=True)
class Answer:
    """What the supplier answered, and when."""

    at: datetime
    said: str
    files: tuple[DocumentLine, ...] = ()


@dataclass(frozen=True, slots=True)
class ShownDispute:
    """What a customer sees of a dispute: never their own words back, for links are passed on."""

    dispute: Dispute
    reason: str
    state: str
    hint: str
    answers: tuple[Answer, ...]


def reason_words(code: str, spoken: str | None = None) -> str:
    """A reason in plain words where it has some, by its official label otherwise."""
    spoken = known_language(spoken, language())
    if code in PLAIN:
        return PLAIN[code] if spoken == "fr" else catalogue(spoken).gettext(PLAIN[code])
    known = reason(code)
    return known.english if spoken == "en" else known.french


def team_words(owner: str) -> str:
    """What a team is called."""
    return gettext(TEAMS.get(owner, owner))


def choices(kind: CustomerKind) -> list[tuple[str, list[tuple[str, str]]]]:
    """The reasons that a customer may choose, in groups; consumers are spared what only concerns companies."""
    hidden = _NOT_FOR_CONSUMERS if kind is CustomerKind.CONSUMER else frozenset()
    return [
        (gettext(name), [(code, gettext(PLAIN[code])) for code in codes if code not in hidden])
        for name, codes in GROUPS
    ]


def show_disputes(work: Work, invoice: Invoice, kind: CustomerKind) -> list[ShownDispute]:
    """The disputes of an invoice as its customer sees them, newest first."""
    told = events_of(work, invoice.invoice_id)
    kept = {str(each.document_id): each for each in list_documents(work, invoice.invoice_id)}
    return [
        ShownDispute(
            each,
            reason_words(each.reason),
            gettext(_FOR_CUSTOMERS[each.state]),
            _hint(each, told[each.dispute_id], kind),
            tuple(
                Answer(event.happened_at, event.said or "", files)
                for event in told[each.dispute_id]
                if event.kind in ANSWERS
                and ((files := tuple(kept[d] for d in event.facts.get("documents", ()) if d in kept)) or event.said)
            ),
        )
        for each in reversed(disputes_on(work, invoice.invoice_id))
    ]


def _hint(dispute: Dispute, events: list[DisputeEvent], kind: CustomerKind) -> str:
    """By which status and code the customer's own platform would say the same: we never say it for them."""
    told = any(each.kind is EventKind.STATUS for each in events)
    if kind is not CustomerKind.BUSINESS or told or not dispute.is_open or dispute.reason not in PLAIN:
        return ""
    return gettext("Sur votre plateforme agréée, le même message est le statut %(status)s avec le motif %(code)s.") % {
        "status": dispute.platform_status,
        "code": dispute.reason,
    }
