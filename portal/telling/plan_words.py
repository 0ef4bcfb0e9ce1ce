"""Payment plans and promises in words: the text that a customer agrees to, its hash, states, and rules not met."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from portal.telling.states import Badge
from portal.words import catalogue, day, gettext, known_language, money, note_text

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from receivables.domain.collecting.plans import Part, Plan

PLAN_STATES: Mapping[str, Badge] = {
    "proposed": Badge(note_text("Attend une réponse"), "part", "clock"),
    "accepted": Badge(note_text("En cours"), "flight", "transfer"),
    "refused": Badge(note_text("Échéancier refusé"), "plain", "back"),
    "kept": Badge(note_text("Respecté"), "paid", "check"),
    "broken": Badge(note_text("Rompu"), "late", "alert"),
    "withdrawn": Badge(note_text("Retiré"), "plain", "back"),
}
PROMISE_STATES: Mapping[str, Badge] = {
    "pending": Badge(note_text("Attendue"), "flight", "clock"),
    "kept": Badge(note_text("Tenue"), "paid", "check"),
    "partly": Badge(note_text("Tenue en partie"), "part", "half"),
    "broken": Badge(note_text("Non tenue"), "late", "alert"),
    "withdrawn": Badge(note_text("Retirée"), "plain", "back"),
}
PART_STATES: Mapping[str, Badge] = {
    "paid": Badge(note_text("Réglée"), "paid", "check"),
    "held": Badge(note_text("Paiement en cours"), "flight", "transfer"),
    "late": Badge(note_text("En retard"), "late", "alert"),
    "due": Badge(note_text("À payer"), "part", "clock"),
    "coming": Badge(note_text("À venir"), "plain", "clock"),
}
RHYTHMS: Mapping[str, str] = {
    "monthly": note_text("Chaque mois"),
    "fortnightly": note_text("Toutes les deux semaines"),
    "weekly": note_text("Chaque semaine"),
}
BEYOND: Mapping[str, str] = {
    "manual": note_text("l'acceptation automatique est désactivée"),
    "currency": note_text("la somme n'est pas en euros"),
    "amount": note_text("la somme dépasse le plafond"),
    "count": note_text("il y a trop d'échéances"),
    "length": note_text("l'échéancier est trop long"),
    "first_amount": note_text("la première échéance est trop faible"),
    "first_day": note_text("la première échéance est trop tardive"),
    "smallest": note_text("une échéance est trop petite"),
    "late": note_text("une facture est trop ancienne"),
    "under_way": note_text("un autre échéancier est en cours"),
    "broken_plan": note_text("un échéancier a été rompu récemment"),
    "broken_promises": note_text("des promesses n'ont pas été tenues"),
}
"""The rules of a policy that a plan does not meet, as parts of a sentence."""
REASONS: Mapping[str, str] = {
    "default": note_text("une échéance n'a pas été réglée"),
    "expired": note_text("la première échéance est passée sans réponse"),
    "replaced": note_text("remplacé par une nouvelle proposition"),
    "planned": note_text("un échéancier a pris le relais"),
    "nothing_left": note_text("il ne restait rien à payer"),
    "money_returned": note_text("un paiement est revenu impayé"),
}
"""Reasons that rules give; what people wrote is shown as it is."""
_TITLE = note_text("Échéancier de paiement")
_OWES = note_text("%(customer)s reconnaît devoir à %(supplier)s la somme de %(total)s, au titre de : %(invoices)s.")
_PARTS = note_text("Cette somme est réglée en %(count)s échéances :")
_PART = note_text("%(place)s. le %(day)s : %(amount)s")
_NO_INTEREST = note_text(
    "Tant que l'échéancier est respecté, aucun intérêt de retard ne court sur ces factures. S'il est rompu, les "
    "intérêts courent comme s'il n'avait pas existé."
)
_INTEREST = note_text("Les intérêts de retard prévus aux factures continuent de courir sur ce qui reste dû.")
_CLAUSE = note_text(
    "Une échéance qui n'est pas réglée %(grace)s jours après sa date, malgré un rappel, met fin à l'échéancier : tout "
    "ce qui reste dû redevient exigible en une fois, aux dates d'origine des factures."
)
_NO_NOVATION = note_text(
    "L'échéancier n'est pas une novation (code civil, article 1330) : les factures restent ce qu'elles sont, seul un "
    "délai est accordé. Payer plus tôt est possible à tout moment, sans frais. Une somme contestée ou déjà en route "
    "n'est pas une échéance impayée."
)
_CLICK = note_text(
    "L'accord est donné par clic par une personne connectée. Il est gardé avec sa date, son auteur, son adresse et "
    "l'empreinte de ce texte."
)


@dataclass(frozen=True, slots=True)
class AgreementWords:
    """The text of a plan: a title, paragraphs, and the SHA-256 of all of it."""

    title: str
    paragraphs: tuple[str, ...]
    language: str

    @property
    def text(self) -> str:
        """All of it, as it is kept with the click."""
        return "\n\n".join((self.title, *self.paragraphs))

    @property
    def sha256(self) -> str:
        """The hash that binds a click to these words."""
        return hashlib.sha256(self.text.encode()).hexdigest()


def agreement_words(plan: Plan, supplier: str, customer: str) -> AgreementWords:
    """What a customer agrees to: a function of the plan and the two names alone."""
    spoken = known_language(plan.language)
    speak = catalogue(spoken).gettext
    invoices = ", ".join(f"{each.number} ({money(each.amount_minor, plan.currency, spoken)})" for each in plan.invoices)
    owes = {
        "customer": customer,
        "supplier": supplier,
        "total": money(plan.total_minor, plan.currency, spoken),
        "invoices": invoices,
    }
    parts = [speak(_PARTS) % {"count": len(plan.instalments)}]
    for place, each in enumerate(plan.instalments, 1):
        told = {
            "place": place,
            "day": day(each.due_on, spoken),
            "amount": money(each.amount_minor, plan.currency, spoken),
        }
        parts.append(speak(_PART) % told)
    paragraphs = (
        speak(_OWES) % owes,
        "\n".join(parts),
        speak(_INTEREST if plan.interest else _NO_INTEREST),
        speak(_CLAUSE) % {"grace": plan.grace_days},
        speak(_NO_NOVATION),
        speak(_CLICK),
    )
    return AgreementWords(speak(_TITLE), paragraphs, spoken)


def shown_state(states: Mapping[str, Badge], state: str) -> Badge:
    """A state in the reader's language."""
    return states[state].spoken()


def part_badge(part: Part, on: date) -> Badge:
    """Where an instalment stands on a day."""
    if not part.left_minor:
        state = "paid"
    elif not part.asked_minor:
        state = "held"
    elif part.due_on < on:
        state = "late"
    else:
        state = "due" if part.due_on == on else "coming"
    return shown_state(PART_STATES, state)


def reason_told(reason: str | None) -> str:
    """Why a plan or a promise ended: a rule's reason in words, or what somebody wrote."""
    return gettext(REASONS[reason]) if reason and reason in REASONS else (reason or "")


def beyond_told(rules: tuple[str, ...]) -> str:
    """The rules that a plan does not meet, in one sentence."""
    return ", ".join(gettext(BEYOND.get(each, each)) for each in rules)
