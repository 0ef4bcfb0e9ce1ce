"""Reminders in words: levels, channels, and why something is sent or not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from portal.telling import reminder_levels
from portal.telling.states import Badge
from portal.words import gettext, note_text, short_day

if TYPE_CHECKING:
    from receivables.domain.collecting.reminders import Part, Silence
    from receivables.store.collecting.dunning import Notice

LEVELS = reminder_levels.LEVELS
level_words = reminder_levels.level_words
CHANNELS = {
    "mail": (note_text("Courriel"), "mail"),
    "letter": (note_text("Lettre"), "print"),
    "registered": (note_text("Lettre recommandée"), "letters"),
    "call": (note_text("Appel"), "people"),
    "task": (note_text("À décider"), "clock"),
}
APPROVALS = {
    "nobody": note_text("part seule"),
    "collector": note_text("relue par un chargé de recouvrement"),
    "approver": note_text("validée par un responsable"),
}
TEMPLATES = {
    "before": note_text("Avant l'échéance"),
    "courteous": note_text("Courtois"),
    "firm": note_text("Ferme"),
    "warning": note_text("Avant mise en demeure"),
    "formal_notice": note_text("Mise en demeure de payer"),
    "last_offer": note_text("Proposer une dernière solution"),
    "litigation": note_text("Transmettre le dossier"),
    "call": note_text("Appeler"),
}
ROLES = {
    "payment": note_text("Paiements"),
    "billing": note_text("Facturation"),
    "manager": note_text("Direction"),
    "purchasing": note_text("Achats"),
    "legal": note_text("Juridique"),
    "other": note_text("Autre"),
}
WHY_SENT = {
    "offset": note_text("son jour est venu"),
    "broken_promise": note_text("promesse non tenue : un niveau est sauté"),
    "debit_back": note_text("prélèvement revenu impayé"),
}
WHY_NOT = {
    "no_scenario": note_text("Aucun scénario pour ce segment"),
    "stopped": note_text("Relances arrêtées pour ce client"),
    "closed_day": note_text("Jour fermé : week-end ou jour férié"),
    "not_due": note_text("Rien d'échu"),
    "up_to_date": note_text("Relance faite, la suivante n'est pas encore due"),
    "all_done": note_text("Toutes les étapes sont faites"),
    "autopay": note_text("Prélevé à l'échéance"),
    "credited": note_text("Couvert par un avoir ou un versement non imputé"),
    "below_minimum": note_text("En dessous du minimum de l'étape"),
    "capped": note_text("Relancé il y a peu"),
    "no_address": note_text("Aucune adresse de courriel"),
    "unwanted": note_text("Ne veut pas de rappel avant l'échéance"),
    "mails_come_back": note_text("Les courriels reviennent"),
    "in_flight": note_text("Paiement en cours"),
    "to_match": note_text("Virement à confirmer en banque"),
    "disputed": note_text("En litige"),
    "announced": note_text("Prélèvement annoncé"),
    "promised": note_text("Promesse de paiement"),
    "planned": note_text("Échéancier en cours"),
    "paused": note_text("Paiement annoncé ou pause"),
    "insolvent": note_text("Procédure collective"),
    "assigned": note_text("Cédée à un factor"),
    "refused": note_text("Facture refusée par le client"),
    "rejected": note_text("Facture rejetée par une plateforme"),
    "cancelled": note_text("Facture annulée"),
    "paid": note_text("Payée entre-temps"),
    "part_paid": note_text("Payée en partie entre-temps"),
    "too_late": note_text("L'échéance est passée"),
    "unknown": note_text("Relance inconnue"),
}
_STATES = {
    "to_send": Badge(note_text("À envoyer"), "flight", "clock"),
    "sent": Badge(note_text("Envoyé"), "paid", "check"),
    "failed": Badge(note_text("Non envoyé"), "late", "alert"),
    "bounced": Badge(note_text("Courriel revenu"), "late", "alert"),
    "withdrawn": Badge(note_text("Retenue avant l'envoi"), "plain", "back"),
    "to_post": Badge(note_text("À poster"), "part", "print"),
    "posted": Badge(note_text("Postée"), "paid", "check"),
    "task": Badge(note_text("Tâche ouverte"), "plain", "clock"),
}


def channel_words(channel: str) -> tuple[str, str]:
    """What a channel is called, and its icon."""
    name, symbol = CHANNELS[channel]
    return gettext(name), symbol


def why_words(silence: Silence) -> str:
    """Why nothing is sent, and until when."""
    told = gettext(WHY_NOT.get(silence.why, silence.why))
    if silence.until is None:
        return told
    return gettext("%(why)s, jusqu'au %(day)s") % {"why": told, "day": short_day(silence.until)}


def reason_words(why: str) -> str:
    """Why something is not sent, by its code."""
    return gettext(WHY_NOT.get(why, why))


def part_words(part: Part) -> str:
    """Why an invoice is reminded of."""
    return gettext(WHY_SENT[part.why])


def notice_badge(notice: Notice) -> Badge:
    """Where a notice stands."""
    state = "task"
    if notice.mail_state is not None:
        state = notice.mail_state
    elif notice.sha256 is not None:
        state = "to_post" if notice.state == "written" else notice.state
    return _STATES[state].spoken()
