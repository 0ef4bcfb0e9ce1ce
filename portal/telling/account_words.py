"""The journal of an account and the list of tasks, told in the reader's words: one sentence per event."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from portal.telling.reminder_levels import LEVELS, level_words
from portal.words import day, gettext, money, note_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from receivables.store.customer_file.journal import AccountEvent

Words = tuple[str, str, str]
"""A sentence with places for facts, the tone and the icon of its badge."""

OUTCOMES = {
    "reached": note_text("Joint"),
    "will_pay": note_text("Va payer"),
    "contests": note_text("Conteste"),
    "paid": note_text("Dit avoir payé"),
    "voicemail": note_text("Message laissé"),
    "no_answer": note_text("Pas de réponse"),
    "wrong_number": note_text("Mauvais numéro"),
}
"""What a call came to."""
EVENTS: dict[str, Words] = {
    # tasks
    "task.done": (note_text("Tâche faite : {task}. {note}"), "plain", "check"),
    "call.made": (note_text("Appel : {outcome}. {note}"), "plain", "people"),
    "advice.confirmed": (
        note_text("Avis de paiement de {amount} pour {invoices}"),
        "flight",
        "receipt",
    ),
    "company.asked": (note_text("Le client demande de changer ses coordonnées"), "part", "people"),
    "company.taken": (note_text("Coordonnées du client reprises"), "plain", "check"),
    "company.refused": (note_text("Changement de coordonnées non repris. {reason}"), "plain", "back"),
    "remark.made": (note_text("Remarque : {note}"), "plain", "dot"),
    "credit.given": (
        note_text("{amount} de crédit passés de {source} à {target} : {reason}"),
        "plain",
        "transfer",
    ),
    "credit.taken": (
        note_text("{amount} de crédit passés de {source} à {target} : {reason}"),
        "paid",
        "transfer",
    ),
    "credit.exchanged": (note_text("{amount} convertis en {into} pour la facture {number}"), "paid", "transfer"),
    # credit
    "limit.set.internal": (note_text("Limite interne : {amount}. {reason}"), "plain", "shield"),
    "limit.set.temporary": (note_text("Limite temporaire : {amount}. {reason}"), "plain", "shield"),
    "limit.set.insured": (note_text("Garantie de l'assureur : {amount}. {reason}"), "plain", "shield"),
    "limit.set.insured_temporary": (
        note_text("Garantie temporaire de l'assureur : {amount}. {reason}"),
        "plain",
        "shield",
    ),
    "limit.set.group": (note_text("Limite du groupe : {amount}. {reason}"), "plain", "shield"),
    "limit.ended": (note_text("Fin d'une limite de {amount}. {reason}"), "plain", "shield"),
    "credit.over_limit": (note_text("Encours de {exposure} au-dessus de la limite de {limit}"), "late", "alert"),
    "credit.back_within": (note_text("Encours de {exposure} de nouveau dans la limite"), "paid", "check"),
    "derogation.asked": (
        note_text("Dérogation demandée : {amount} jusqu'au {expires_on}. {reason}"),
        "part",
        "people",
    ),
    "derogation.agreed": (note_text("Dérogation accordée : {amount} jusqu'au {expires_on}. {note}"), "paid", "check"),
    "derogation.refused": (note_text("Dérogation refusée : {amount}. {note}"), "late", "alert"),
    "derogation.ended": (note_text("Fin d'une dérogation de {amount}. {note}"), "plain", "dot"),
    "order.closed": (note_text("Commande {reference} fermée. {reason}"), "plain", "dot"),
    "order.reopened": (note_text("Commande {reference} rouverte. {reason}"), "part", "alert"),
    "delivery.closed": (note_text("Livraison {reference} fermée : rien à facturer. {reason}"), "plain", "dot"),
    "delivery.reopened": (note_text("Livraison {reference} rouverte. {reason}"), "part", "alert"),
    "insolvency.noted": (
        note_text("Procédure collective ({kind}) ouverte le {opened_on}. {source}"),
        "late",
        "alert",
    ),
    "insolvency.published": (note_text("Procédure publiée au BODACC le {published_on}"), "late", "alert"),
    "insolvency.converted": (note_text("Procédure convertie en {kind}"), "late", "alert"),
    "insolvency.ended": (note_text("Procédure collective terminée le {ended_on}"), "plain", "check"),
    # messages
    "message.sent": (note_text("{author} a écrit au client {number}"), "plain", "send"),
    "message.received": (note_text("Message de {author} {number}"), "flight", "mail"),
    "note.written": (note_text("Note interne de {author} {number}"), "plain", "lock"),
    "thread.closed": (note_text("Conversation close {number}"), "plain", "check"),
    "mail.bounced": (note_text("Un courriel à {address} est revenu : {reason}"), "late", "mail"),
    # promises and plans
    "promise.made": (note_text("Promesse de {amount} pour le {promised_on}. {said_by}"), "flight", "clock"),
    "promise.kept": (note_text("Promesse tenue : {kept} sur {amount}"), "paid", "check"),
    "promise.partly": (note_text("Promesse tenue en partie : {kept} sur {amount}"), "part", "half"),
    "promise.broken": (note_text("Promesse non tenue : {amount} pour le {promised_on}"), "late", "alert"),
    "promise.withdrawn": (note_text("Promesse retirée : {amount} pour le {promised_on}"), "plain", "back"),
    "plan.proposed": (note_text("Échéancier proposé : {amount} en {count} échéances"), "part", "clock"),
    "plan.accepted": (note_text("Échéancier accepté : {amount}, jusqu'au {last_on}"), "flight", "check"),
    "plan.refused": (note_text("Échéancier de {amount} refusé"), "plain", "back"),
    "plan.withdrawn": (note_text("Échéancier de {amount} retiré"), "plain", "back"),
    "plan.expired": (note_text("Proposition d'échéancier de {amount} restée sans réponse"), "plain", "clock"),
    "plan.late": (note_text("Échéance du {due_on} en retard : {part}, à régler avant le {until_on}"), "late", "alert"),
    "plan.broken": (note_text("Échéancier rompu : {left} redeviennent exigibles"), "late", "alert"),
    "plan.kept": (note_text("Échéancier soldé : {amount}"), "paid", "check"),
    "plan.reopened": (note_text("Échéancier rouvert, un paiement est revenu : reste {left}"), "late", "back"),
    # dunning
    "dunning.sent": (note_text("{stage} : {total}{to}"), "part", "send"),
    "dunning.withdrawn": (note_text("Retenu avant le départ : {stage}"), "plain", "back"),
    # interest
    "claim.made": (note_text("Note de débit {number} : {amount} d'intérêts de retard"), "plain", "receipt"),
    "claim.given_up": (note_text("Intérêts abandonnés sur {number} : {amount}. {reason}"), "plain", "back"),
    "claim.corrected": (note_text("Intérêts corrigés sur {number} : {amount} de moins. {reason}"), "part", "back"),
    "interest.waived": (note_text("Intérêts de {number} abandonnés : {amount}. {reason}"), "plain", "back"),
    "dispute.escalated": (note_text("Litige de {number} hors délai depuis le {due_on}"), "late", "clock"),
    # scores, insurance, factoring
    "score.fell": (
        note_text("Note de paiement : de {before} ({class_before}) à {after} ({class_after})"),
        "late",
        "alert",
    ),
    "score.blocked": (note_text("Mis sur la liste de blocage. {reason}"), "late", "lock"),
    "score.unblocked": (note_text("Retiré de la liste de blocage. {reason}"), "plain", "check"),
    "agency.told": (note_text("Avis de l'agence {agency} : {score}"), "plain", "search"),
    "insurance.asked": (note_text("Limite de {amount} demandée à l'assureur ({reference})"), "flight", "clock"),
    "insurance.granted": (note_text("L'assureur couvre {amount} dès le {effective_on}"), "paid", "shield"),
    "insurance.reduced": (note_text("L'assureur réduit sa garantie à {amount} le {effective_on}"), "part", "shield"),
    "insurance.refused": (note_text("L'assureur refuse sa garantie ({reference})"), "late", "shield"),
    "insurance.cancelled": (note_text("L'assureur retire sa garantie le {effective_on}"), "late", "shield"),
    "insurance.declared": (note_text("Impayé de {number} déclaré à l'assureur : {amount}"), "plain", "send"),
    "factor.assigned": (note_text("Facture {number} cédée à {factor} : {amount}"), "plain", "transfer"),
    "factor.paid": (note_text("Facture {number} payée à {factor} : {amount}"), "paid", "check"),
    "factor.given_back": (note_text("Facture {number} rendue par {factor}. {reason}"), "part", "back"),
    "factor.received_by_us": (
        note_text("{amount} reçus chez nous sur {number}, dus à {factor}"),
        "part",
        "transfer",
    ),
    "factor.taken_again": (note_text("{amount} de {number} de nouveau dus à {factor}"), "plain", "back"),
    "factor.account_changed": (note_text("{factor} change de compte à payer pour {number}"), "part", "bank"),
    # exports
}
"""What was said and done, by kind."""
TASKS: dict[str, str] = {
    "call_again": note_text("Rappeler le client. {note}"),
    "mail.returned": note_text("Trouver une adresse qui marche : les courriels à {address} reviennent"),
    # dunning
    "dunning.approve": note_text("Valider « {stage} » pour {total}"),
    "dunning.no_address": note_text("Trouver une adresse de courriel : ce client ne peut pas être relancé"),
    "dunning.call": note_text("Appeler {contact} {phone} pour {total}"),
    "dunning.post": note_text("Poster la lettre de relance, {total}"),
    "dunning.last_offer": note_text("Proposer une dernière solution avant contentieux, {total}"),
    "dunning.litigation": note_text("Transmettre le dossier contentieux, {total}"),
    "dunning.limitation": note_text("Prescription le {day} : facture {number}"),
    # credit
    "credit.over_limit": note_text("Encours de {exposure} au-dessus de la limite de {limit} : décider"),
    "derogation.decide": note_text("Dérogation à décider : {amount} jusqu'au {expires_on}. {reason}"),
    "insolvency.declare": note_text("Déclarer la créance au plus tard le {deadline_on} ({kind})"),
    # promises and plans
    "promise.broken": note_text("Rappeler : promesse de {amount} non tenue ({kept} reçus)"),
    "plan.decide": note_text("Répondre à une proposition d'échéancier de {amount}"),
    "plan.broken": note_text("Échéancier rompu : décider de la suite pour {left}"),
    # interest, disputes
    "dispute.late_answer": note_text("Litige de {number} : répondre au client, attendu pour le {due_on}"),
    "dispute.late_outcome": note_text(
        "Litige de {number} : décider, attendu pour le {due_on}. Voir avec un responsable"
    ),
    "dispute.short_payment": note_text(
        "Paiement incomplet de {number} le {paid_on} : {amount} manquent. Demander pourquoi"
    ),
    # scores, insurance, factoring
    "insurance.declare": note_text("Déclarer l'impayé {number} à l'assureur : {amount}"),
    "insurance.extension": note_text("Délai accordé sur {number} au-delà de la police : demander l'accord"),
    "insurance.stopped": note_text("Retard de {number} : la garantie s'arrête pour les nouvelles livraisons"),
    "insurance.beyond": note_text("{amount} au-delà de la limite de l'assureur : demander plus, ou livrer moins"),
    "insurance.ending": note_text("La garantie temporaire de {amount} prend fin : demander la suite"),
    # messages
}
"""What is to be done, by kind; the places are filled from the task's facts."""


