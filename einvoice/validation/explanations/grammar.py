"""The messages of libxml2 on a broken XSD, as the field that is meant and what is wrong with it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from einvoice.validation.explanations.catalogue import element_names
from einvoice.validation.explanations.subject import Subject
from einvoice.validation.explanations.terms import Step, steps_of, terms_at
from einvoice.validation.explanations.wording import field_at, named, quoted

if TYPE_CHECKING:
    from collections.abc import Iterator

_ELEMENT = re.compile(r"Element '([^']+)'(?:, attribute '([^']+)')?:")
_EXPECTED = re.compile(r"Expected is (?:one of )?\( ([^)]*) \)")
_ATTRIBUTE = re.compile(r"The attribute '([^']+)'")
_TYPE = re.compile(r"of the (?:atomic|local atomic|union|list) type(?: '([^']*)')?")
_NUMBER = re.compile(r"decimal|integer|double|float|Amount|Quantity|Percent|Numeric|Measure|Rate")
_DATE = re.compile(r"xs:date|xs:time|Date|Time")
_BOOLEAN = re.compile(r"boolean|Indicator")
_FALLBACK = "XSD-OTHER"
_COMPULSORY = frozenset(
    f"BT-{number}"
    for number in (
        *(1, 2, 3, 5, 23, 24, 27, 30, 40, 44, 55, 81, 92, 99, 106, 109, 110, 112, 115, 116, 117, 118, 122, 126, 129),
        *(131, 136, 141, 146, 151, 153),
    )
) | frozenset(f"BG-{number}" for number in (4, 5, 7, 8, 13, 22, 23, 25, 29, 30, 31))
"""What an invoice cannot do without: an optional element that might have come is no help to the reader."""


def grammar_of(message: str, location: str | None) -> Subject:
    """The explanation of an ``xsd`` finding."""
    match = _ELEMENT.search(message)
    if match is None:
        return Subject(_FALLBACK)
    element = match.group(1)
    named_attribute = _ATTRIBUTE.search(message)
    attribute = match.group(2) or (named_attribute.group(1) if named_attribute else None)
    steps = steps_of(location) or (Step(element, 1),)
    if steps[-1].name != element:
        steps = (*steps, Step(element, 1))
    if attribute:
        steps = (*steps, Step(attribute.rsplit(":", maxsplit=1)[-1], 1))
    terms, words = field_at(steps)
    key, expected = _kind(message, element, steps)
    if expected is None:
        return Subject(key, terms, words)
    expected_terms = terms_at(expected)
    name = quoted(expected_terms) if expected_terms else named([expected[-1].name])
    return Subject(key, expected_terms or terms, words | {"expected": name})


def _kind(message: str, element: str, steps: tuple[Step, ...]) -> tuple[str, tuple[Step, ...] | None]:
    """Which sentence fits, with the place of the field that was expected instead."""
    if "is not expected" in message:
        expected = _expected(message, steps[:-1]) if element in element_names() else None
        return ("XSD-UNEXPECTED-EXPECTED", expected) if expected else ("XSD-UNEXPECTED", None)
    if "Missing child element" in message:
        expected = _expected(message, steps)
        return ("XSD-INCOMPLETE", expected) if expected else ("XSD-EMPTY", None)
    if "is required but missing" in message:
        return "XSD-ATTRIBUTE-MISSING", None
    if "is not allowed" in message and ", attribute " in message:
        return "XSD-ATTRIBUTE", None
    if "No matching global" in message or "Character content" in message:
        return _FALLBACK, None
    return next(_value_kinds(message, element)), None


def _value_kinds(message: str, element: str) -> Iterator[str]:
    if "'enumeration'" in message or "not an element of the set" in message:
        yield "XSD-CHOICE"
    type_name = _TYPE.search(message)
    hint = f"{(type_name.group(1) if type_name else None) or ''} {element}"
    if re.search(r"is not a valid value|facet", message):
        if _BOOLEAN.search(hint):
            yield "XSD-BOOLEAN"
        if _DATE.search(hint):
            yield "XSD-DATE"
        if _NUMBER.search(hint):
            yield "XSD-NUMBER"
        yield "XSD-TYPE"
    yield _FALLBACK


def _expected(message: str, around: tuple[Step, ...]) -> tuple[Step, ...] | None:
    """The element that had to come: libxml2 lists the optional ones before it and stops there, or after ten."""
    match = _EXPECTED.search(message)
    if match is None:
        return None
    names = [name.strip().rsplit(":", maxsplit=1)[-1] for name in match.group(1).split(",")]
    place = (*around, Step(names[-1], 1))
    helpful = len(names) == 1 or set(terms_at(place)) & _COMPULSORY
    return place if names[-1].isalnum() and helpful else None
