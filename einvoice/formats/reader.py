"""Reading any UBL or CII invoice, and telling honestly what of it the document does not carry."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Literal

from lxml import etree

from config import safe_xml
from einvoice.errors import ReadError
from einvoice.formats import cii_terms, ubl_terms
from einvoice.formats.cii import write_cii
from einvoice.formats.cii_reader import read_cii
from einvoice.formats.place import path_of, text_of
from einvoice.formats.ubl import write_ubl
from einvoice.formats.ubl_reader import read_ubl

if TYPE_CHECKING:
    from collections.abc import Iterator

    from einvoice.document import Document

Syntax = Literal["cii", "ubl"]

_CII = f"{{{cii_terms.NAMESPACES['rsm']}}}CrossIndustryInvoice"
_UBL = {f"{{{ubl_terms.INVOICE}}}Invoice", f"{{{ubl_terms.CREDIT_NOTE}}}CreditNote"}
_PREFIXES = {
    "cii": cii_terms.NAMESPACES,
    "ubl": {"ubl": ubl_terms.INVOICE, "cn": ubl_terms.CREDIT_NOTE, **ubl_terms.NAMESPACES},
}
_KNOWN_OTHERS = {
    "SCRDMCCBDACIOMessageStructure": ("an ORDER-X order", "une commande ORDER-X"),
    "CrossDomainAcknowledgementAndResponse": ("a life-cycle message (CDAR)", "un message de cycle de vie (CDAR)"),
    "CrossIndustryDocument": (
        "a ZUGFeRD 1.0 invoice, a format of 2014 that EN 16931 replaced",
        "une facture ZUGFeRD 1.0, un format de 2014 que la norme EN 16931 a remplacé",
    ),
    "Order": ("a UBL order", "une commande UBL"),
    "OrderResponse": ("a UBL order response", "une réponse à commande UBL"),
    "DespatchAdvice": ("a UBL despatch advice", "un avis d'expédition UBL"),
    "ReceiptAdvice": ("a UBL receipt advice", "un avis de réception UBL"),
    "Reminder": ("a UBL reminder", "une relance UBL"),
    "Statement": ("a UBL statement", "un relevé UBL"),
    "Catalogue": ("a UBL catalogue", "un catalogue UBL"),
    "StandardBusinessDocument": (
        "a transport envelope (SBDH), take the invoice out of it",
        "une enveloppe de transport (SBDH), extrayez-en la facture",
    ),
    "AttachedDocument": (
        "a UBL envelope (AttachedDocument), take the invoice out of it",
        "une enveloppe UBL (AttachedDocument), extrayez-en la facture",
    ),
    "ApplicationResponse": ("a UBL response", "une réponse UBL"),
    "Report": ("an e-reporting file (Flux 10)", "un fichier d'e-reporting (Flux 10)"),
}
_NUMBER = re.compile(r"[+-]?\d+(\.\d*)?")
_BOOLEANS = {"0": "false", "1": "true"}
_FLAGS = {"ChargeIndicator", "Indicator"}
_LINES = {"IncludedSupplyChainTradeLineItem", "InvoiceLine", "CreditNoteLine"}
_SCHEMA_LOCATION = "{http://www.w3.org/2001/XMLSchema-instance}schemaLocation"


@dataclass(frozen=True, slots=True)
class ReadInvoice:
    """A file read: ``profile`` is BT-24 as the file has it, ``beside`` the XPaths of values the document lacks."""

    document: Document
    syntax: Syntax
    profile: str
    beside: tuple[str, ...]


def syntax_of(root: etree._Element) -> Syntax:
    """Which syntax the root element announces.

    Raises:
        ReadError: ``invoice.not_an_invoice`` where it is another document, saying what was found.
    """
    if root.tag == _CII:
        return "cii"
    if root.tag in _UBL:
        return "ubl"
    local, name = etree.QName(root).localname[:100], str(root.tag)[:200]
    found, found_fr = _KNOWN_OTHERS.get(local, (f"<{name}>", f"<{name}>"))
    raise ReadError(
        "invoice.not_an_invoice",
        f"This file is {found}, not an invoice. Send a UBL Invoice or CreditNote, or a CII CrossIndustryInvoice.",
        f"Ce fichier est {found_fr}, pas une facture. Envoyez une Invoice ou CreditNote UBL, ou une "
        "CrossIndustryInvoice CII.",
        place=f"/{local}",
    )


def read_xml(root: etree._Element) -> ReadInvoice:
    """The invoice under ``root``, which ``config.safe_xml.parse`` gave.

    Raises:
        ReadError: ``invoice.not_an_invoice``, ``invoice.only_minimum``, ``invoice.bad_value`` or
            ``invoice.missing_term``.
    """
    syntax = syntax_of(root)
    if syntax == "cii":
        _refuse_minimum(root)
        document = read_cii(root)
        written = write_cii(document, whole=True)
    else:
        document = read_ubl(root)
        written = write_ubl(document)
    return ReadInvoice(document, syntax, document.profile, _beside(root, safe_xml.parse(written), document, syntax))


_PROFILE = "rsm:ExchangedDocumentContext/ram:GuidelineSpecifiedDocumentContextParameter/ram:ID"
_MINIMUM = re.compile(r"urn:(factur-x\.eu:1p0|zugferd\.de:2p0):minimum")


def _refuse_minimum(root: etree._Element) -> None:
    """MINIMUM has neither VAT table nor sum of lines: Factur-X itself calls it an aid to booking, not an invoice."""
    profile = root.findtext(_PROFILE, "", cii_terms.NAMESPACES).strip()
    if not _MINIMUM.fullmatch(profile):
        return
    raise ReadError(
        "invoice.only_minimum",
        f"The profile is MINIMUM ({profile}), which lacks most of what an invoice must say. Ask for the file in BASIC "
        "WL, EN 16931 or EXTENDED.",
        f"Le profil est MINIMUM ({profile}), auquel manque l'essentiel de ce qu'une facture doit porter. Demandez le "
        "fichier en BASIC WL, EN 16931 ou EXTENDED.",
        term="BT-24",
        place=f"/rsm:CrossIndustryInvoice/{_PROFILE}",
    )


def _beside(root: etree._Element, ours: etree._Element, document: Document, syntax: Syntax) -> tuple[str, ...]:
    """The XPaths of the input's values that do not come out again when the document is written in its syntax."""
    kept = Counter(key for _, key in _leaves(ours))
    missing = []
    for path, key in _leaves(root):
        if kept[key]:
            kept[key] -= 1
        elif not _is_implied(key, document):
            element, attribute = path
            missing.append(path_of(element, _PREFIXES[syntax]) + (f"/@{attribute}" if attribute else ""))
    return tuple(missing)


