"""Reading invoice lines (BG-25 to BG-32) of a UBL file, with what the EXTENDED profile adds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from einvoice.document import Classification, ItemAttribute, Line, LineDelivery, LineReference
from einvoice.formats.place import present, require
from einvoice.formats.ubl_party_reader import read_address, read_identifier, read_third_party
from einvoice.formats.ubl_shared_reader import (
    TAX_POINT_OF,
    read_allowances_charges,
    read_delivery_terms,
    read_note,
    read_preceding,
)
from einvoice.formats.ubl_terms import NO_ORDER, OBJECT

if TYPE_CHECKING:
    from einvoice.formats.place import Place


@dataclass(frozen=True, slots=True)
class OfDocument:
    """What a line needs of its document: number (BT-1), currency (BT-5) and accounting currency (BT-6)."""

    number: str
    currency: str
    accounting_currency: str | None


def read_line(place: Place, of: OfDocument, *, credit: bool) -> Line:
    """BG-25 of an invoice or, with ``credit``, of a credit note.

    Raises:
        ReadError: ``invoice.bad_value`` or ``invoice.missing_term``.
    """
    quantity = "cbc:CreditedQuantity" if credit else "cbc:InvoicedQuantity"
    item = place.group("cac:Item")
    there = place.children()
    line = Line(
        line_id=place.need("cbc:ID", "BT-126"),
        name=item.need("cbc:Name", "BT-153"),
        quantity=place.number(quantity, "BT-129"),
        unit=place.group(quantity).attribute("unitCode"),
        net_amount=place.need_number("cbc:LineExtensionAmount", "BT-131"),
        accounting_reference=place.text("cbc:AccountingCost"),
        allowances_charges=tuple(read_allowances_charges(place)),
        **_notes(place),
        **_price(place.group("cac:Price")),
        **_item(item),
        **_taxed(item.group("cac:ClassifiedTaxCategory")),
        **(_period(place.group("cac:InvoicePeriod")) if "InvoicePeriod" in there else {}),
        **(_order(place.group("cac:OrderLineReference")) if "OrderLineReference" in there else {}),
        **(_billing(place, of) if "BillingReference" in there else {}),
        **(_objects(place) if "DocumentReference" in there else {}),
        **(_delivered(place) if not there.isdisjoint(_DELIVERED) else {}),
        **(_taxes(place, of) if "TaxTotal" in there else {}),
    )
    require(
        line,
        (line.quantity, place, quantity, "BT-129"),
        (line.unit, place, f"{quantity}/@unitCode", "BT-130"),
        (line.net_price, place, "cac:Price/cbc:PriceAmount", "BT-146"),
        (line.vat_category, item, "cac:ClassifiedTaxCategory/cbc:ID", "BT-151"),
    )
    return line


_DELIVERED = {"DespatchLineReference", "ReceiptLineReference", "Delivery", "DeliveryTerms"}


def _notes(place: Place) -> dict[str, Any]:
    """BT-127 is the first note, where it has no subject code; further ones and subjects are EXT-FR-FE-183."""
    notes = [read_note(text) for each in place.all("cbc:Note") if (text := each.own_text())]
    plain = notes[0].text if notes and notes[0].subject is None else None
    return {"note": plain, "more_notes": tuple(notes[1:] if plain is not None else notes)}


def _period(period: Place) -> dict[str, Any]:
    return {
        "period_start": period.day("cbc:StartDate", "BT-134"),
        "period_end": period.day("cbc:EndDate", "BT-135"),
        "tax_point": TAX_POINT_OF.get(period.text("cbc:DescriptionCode") or ""),
    }


def _order(reference: Place) -> dict[str, Any]:
    """BT-132 and the orders of buyer and seller."""
    order = reference.group("cac:OrderReference")
    sales = LineReference(order.text("cbc:SalesOrderID"), reference.text("cbc:SalesOrderLineID"))
    return {
        "order_line": _known(reference.text("cbc:LineID")),
        "order_number": _known(order.text("cbc:ID")),
        "order_on": order.day("cbc:IssueDate", "EXT-FR-FE-200"),
        "sales_order": present(sales),
    }


def _known(value: str | None) -> str | None:
    return None if value == NO_ORDER else value


def _billing(place: Place, of: OfDocument) -> dict[str, Any]:
    """The place of a sub-line, which names the invoice's own number, and the preceding invoice of the line."""
    billing = place.all("cac:BillingReference")
    above = next((each for each in billing if each.text("cac:InvoiceDocumentReference/cbc:ID") == of.number), None)
    preceding = read_preceding(place, of.number)
    return {
        "kind": above.text("cac:InvoiceDocumentReference/cbc:DocumentStatusCode") if above else None,
        "parent_line": above.text("cac:BillingReferenceLine/cbc:ID") if above else None,
        "preceding": preceding[0] if preceding else None,
    }


