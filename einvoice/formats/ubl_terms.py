"""What the header and the lines of a UBL invoice or credit note share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from einvoice.document import TaxPoint
from einvoice.formats.tree import Elements, money, plain

if TYPE_CHECKING:
    from datetime import date
    from decimal import Decimal

    from einvoice.document import AllowanceCharge, DeliveryTerms, Identifier, Note, PrecedingInvoice
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
CREDITOR_SCHEME = "SEPA"
"""BT-90 is a party identifier with this scheme."""
UNDEFINED_MEANS = "1"
"""UNTDID 4461 *instrument not defined*: a credit note carries BT-9 only inside PaymentMeans, which needs a code."""
NO_ORDER = "NA"
"""UBL wants a number or line of an order or despatch advice even where another term of the reference is all we know.

So it stands for BT-13 beside a mere BT-14 and, by line, for BT-132, EXT-FR-FE-135, -140, -141, -142 and -143."""

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


def category(name: str, code: str | None, rate: Decimal | None, *exempt: Node) -> Node:
    """A VAT category with its rate in percent and its exemption."""
    if code is None:
        return None
    return group(name, leaf("cbc:ID", code), leaf("cbc:Percent", plain(rate)), *exempt, tax_scheme("VAT"))


def exemption(code: str | None, reason: str | None) -> tuple[Node, Node]:
    """BT-121 and BT-120, or what the EXTENDED profiles have of them at lines, allowances and charges."""
    return leaf("cbc:TaxExemptionReasonCode", code), leaf("cbc:TaxExemptionReason", reason)


def note_text(each: Note) -> str:
    """BG-1, or a note of a line, as France writes it: the subject code in front."""
    return f"#{each.subject}#{each.text}" if each.subject else each.text


def object_reference(name: str, value: Identifier | None) -> Node:
    """BT-18 or BT-128: the invoiced object, with the scheme of UNTDID 1153."""
    return group(name, identifier("cbc:ID", value), leaf("cbc:DocumentTypeCode", OBJECT)) if value else None


def billing_reference(each: PrecedingInvoice | None) -> Node:
    """BG-3, or the preceding invoice of a line."""
    if each is None:
        return None
    return group(
        "cac:BillingReference",
        group(
            "cac:InvoiceDocumentReference",
            leaf("cbc:ID", each.number),
            day("cbc:IssueDate", each.issued_on),
            leaf("cbc:DocumentTypeCode", each.type_code),
        ),
        group("cac:BillingReferenceLine", leaf("cbc:ID", each.line)),
    )


def delivery_terms(terms: DeliveryTerms | None) -> Node:
    """The Incoterms of the document or of a line."""
    if terms is None:
        return None
    place = group("cac:DeliveryLocation", leaf("cbc:Name", terms.place))
    return group("cac:DeliveryTerms", leaf("cbc:ID", terms.code), place)


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
        category(
            "cac:TaxCategory",
            each.vat_category,
            each.vat_rate,
            *exemption(each.exemption_code, each.exemption_reason),
        ),
    )
