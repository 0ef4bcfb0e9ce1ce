"""10.1: one international invoice in Flux 10, term by term of annexe 6 v1.10 (TG-8)."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

from einvoice.codelists.exemptions import OF_CATEGORY, text_of
from einvoice.composing.vat_rules import EU_COUNTRIES
from einvoice.document import TaxPoint
from einvoice.reporting.file_parts import add, euros, figure

if TYPE_CHECKING:
    from datetime import date

    from lxml import etree

    from einvoice.document import (
        Address,
        AllowanceCharge,
        Delivery,
        Document,
        Line,
        Party,
        PrecedingInvoice,
        VatBreakdown,
    )

PROFILE = "urn.cpro.gouv.fr:1p0:ereporting"
"""TT-29 (A7 S1.12)."""
SIREN, EU_VAT, OUTSIDE_EU, RIDET, TAHITI = "0002", "0223", "0227", "0228", "0229"
"""Schemes of TT-33 and TT-37 (A7 G2.19)."""
_SCHEMES = frozenset({SIREN, EU_VAT, OUTSIDE_EU, RIDET, TAHITI})
_PACIFIC = {"NC": RIDET, "PF": TAHITI}
_NAME_OUTSIDE_EU = 16
"""Characters of the name that identify a company outside the EU, after its country (A7 G2.19)."""
_TAX_POINTS = {TaxPoint.INVOICE: "5", TaxPoint.DELIVERY: "29", TaxPoint.PAYMENT: "72"}
"""UNTDID 2475 (TT-24)."""
_LONGEST_TEXT, _LONGEST_NAME = 1024, 255


def add_invoice(body: etree._Element, document: Document, tax_eur_minor: int, *, with_lines: bool) -> None:
    """One invoice or credit note, amounts as it states them; ``tax_eur_minor`` is its VAT in cents of EUR (TT-52)."""
    invoice = add(body, "Invoice")
    _add_head(invoice, document)
    _add_notes(invoice, document)
    process = add(invoice, "BusinessProcess")
    add(process, "ID", document.process or "")
    add(process, "TypeID", PROFILE)
    for preceding in document.preceding:
        _add_reference(invoice, preceding)
    _add_party(add(invoice, "Seller"), document.seller)
    _add_party(add(invoice, "Buyer"), document.buyer)
    if document.tax_representative:
        representative = add(invoice, "SellerTaxRepresentative")
        add(representative, "TaxRegistrationId", document.tax_representative.vat_id, schemeId="VAT")
    if document.delivery:
        _add_delivery(invoice, document.delivery)
    for each in document.allowances_charges:
        _add_adjustment(invoice, each, with_vat=True)
    totals = add(invoice, "MonetaryTotal")
    add(totals, "TaxExclusiveAmount", f"{document.totals.without_vat:f}")
    add(totals, "TaxAmount", euros(tax_eur_minor), CurrencyCode="EUR")
    for row in document.vat:
        _add_rate(invoice, row)
    for line in document.lines if with_lines else ():
        if line.counts:
            _add_line(invoice, line)


def _add_head(invoice: etree._Element, document: Document) -> None:
    add(invoice, "ID", document.number)
    add(invoice, "IssueDate", document.issued_on)
    add(invoice, "TypeCode", document.type_code)
    add(invoice, "CurrencyCode", document.currency)
    if document.due_on:
        add(invoice, "DueDate", document.due_on)
    if document.tax_point:
        add(invoice, "TaxDueDateTypeCode", _TAX_POINTS[document.tax_point])


def _add_reference(parent: etree._Element, preceding: PrecedingInvoice) -> None:
    """TG-11, of a line TG-40."""
    reference = add(parent, "ReferencedDocument")
    add(reference, "ID", preceding.number)
    if preceding.issued_on:
        add(reference, "IssueDate", preceding.issued_on)


def company_id(party: Party) -> tuple[str, str] | None:
    """How Flux 10 names a company (value and scheme, A7 G2.19); ``None`` where the invoice does not tell."""
    if party.legal_id and party.legal_id.scheme in _SCHEMES:
        return party.legal_id.value, party.legal_id.scheme
    country = party.address.country
    if country in EU_COUNTRIES:
        return (party.vat_id, EU_VAT) if party.vat_id else None
    if country in _PACIFIC:
        return (party.legal_id.value, _PACIFIC[country]) if party.legal_id else None
    return f"{country}{party.name[:_NAME_OUTSIDE_EU]}", OUTSIDE_EU


def _add_party(node: etree._Element, party: Party) -> None:
    found = company_id(party)
    if found:
        add(node, "CompanyId", found[0], schemeId=found[1])
    if party.vat_id:
        add(node, "TaxRegistrationId", party.vat_id, qualifyingId="VAT")
    add(add(node, "PostalAddress"), "CountryId", party.address.country)


def _add_notes(invoice: etree._Element, document: Document) -> None:
    """Notes with a subject: the compulsory mentions (TG-9)."""
    for note in document.notes:
        if note.subject:
            included = add(invoice, "IncludedNote")
            add(included, "Subject", note.subject)
            add(included, "Content", note.text[:_LONGEST_TEXT])


def _add_delivery(invoice: etree._Element, delivery: Delivery) -> None:
    """When and where (TG-17, TG-19), and the period that is invoiced (TG-18)."""
    if delivery.delivered_on or delivery.address:
        node = add(invoice, "Delivery")
        if delivery.delivered_on:
            add(node, "Date", delivery.delivered_on)
        if delivery.address:
            _add_place(add(node, "Location"), delivery.address)
    _add_span(invoice, delivery.period_start, delivery.period_end)


def _add_place(location: etree._Element, address: Address) -> None:
    for tag, value in (
        ("LineOne", address.line1),
        ("LineTwo", address.line2),
        ("LineThree", address.line3),
        ("CityName", address.city),
        ("PostalZone", address.postcode),
        ("CountrySubentity", address.subdivision),
        ("CountryId", address.country),
    ):
        if value:
            add(location, tag, value)


def _add_span(parent: etree._Element, starts_on: date | None, ends_on: date | None) -> None:
    if starts_on or ends_on:
        span = add(parent, "InvoicePeriod")
        if starts_on:
            add(span, "StartDate", starts_on)
        if ends_on:
            add(span, "EndDate", ends_on)


def _add_adjustment(parent: etree._Element, each: AllowanceCharge, *, with_vat: bool) -> None:
    """An allowance or a charge (TG-20, TG-21; of a line TG-26, TG-27, which have no VAT of their own)."""
    node = add(parent, "AllowanceCharge", ChargeIndicator="true" if each.is_charge else "false")
    add(node, "Amount", f"{each.amount:f}")
    if with_vat and each.vat_category:
        add(node, "TaxCategoryCode", each.vat_category)
        add(node, "TaxPercent", figure(each.vat_rate or Decimal(0)))


def _add_rate(invoice: etree._Element, row: VatBreakdown) -> None:
    """TG-23. A category that says itself why there is no VAT may come without code: the rules want both (G1.40)."""
    subtotal = add(invoice, "TaxSubTotal")
    add(subtotal, "TaxableAmount", f"{row.taxable:f}")
    add(subtotal, "TaxAmount", f"{row.tax:f}")
    category = add(subtotal, "TaxCategory")
    add(category, "Code", row.category)
    add(category, "Percent", figure(row.rate or Decimal(0)))
    code = row.exemption_code or OF_CATEGORY.get(row.category)
    reason = row.exemption_reason or (text_of(code) if code else None)
    if reason:
        add(category, "TaxExemptionReason", reason[:_LONGEST_TEXT])
    if code:
        add(category, "TaxExemptionReasonCode", code)


def _add_line(invoice: etree._Element, line: Line) -> None:
    """TG-24."""
    node = add(invoice, "Line")
    if line.note:
        add(add(node, "Note"), "Comment", line.note[:_LONGEST_TEXT])
    if line.quantity is not None:
        add(node, "BilledQuantity", f"{line.quantity:f}", **({"UnitCode": line.unit} if line.unit else {}))
    if line.preceding and line.preceding.number:
        _add_reference(node, line.preceding)
    if line.delivery and line.delivery.address:
        address = replace(line.delivery.address, line2=None, line3=None)  # TG-42 has one line of address
        _add_place(add(add(node, "Delivery"), "Location"), address)
    _add_span(node, line.period_start, line.period_end)
    for each in line.allowances_charges:
        _add_adjustment(node, each, with_vat=False)
    if line.net_price is not None:
        _add_price(add(node, "Price"), line)
    add(add(node, "Product"), "Name", line.name[:_LONGEST_NAME])


def _add_price(price: etree._Element, line: Line) -> None:
    for tag, value in (
        ("PriceAmount", line.net_price),
        ("AllowanceChargeAmount", line.price_discount),
        ("AllowanceChargeBaseAmount", line.gross_price),
    ):
        if value is not None:
            add(price, tag, f"{value:f}")
