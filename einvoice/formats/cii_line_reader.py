"""Reading invoice lines (BG-25 to BG-32) of a CII, and what they share with the header."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from einvoice.document import AllowanceCharge, Classification, Identifier, ItemAttribute, Line
from einvoice.formats.cii_terms import OBJECT
from einvoice.formats.place import require

if TYPE_CHECKING:
    from decimal import Decimal

    from einvoice.formats.place import Place

_DATE = "udt:DateTimeString"


def read_line(place: Place) -> Line:
    """BG-25.

    Raises:
        ReadError: ``invoice.bad_value`` or ``invoice.missing_term``.
    """
    head = place.group("ram:AssociatedDocumentLineDocument")
    product = place.group("ram:SpecifiedTradeProduct")
    agreement = place.group("ram:SpecifiedLineTradeAgreement")
    supply = place.group("ram:SpecifiedLineTradeDelivery")
    settlement = place.group("ram:SpecifiedLineTradeSettlement")
    period = settlement.group("ram:BillingSpecifiedPeriod")
    references = settlement.all("ram:AdditionalReferencedDocument")
    objects = [each for each in references if each.text("ram:TypeCode") == OBJECT]
    sums = settlement.group("ram:SpecifiedTradeSettlementLineMonetarySummation")
    line = Line(
        line_id=head.need("ram:LineID", "BT-126"),
        name=product.need("ram:Name", "BT-153"),
        quantity=supply.number("ram:BilledQuantity", "BT-129"),
        unit=supply.group("ram:BilledQuantity").attribute("unitCode"),
        net_amount=sums.need_number("ram:LineTotalAmount", "BT-131"),
        vat_category=settlement.text("ram:ApplicableTradeTax/ram:CategoryCode"),
        vat_rate=settlement.number("ram:ApplicableTradeTax/ram:RateApplicablePercent", "BT-152"),
        kind=head.text("ram:LineStatusReasonCode"),
        parent_line=head.text("ram:ParentLineID"),
        note=head.text("ram:IncludedNote/ram:Content"),
        object_id=read_object(objects[0]) if objects else None,
        order_line=agreement.text("ram:BuyerOrderReferencedDocument/ram:LineID"),
        accounting_reference=settlement.text("ram:ReceivableSpecifiedTradeAccountingAccount/ram:ID"),
        period_start=period.day(f"ram:StartDateTime/{_DATE}", "BT-134"),
        period_end=period.day(f"ram:EndDateTime/{_DATE}", "BT-135"),
        allowances_charges=tuple(read_allowances_charges(settlement)),
        **_prices(agreement),
        **_item(product),
    )
    require(
        line,
        (line.quantity, supply, "ram:BilledQuantity", "BT-129"),
        (line.unit, supply, "ram:BilledQuantity/@unitCode", "BT-130"),
        (line.net_price, agreement, "ram:NetPriceProductTradePrice/ram:ChargeAmount", "BT-146"),
        (line.vat_category, settlement, "ram:ApplicableTradeTax/ram:CategoryCode", "BT-151"),
    )
    return line


def _prices(agreement: Place) -> dict[str, Any]:
    """BG-29. The base quantity (BT-149) may stand with the net price, the gross price or both."""
    gross = agreement.group("ram:GrossPriceProductTradePrice")
    net = agreement.group("ram:NetPriceProductTradePrice")
    base = net if net.text("ram:BasisQuantity") else gross
    return {
        "net_price": net.number("ram:ChargeAmount", "BT-146"),
        "gross_price": gross.number("ram:ChargeAmount", "BT-148"),
        "price_discount": _discount(gross),
        "price_base_quantity": base.number("ram:BasisQuantity", "BT-149"),
        "price_base_unit": base.group("ram:BasisQuantity").attribute("unitCode"),
    }


def _discount(gross: Place) -> Decimal | None:
    """BT-147, the sum where EXTENDED has several; a charge on the price is no term of the norm."""
    discounts = [
        each.need_number("ram:ActualAmount", "BT-147")
        for each in gross.all("ram:AppliedTradeAllowanceCharge")
        if not each.flag("ram:ChargeIndicator/udt:Indicator", "BT-147")
    ]
    return sum(discounts[1:], discounts[0]) if discounts else None


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
            ItemAttribute(name, value)
            for each in product.all("ram:ApplicableProductCharacteristic")
            if (name := each.text("ram:Description")) and (value := each.text("ram:Value"))
        ),
    }


def read_identifier(place: Place | None) -> Identifier | None:
    """An identifier with its scheme."""
    value = place.own_text() if place else None
    return Identifier(value, place.attribute("schemeID")) if place and value else None


def read_object(place: Place) -> Identifier | None:
    """BT-18 or BT-128."""
    value = place.text("ram:IssuerAssignedID")
    return Identifier(value, place.text("ram:ReferenceTypeCode")) if value else None


def read_allowances_charges(place: Place) -> list[AllowanceCharge]:
    """BG-20 and BG-21, or BG-27 and BG-28, in the order of the file."""
    return [_allowance_charge(each) for each in place.all("ram:SpecifiedTradeAllowanceCharge")]


def _allowance_charge(place: Place) -> AllowanceCharge:
    is_charge = place.flag("ram:ChargeIndicator/udt:Indicator", "BG-20/BG-21")
    header, line = ("BT-99", "BT-141") if is_charge else ("BT-92", "BT-136")
    return AllowanceCharge(
        is_charge=is_charge,
        amount=place.need_number("ram:ActualAmount", f"{header}/{line}"),
        base_amount=place.number("ram:BasisAmount", "BT-93/BT-100"),
        percent=place.number("ram:CalculationPercent", "BT-94/BT-101"),
        reason=place.text("ram:Reason"),
        reason_code=place.text("ram:ReasonCode"),
        vat_category=place.text("ram:CategoryTradeTax/ram:CategoryCode"),
        vat_rate=place.number("ram:CategoryTradeTax/ram:RateApplicablePercent", "BT-96/BT-103"),
    )
