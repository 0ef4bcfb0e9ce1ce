"""Names of business terms and of XML elements, and which term stands at which place of a file."""

from __future__ import annotations

import re
from dataclasses import dataclass

from einvoice.validation.explanations.catalogue import element_names, paths, term_names

FRENCH, ENGLISH = "fr", "en"
_LANGUAGES = {FRENCH: 0, ENGLISH: 1}
_TERM = re.compile(r"(?:BT-X|BG-X|BT|BG|EXT-FR-FE(?:-BG)?|MDT|MDG|TT|TB)-\d+(?:-\d+)?")
_STEP = re.compile(r"@?([A-Za-z_][\w.-]*)(?:\[(\d+)\])?")
_PREDICATE = re.compile(r"\[(?!\d+\])[^\[\]]*(?:\[[^\[\]]*\][^\[\]]*)*\]")
_UBL_ROOTS = {"Invoice", "CreditNote"}
_UBL_LINES = {"InvoiceLine", "CreditNoteLine"}


@dataclass(frozen=True, slots=True)
class Step:
    """One element on the way to a place; ``position`` counts from 1 among its equals."""

    name: str
    position: int


def term_name(term: str, language: str) -> str | None:
    """What a bookkeeper calls ``term`` (``BT-31``) in ``fr`` or ``en``; ``None`` where it is unknown."""
    named = term_names().get(term)
    return named[_LANGUAGES[language]] if named and language in _LANGUAGES else None


def element_name(name: str, language: str) -> str | None:
    """What a bookkeeper calls the XML element or attribute ``name``; ``None`` if unknown."""
    named = element_names().get(name)
    return named[_LANGUAGES[language]] if named else None


def terms_in(text: str) -> tuple[str, ...]:
    """The known business terms that ``text`` names, in order; a suffix that belongs to no term (``-2``) is left off."""
    found = []
    for match in _TERM.finditer(text):
        term = match.group()
        known = term if term in term_names() else re.sub(r"-\d+$", "", term)
        if known in term_names() and known not in found:
            found.append(known)
    return tuple(found)


def steps_of(location: str | None) -> tuple[Step, ...]:
    """The elements on the way to ``location``, an XPath of local names; empty where it is no such path."""
    if not location:
        return ()
    plain = _PREDICATE.sub("", location)
    steps = [_STEP.fullmatch(part.split(":")[-1]) for part in plain.strip("/").split("/")]
    return tuple(Step(step.group(1), int(step.group(2) or 1)) for step in steps if step)


def terms_at(steps: tuple[Step, ...]) -> tuple[str, ...]:
    """The terms that stand exactly at this place; empty where it has no term of its own."""
    if not steps:
        return ()
    names = tuple(step.name for step in steps)
    syntax = "ubl" if names[0] in _UBL_ROOTS else "cii"
    if syntax == "ubl":
        names = ("Root", *("Line" if name in _UBL_LINES else name for name in names[1:]))
    table = paths(syntax)
    for start in range(len(names)):
        found = table.get(names[start:])
        if found:
            return found
    return ()


def terms_around(steps: tuple[Step, ...]) -> tuple[str, ...]:
    """The terms at this place or, failing that, of the nearest element around it."""
    for end in range(len(steps), 0, -1):
        found = terms_at(steps[:end])
        if found:
            return found
    return ()
