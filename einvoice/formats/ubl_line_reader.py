"""Reading invoice lines (BG-25 to BG-32) of a UBL file, and what they share with the header."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from einvoice.document import AllowanceCharge, Classification, Identifier, ItemAttribute, Line
from einvoice.formats.place import require
from einvoice.formats.ubl_terms import OBJECT

if TYPE_CHECKING:
    from einvoice.formats.place import Place


def read_line(place: Place, *, credit: bool) -> Line:
    """BG-25 of an invoice or, with ``credit``, of a credit note.

    Raises:
        ReadError: ``invoice.bad_value`` or ``invoice.missing_term``.
    """
    quantity = "cbc:CreditedQuantity" if credit else "cbc:InvoicedQuantity"
    item = place.group("cac:Item")
    period = place.group("cac:InvoicePeriod")
    objects = [each for each in place.all("cac:DocumentReference") if each.text("cbc:DocumentTypeCode") == OBJECT]
    above = place.group("cac:BillingReference")
    line = Line(
        line_id=place.need("cbc:ID", "BT-126"),
        name=item.need("cbc:Name", "BT-153"),
        quantity=place.number(quantity, "BT-129"),
        unit=place.group(quantity).attribute("unitCode"),
        net_amount=place.need_number("cbc:LineExtensionAmount", "BT-131"),
        vat_category=item.text("cac:ClassifiedTaxCategory/cbc:ID"),
        vat_rate=item.number("cac:ClassifiedTaxCategory/cbc:Percent", "BT-152"),
        kind=above.text("cac:InvoiceDocumentReference/cbc:DocumentStatusCode"),
        parent_line=above.text("cac:BillingReferenceLine/cbc:ID"),
        note=place.text("cbc:Note"),
        object_id=read_identifier(objects[0].find("cbc:ID")) if objects else None,
        order_line=place.text("cac:OrderLineReference/cbc:LineID"),
        accounting_reference=place.text("cbc:AccountingCost"),
        period_start=period.day("cbc:StartDate", "BT-134"),
        period_end=period.day("cbc:EndDate", "BT-135"),
        allowances_charges=tuple(read_allowances_charges(place)),
        **_price(place.group("cac:Price")),
        **_item(item),
    )
    require(
        line,
        (line.quantity, place, quantity, "BT-129"),
        (line.unit, place, f"{quantity}/@unitCode", "BT-130"),
        (line.net_price, place, "cac:Price/cbc:PriceAmount", "BT-146"),
        (line.vat_category, item, "cac:ClassifiedTaxCategory/cbc:ID", "BT-151"),
    )
    return line


def _price(price: Place) -> dict[str, Any]:
    """BG-29. A charge on the price is no term of the norm."""
    discounts = [each for each in price.all("cac:AllowanceCharge") if not each.flag("cbc:ChargeIndicator", "BT-147")]
    return {
        "net_price": price.number("cbc:PriceAmount", "BT-146"),
        "gross_price": discounts[0].number("cbc:BaseAmount", "BT-148") if discounts else None,
        "price_discount": discounts[0].number("cbc:Amount", "BT-147") if discounts else None,
        "price_base_quantity": price.number("cbc:BaseQuantity", "BT-149"),
        "price_base_unit": price.group("cbc:BaseQuantity").attribute("unitCode"),
    }


def _item(item: Place) -> dict[str, Any]:
    return {
        "description": item.text("cbc:Description"),
        "seller_item_id": item.text("cac:SellersItemIdentification/cbc:ID"),
        "buyer_item_id": item.text("cac:BuyersItemIdentification/cbc:ID"),
        "standard_item_id": read_identifier(item.find("cac:StandardItemIdentification/cbc:ID")),
        "classifications": tuple(
            Classification(code, scheme, each.attribute("listVersionID"))
            for each in item.all("cac:CommodityClassification/cbc:ItemClassificationCode")
            if (code := each.own_text()) and (scheme := each.attribute("listID"))
        ),
        "origin_country": item.text("cac:OriginCountry/cbc:IdentificationCode"),
        "attributes": tuple(
            ItemAttribute(name, value)
            for each in item.all("cac:AdditionalItemProperty")
            if (name := each.text("cbc:Name")) and (value := each.text("cbc:Value"))
        ),
    }


def read_identifier(place: Place | None) -> Identifier | None:
    """An identifier with its scheme."""
    value = place.own_text() if place else None
    return Identifier(value, place.attribute("schemeID")) if place and value else None


def read_allowances_charges(place: Place) -> list[AllowanceCharge]:
    """BG-20 and BG-21, or BG-27 and BG-28, in the order of the file."""
    return [_allowance_charge(each) for each in place.all("cac:AllowanceCharge")]


def _allowance_charge(place: Place) -> AllowanceCharge:
    is_charge = place.flag("cbc:ChargeIndicator", "BG-20/BG-21")
    return AllowanceCharge(
        is_charge=is_charge,
        amount=place.need_number("cbc:Amount", "BT-99/BT-141" if is_charge else "BT-92/BT-136"),
        base_amount=place.number("cbc:BaseAmount", "BT-93/BT-100"),
        percent=place.number("cbc:MultiplierFactorNumeric", "BT-94/BT-101"),
        reason=place.text("cbc:AllowanceChargeReason"),
        reason_code=place.text("cbc:AllowanceChargeReasonCode"),
        vat_category=place.text("cac:TaxCategory/cbc:ID"),
        vat_rate=place.number("cac:TaxCategory/cbc:Percent", "BT-96/BT-103"),
    )
