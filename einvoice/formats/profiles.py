"""The levels in which an invoice can be written, and the name (BT-24) that each form gives to a level.

One invoice has one level; what differs between its forms is only how the level is called. BASIC WL has no lines and
exists in Factur-X alone: the other forms of such an invoice are EN 16931.

Sources: XP Z12-012 (the French *socle*), Factur-X 1.09, table of profiles.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from enum import StrEnum
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from einvoice.document import Document, Line

Form = Literal["facturx", "cii", "ubl"]
"""A form in which an invoice leaves the house."""

EN16931_ID = "urn:cen.eu:en16931:2017"
BASIC_WL_ID = "urn:factur-x.eu:1p0:basicwl"
FACTURX_EXTENDED_ID = f"{EN16931_ID}#conformant#urn:factur-x.eu:1p0:extended"
CTC_EXTENDED_ID = f"{EN16931_ID}#conformant#urn.cpro.gouv.fr:1p0:extended-ctc-fr"


class Level(StrEnum):
    """How much an invoice says."""

    BASIC_WL = "basicwl"
    """Without lines; tolerated in France in the first year (mandate, BT-24)."""
    EN16931 = "en16931"
    EXTENDED = "extended"
    """With the terms EXT-FR-FE: sub-lines, third parties, references by line."""


_BY_SPECIFICATION = {
    BASIC_WL_ID: Level.BASIC_WL,
    EN16931_ID: Level.EN16931,
    FACTURX_EXTENDED_ID: Level.EXTENDED,
    CTC_EXTENDED_ID: Level.EXTENDED,
}


def level_of(specification: str) -> Level | None:
    """The level that BT-24 names, or ``None`` for a specification that we read but do not write."""
    return _BY_SPECIFICATION.get(specification)


def specification(level: Level, form: Form) -> str:
    """BT-24 of an invoice of ``level`` written in ``form``."""
    if level is Level.EXTENDED:
        return FACTURX_EXTENDED_ID if form == "facturx" else CTC_EXTENDED_ID
    if level is Level.BASIC_WL and form == "facturx":
        return BASIC_WL_ID
    return EN16931_ID


def in_form(document: Document, form: Form) -> Document:
    """``document`` with the BT-24 that its level has in ``form``, ready for the writer of that form.

    The level is that of its BT-24, raised to EXTENDED where it uses terms that only EXTENDED carries; BASIC WL stays
    so in Factur-X. A specification that we only read (XRechnung, Peppol) stays as it is.
    """
    level = level_of(document.profile)
    if level is None:
        return document
    reduced = level is Level.BASIC_WL and form == "facturx"
    if not reduced and level is not Level.EXTENDED and extended_terms(document):
        level = Level.EXTENDED
    return replace(document, profile=specification(level, form))


def extended_terms(document: Document) -> tuple[str, ...]:
    """The terms that ``document`` uses and EN 16931 lacks, each once, in order; empty where EN 16931 suffices.

    An identifier such as ``EXT-FR-FE-163``, that of the group where a whole party is one (``EXT-FR-FE-BG-02``), or
    a term of the norm where only EXTENDED allows it: repeated (``BT-18``, ``BT-46``, ``BT-60``, ``BT-128``), or an
    exemption of a taxed row (``BT-120``), or an attachment of XML (``BT-125-1``).
    """
    found = [
        *_named(document, _HEADER_TERMS),
        *(term for each in document.preceding for term in _named(each, _PRECEDING_TERMS)),
        *(
            term
            for each in document.allowances_charges
            for term in _named(each, _CHARGE_TERMS if each.is_charge else _ALLOWANCE_TERMS)
        ),
        *_repeated(document),
        *(term for line in document.lines for term in _of_line(line)),
    ]
    return tuple(dict.fromkeys(found))


_Terms = Mapping[str, "str | _Terms"]
"""Field name to the term that it is, or to the terms inside it."""

_HEADER_TERMS: _Terms = {
    "payer": "EXT-FR-FE-BG-02",
    "buyer_agent": "EXT-FR-FE-BG-01",
    "seller_agent": "EXT-FR-FE-BG-03",
    "invoicer": "EXT-FR-FE-BG-05",
    "invoicee": "EXT-FR-FE-BG-04",
    "payee": {
        "role": "EXT-FR-FE-26",
        "more_identifiers": "BT-60",
        "vat_id": "EXT-FR-FE-27",
        "endpoint": "EXT-FR-FE-29",
        "address": "EXT-FR-FE-31",
        "contact": "EXT-FR-FE-39",
    },
    "contract_type": "EXT-FR-FE-01",
    "purchase_order_on": "EXT-FR-FE-197",
    "despatch_advice_on": "EXT-FR-FE-198",
    "contract_on": "EXT-FR-FE-199",
    "more_object_ids": "BT-18",
    "delivery_terms": {"code": "EXT-FR-FE-185", "place": "EXT-FR-FE-186"},
    "exchange": {"rate": "BT-167", "on": "EXT-FR-FE-192"},
}
_PRECEDING_TERMS: _Terms = {"type_code": "EXT-FR-FE-02", "line": "EXT-FR-FE-139"}
_ALLOWANCE_TERMS: _Terms = {"exemption_reason": "EXT-FR-FE-187", "exemption_code": "EXT-FR-FE-188"}
_CHARGE_TERMS: _Terms = {"exemption_reason": "EXT-FR-FE-189", "exemption_code": "EXT-FR-FE-190"}
_ATTRIBUTE_TERMS: _Terms = {
    "code": "EXT-FR-FE-159",
    "measure": "EXT-FR-FE-160",
    "measure_unit": "EXT-FR-FE-161",
}
_LINE_TERMS: _Terms = {
    "kind": "EXT-FR-FE-163",
    "parent_line": "EXT-FR-FE-162",
    "more_notes": "EXT-FR-FE-183",
    "more_object_ids": "BT-128",
    "order_number": "EXT-FR-FE-135",
    "order_on": "EXT-FR-FE-200",
    "sales_order": {"number": "EXT-FR-FE-144", "line": "EXT-FR-FE-145"},
    "despatch_advice": {"number": "EXT-FR-FE-140", "line": "EXT-FR-FE-141", "issued_on": "EXT-FR-FE-201"},
    "receiving_advice": {"number": "EXT-FR-FE-142", "line": "EXT-FR-FE-143"},
    "preceding": {
        "number": "EXT-FR-FE-136",
        "type_code": "EXT-FR-FE-137",
        "issued_on": "EXT-FR-FE-138",
        "line": "EXT-FR-FE-139",
    },
    "delivery": {
        "location": "EXT-FR-FE-146",
        "name": "EXT-FR-FE-149",
        "address": "EXT-FR-FE-150",
        "delivered_on": "EXT-FR-FE-158",
    },
    "delivery_terms": {"code": "EXT-FR-FE-193", "place": "EXT-FR-FE-194"},
    "seller": "EXT-FR-FE-BG-12",
    "vat_amount": "EXT-FR-FE-181",
    "vat_amount_accounting": "EXT-FR-FE-182",
    "amount_with_vat": "EXT-FR-FE-184",
    "exemption_reason": "EXT-FR-FE-178",
    "exemption_code": "EXT-FR-FE-179",
    "tax_point": "EXT-FR-FE-180",
    "price_discount_reason": "EXT-FR-FE-195",
    "price_discount_code": "EXT-FR-FE-196",
    "units_per_parent": "EXT-FR-FE-191",
}


def _named(value: object, terms: _Terms) -> Iterator[str]:
    for name, term in terms.items():
        inside = getattr(value, name)
        if inside is None or inside == ():
            continue
        if isinstance(term, str):
            yield term
        else:
            yield from _named(inside, term)


def _repeated(document: Document) -> Iterator[str]:
    """Terms of the norm that EXTENDED allows where EN 16931 does not, as far as no other term tells it."""
    if len(document.buyer.identifiers) > 1:
        yield "BT-46"
    if any(row.category in _TAXED and (row.exemption_reason or row.exemption_code) for row in document.vat):
        yield "BT-120"
    if any(attachment.mime in _XML_TYPES for attachment in document.attachments):
        yield "BT-125-1"


_TAXED = frozenset({"S", "Z"})
"""Categories without exemption (BR-S-10, BR-Z-10); EXTENDED names in it the invoice of each of several sellers."""


_XML_TYPES = frozenset({"application/xml", "text/xml"})
"""Types of attachments that EXTENDED adds to those of the norm (BR-FREXT-CL-24)."""


def _of_line(line: Line) -> Iterator[str]:
    yield from _named(line, _LINE_TERMS)
    for attribute in line.attributes:
        yield from _named(attribute, _ATTRIBUTE_TERMS)