def _objects(place: Place) -> dict[str, Any]:
    references = [each for each in place.all("cac:DocumentReference") if each.text("cbc:DocumentTypeCode") == OBJECT]
    objects = [found for each in references if (found := read_identifier(each.find("cbc:ID")))]
    return {"object_id": objects[0] if objects else None, "more_object_ids": tuple(objects[1:])}


def _delivered(place: Place) -> dict[str, Any]:
    """Where and when the line was delivered, by which documents and on which terms."""
    delivery = place.group("cac:Delivery")
    address = delivery.find("cac:DeliveryLocation/cac:Address")
    return {
        "despatch_advice": _reference(place.group("cac:DespatchLineReference")),
        "receiving_advice": _reference(place.group("cac:ReceiptLineReference")),
        "delivery": present(
            LineDelivery(
                name=delivery.text("cac:DeliveryParty/cac:PartyName/cbc:Name"),
                location=read_identifier(delivery.find("cac:DeliveryLocation/cbc:ID")),
                delivered_on=delivery.day("cbc:ActualDeliveryDate", "EXT-FR-FE-158"),
                address=read_address(address, "EXT-FR-FE-157") if address else None,
            )
        ),
        "delivery_terms": read_delivery_terms(place, "EXT-FR-FE-193"),
    }


def _reference(place: Place) -> LineReference | None:
    document = place.group("cac:DocumentReference")
    return present(
        LineReference(
            _known(document.text("cbc:ID")),
            _known(place.text("cbc:LineID")),
            document.day("cbc:IssueDate", "EXT-FR-FE-201"),
        )
    )


def _taxes(place: Place, of: OfDocument) -> dict[str, Any]:
    """EXT-FR-FE-181 and -182, told apart by their currencies."""
    taxes: dict[str, Any] = {}
    for total in place.all("cac:TaxTotal"):
        currency = total.group("cbc:TaxAmount").attribute("currencyID")
        if currency in {of.currency, None}:
            taxes["vat_amount"] = total.number("cbc:TaxAmount", "EXT-FR-FE-181")
        elif currency == of.accounting_currency:
            taxes["vat_amount_accounting"] = total.number("cbc:TaxAmount", "EXT-FR-FE-182")
    return taxes


def _taxed(category: Place) -> dict[str, Any]:
    there = category.children()
    taxed: dict[str, Any] = {
        "vat_category": category.text("cbc:ID"),
        "vat_rate": category.number("cbc:Percent", "BT-152"),
    }
    if "TaxExemptionReason" in there or "TaxExemptionReasonCode" in there:
        taxed["exemption_reason"] = category.text("cbc:TaxExemptionReason")
        taxed["exemption_code"] = category.text("cbc:TaxExemptionReasonCode")
    return taxed


def _price(price: Place) -> dict[str, Any]:
    """BG-29. A charge on the price is no term of the norm."""
    discounts = [each for each in price.all("cac:AllowanceCharge") if not each.flag("cbc:ChargeIndicator", "BT-147")]
    discount = discounts[0] if discounts else None
    return {
        "net_price": price.number("cbc:PriceAmount", "BT-146"),
        "gross_price": discount.number("cbc:BaseAmount", "BT-148") if discount else None,
        "price_discount": discount.number("cbc:Amount", "BT-147") if discount else None,
        "price_discount_reason": discount.text("cbc:AllowanceChargeReason") if discount else None,
        "price_discount_code": discount.text("cbc:AllowanceChargeReasonCode") if discount else None,
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
            attribute for each in item.all("cac:AdditionalItemProperty") if (attribute := _attribute(each)) is not None
        ),
        **(_packed(item) if not item.children().isdisjoint({"PackQuantity", "ManufacturerParty"}) else {}),
    }


def _packed(item: Place) -> dict[str, Any]:
    return {
        "units_per_parent": item.number("cbc:PackQuantity", "EXT-FR-FE-191"),
        "units_per_parent_unit": item.group("cbc:PackQuantity").attribute("unitCode"),
        "seller": read_third_party(item.find("cac:ManufacturerParty"), "EXT-FR-FE-177"),
    }


def _attribute(place: Place) -> ItemAttribute | None:
    """BG-32."""
    name, value = place.text("cbc:Name"), place.text("cbc:Value")
    measure = None if value else place.number("cbc:ValueQuantity", "EXT-FR-FE-160")
    if name is None or (value is None and measure is None):
        return None
    unit = place.group("cbc:ValueQuantity").attribute("unitCode") if measure is not None else None
    return ItemAttribute(name, value, place.text("cbc:NameCode"), measure, unit)
