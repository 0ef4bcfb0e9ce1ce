"""How a field of the file and its surroundings are called in a sentence."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from einvoice.validation.explanations.terms import (
    ENGLISH,
    FRENCH,
    Step,
    element_name,
    term_name,
    terms_around,
    terms_at,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

Pair = tuple[str, str]
"""A French and an English text."""

_MAX_SURROUNDINGS = 3
_ALTERNATIVES = 2
"""Up to two terms (discount or charge) are named together."""
_UNKNOWN: Pair = ("champ inconnu", "unknown field")
_WRAPPERS = frozenset({
    "CrossIndustryInvoice", "ExchangedDocument", "ExchangedDocumentContext", "SupplyChainTradeTransaction",
    "ApplicableHeaderTradeAgreement", "ApplicableHeaderTradeSettlement", "SpecifiedLineTradeAgreement",
    "SpecifiedLineTradeSettlement", "Invoice", "CreditNote", "Party", "TaxScheme",
})  # fmt: skip
"""Elements that say nothing about where a field is."""


def field_at(steps: tuple[Step, ...]) -> tuple[tuple[str, ...], dict[str, Pair]]:
    """The terms of the field at the end of ``steps``, and its ``field`` and ``where`` for a sentence."""
    exact = terms_at(steps)
    if 0 < len(exact) <= _ALTERNATIVES:
        return exact, {"field": quoted(exact), "where": ("", "")}
    around = exact or terms_around(steps)
    names = [step.name for step in steps]
    return around, {"field": named(names[-1:]), "where": surroundings(names[:-1])}


def named(names: Iterable[str]) -> Pair:
    """What the last known of these elements is called."""
    for name in reversed(list(names)):
        french, english = element_name(name, FRENCH), element_name(name, ENGLISH)
        if french and english:
            return french, english
        if french is None and _is_readable(name):
            return _spelt(name), _spelt(name)
    return _UNKNOWN


def surroundings(names: Iterable[str]) -> Pair:
    """The elements around a field, in brackets: ``(vendeur, adresse postale)``; empty where none has a name."""
    french: list[str] = []
    english: list[str] = []
    for name in names:
        if name in _WRAPPERS:
            continue
        in_french, in_english = element_name(name, FRENCH), element_name(name, ENGLISH)
        if in_french and in_english and in_french not in french:
            french.append(in_french)
            english.append(in_english)
    if not french:
        return ("", "")
    return f"({', '.join(french[-_MAX_SURROUNDINGS:])})", f"({', '.join(english[-_MAX_SURROUNDINGS:])})"


def joined(terms: tuple[str, ...]) -> Pair:
    """The names of alternative terms, joined by *ou* and *or*."""
    return " ou ".join(_names(terms, FRENCH)), " or ".join(_names(terms, ENGLISH))


def quoted(terms: tuple[str, ...]) -> Pair:
    """The same for the inside of quotation marks: each name gets its own."""
    return " » ou « ".join(_names(terms, FRENCH)), '" or "'.join(_names(terms, ENGLISH))


def _names(terms: tuple[str, ...], language: str) -> list[str]:
    return [name for term in terms if (name := term_name(term, language))]


def _is_readable(name: str) -> bool:
    return re.fullmatch(r"[A-Za-z][A-Za-z0-9]{0,59}", name) is not None


def _spelt(name: str) -> str:
    """An element that no list of ours knows, as separate words: it is the only name that it has."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name).lower()
