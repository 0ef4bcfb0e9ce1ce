"""Declarations in the reader's words: blocks, categories, regimes, answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from einvoice.reporting.answers import REASONS, REJECTED
from portal.words import fitted, gettext, language, note_text

if TYPE_CHECKING:
    from einvoice.reporting.store import Declaration

BLOCKS = {
    "10.1": note_text("Factures internationales"),
    "10.2": note_text("Encaissements de factures internationales"),
    "10.3": note_text("Ventes aux particuliers"),
    "10.4": note_text("Encaissements de particuliers"),
}
CATEGORIES = {
    "TLB1": note_text("Biens"),
    "TPS1": note_text("Prestations de services"),
    "TNT1": note_text("Non soumis à la TVA en France"),
    "TMA1": note_text("Régime de la marge"),
    "S": note_text("TVA française"),
    "AE": note_text("Autoliquidation"),
    "K": note_text("Livraison intracommunautaire"),
    "G": note_text("Exportation"),
    "O": note_text("Hors du champ de la TVA"),
    "E": note_text("Exonéré"),
    "Z": note_text("Taux nul"),
}
REGIMES = {
    "monthly": note_text("réel normal mensuel"),
    "quarterly": note_text("réel normal trimestriel"),
    "simplified": note_text("réel simplifié"),
    "franchise": note_text("franchise en base"),
}


def block_words(block: str) -> str:
    """What a part of the declaration holds."""
    return gettext(BLOCKS[block])


def category_words(category: str | None) -> str:
    """A category of sales or of VAT; an unknown code as it is."""
    return gettext(CATEGORIES.get(category or "", "")) or (category or "-")


def regime_words(regime: str) -> str:
    """A VAT regime."""
    return gettext(REGIMES.get(regime, "")) or regime


def answer_words(declaration: Declaration) -> list[str]:
    """What the State answered, and what each reason of a refusal asks for."""
    answer: dict[str, Any] = declaration.answer or {}
    told = [f"{each['code'] or ''} {each['label'] or ''}".strip() for each in answer.get("reasons", [])]
    if answer.get("code") == REJECTED:
        told += [said(*REASONS[each["code"]]) for each in answer["reasons"] if each["code"] in REASONS]
    return [*told, answer["note"]] if answer.get("note") else told


def said(english: str, french: str) -> str:
    """A sentence that comes in both languages."""
    return english if language() == "en" else fitted(french)
