"""The few facts of an invoice that decide which rules apply, and those that our own rules test, from CII or UBL."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from einvoice.document import FRENCH_VAT_TERRITORY
from einvoice.validation.standards import Syntax

if TYPE_CHECKING:
    from lxml import etree

_NAMESPACES = {
    "rsm": "urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100",
    "ram": "urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100",
    "cac": "urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2",
    "cbc": "urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2",
}
_TRADE = "rsm:SupplyChainTradeTransaction/ram:ApplicableHeaderTradeAgreement"
_CII_PATHS = {
    "specification": "rsm:ExchangedDocumentContext/ram:GuidelineSpecifiedDocumentContextParameter/ram:ID",
    "seller_country": f"{_TRADE}/ram:SellerTradeParty/ram:PostalTradeAddress/ram:CountryID",
    "buyer_country": f"{_TRADE}/ram:BuyerTradeParty/ram:PostalTradeAddress/ram:CountryID",
}
_UBL_COUNTRY = "cac:Party/cac:PostalAddress/cac:Country/cbc:IdentificationCode"
_UBL_PATHS = {
    "specification": "cbc:CustomizationID",
    "seller_country": f"cac:AccountingSupplierParty/{_UBL_COUNTRY}",
    "buyer_country": f"cac:AccountingCustomerParty/{_UBL_COUNTRY}",
}
_UBL_NOTE = re.compile(r"#([A-Z]{3})#(.*)", re.DOTALL)
"""UBL has no subject element: a French note is written ``#PMT#text``."""
_CII_DAY_FORMAT = "102"


@dataclass(frozen=True, slots=True)
class Note:
    """BT-21 and BT-22 of a note on the document, and where it stands."""

    subject: str
    text: str
    element: etree._Element


@dataclass(frozen=True, slots=True)
class InvoiceFacts:
    """What the root element says; reads on demand, holds nothing but the tree."""

    root: etree._Element
    syntax: Syntax

    @property
    def specification_element(self) -> etree._Element | None:
        """The element of BT-24."""
        return self._first("specification")

    @property
    def specification(self) -> str | None:
        """BT-24, without surrounding blanks."""
        return self._text("specification")

    @property
    def between_french_parties(self) -> bool:
        """Whether seller (BT-40) and buyer (BT-55) both have their address where French VAT applies.

        The country alone decides, not the SIREN: a French buyer whose SIREN was forgotten must be found by the French
        rules, not escape them. A sale to a consumer is for the caller to tell.
        """
        return {self._text("seller_country"), self._text("buyer_country")} <= FRENCH_VAT_TERRITORY

    def identifiers(self, scheme: str) -> list[etree._Element]:
        """All identifiers with this ISO 6523 scheme, of any party."""
        return [element for element in self.root.iter() if element.get("schemeID") == scheme]

    def notes(self) -> list[Note]:
        """The document's notes that have a subject code."""
        if self.syntax is Syntax.CII:
            found = self.root.iterfind("rsm:ExchangedDocument/ram:IncludedNote", _NAMESPACES)
            return [
                Note(
                    (element.findtext("ram:SubjectCode", "", _NAMESPACES) or "").strip(),
                    element.findtext("ram:Content", "", _NAMESPACES) or "",
                    element,
                )
                for element in found
            ]
        notes = []
        for element in self.root.iterfind("cbc:Note", _NAMESPACES):
            written = _UBL_NOTE.match((element.text or "").strip())
            if written:
                notes.append(Note(written.group(1), written.group(2), element))
        return notes

    def day_texts(self) -> list[etree._Element]:
        """The CII elements that hold a day as ``YYYYMMDD`` (format 102). UBL's are checked by its XSD."""
        if self.syntax is not Syntax.CII:
            return []
        return [
            element
            for element in self.root.iter("{*}DateTimeString", "{*}DateString")
            if element.get("format") == _CII_DAY_FORMAT
        ]

    def _first(self, fact: str) -> etree._Element | None:
        paths = _CII_PATHS if self.syntax is Syntax.CII else _UBL_PATHS
        return self.root.find(paths[fact], _NAMESPACES)

    def _text(self, fact: str) -> str | None:
        element = self._first(fact)
        return (element.text or "").strip() if element is not None else None
