"""The states of an invoice received as pages show them, each with what to do next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from einvoice.lifecycle.statuses import status
from einvoice.receiving.purchases import DUPLICATE, NEW, UNREADABLE
from portal.telling.states import Badge
from portal.words import gettext, language, note_text

if TYPE_CHECKING:
    from datetime import date

    from einvoice.receiving.purchases import PurchaseLine

PAID_FOR = frozenset({"211", "212"})
OVER = PAID_FOR | {"210", "213", "220"}
"""States in which nothing is left to be paid or answered."""

_BADGES = {
    NEW: Badge(note_text("À examiner"), "flight", "clock"),
    DUPLICATE: Badge(note_text("Doublon"), "late", "alert"),
    UNREADABLE: Badge(note_text("Illisible"), "late", "unknown"),
    "204": Badge(note_text("Prise en charge"), "flight", "half"),
    "205": Badge(note_text("Approuvée"), "paid", "check"),
    "206": Badge(note_text("Approuvée en partie"), "part", "half"),
    "207": Badge(note_text("En litige"), "late", "alert"),
    "208": Badge(note_text("Suspendue"), "part", "clock"),
    "209": Badge(note_text("Complétée"), "flight", "clock"),
    "210": Badge(note_text("Refusée"), "plain", "back"),
    "211": Badge(note_text("Paiement annoncé"), "paid", "send"),
    "212": Badge(note_text("Encaissée"), "paid", "check"),
    "213": Badge(note_text("Rejetée"), "plain", "back"),
    "220": Badge(note_text("Annulée"), "plain", "back"),
}
_NEXT = {
    NEW: note_text("Vérifiez-la, puis approuvez-la, contestez-la ou refusez-la."),
    DUPLICATE: note_text("Comparez-la avec la première, puis refusez-la ou demandez au vendeur laquelle vaut."),
    UNREADABLE: note_text("Téléchargez le fichier et demandez à l'expéditeur une facture correcte."),
    "204": note_text("Décidez : approuvez-la, contestez-la ou refusez-la."),
    "205": note_text("Payez-la à l'échéance, puis annoncez le paiement."),
    "206": note_text("Payez la part approuvée ; le vendeur doit un avoir ou une rectification."),
    "207": note_text("Attendez la réponse du vendeur, ou approuvez-la si le litige est réglé."),
    "208": note_text("Attendez les pièces demandées au vendeur."),
    "209": note_text("Le vendeur a complété la facture : examinez-la de nouveau."),
    "210": note_text("Rien à payer : le vendeur émettra une nouvelle facture."),
    "211": note_text("Rien à faire : le vendeur attend votre paiement."),
    "212": note_text("Rien à faire : le vendeur a reçu votre paiement."),
    "213": note_text("Rien à payer : une plateforme l'a rejetée, le vendeur en émettra une autre."),
    "220": note_text("Rien à payer : le vendeur l'a annulée, une rectificative la remplace."),
}
_LATE = note_text("L'échéance est passée : répondez au vendeur ou payez-la, puis annoncez le paiement.")
FILTER_NAMES = {
    "all": note_text("Toutes"),
    "to_do": note_text("À traiter"),
    "approved": note_text("Approuvées"),
    "paid": note_text("Payées"),
    "closed": note_text("Refusées ou annulées"),
}


@dataclass(frozen=True, slots=True)
class Standing:
    """How an invoice received stands: its badge, and what to do."""

    badge: Badge
    next_step: str
    is_late: bool


def standing_of(line: PurchaseLine, today: date) -> Standing:
    """The standing of an invoice received, in the reader's language."""
    known = _BADGES.get(line.state)
    badge = known.spoken() if known else Badge(_name(line.state), "plain", "dot")
    is_late = bool(
        line.due_on and line.due_on < today and line.state not in OVER | {UNREADABLE} and not line.is_credit_note
    )
    step = _LATE if is_late and line.state not in {DUPLICATE, "207", "208"} else _NEXT.get(line.state, "")
    return Standing(badge, gettext(step), is_late)


def _name(code: str) -> str:
    known = status(code)
    return f"{known.code} {known.english if language() == 'en' else known.french}"
