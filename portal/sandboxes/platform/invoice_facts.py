"""What the platform reads from an invoice: an own small reader, so that the sandbox judges us by other eyes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING

from einvoice.document import FRENCH_ADDRESS_SCHEME, SIREN_SCHEME, Identifier
from receivables.domain.invoicing.invoices import CREDIT_NOTES

if TYPE_CHECKING:
    from lxml.etree import _Element


class UnreadableInvoiceError(ValueError):
    """The XML is no invoice that the platform can route; the sentence names what is missing."""


@dataclass(frozen=True, slots=True)
class PartyFacts:
    """A party of the invoice: its name, legal identifier and electronic address."""

    name: str
    legal_id: Identifier | None
    address: Identifier | None

    @property
    def siren(self) -> str | None:
        """The legal identifier where it is a SIREN."""
        return self.legal_id.value if self.legal_id and self.legal_id.scheme == SIREN_SCHEME else None

    @property
    def reachable_at(self) -> Identifier | None:
        """The electronic address, or the bare SIREN, which is an address of its own (scheme 0225)."""
        return self.address or (Identifier(self.siren, FRENCH_ADDRESS_SCHEME) if self.siren else None)


@dataclass(frozen=True, slots=True)
class InvoiceFacts:
    """BT-1, BT-3, BT-2, both parties, currency, total (BT-112), rounding (BT-114) and total per VAT rate.

    ``order`` is BT-13, ``specification`` BT-24.
    """

    syntax: str
    number: str
    type_code: str
    issued_on: date
    seller: PartyFacts
    buyer: PartyFacts
    currency: str
    total: Decimal
    rounding: Decimal
    by_rate: dict[Decimal, Decimal]
    order: str | None = None
    specification: str = ""

    @property
    def profile(self) -> str:
        """The norm's ``flowProfile``."""
        if "extended" in self.specification:
            return "Extended-CTC-FR"
        return "Basic" if "basic" in self.specification else "CIUS"

    @property
    def is_credit_note(self) -> bool:
        """Whether its money flows from the seller to the buyer."""
        return self.type_code in CREDIT_NOTES

    @property
    def key(self) -> tuple[str, str, int]:
        """Seller, number and year: no platform takes the same twice."""
        return self.seller.siren or self.seller.name, self.number, self.issued_on.year


def read_facts(root: _Element) -> InvoiceFacts:
    """The facts of a CII or UBL invoice.

    Raises:
        UnreadableInvoiceError: another document, or one that lacks what routing needs.
    """
    local = root.tag.rpartition("}")[2] if isinstance(root.tag, str) else ""
    if local == "CrossIndustryInvoice":
        return _read_cii(root)
    if local in {"Invoice", "CreditNote"}:
        return _read_ubl(root, local)
    raise UnreadableInvoiceError(f"The root element {local} is neither a CII nor a UBL invoice.")


def _read_cii(root: _Element) -> InvoiceFacts:
    trade = "SupplyChainTradeTransaction"
    agreement, settlement = f"{trade}/ApplicableHeaderTradeAgreement", f"{trade}/ApplicableHeaderTradeSettlement"
    summation = f"{settlement}/SpecifiedTradeSettlementHeaderMonetarySummation"

    def party(name: str) -> PartyFacts:
        path = f"{agreement}/{name}"
        return PartyFacts(
            name=_find(root, f"{path}/Name") or name,
            legal_id=_identifier(root, f"{path}/SpecifiedLegalOrganization/ID"),
            address=_identifier(root, f"{path}/URIUniversalCommunication/URIID"),
        )

    return InvoiceFacts(
        syntax="CII",
        number=_need(root, "ExchangedDocument/ID"),
        type_code=_need(root, "ExchangedDocument/TypeCode"),
        issued_on=_day(_need(root, "ExchangedDocument/IssueDateTime/DateTimeString")),
        seller=party("SellerTradeParty"),
        buyer=party("BuyerTradeParty"),
        currency=_need(root, f"{settlement}/InvoiceCurrencyCode"),
        total=_amount(_need(root, f"{summation}/GrandTotalAmount")),
        rounding=_amount(_find(root, f"{summation}/RoundingAmount") or "0"),
        by_rate=_by_rate(
            root, f"{settlement}/ApplicableTradeTax", ("RateApplicablePercent", "BasisAmount", "CalculatedAmount")
        ),
        order=_find(root, f"{agreement}/BuyerOrderReferencedDocument/IssuerAssignedID"),
        specification=_find(root, "ExchangedDocumentContext/GuidelineSpecifiedDocumentContextParameter/ID") or "",
    )


def _read_ubl(root: _Element, local: str) -> InvoiceFacts:
    totals = "LegalMonetaryTotal"

    def party(name: str) -> PartyFacts:
        path = f"{name}/Party"
        return PartyFacts(
            name=_find(root, f"{path}/PartyLegalEntity/RegistrationName") or name,
            legal_id=_identifier(root, f"{path}/PartyLegalEntity/CompanyID"),
            address=_identifier(root, f"{path}/EndpointID"),
        )

    return InvoiceFacts(
        syntax="UBL",
        number=_need(root, "ID"),
        type_code=_need(root, f"{local}TypeCode"),
        issued_on=_day(_need(root, "IssueDate")),
        seller=party("AccountingSupplierParty"),
        buyer=party("AccountingCustomerParty"),
        currency=_need(root, "DocumentCurrencyCode"),
        total=_amount(_need(root, f"{totals}/TaxInclusiveAmount")),
        rounding=_amount(_find(root, f"{totals}/PayableRoundingAmount") or "0"),
        by_rate=_by_rate(root, "TaxTotal/TaxSubtotal", ("TaxCategory/Percent", "TaxableAmount", "TaxAmount")),
        order=_find(root, "OrderReference/ID"),
        specification=_find(root, "CustomizationID") or "",
    )


def _by_rate(root: _Element, path: str, names: tuple[str, str, str]) -> dict[Decimal, Decimal]:
    """VAT-included total by rate; a category without a rate (exempt) counts as zero percent."""
    totals: dict[Decimal, Decimal] = {}
    for tax in root.iterfind(_any(path)):
        rate, base, vat = (_amount(_find(tax, name) or "0") for name in names)
        totals[rate] = totals.get(rate, Decimal(0)) + base + vat
    return totals


def _any(path: str) -> str:
    return "/".join(f"{{*}}{step}" for step in path.split("/"))


def _find(node: _Element, path: str) -> str | None:
    return (node.findtext(_any(path)) or "").strip() or None


def _need(node: _Element, path: str) -> str:
    text = _find(node, path)
    if text is None:
        raise UnreadableInvoiceError(f"The invoice has no {path}.")
    return text


def _identifier(node: _Element, path: str) -> Identifier | None:
    found = node.find(_any(path))
    value = (found.text or "").strip() if found is not None else ""
    return Identifier(value, found.get("schemeID")) if found is not None and value else None


def _amount(text: str) -> Decimal:
    try:
        value = Decimal(text)
    except InvalidOperation as error:
        raise UnreadableInvoiceError(f"{text!r} is not an amount.") from error
    if not value.is_finite():
        raise UnreadableInvoiceError(f"{text!r} is not an amount.")
    return value


def _day(text: str) -> date:
    """``20260915`` (CII) or ``2026-09-15`` (UBL)."""
    try:
        return datetime.fromisoformat(text[:10]).date()
    except ValueError as error:
        raise UnreadableInvoiceError(f"{text!r} is not a date.") from error
