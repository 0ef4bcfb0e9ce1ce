"""What the header and the lines of a CII share: names, codes, dates, identifiers, allowances."""

from __future__ import annotations

from typing import TYPE_CHECKING

from einvoice.document import TaxPoint
from einvoice.formats.tree import Elements, money, plain

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date
    from decimal import Decimal

    from einvoice.document import AllowanceCharge, Identifier
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
        category("ram:CategoryTradeTax", each.vat_category, each.vat_rate),
    )


def category(name: str, code: str | None, rate: Decimal | None) -> Node:
    """A VAT category with its rate in percent."""
    if code is None:
        return None
    return group(
        name,
        leaf("ram:TypeCode", "VAT"),
        leaf("ram:CategoryCode", code),
        leaf("ram:RateApplicablePercent", plain(rate)),
    )