def event_words(event: AccountEvent) -> Words:
    """One event in words; a kind without words is told by its name, so that nothing is hidden."""
    text, tone, icon = EVENTS.get(event.kind, (event.kind, "plain", "dot"))
    facts = {**event.facts}
    if event.kind == "task.done":
        facts["task"] = task_words(str(facts.get("task", "")), facts)
    outcome = facts.get("outcome")
    if outcome in OUTCOMES:
        facts["outcome"] = gettext(OUTCOMES[outcome])
    return _filled(text, facts), tone, icon


def task_words(kind: str, facts: Mapping[str, Any]) -> str:
    """One task in words."""
    return _filled(TASKS.get(kind, kind), facts)


def _spoken(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Facts as the reader writes them: ``amount_minor`` fills ``{amount}``, and what ends in ``_on`` is a day.

    ``totals`` are minor units by currency; what was written down before them has its ``total`` in French alone.
    """
    spoken = {name: value for name, value in facts.items() if value is not None}
    currency = str(spoken.get("currency", "EUR"))
    for name, value in facts.items():
        if name.endswith("_minor") and isinstance(value, int):
            spoken[name.removesuffix("_minor")] = money(value, currency)
        elif name.endswith("_on") and value:
            spoken[name] = day(value if isinstance(value, date) else date.fromisoformat(str(value)))
    if isinstance(totals := facts.get("totals"), dict):
        spoken["total"] = " + ".join(money(minor, each) for each, minor in sorted(totals.items()))
    if spoken.get("level") in LEVELS:
        spoken["stage"] = level_words(spoken["level"])
    if spoken.get("contact"):
        spoken["to"] = f" ({spoken['contact']})"
    return spoken


class _Known(dict[str, Any]):
    """Facts: one that is missing leaves its place empty instead of failing the page."""

    def __missing__(self, key: str) -> str:
        return ""


def _filled(text: str, facts: Mapping[str, Any]) -> str:
    return gettext(text).format_map(_Known(_spoken(facts))).strip()
