"""Writing invoice lines (BG-25 to BG-32) as UBL."""

from __future__ import annotations

from typing import TYPE_CHECKING

from einvoice.formats.tree import plain
from einvoice.formats.ubl_terms import OBJECT, allowance_charge, amount, category, day, group, identifier, leaf

if TYPE_CHECKING:
    from einvoice.document import Document, Line
    from einvoice.formats.tree import Node


def write_line(document: Document, line: Line) -> Node:
    """BG-25 as an InvoiceLine or CreditNoteLine."""
    credit, currency = document.is_credit_note, document.currency
    allowances = [allowance_charge(each, currency) for each in line.allowances_charges]
    return group(
        "cac:CreditNoteLine" if credit else "cac:InvoiceLine",
        leaf("cbc:ID", line.line_id),
        leaf("cbc:Note", line.note),
        leaf("cbc:CreditedQuantity" if credit else "cbc:InvoicedQuantity", plain(line.quantity), unitCode=line.unit),
        amount("cbc:LineExtensionAmount", line.net_amount, currency),
        leaf("cbc:AccountingCost", line.accounting_reference),
        group("cac:InvoicePeriod", day("cbc:StartDate", line.period_start), day("cbc:EndDate", line.period_end)),
        group("cac:OrderLineReference", leaf("cbc:LineID", line.order_line)),
        _hierarchy(document, line),
        group(
            "cac:DocumentReference",
            identifier("cbc:ID", line.object_id),
            leaf("cbc:DocumentTypeCode", OBJECT if line.object_id else None),
        ),
        allowances,
        _item(line),
        _price(line, currency),
    )


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
        category("cac:ClassifiedTaxCategory", line.vat_category, line.vat_rate),
        (
            group("cac:AdditionalItemProperty", leaf("cbc:Name", each.name), leaf("cbc:Value", each.value))
            for each in line.attributes
        ),
    )


def _price(line: Line, currency: str) -> Node:
    """BG-29. UBL has no gross price without a discount, which then follows from BT-146 = BT-148 - BT-147."""
    if line.net_price is None:
        return None
    gross, discount = line.gross_price, line.price_discount
    if discount is None and gross is not None:
        discount = gross - line.net_price
    return group(
        "cac:Price",
        amount("cbc:PriceAmount", line.net_price, currency),
        leaf("cbc:BaseQuantity", plain(line.price_base_quantity), unitCode=line.price_base_unit),
        group(
            "cac:AllowanceCharge",
            leaf("cbc:ChargeIndicator", "false"),
            amount("cbc:Amount", discount, currency),
            amount("cbc:BaseAmount", gross, currency),
        )
        if discount is not None
        else None,
    )
