"""The story of a dispute in words, and its clock."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from einvoice.lifecycle.reasons import ACTIONS
from einvoice.lifecycle.statuses import status
from portal.telling.dispute_words import team_words
from portal.telling.timeline import Told
from portal.words import colon, day, gettext, language, money, ngettext, note_text, short_day
from receivables.domain.conversations.disputes import EventKind, Origin, State

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from receivables.domain.collecting.chasing import ChaseState
    from receivables.domain.conversations.disputes import Dispute, DisputeEvent

_CLAIMED = {
    Origin.PORTAL: note_text("Le client a écrit sur notre page"),
    Origin.STAFF: note_text("Le client l'a dit, nous l'avons noté"),
    Origin.PAYMENT: note_text("Un paiement incomplet : le client dit pourquoi"),
}
_ACTS = {
    EventKind.ANSWERED: (note_text("Nous avons répondu"), "plain", "mail"),
    EventKind.DOCUMENTS_SENT: (note_text("Nous avons envoyé des documents"), "flight", "send"),
    EventKind.ACCEPTED: (note_text("Accepté"), "paid", "check"),
    EventKind.PARTLY: (note_text("Accepté en partie"), "part", "half"),
    EventKind.REJECTED: (note_text("Rejeté : la facture est maintenue"), "late", "back"),
    EventKind.CLOSED: (note_text("Refus traité"), "paid", "check"),
    EventKind.APPROVED: (note_text("Le client a approuvé la facture (205) : litige retiré"), "paid", "check"),
    EventKind.REFUSED: (
        note_text("La facture elle-même a été refusée ou rejetée : ce litige s'arrête"),
        "late",
        "alert",
    ),
    EventKind.MERGED: (note_text("Réuni avec un autre signalement du même problème"), "plain", "link"),
}


@dataclass(frozen=True, slots=True)
class Clock:
    """What is due next, in words; ``tone`` as for badges."""

    words: str
    tone: str


def clock_of(dispute: Dispute, today: date) -> Clock:
    """The next day that counts: the first answer, then the outcome."""
    if not dispute.is_open:
        return Clock(gettext("Terminé"), "plain")
    first = dispute.answered_at is None and dispute.state is not State.REFUSED
    due_on = dispute.answer_due_on if first else dispute.close_due_on
    late = (today - due_on).days
    if late > 0:
        said = (
            ngettext("Réponse en retard de %(num)s jour", "Réponse en retard de %(num)s jours", late)
            if first
            else ngettext("Issue en retard de %(num)s jour", "Issue en retard de %(num)s jours", late)
        )
        return Clock(said % {"num": late}, "late")
    said = gettext("Répondre d'ici le %(day)s") if first else gettext("Conclure d'ici le %(day)s")
    return Clock(said % {"day": short_day(due_on)}, "part" if late == 0 else "plain")


_HOLDS = {
    "disputed": (note_text("À ne pas relancer, en litige : %(amount)s"), "alert"),
    "in_flight": (note_text("À ne pas relancer, paiement en cours : %(amount)s"), "transfer"),
    "to_match": (note_text("À ne pas relancer, virement reçu à confirmer : %(amount)s"), "bank"),
    "announced": (note_text("À ne pas relancer, prélèvement annoncé pour le %(day)s : %(amount)s"), "clock"),
    "paused": (note_text("À ne pas relancer avant le %(day)s, paiement annoncé (211) : %(amount)s"), "clock"),
    "refused": (note_text("À ne pas relancer, facture refusée (210) : %(amount)s"), "alert"),
    "rejected": (note_text("À ne pas relancer, facture rejetée (213) : %(amount)s"), "alert"),
    "cancelled": (note_text("À ne pas relancer, facture annulée (220) : %(amount)s"), "back"),
}


@dataclass(frozen=True, slots=True)
class ToldHold:
    """Why something is not chased, in words."""

    words: str
    icon: str


def tell_holds(chase: ChaseState) -> list[ToldHold]:
    """Why an invoice is not chased, and what of it may be; nothing where all of it may."""
    told = []
    for each in chase.holds:
        words, icon = _HOLDS[each.why]
        values = {"amount": money(each.amount_minor, chase.currency), "day": day(each.until) if each.until else ""}
        told.append(ToldHold(gettext(words) % values, icon))
    if told and chase.may_chase:
        said = gettext("Reste à relancer : %(amount)s") % {"amount": money(chase.chaseable_minor, chase.currency)}
        told.append(ToldHold(said, "check"))
    return told


def tell_events(events: Iterable[DisputeEvent]) -> list[Told]:
    """What was said and done, newest first."""
    return [_tell(each) for each in sorted(events, key=lambda each: each.order, reverse=True)]


def _tell(event: DisputeEvent) -> Told:
    if event.kind is EventKind.CLAIMED:
        return Told(event.happened_at, gettext(_CLAIMED[event.origin]), event.said or "", "part", "alert")
    if event.kind is EventKind.STATUS:
        return _tell_status(event)
    if event.kind is EventKind.ASSIGNED:
        title = gettext("Confié à : %(team)s") % {"team": team_words(event.facts["owner"])}
        return Told(event.happened_at, title, "", "plain", "people")
    words, tone, icon = _ACTS[event.kind]
    title = gettext(words)
    if "amount_minor" in event.facts:
        title = f"{title}{colon()} {money(event.facts['amount_minor'], event.facts.get('currency', 'EUR'))}"
    details = [event.said or ""]
    if event.kind is EventKind.DOCUMENTS_SENT:
        count = len(event.facts["documents"])
        details.append(ngettext("%(num)s fichier", "%(num)s fichiers", count) % {"num": count})
        details.append(gettext("Statut 209 envoyé à la plateforme") if event.facts["status_message"] else "")
    if event.kind in (EventKind.ACCEPTED, EventKind.PARTLY):
        details.append(_made(event))
    return Told(event.happened_at, title, " · ".join(each for each in details if each), tone, icon)


def _made(event: DisputeEvent) -> str:
    """With which document we gave way."""
    if "corrective_id" in event.facts:
        return gettext("Facture rectificative émise")
    return gettext("Avoir émis") if "credit_note_id" in event.facts else gettext("Sans avoir")


def _tell_status(event: DisputeEvent) -> Told:
    known = status(event.status_code or "")
    name = known.english if language() == "en" else known.french
    asked = [
        ACTIONS[each][1 if language() == "en" else 0] for each in event.facts.get("actions", ()) if each in ACTIONS
    ]
    detail = " · ".join([event.said or "", *asked]).strip(" ·")
    title = gettext("Statut reçu : %(status)s") % {"status": name}
    return Told(event.happened_at, title, detail, "late", "alert")
