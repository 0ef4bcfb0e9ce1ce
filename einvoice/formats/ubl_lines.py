"""Writing invoice lines (BG-25 to BG-32) as UBL."""

from __future__ import annotations

from typing import TYPE_CHECKING

from einvoice.document import LineReference
from einvoice.formats.tree import plain
from einvoice.formats.ubl_parties import write_address, write_party
from einvoice.formats.ubl_terms import (
    NO_ORDER,
    TAX_POINTS,
    allowance_charge,
    amount,
    billing_reference,
    category,
    day,
    delivery_terms,
    exemption,
    group,
    identifier,
    leaf,
    note_text,
    object_reference,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from einvoice.document import Document, Line, LineDelivery
    from einvoice.formats.tree import Node


def write_line(document: Document, line: Line) -> Node:
    """BG-25 as an InvoiceLine or CreditNoteLine."""
    credit, currency = document.is_credit_note, document.currency
    allowances = [allowance_charge(each, currency) for each in line.allowances_charges]
    taxes = list(_taxes(document, line))
    return group(
        "cac:CreditNoteLine" if credit else "cac:InvoiceLine",
        leaf("cbc:ID", line.line_id),
        leaf("cbc:Note", line.note),
        [leaf("cbc:Note", note_text(each)) for each in line.more_notes],
        leaf("cbc:CreditedQuantity" if credit else "cbc:InvoicedQuantity", plain(line.quantity), unitCode=line.unit),
        amount("cbc:LineExtensionAmount", line.net_amount, currency),
        leaf("cbc:AccountingCost", line.accounting_reference),
        group(
            "cac:InvoicePeriod",
            day("cbc:StartDate", line.period_start),
            day("cbc:EndDate", line.period_end),
            leaf("cbc:DescriptionCode", TAX_POINTS[line.tax_point] if line.tax_point else None),
        ),
        _order(line),
        _reference("cac:DespatchLineReference", line.despatch_advice),
        _reference("cac:ReceiptLineReference", line.receiving_advice),
        _hierarchy(document, line),
        billing_reference(line.preceding),
        object_reference("cac:DocumentReference", line.object_id),
        [object_reference("cac:DocumentReference", each) for each in line.more_object_ids],
        _delivery(line.delivery),
        taxes + allowances if credit else allowances + taxes,
        _item(line),
        _price(line, currency),
        delivery_terms(line.delivery_terms),
    )


def _order(line: Line) -> Node:
    """BT-132 with the orders of buyer and seller."""
    if line.order_line is None and line.order_number is None and line.order_on is None and line.sales_order is None:
        return None
    sales = line.sales_order or LineReference()
    number = line.order_number or (NO_ORDER if sales.number or line.order_on else None)
    order = group(
        "cac:OrderReference",
        leaf("cbc:ID", number),
        leaf("cbc:SalesOrderID", sales.number),
        day("cbc:IssueDate", line.order_on),
    )
    if line.order_line is None and order is None and sales.line is None:
        return None
    return group(
        "cac:OrderLineReference",
        leaf("cbc:LineID", line.order_line or NO_ORDER),
        leaf("cbc:SalesOrderLineID", sales.line),
        order,
    )


def _reference(name: str, referred: LineReference | None) -> Node:
    """A despatch or receiving advice; UBL wants both the number and the line."""
    if referred is None or (referred.number is None and referred.line is None):
        return None
    number = referred.number or (NO_ORDER if referred.issued_on else None)
    return group(
        name,
        leaf("cbc:LineID", referred.line or NO_ORDER),
        group("cac:DocumentReference", leaf("cbc:ID", number), day("cbc:IssueDate", referred.issued_on)),
    )


def _delivery(delivery: LineDelivery | None) -> Node:
    if delivery is None:
        return None
    return group(
        "cac:Delivery",
        day("cbc:ActualDeliveryDate", delivery.delivered_on),
        group(
            "cac:DeliveryLocation",
            identifier("cbc:ID", delivery.location),
            write_address("cac:Address", delivery.address),
        ),
        group("cac:DeliveryParty", group("cac:PartyName", leaf("cbc:Name", delivery.name))),
    )


def _taxes(document: Document, line: Line) -> Iterator[Node]:
    """EXT-FR-FE-181 and -182, told apart by their currencies."""
    accounting = document.accounting_currency
    if line.vat_amount is not None:
        yield group("cac:TaxTotal", amount("cbc:TaxAmount", line.vat_amount, document.currency))
    if line.vat_amount_accounting is not None and accounting not in {None, document.currency}:
        yield group("cac:TaxTotal", amount("cbc:TaxAmount", line.vat_amount_accounting, accounting))


def _hierarchy(document: Document, line: Line) -> Node:
    """The place of an EXTENDED sub-line (EXT-FR-FE-162, -163); UBL wants the invoice's own number beside it."""
    if line.kind is None and line.parent_line is None:
        return None
    return group(
        "cac:BillingReference",
        group(
            "cac:InvoiceDocumentReference",
            leaf("cbc:ID", document.number),
            leaf("cbc:DocumentStatusCode", line.kind),
        ),
        group("cac:BillingReferenceLine", leaf("cbc:ID", line.parent_line)),
    )


def _item(line: Line) -> Node:
    return group(
        "cac:Item",
        leaf("cbc:Description", line.description),
        leaf("cbc:PackQuantity", plain(line.units_per_parent), unitCode=line.units_per_parent_unit),
        leaf("cbc:Name", line.name),
        group("cac:BuyersItemIdentification", leaf("cbc:ID", line.buyer_item_id)),
        group("cac:SellersItemIdentification", leaf("cbc:ID", line.seller_item_id)),
        group("cac:StandardItemIdentification", identifier("cbc:ID", line.standard_item_id)),
        group("cac:OriginCountry", leaf("cbc:IdentificationCode", line.origin_country)),
        (
            group(
                "cac:CommodityClassification",
                leaf("cbc:ItemClassificationCode", each.code, listID=each.scheme, listVersionID=each.version),
            )
            for each in line.classifications
        ),
        category(
            "cac:ClassifiedTaxCategory",
            line.vat_category,
            line.vat_rate,
            *exemption(line.exemption_code, line.exemption_reason),
        ),
        (
            group(
                "cac:AdditionalItemProperty",
                leaf("cbc:Name", each.name),
                leaf("cbc:NameCode", each.code),
                leaf("cbc:Value", each.value),
                leaf("cbc:ValueQuantity", plain(each.measure), unitCode=each.measure_unit),
            )
            for each in line.attributes
        ),
        write_party("cac:ManufacturerParty", line.seller),
    )


def _price(line: Line, currency: str) -> Node:
    """BG-29. UBL has no gross price without a discount, which then follows from BT-146 = BT-148 - BT-147."""
    if line.net_price is None:
        return None
    gross, discount = line.gross_price, line.price_discount
    stated = discount is not None
    if discount is None and gross is not None:
        discount = gross - line.net_price
    return group(
        "cac:Price",
        amount("cbc:PriceAmount", line.net_price, currency),
        leaf("cbc:BaseQuantity", plain(line.price_base_quantity), unitCode=line.price_base_unit),
        group(
            "cac:AllowanceCharge",
            leaf("cbc:ChargeIndicator", "false"),
            leaf("cbc:AllowanceChargeReasonCode", line.price_discount_code if stated else None),
            leaf("cbc:AllowanceChargeReason", line.price_discount_reason if stated else None),
            amount("cbc:Amount", discount, currency),
            amount("cbc:BaseAmount", gross, currency),
        )
        if discount is not None
        else None,
    )
