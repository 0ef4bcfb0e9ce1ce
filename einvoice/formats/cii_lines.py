"""Writing invoice lines (BG-25 to BG-32) as CII."""

from __future__ import annotations

from typing import TYPE_CHECKING

from einvoice.formats.cii_parties import write_address, write_party
from einvoice.formats.cii_terms import (
    allowance_charge,
    category,
    delivered,
    delivery_terms,
    group,
    identifier,
    identifiers,
    leaf,
    note,
    object_reference,
    period,
    preceding_invoice,
    reference,
)
from einvoice.formats.tree import money, plain

if TYPE_CHECKING:
    from collections.abc import Iterator

    from einvoice.document import Document, Line, LineDelivery, LineReference
    from einvoice.formats.tree import Node


def write_line(line: Line, document: Document) -> Node:
    """BG-25 of ``document`` as an IncludedSupplyChainTradeLineItem."""
    return group(
        "ram:IncludedSupplyChainTradeLineItem",
        group(
            "ram:AssociatedDocumentLineDocument",
            leaf("ram:LineID", line.line_id),
            leaf("ram:ParentLineID", line.parent_line),
            leaf("ram:LineStatusReasonCode", line.kind),
            group("ram:IncludedNote", leaf("ram:Content", line.note)),
            [note(each) for each in line.more_notes],
        ),
        _product(line),
        group(
            "ram:SpecifiedLineTradeAgreement",
            delivery_terms(line.delivery_terms),
            _reference("ram:SellerOrderReferencedDocument", line.sales_order),
            reference("ram:BuyerOrderReferencedDocument", line.order_number, line=line.order_line, on=line.order_on),
            _prices(line),
            write_party("ram:ItemSellerTradeParty", line.seller),
        ),
        group(
            "ram:SpecifiedLineTradeDelivery",
            leaf("ram:BilledQuantity", plain(line.quantity), unitCode=line.unit),
            leaf("ram:PerPackageUnitQuantity", plain(line.units_per_parent), unitCode=line.units_per_parent_unit),
            _delivery(line.delivery),
            _reference("ram:DespatchAdviceReferencedDocument", line.despatch_advice),
            _reference("ram:ReceivingAdviceReferencedDocument", line.receiving_advice),
        ),
        group(
            "ram:SpecifiedLineTradeSettlement",
            category("ram:ApplicableTradeTax", line.vat_category, line.vat_rate, line),
            period(line.period_start, line.period_end),
            (allowance_charge(each) for each in line.allowances_charges),
            group(
                "ram:SpecifiedTradeSettlementLineMonetarySummation",
                leaf("ram:LineTotalAmount", money(line.net_amount)),
                leaf("ram:TaxTotalAmount", money(line.vat_amount), currencyID=document.currency),
                _in_accounting(line, document),
                leaf("ram:GrandTotalAmount", money(line.amount_with_vat)),
            ),
            preceding_invoice(line.preceding),
            object_reference(line.object_id),
            [object_reference(each) for each in line.more_object_ids],
            group("ram:ReceivableSpecifiedTradeAccountingAccount", leaf("ram:ID", line.accounting_reference)),
        ),
    )


def _in_accounting(line: Line, document: Document) -> Node:
    """EXT-FR-FE-182, told from EXT-FR-FE-181 by its currency alone."""
    accounting = document.accounting_currency
    if line.vat_amount_accounting is None or accounting in {None, document.currency}:
        return None
    return leaf("ram:TaxTotalAmount", money(line.vat_amount_accounting), currencyID=accounting)


def _reference(name: str, referred: LineReference | None) -> Node:
    return reference(name, referred.number, line=referred.line, on=referred.issued_on) if referred else None


def _delivery(delivery: LineDelivery | None) -> Iterator[Node]:
    if delivery is None:
        return
    yield group(
        "ram:ShipToTradeParty",
        identifiers((delivery.location,)) if delivery.location else None,
        leaf("ram:Name", delivery.name),
        write_address(delivery.address),
    )
    yield delivered(delivery.delivered_on)


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
                leaf("ram:TypeCode", attribute.code),
                leaf("ram:Description", attribute.name),
                leaf("ram:ValueMeasure", plain(attribute.measure), unitCode=attribute.measure_unit),
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
                leaf("ram:ReasonCode", line.price_discount_code),
                leaf("ram:Reason", line.price_discount_reason),
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
