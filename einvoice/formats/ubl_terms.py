"""What the header and the lines of a UBL invoice or credit note share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from einvoice.document import TaxPoint
from einvoice.formats.tree import Elements, money, plain

if TYPE_CHECKING:
    from datetime import date
    from decimal import Decimal

    from einvoice.document import AllowanceCharge, Identifier
    from einvoice.formats.tree import Node

INVOICE = "urn:oasis:names:specification:ubl:schema:xsd:Invoice-2"
CREDIT_NOTE = "urn:oasis:names:specification:ubl:schema:xsd:CreditNote-2"
NAMESPACES = {
    "cac": "urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2",
    "cbc": "urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2",
}
TAX_POINTS = {TaxPoint.INVOICE: "3", TaxPoint.DELIVERY: "35", TaxPoint.PAYMENT: "432"}
"""BT-8 in UBL: UNTDID 2005."""
OBJECT, PROJECT = "130", "50"
"""UNTDID 1001 codes of an AdditionalDocumentReference: BT-18 (and BT-128), and BT-11 in a credit note."""
UNDEFINED_MEANS = "1"
"""UNTDID 4461 *instrument not defined*: a credit note carries BT-9 only inside PaymentMeans, which needs a code."""
NO_ORDER = "NA"
"""OrderReference/ID is compulsory in UBL even where only the sales order (BT-14) is known."""

XML = Elements(NAMESPACES)
leaf, group = XML.leaf, XML.group


def day(name: str, value: date | None) -> Node:
    """A date in ISO 8601."""
    return leaf(name, value.isoformat() if value else None)


def identifier(name: str, value: Identifier | None) -> Node:
    """An identifier with its scheme."""
    return leaf(name, value.value, schemeID=value.scheme) if value else None


def amount(name: str, value: Decimal | None, currency: str | None) -> Node:
    """An amount with its currency."""
    return leaf(name, money(value), currencyID=currency)


def tax_scheme(code: str) -> Node:
    """The tax that a category or a registration belongs to."""
    return group("cac:TaxScheme", leaf("cbc:ID", code))


def category(name: str, code: str | None, rate: Decimal | None, *exemption: Node) -> Node:
    """A VAT category with its rate in percent, and with its exemption in BG-23."""
    if code is None:
        return None
    return group(name, leaf("cbc:ID", code), leaf("cbc:Percent", plain(rate)), *exemption, tax_scheme("VAT"))


def allowance_charge(each: AllowanceCharge, currency: str) -> Node:
    """BG-20, BG-21, BG-27 or BG-28."""
    return group(
        "cac:AllowanceCharge",
        leaf("cbc:ChargeIndicator", "true" if each.is_charge else "false"),
        leaf("cbc:AllowanceChargeReasonCode", each.reason_code),
        leaf("cbc:AllowanceChargeReason", each.reason),
        leaf("cbc:MultiplierFactorNumeric", plain(each.percent)),
        amount("cbc:Amount", each.amount, currency),
        amount("cbc:BaseAmount", each.base_amount, currency),
        category("cac:TaxCategory", each.vat_category, each.vat_rate),
    )
