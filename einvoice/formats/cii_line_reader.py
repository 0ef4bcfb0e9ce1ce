"""Reading invoice lines (BG-25 to BG-32) of a CII, with what the EXTENDED profiles add."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from einvoice.document import Classification, ItemAttribute, Line, LineDelivery, LineReference
from einvoice.formats.cii_party_reader import read_address, read_identifier, read_identifiers, read_third_party
from einvoice.formats.cii_shared_reader import (
    DATE,
    ISSUED,
    TAX_POINT_OF,
    quoted,
    read_allowances_charges,
    read_delivery_terms,
    read_notes,
    read_object,
    read_preceding,
)
from einvoice.formats.cii_terms import OBJECT
from einvoice.formats.place import present, require

if TYPE_CHECKING:
    from einvoice.formats.place import Place


def read_line(place: Place, currency: str, accounting_currency: str | None) -> Line:
    """BG-25 of an invoice in ``currency`` (BT-5) with ``accounting_currency`` (BT-6).

    Raises:
        ReadError: ``invoice.bad_value`` or ``invoice.missing_term``.
    """
    head = place.group("ram:AssociatedDocumentLineDocument")
    product = place.group("ram:SpecifiedTradeProduct")
    agreement = place.group("ram:SpecifiedLineTradeAgreement")
    supply = place.group("ram:SpecifiedLineTradeDelivery")
    settlement = place.group("ram:SpecifiedLineTradeSettlement")
    period = settlement.group("ram:BillingSpecifiedPeriod")
    tax = settlement.group("ram:ApplicableTradeTax")
    sums = settlement.group("ram:SpecifiedTradeSettlementLineMonetarySummation")
    line = Line(
        line_id=head.need("ram:LineID", "BT-126"),
        name=product.need("ram:Name", "BT-153"),
        quantity=supply.number("ram:BilledQuantity", "BT-129"),
        unit=supply.group("ram:BilledQuantity").attribute("unitCode"),
        net_amount=sums.need_number("ram:LineTotalAmount", "BT-131"),
        vat_category=tax.text("ram:CategoryCode"),
        vat_rate=tax.number("ram:RateApplicablePercent", "BT-152"),
        kind=head.text("ram:LineStatusReasonCode"),
        parent_line=head.text("ram:ParentLineID"),
        accounting_reference=settlement.text("ram:ReceivableSpecifiedTradeAccountingAccount/ram:ID"),
        period_start=period.day(f"ram:StartDateTime/{DATE}", "BT-134"),
        period_end=period.day(f"ram:EndDateTime/{DATE}", "BT-135"),
        allowances_charges=tuple(read_allowances_charges(settlement)),
        **_notes(head),
        **_objects(settlement),
        **_agreed(agreement),
        **_prices(agreement),
        **_item(product),
        **_delivered(supply),
        **_settled(settlement),
        **_taxed(tax),
        **_sums(sums, currency, accounting_currency),
    )
    require(
        line,
        (line.quantity, supply, "ram:BilledQuantity", "BT-129"),
        (line.unit, supply, "ram:BilledQuantity/@unitCode", "BT-130"),
        (line.net_price, agreement, "ram:NetPriceProductTradePrice/ram:ChargeAmount", "BT-146"),
        (line.vat_category, settlement, "ram:ApplicableTradeTax/ram:CategoryCode", "BT-151"),
    )
    return line


def _notes(head: Place) -> dict[str, Any]:
    """BT-127 is the first note, where it has no subject code; further ones and subjects are EXT-FR-FE-183."""
    notes = read_notes(head)
    plain = notes[0].text if notes and notes[0].subject is None else None
    return {"note": plain, "more_notes": tuple(notes[1:] if plain is not None else notes)}


def _objects(settlement: Place) -> dict[str, Any]:
    references = settlement.all("ram:AdditionalReferencedDocument")
    found = [read_object(each) for each in references if each.text("ram:TypeCode") == OBJECT]
    objects = [each for each in found if each is not None]
    return {"object_id": objects[0] if objects else None, "more_object_ids": tuple(objects[1:])}


def _agreed(agreement: Place) -> dict[str, Any]:
    """References to orders, Incoterms and the seller of the line; most lines have none of them."""
    there = agreement.children()
    agreed: dict[str, Any] = {}
    if "BuyerOrderReferencedDocument" in there:
        order = agreement.group("ram:BuyerOrderReferencedDocument")
        agreed["order_line"] = order.text("ram:LineID")
        agreed["order_number"] = order.text("ram:IssuerAssignedID")
        agreed["order_on"] = order.day(ISSUED, "EXT-FR-FE-200")
    if "SellerOrderReferencedDocument" in there:
        agreed["sales_order"] = _reference(agreement.group("ram:SellerOrderReferencedDocument"))
    if "ApplicableTradeDeliveryTerms" in there:
        agreed["delivery_terms"] = read_delivery_terms(agreement, "EXT-FR-FE-193")
    if "ItemSellerTradeParty" in there:
        agreed["seller"] = read_third_party(agreement.find("ram:ItemSellerTradeParty"), "EXT-FR-FE-177")
    return agreed


def _reference(place: Place) -> LineReference | None:
    return present(
        LineReference(
            place.text("ram:IssuerAssignedID"),
            place.text("ram:LineID"),
            place.day(ISSUED, "EXT-FR-FE-201"),
        )
    )


def _delivered(supply: Place) -> dict[str, Any]:
    there = supply.children()
    delivered: dict[str, Any] = {}
    if "PerPackageUnitQuantity" in there:
        delivered["units_per_parent"] = supply.number("ram:PerPackageUnitQuantity", "EXT-FR-FE-191")
        delivered["units_per_parent_unit"] = supply.group("ram:PerPackageUnitQuantity").attribute("unitCode")
    if "ShipToTradeParty" in there or "ActualDeliverySupplyChainEvent" in there:
        delivered["delivery"] = _delivery(supply)
    if "DespatchAdviceReferencedDocument" in there:
        delivered["despatch_advice"] = _reference(supply.group("ram:DespatchAdviceReferencedDocument"))
    if "ReceivingAdviceReferencedDocument" in there:
        delivered["receiving_advice"] = _reference(supply.group("ram:ReceivingAdviceReferencedDocument"))
    return delivered


def _delivery(supply: Place) -> LineDelivery | None:
    ship_to = supply.group("ram:ShipToTradeParty")
    address = ship_to.find("ram:PostalTradeAddress")
    locations = read_identifiers(ship_to)
    happened = f"ram:ActualDeliverySupplyChainEvent/ram:OccurrenceDateTime/{DATE}"
    return present(
        LineDelivery(
            name=ship_to.text("ram:Name"),
            location=locations[0] if locations else None,
            delivered_on=supply.day(happened, "EXT-FR-FE-158"),
            address=read_address(address, "EXT-FR-FE-157") if address else None,
        )
    )


def _settled(settlement: Place) -> dict[str, Any]:
    if "InvoiceReferencedDocument" not in settlement.children():
        return {}
    preceding = read_preceding(settlement)
    return {"preceding": preceding[0] if preceding else None}


def _taxed(tax: Place) -> dict[str, Any]:
    there = tax.children()
    taxed: dict[str, Any] = {}
    if "ExemptionReason" in there or "ExemptionReasonCode" in there:
        taxed["exemption_reason"] = tax.text("ram:ExemptionReason")
        taxed["exemption_code"] = tax.text("ram:ExemptionReasonCode")
    if "DueDateTypeCode" in there:
        taxed["tax_point"] = TAX_POINT_OF.get(tax.text("ram:DueDateTypeCode") or "")
    return taxed


def _sums(sums: Place, currency: str, accounting_currency: str | None) -> dict[str, Any]:
    """EXT-FR-FE-181, -182 and -184."""
    there = sums.children()
    found: dict[str, Any] = {}
    if "TaxTotalAmount" in there:
        found["vat_amount"] = sums.number(f"ram:TaxTotalAmount[@currencyID='{quoted(currency)}']", "EXT-FR-FE-181")
        if accounting_currency not in {None, currency}:
            in_accounting = f"ram:TaxTotalAmount[@currencyID='{quoted(accounting_currency or '')}']"
            found["vat_amount_accounting"] = sums.number(in_accounting, "EXT-FR-FE-182")
    if "GrandTotalAmount" in there:
        found["amount_with_vat"] = sums.number("ram:GrandTotalAmount", "EXT-FR-FE-184")
    return found


def _prices(agreement: Place) -> dict[str, Any]:
    """BG-29. The base quantity (BT-149) may stand with the net price, the gross price or both."""
    gross = agreement.group("ram:GrossPriceProductTradePrice")
    net = agreement.group("ram:NetPriceProductTradePrice")
    base = net if net.text("ram:BasisQuantity") else gross
    return {
        "net_price": net.number("ram:ChargeAmount", "BT-146"),
        "gross_price": gross.number("ram:ChargeAmount", "BT-148"),
        **_discount(gross),
        "price_base_quantity": base.number("ram:BasisQuantity", "BT-149"),
        "price_base_unit": base.group("ram:BasisQuantity").attribute("unitCode"),
    }


def _discount(gross: Place) -> dict[str, Any]:
    """BT-147, the sum where EXTENDED has several, with the reason of the first.

    A charge on the price is no term of the norm.
    """
    places = [
        each
        for each in gross.all("ram:AppliedTradeAllowanceCharge")
        if not each.flag("ram:ChargeIndicator/udt:Indicator", "BT-147")
    ]
    if not places:
        return {}
    amounts = [each.need_number("ram:ActualAmount", "BT-147") for each in places]
    return {
        "price_discount": sum(amounts[1:], amounts[0]),
        "price_discount_reason": places[0].text("ram:Reason"),
        "price_discount_code": places[0].text("ram:ReasonCode"),
    }


def _item(product: Place) -> dict[str, Any]:
    return {
        "description": product.text("ram:Description"),
        "seller_item_id": product.text("ram:SellerAssignedID"),
        "buyer_item_id": product.text("ram:BuyerAssignedID"),
        "standard_item_id": read_identifier(product.find("ram:GlobalID")),
        "classifications": tuple(
            Classification(code, scheme, each.attribute("listVersionID"))
            for each in product.all("ram:DesignatedProductClassification/ram:ClassCode")
            if (code := each.own_text()) and (scheme := each.attribute("listID"))
        ),
        "origin_country": product.text("ram:OriginTradeCountry/ram:ID"),
        "attributes": tuple(
            attribute
            for each in product.all("ram:ApplicableProductCharacteristic")
            if (attribute := _attribute(each)) is not None
        ),
    }


def _attribute(place: Place) -> ItemAttribute | None:
    """BG-32. Where it has a code and no name, the code is the name: UBL has no attribute without a name."""
    code, value = place.text("ram:TypeCode"), place.text("ram:Value")
    name = place.text("ram:Description") or code
    measure = None if value else place.number("ram:ValueMeasure", "EXT-FR-FE-160")
    if name is None or (value is None and measure is None):
        return None
    unit = place.group("ram:ValueMeasure").attribute("unitCode") if measure is not None else None
    return ItemAttribute(name, value, code, measure, unit)