_Leaf = tuple[tuple[etree._Element, str], tuple[str, str]]  # noqa: SLF001 - lxml has no public name for the type


def _leaves(root: etree._Element) -> Iterator[_Leaf]:
    """Every text and attribute: the element and attribute name, and a key to compare them by.

    The key's path has no positions, because the syntaxes do not keep the order of identifiers; only the lines are told
    apart, so that a value of one line cannot stand for that of another.
    """
    numbers: Counter[str] = Counter()
    for child in root:
        if isinstance(child.tag, str):
            yield from _leaves_below(child, "", numbers)
    yield from _attributes(root, "")


def _leaves_below(element: etree._Element, above: str, numbers: Counter[str]) -> Iterator[_Leaf]:
    local = str(element.tag).rpartition("}")[2]
    path = f"{above}/{local}"
    if local in _LINES:
        numbers[local] += 1
        path = f"{path}[{numbers[local]}]"
    children = [child for child in element if isinstance(child.tag, str)]
    text = text_of(element)
    if text:
        yield (element, ""), (path, _BOOLEANS.get(text, text) if local in _FLAGS else _comparable(text))
    yield from _attributes(element, path)
    for child in children:
        yield from _leaves_below(child, path, numbers)


def _attributes(element: etree._Element, path: str) -> Iterator[_Leaf]:
    for name, value in element.attrib.items():
        if str(name) != _SCHEMA_LOCATION and str(value).strip():
            yield (element, str(name)), (f"{path}/@{name}", _comparable(str(value)))


def _comparable(text: str) -> str:
    """Numbers compare by value (``20`` and ``20.00``), other text without outer white space."""
    text = text.strip()
    if _NUMBER.fullmatch(text) and len(text.partition(".")[0]) < len(text):
        return format(Decimal(text).normalize(), "f")
    return text


def _is_implied(key: tuple[str, str], document: Document) -> bool:
    """Whether the rest already says it: the currency of an amount (stated once, BT-5), the version of the syntax."""
    path, value = key
    if path == "/UBLVersionID":
        return value.startswith("2.")
    return path.endswith("/@currencyID") and value == document.currency
