"""The delivery log in words: kinds and states of flows, what one waits for, and what sending it again would do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from portal.telling.states import Badge
from portal.words import gettext, note_text

if TYPE_CHECKING:
    from einvoice.flow_log import FlowLine

KINDS = {
    "invoice": note_text("Facture"),
    "status": note_text("Statut"),
    "report": note_text("Déclaration"),
    "buyer_status": note_text("Statut d'achat"),
}
STATES = {
    "to_send": Badge(note_text("À envoyer"), "flight", "clock"),
    "in_doubt": Badge(note_text("À vérifier"), "part", "unknown"),
    "sent": Badge(note_text("Envoyé, en attente d'accusé"), "flight", "send"),
    "accepted": Badge(note_text("Accepté"), "paid", "check"),
    "refused": Badge(note_text("Refusé"), "late", "alert"),
}
GIVEN_UP = Badge(note_text("Arrêté"), "late", "alert")
MEANINGS = {
    "to_send": note_text("Le fichier est prêt et part tout seul."),
    "in_doubt": note_text(
        "La plateforme n'a pas répondu à temps : elle l'a peut-être. Nous le lui demandons avant tout nouvel envoi."
    ),
    "sent": note_text("La plateforme a pris le fichier et le contrôle ; son accusé suit."),
    "accepted": note_text(
        "La plateforme accepte le fichier (contrôles techniques). Les statuts du cycle de vie viennent ensuite."
    ),
    "refused": note_text("La plateforme ne prend pas ce fichier : lisez ses remarques."),
}
FILTERS = {
    "all": note_text("Tous"),
    "waiting": note_text("En attente"),
    "sent": note_text("Envoyés"),
    "accepted": note_text("Acceptés"),
    "refused": note_text("Refusés"),
}
_CAUSES = {
    "platform.unreachable": note_text("La plateforme ne répond pas."),
    "platform.busy": note_text("La plateforme demande d'attendre."),
    "platform.paused": note_text("La plateforme ne répondait plus : nous attendons avant de la rappeler."),
    "platform.address_refused": note_text("L'adresse de la plateforme n'est pas de celles que nous appelons."),
    "flow.in_hand": note_text("Un autre processus l'envoie en ce moment."),
    "flow.in_doubt": note_text("Il est peut-être parti : nous le demandons avant de le renvoyer."),
    "platform.unauthorised": note_text("La plateforme refuse notre accès."),
    "platform.refused": note_text("La plateforme refuse l'appel."),
    "platform.account_closed": note_text("Le compte de cette plateforme est clos."),
}


def kind_of(line: FlowLine) -> str:
    """What a flow is."""
    return gettext(KINDS.get(line.kind, line.kind))


def state_of_flow(line: FlowLine) -> Badge:
    """The badge of a flow; one that nobody tries any more is told as such."""
    plain = GIVEN_UP if line.waits and line.buried else STATES[line.state]
    return plain.spoken()


def cause_of_wait(line: FlowLine) -> str:
    """Why a flow waits, in words; empty where it does not, or has not been tried."""
    if not line.waits or not line.waits_for:
        return ""
    code = line.waits_for.partition(":")[0].strip()
    return gettext(_CAUSES.get(code, ""))
