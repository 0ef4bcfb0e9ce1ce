"""The few facts of an invoice that decide which rules apply, and those that our own rules test, from CII or UBL."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
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
_SHIPPING = "rsm:SupplyChainTradeTransaction/ram:ApplicableHeaderTradeDelivery"
_SETTLEMENT = "rsm:SupplyChainTradeTransaction/ram:ApplicableHeaderTradeSettlement"
_CII_PATHS = {
    "specification": "rsm:ExchangedDocumentContext/ram:GuidelineSpecifiedDocumentContextParameter/ram:ID",
    "seller_country": f"{_TRADE}/ram:SellerTradeParty/ram:PostalTradeAddress/ram:CountryID",
    "buyer_country": f"{_TRADE}/ram:BuyerTradeParty/ram:PostalTradeAddress/ram:CountryID",
    "delivery_country": f"{_SHIPPING}/ram:ShipToTradeParty/ram:PostalTradeAddress/ram:CountryID",
    "seller_postcode": f"{_TRADE}/ram:SellerTradeParty/ram:PostalTradeAddress/ram:PostcodeCode",
    "buyer_postcode": f"{_TRADE}/ram:BuyerTradeParty/ram:PostalTradeAddress/ram:PostcodeCode",
    "delivery_postcode": f"{_SHIPPING}/ram:ShipToTradeParty/ram:PostalTradeAddress/ram:PostcodeCode",
    "type_code": "rsm:ExchangedDocument/ram:TypeCode",
    "issued_on": "rsm:ExchangedDocument/ram:IssueDateTime/{*}DateTimeString",
    "due_on": f"{_SETTLEMENT}/ram:SpecifiedTradePaymentTerms/ram:DueDateDateTime/{{*}}DateTimeString",
}
_UBL_COUNTRY = "cac:Party/cac:PostalAddress/cac:Country/cbc:IdentificationCode"
_UBL_DELIVERY = "cac:Delivery/cac:DeliveryLocation/cac:Address"
_UBL_PATHS = {
    "specification": "cbc:CustomizationID",
    "seller_country": f"cac:AccountingSupplierParty/{_UBL_COUNTRY}",
    "buyer_country": f"cac:AccountingCustomerParty/{_UBL_COUNTRY}",
    "delivery_country": f"{_UBL_DELIVERY}/cac:Country/cbc:IdentificationCode",
    "seller_postcode": "cac:AccountingSupplierParty/cac:Party/cac:PostalAddress/cbc:PostalZone",
    "buyer_postcode": "cac:AccountingCustomerParty/cac:Party/cac:PostalAddress/cbc:PostalZone",
    "delivery_postcode": f"{_UBL_DELIVERY}/cbc:PostalZone",
    "issued_on": "cbc:IssueDate",
}
_UBL_DUE = ("cbc:DueDate", "cac:PaymentMeans/cbc:PaymentDueDate")
_UBL_TYPES = ("cbc:InvoiceTypeCode", "cbc:CreditNoteTypeCode")
"""Where invoices and credit notes differ."""
_UBL_NOTE = re.compile(r"#([A-Z]{3})#(.*)", re.DOTALL)
"""UBL has no subject element: a French note is written ``#PMT#text``."""
_CII_DAY_FORMAT = "102"
_CII_RATE = "ram:RateApplicablePercent"
_DAY_PATTERN = re.compile(r"(\d{4})-?(\d{2})-?(\d{2})")


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

    @property
    def places(self) -> tuple[tuple[str, str], ...]:
        """Country and post code of the seller, the buyer and the delivery, as far as they are told."""
        return tuple(
            (country, self._text(f"{party}_postcode") or "")
            for party in ("seller", "buyer", "delivery")
            if (country := self._text(f"{party}_country"))
        )

    @property
    def type_code(self) -> str | None:
        """BT-3."""
        if self.syntax is Syntax.CII:
            return self._text("type_code")
        return next((found for path in _UBL_TYPES if (found := self._text_at(path))), None)

    @property
    def issued_on(self) -> date | None:
        """BT-2, where it is a day."""
        return _day(self._text("issued_on"))

    @property
    def due_element(self) -> etree._Element | None:
        """The element of BT-9."""
        if self.syntax is Syntax.CII:
            return self._first("due_on")
        found = (self.root.find(path, _NAMESPACES) for path in _UBL_DUE)
        return next((element for element in found if element is not None), None)

    @property
    def due_on(self) -> date | None:
        """BT-9, where it is a day."""
        element = self.due_element
        return _day(element.text) if element is not None else None

    def standard_rates(self) -> list[tuple[Decimal, etree._Element]]:
        """BT-119 of each row of category S, with its element."""
        if self.syntax is Syntax.CII:
            rows, category, rate = f"{_SETTLEMENT}/ram:ApplicableTradeTax", "ram:CategoryCode", _CII_RATE
        else:
            rows, category, rate = "cac:TaxTotal/cac:TaxSubtotal/cac:TaxCategory", "cbc:ID", "cbc:Percent"
        found = []
        for row in self.root.iterfind(rows, _NAMESPACES):
            element = row.find(rate, _NAMESPACES)
            if element is None or (row.findtext(category, "", _NAMESPACES) or "").strip() != "S":
                continue
            try:
                found.append((Decimal((element.text or "").strip()), element))
            except InvalidOperation:
                continue  # the XSD or BR-FR-16 has told it
        return found

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

    def _text_at(self, path: str) -> str | None:
        found = self.root.findtext(path, None, _NAMESPACES)
        return found.strip() if found else None


def _day(text: str | None) -> date | None:
    """The day written ``YYYYMMDD`` (CII) or ``YYYY-MM-DD`` (UBL)."""
    written = _DAY_PATTERN.match((text or "").strip())
    if not written:
        return None
    year, month, day = (int(part) for part in written.groups())
    try:
        return date(year, month, day)
    except ValueError:
        return None
