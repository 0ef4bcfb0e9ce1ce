"""Writing invoice lines (BG-25 to BG-32) as CII."""

from __future__ import annotations

from typing import TYPE_CHECKING

from einvoice.formats.cii_terms import allowance_charge, category, group, identifier, leaf, object_reference, period
from einvoice.formats.tree import money, plain

if TYPE_CHECKING:
    from collections.abc import Iterator

    from einvoice.document import Line
    from einvoice.formats.tree import Node


def write_line(line: Line) -> Node:
    """BG-25 as an IncludedSupplyChainTradeLineItem."""
    return group(
        "ram:IncludedSupplyChainTradeLineItem",
        group(
            "ram:AssociatedDocumentLineDocument",
            leaf("ram:LineID", line.line_id),
            leaf("ram:ParentLineID", line.parent_line),
            leaf("ram:LineStatusReasonCode", line.kind),
            group("ram:IncludedNote", leaf("ram:Content", line.note)),
        ),
        _product(line),
        group(
            "ram:SpecifiedLineTradeAgreement",
            group("ram:BuyerOrderReferencedDocument", leaf("ram:LineID", line.order_line)),
            _prices(line),
        ),
        group(
            "ram:SpecifiedLineTradeDelivery",
            leaf("ram:BilledQuantity", plain(line.quantity), unitCode=line.unit),
        ),
        group(
            "ram:SpecifiedLineTradeSettlement",
            category("ram:ApplicableTradeTax", line.vat_category, line.vat_rate),
            period(line.period_start, line.period_end),
            (allowance_charge(each) for each in line.allowances_charges),
            group(
                "ram:SpecifiedTradeSettlementLineMonetarySummation",
                leaf("ram:LineTotalAmount", money(line.net_amount)),
            ),
            object_reference(line.object_id),
            group("ram:ReceivableSpecifiedTradeAccountingAccount", leaf("ram:ID", line.accounting_reference)),
        ),
    )


def _product(line: Line) -> Node:
    return group(
        "ram:SpecifiedTradeProduct",
        identifier("ram:GlobalID", line.standard_item_id),
        leaf("ram:SellerAssignedID", line.seller_item_id),
        leaf("ram:BuyerAssignedID", line.buyer_item_id),
        leaf("ram:Name", line.name),
        leaf("ram:Description", line.description),
        (
            group(
                "ram:ApplicableProductCharacteristic",
                leaf("ram:Description", attribute.name),
                leaf("ram:Value", attribute.value),
            )
            for attribute in line.attributes
        ),
        (
            group(
                "ram:DesignatedProductClassification",
                leaf("ram:ClassCode", each.code, listID=each.scheme, listVersionID=each.version),
            )
            for each in line.classifications
        ),
        group("ram:OriginTradeCountry", leaf("ram:ID", line.origin_country)),
    )


def _prices(line: Line) -> Iterator[Node]:
    """BG-29. A discount without a gross price gets the gross price that BT-146 = BT-148 - BT-147 implies."""
    gross, discount = line.gross_price, line.price_discount
    if gross is None and discount is not None and line.net_price is not None:
        gross = line.net_price + discount
    base = plain(line.price_base_quantity)
    if gross is not None:
        yield group(
            "ram:GrossPriceProductTradePrice",
            leaf("ram:ChargeAmount", money(gross)),
            leaf("ram:BasisQuantity", base, unitCode=line.price_base_unit),
            group(
                "ram:AppliedTradeAllowanceCharge",
                group("ram:ChargeIndicator", leaf("udt:Indicator", "false")),
                leaf("ram:ActualAmount", money(discount)),
            )
            if discount is not None
            else None,
        )
    if line.net_price is not None:
        yield group(
            "ram:NetPriceProductTradePrice",
            leaf("ram:ChargeAmount", money(line.net_price)),
            leaf("ram:BasisQuantity", base, unitCode=line.price_base_unit),
        )
