"""What the header and the lines of a CII share: names, codes, dates, identifiers, allowances."""

from __future__ import annotations

from typing import TYPE_CHECKING

from einvoice.document import Line, TaxPoint
from einvoice.formats.tree import Elements, money, plain

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date
    from decimal import Decimal

    from einvoice.document import AllowanceCharge, DeliveryTerms, Identifier, Note, PrecedingInvoice
    from einvoice.formats.tree import Node

NAMESPACES = {
    "rsm": "urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100",
    "ram": "urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100",
    "qdt": "urn:un:unece:uncefact:data:standard:QualifiedDataType:100",
    "udt": "urn:un:unece:uncefact:data:standard:UnqualifiedDataType:100",
}
TAX_POINTS = {TaxPoint.INVOICE: "5", TaxPoint.DELIVERY: "29", TaxPoint.PAYMENT: "72"}
"""BT-8 in CII: UNTDID 2475."""
TENDER, OBJECT, SUPPORTING = "50", "130", "916"
"""UNTDID 1001 codes of an AdditionalReferencedDocument: BT-17, BT-18 (and BT-128), BG-24."""

DATE_FORMAT = "102"
"""UNTDID 2379: YYYYMMDD."""

XML = Elements(NAMESPACES)
leaf, group = XML.leaf, XML.group


def note(each: Note) -> Node:
    """BG-1, or a note of a line."""
    return group("ram:IncludedNote", leaf("ram:Content", each.text), leaf("ram:SubjectCode", each.subject))


def day(value: date | None) -> Node:
    """A date in format 102."""
    return leaf("udt:DateTimeString", f"{value:%Y%m%d}" if value else None, format=DATE_FORMAT)


def typed_reference(value: str | None, type_code: str, scheme: str | None = None) -> Node:
    """A referenced document told apart by its code: BT-17, BT-18 or BT-128."""
    if value is None:
        return None
    return group(
        "ram:AdditionalReferencedDocument",
        leaf("ram:IssuerAssignedID", value),
        leaf("ram:TypeCode", type_code),
        leaf("ram:ReferenceTypeCode", scheme),
    )


def reference(name: str, number: str | None, *more: Node, line: str | None = None, on: date | None = None) -> Node:
    """A referenced document: its number, the line in it and its date, with ``more`` before the date."""
    if number is None and line is None:
        return None
    return group(
        name,
        leaf("ram:IssuerAssignedID", number),
        leaf("ram:LineID", line),
        *more,
        group("ram:FormattedIssueDateTime", leaf("qdt:DateTimeString", f"{on:%Y%m%d}", format=DATE_FORMAT))
        if on
        else None,
    )


def preceding_invoice(each: PrecedingInvoice | None) -> Node:
    """BG-3, or the preceding invoice of a line."""
    if each is None:
        return None
    return reference(
        "ram:InvoiceReferencedDocument",
        each.number,
        leaf("ram:TypeCode", each.type_code),
        line=each.line,
        on=each.issued_on,
    )


def delivery_terms(terms: DeliveryTerms | None) -> Node:
    """The Incoterms of the document or of a line."""
    if terms is None:
        return None
    return group(
        "ram:ApplicableTradeDeliveryTerms",
        leaf("ram:DeliveryTypeCode", terms.code),
        group("ram:RelevantTradeLocation", leaf("ram:Name", terms.place)),
    )


def delivered(on: date | None) -> Node:
    """BT-72, or the delivery date of a line."""
    return group("ram:ActualDeliverySupplyChainEvent", group("ram:OccurrenceDateTime", day(on)))


def object_reference(value: Identifier | None) -> Node:
    """BT-18 or BT-128: the invoiced object, with the scheme of UNTDID 1153."""
    return typed_reference(value.value, OBJECT, value.scheme) if value else None


def identifiers(them: tuple[Identifier, ...]) -> Iterator[Node]:
    """The schema puts identifiers without a scheme before those with one."""
    for each in sorted(them, key=lambda one: one.scheme is not None):
        yield identifier("ram:GlobalID" if each.scheme else "ram:ID", each)


def identifier(name: str, value: Identifier | None) -> Node:
    """An identifier with its scheme."""
    return leaf(name, value.value, schemeID=value.scheme) if value else None


def period(start: date | None, end: date | None) -> Node:
    """BG-14 or BG-26: an invoicing period."""
    return group(
        "ram:BillingSpecifiedPeriod",
        group("ram:StartDateTime", day(start)),
        group("ram:EndDateTime", day(end)),
    )


def allowance_charge(each: AllowanceCharge) -> Node:
    """BG-20, BG-21, BG-27 or BG-28."""
    return group(
        "ram:SpecifiedTradeAllowanceCharge",
        group("ram:ChargeIndicator", leaf("udt:Indicator", "true" if each.is_charge else "false")),
        leaf("ram:CalculationPercent", plain(each.percent)),
        leaf("ram:BasisAmount", money(each.base_amount)),
        leaf("ram:ActualAmount", money(each.amount)),
        leaf("ram:ReasonCode", each.reason_code),
        leaf("ram:Reason", each.reason),
        category("ram:CategoryTradeTax", each.vat_category, each.vat_rate, each),
    )


def category(name: str, code: str | None, rate: Decimal | None, taxed: AllowanceCharge | Line) -> Node:
    """A VAT category with its rate in percent, and with what the EXTENDED profiles say more of ``taxed``."""
    if code is None:
        return None
    tax_point = taxed.tax_point if isinstance(taxed, Line) else None
    return group(
        name,
        leaf("ram:TypeCode", "VAT"),
        leaf("ram:ExemptionReason", taxed.exemption_reason),
        leaf("ram:CategoryCode", code),
        leaf("ram:ExemptionReasonCode", taxed.exemption_code),
        leaf("ram:DueDateTypeCode", TAX_POINTS[tax_point] if tax_point else None),
        leaf("ram:RateApplicablePercent", plain(rate)),
    )
