"""What the reader of a page may do there: what they may not do is not offered."""

from __future__ import annotations

from flask import g

from portal.access.context import place
from portal.access.roles import Right
from portal.words import gettext, note_text

RIGHT_NAMES = {
    Right.PAY: note_text("Payer"),
    Right.DISPUTE: note_text("Contester et écrire"),
    Right.ADMINISTER: note_text("Administrer"),
}
RIGHT_MEANINGS = {
    Right.PAY: note_text("Régler les factures, signer les mandats, envoyer les avis de paiement"),
    Right.DISPUTE: note_text("Signaler un problème, écrire, promettre un règlement, proposer un échéancier"),
    Right.ADMINISTER: note_text("Inviter des collègues, tenir à jour la société et ses contacts, exporter les données"),
}


def may_here(right: str) -> bool:
    """Whether this page's reader has a right: of a page behind a link, and of staff, the page itself decides."""
    return "place" not in g or place().is_staff or place().may(Right(right))


def rights_told(rights: frozenset[Right]) -> str:
    """Rights in the reader's words; without any, a person looks."""
    names = [gettext(RIGHT_NAMES[each]) for each in Right if each in rights]
    return ", ".join(names) if names else gettext("Consulter")


def right_choices() -> list[tuple[str, str, str]]:
    """Every right for a form: its value, its name, what it means."""
    return [(each.value, gettext(RIGHT_NAMES[each]), gettext(RIGHT_MEANINGS[each])) for each in Right]
