"""What stands in a statement of account, in the reader's language."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

from portal.telling.states import KINDS
from portal.words import gettext, note_text

if TYPE_CHECKING:
    from collections.abc import Mapping

LONGEST_DAYS = 3_660
"""Ten years: as long as books are kept."""
MOVEMENTS = {
    **KINDS,
    "invoice": note_text("Facture"),
    "reversal": note_text("Facture annulée et remplacée"),
}
AGES = {
    "not_due": note_text("Non échu"),
    "to_30": note_text("1 à 30 jours"),
    "to_60": note_text("31 à 60 jours"),
    "to_90": note_text("61 à 90 jours"),
    "over_90": note_text("Plus de 90 jours"),
    "credit": note_text("En faveur du client"),
}


def movement_name(kind: str) -> str:
    """What a line of the account is called; a kind that nobody named is called an operation."""
    return gettext(MOVEMENTS.get(kind, note_text("Opération")))


def age_name(age: str) -> str:
    """How old what is open is."""
    return gettext(AGES[age])


@dataclass(frozen=True, slots=True)
class Span:
    """The days that a reader asked for, both included; ``fault`` says what is wrong with them."""

    since: date
    until: date
    fault: str = ""


def read_span(given: Mapping[str, str], first: date, last: date) -> Span:
    """The days in the address; where they make no sense, ``first`` to ``last`` with what is wrong."""
    try:
        since = date.fromisoformat(given["since"]) if given.get("since") else first
        until = date.fromisoformat(given["until"]) if given.get("until") else last
    except ValueError:
        return Span(first, last, gettext("Une date n'est pas lisible : choisissez-la dans le calendrier."))
    if since > until:
        return Span(first, last, gettext("Le premier jour vient après le dernier : inversez-les."))
    if until - since > timedelta(days=LONGEST_DAYS):
        return Span(first, last, gettext("Dix ans au plus : choisissez des jours plus proches."))
    return Span(since, until)


def read_day(given: Mapping[str, str], otherwise: date) -> date:
    """The day ``until`` in the address, or ``otherwise`` where there is none that can be read."""
    try:
        return date.fromisoformat(given.get("until", ""))
    except ValueError:
        return otherwise
