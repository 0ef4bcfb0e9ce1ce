"""The reasons of a rank, and the roles of contacts, in the reader's words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from portal.words import day, gettext, money, ngettext, note_text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from receivables.domain.collecting.worklist import Reason

CONTACT_ROLES = {
    "payment": note_text("Règlements"),
    "billing": note_text("Facturation"),
    "manager": note_text("Direction"),
    "purchasing": note_text("Achats"),
    "legal": note_text("Juridique"),
    "other": note_text("Autre"),
}
_HELD = {
    "in_flight": note_text("%(amount)s en cours d'encaissement"),
    "to_match": note_text("%(amount)s reçus à la banque, à confirmer"),
    "disputed": note_text("%(amount)s contestés"),
    "announced": note_text("%(amount)s annoncés en prélèvement"),
    "promised": note_text("%(amount)s promis"),
    "planned": note_text("%(amount)s dans un échéancier"),
    "insolvent": note_text("%(amount)s gelés : procédure collective"),
    "assigned": note_text("%(amount)s cédés à un factor"),
    "credited": note_text("%(amount)s couverts par un avoir ou un versement non imputé"),
    "paused": note_text("%(amount)s en pause"),
}
_LEVELS = {
    0: note_text("rappel préventif"),
    1: note_text("relance 1"),
    2: note_text("relance 2"),
    3: note_text("relance 3"),
    4: note_text("mise en demeure"),
    5: note_text("pré-contentieux"),
    6: note_text("contentieux"),
}


def reason_words(reason: Reason, currency: str) -> tuple[str, str]:
    """One reason in words, with the tone of its badge."""
    facts = reason.facts
    if reason.code.startswith("held_"):
        text = _HELD.get(reason.code.removeprefix("held_"), note_text("%(amount)s retenus"))
        return gettext(text) % {"amount": money(facts["minor"], currency)}, "flight"
    return _WORDS[reason.code](facts)


def _late(facts: Mapping[str, Any]) -> tuple[str, str]:
    count = ngettext("%(num)s facture", "%(num)s factures", facts["count"]) % {"num": facts["count"]}
    age = ngettext("%(num)s jour de retard", "%(num)s jours de retard", facts["days"]) % {"num": facts["days"]}
    return f"{count}, {age}", "late"


def _spoken(facts: Mapping[str, Any]) -> tuple[str, str]:
    days = facts["days"]
    when = ngettext("Contacté il y a %(num)s jour", "Contacté il y a %(num)s jours", days) % {"num": days}
    if not days:
        when = gettext("Contacté aujourd'hui")
    written = facts["level"]
    level = gettext(_LEVELS[written]) if written in _LEVELS else ""
    return f"{when} ({level})" if level else when, "plain"


def _never_spoken(_: Mapping[str, Any]) -> tuple[str, str]:
    return gettext("Jamais contacté"), "part"


def _broken(facts: Mapping[str, Any]) -> tuple[str, str]:
    return gettext("Promesse non tenue du %(day)s") % {"day": day(facts["day"])}, "late"


def _class(facts: Mapping[str, Any]) -> tuple[str, str]:
    return gettext("Classe %(grade)s") % facts, "plain"


def _waits(facts: Mapping[str, Any]) -> tuple[str, str]:
    return gettext("Attend votre réponse depuis le %(day)s") % {"day": day(facts["day"])}, "part"


_WORDS: dict[str, Callable[[Mapping[str, Any]], tuple[str, str]]] = {
    "late": _late,
    "spoken": _spoken,
    "never_spoken": _never_spoken,
    "promise_broken": _broken,
    "class": _class,
    "waits_for_answer": _waits,
}
