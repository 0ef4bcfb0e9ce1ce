"""Our JSON for the lines of an invoice, and for allowances and charges on a line or on the whole."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Self

from pydantic import Field, model_validator

from einvoice.request.codes import Nature, VatCategory
from einvoice.request.extension import (
    DeliveryTermsRequest,
    LineDeliveryRequest,
    LineKind,
    LinePrecedingRequest,
    LineReferenceRequest,
)
from einvoice.request.group import Group
from einvoice.request.parties import IdentifierRequest
from einvoice.request.values import (
    Amount,
    Code,
    Country,
    Day,
    Many,
    Percent,
    Price,
    Quantity,
    Rate,
    Text,
    Unit,
    problem,
)

if TYPE_CHECKING:
    from decimal import Decimal


def check_rate(category: str, rate: Decimal | None) -> None:
    """The standard category has a rate above zero (BR-S-05), the others bear no VAT (BR-Z-05, BR-E-05 ...)."""
    if category == "S" and not rate:
        raise problem(
            "vat_rate",
            "needs vat_rate above 0, or another vat_category",
            "demande vat_rate supérieur à 0, ou une autre vat_category",
        )
    if category != "S" and rate:
        raise problem(
            "vat_rate",
            f"has vat_category {category}, whose vat_rate must be 0 or absent",
            f"a la vat_category {category}, dont le vat_rate doit être 0 ou absent",
        )


class PeriodRequest(Group):
    """BG-14, BG-26: invoicing period."""

    start: Day | None = Field(None, description="BT-73/BT-134 First day.")
    end: Day | None = Field(None, description="BT-74/BT-135 Last day.")


class AdjustmentRequest(Group):
    """BG-27, BG-28: allowance or charge of a line, as an amount or as a percentage."""

    amount: Amount | None = Field(None, ge=0, description="BT-136/BT-141 Amount without VAT; follows from percent.")
    percent: Percent | None = Field(None, description="BT-138/BT-143 Percentage of the base.")
    base_amount: Amount | None = Field(
        None, ge=0, description="BT-137/BT-142 Base; the amount it applies to if absent."
    )
    reason: Text | None = Field(None, description="BT-139/BT-144 Reason; this or the code is compulsory.")
    reason_code: Code | None = Field(None, description="BT-140/BT-145 UNTDID 5189 (allowance) or 7161 (charge).")

    @model_validator(mode="after")
    def _say_how_much_and_why(self) -> Self:
        if self.amount is None and self.percent is None:
            raise problem("amount_or_percent", "needs amount or percent", "demande amount ou percent")
        if self.reason is None and self.reason_code is None:
            raise problem("reason", "needs reason or reason_code", "demande reason ou reason_code")
        return self


class DocumentAdjustmentRequest(AdjustmentRequest):
    """BG-20, BG-21: allowance or charge on the whole invoice."""

    vat_category: VatCategory = Field("S", description="BT-95/BT-102 VAT category.")
    vat_rate: Rate | None = Field(None, description="BT-96/BT-103 VAT rate in percent; compulsory for category S.")

    @model_validator(mode="after")
    def _say_the_rate(self) -> Self:
        check_rate(self.vat_category, self.vat_rate)
        return self


class ClassificationRequest(Group):
    """BT-158: item class."""

    code: Code = Field(description="BT-158 Code.")
    scheme: Code = Field(description="BT-158-1 List, UNTDID 7143.")
    version: Code | None = Field(None, description="BT-158-2 Version of the list.")


class AttributeRequest(Group):
    """BG-32: item attribute, with a value or (EXTENDED) a measure."""

    name: Text = Field(description="BT-160 Name.")
    value: Text | None = Field(None, description="BT-161 Value; this or measure is compulsory.")
    code: Code | None = Field(None, description="EXT-FR-FE-159 Code of the property, UNTDID 6313.")
    measure: Quantity | None = Field(None, description="EXT-FR-FE-160 Measured value.")
    measure_unit: Unit | None = Field(None, description="EXT-FR-FE-161 Its unit.")

    @model_validator(mode="after")
    def _say_one_value(self) -> Self:
        """BR-FR-28: value or measure, not both; a measure has its unit."""
        if (self.value is None) == (self.measure is None):
            raise problem("value", "needs value or measure, one of them", "demande value ou measure, l'un des deux")
        if (self.measure is None) != (self.measure_unit is None):
            raise problem("measure_unit", "needs measure and measure_unit together", "demande measure et measure_unit")
        return self


class LineNoteRequest(Group):
    """BT-127, EXT-FR-FE-183: a further note of a line."""

    text: Text = Field(description="BT-127 Text.")
    subject: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] | None = Field(
        None, description="EXT-FR-FE-183 Code, UNTDID 4451."
    )


class LineRequest(Group):
    """BG-25: an invoice line."""

    name: Text = Field(description="BT-153 Name of the item.")
    quantity: Quantity | None = Field(None, description="BT-129 Quantity; compulsory on a line that counts.")
    unit: Unit = Field("C62", description="BT-130 Unit, UN/ECE rec. 20 or 21, e.g. C62 (piece), HUR (hour).")
    net_price: Price | None = Field(None, description="BT-146 Price without VAT; this or gross_price is compulsory.")
    gross_price: Price | None = Field(None, description="BT-148 Price before the discount.")
    price_discount: Price | None = Field(None, description="BT-147 Discount on the price.")
    price_base_quantity: Quantity | None = Field(None, gt=0, description="BT-149 Quantity that the price is for; 1.")
    vat_category: VatCategory = Field("S", description="BT-151 VAT category.")
    vat_rate: Rate | None = Field(None, description="BT-152 VAT rate in percent; compulsory for category S.")
    nature: Nature | None = Field(None, description="BT-23 Goods or services; the operation's or profile's if absent.")
    line_id: Code | None = Field(None, description="BT-126 Identifier; 1, 2, 3 ... if absent.")
    net_amount: Amount | None = Field(None, description="BT-131 Net amount; computed, checked where given.")
    allowances: Many[AdjustmentRequest] = Field((), description="BG-27 Allowances (remises).")
    charges: Many[AdjustmentRequest] = Field((), description="BG-28 Charges (frais).")
    description: Text | None = Field(None, description="BT-154 Description.")
    note: Text | None = Field(None, description="BT-127 Note.")
    object_id: IdentifierRequest | None = Field(None, description="BT-128 Invoiced object; scheme of UNTDID 1153.")
    order_line: Code | None = Field(None, description="BT-132 Line of the purchase order.")
    accounting_reference: Text | None = Field(None, description="BT-133 Buyer's accounting reference.")
    period: PeriodRequest | None = Field(None, description="BG-26 Period of the line.")
    seller_item_id: Code | None = Field(None, description="BT-155 Seller's item number.")
    buyer_item_id: Code | None = Field(None, description="BT-156 Buyer's item number.")
    standard_item_id: IdentifierRequest | None = Field(None, description="BT-157 Standard item number with scheme.")
    classifications: Many[ClassificationRequest] = Field((), description="BT-158 Item classes.")
    origin_country: Country | None = Field(None, description="BT-159 Country of origin.")
    attributes: Many[AttributeRequest] = Field((), description="BG-32 Item attributes.")
    kind: LineKind | None = Field(None, description="EXT-FR-FE-163 GROUP, DETAIL or INFORMATION.")
    parent_line: Code | None = Field(None, description="EXT-FR-FE-162 The GROUP line above.")
    notes: Many[LineNoteRequest] = Field((), description="EXT-FR-FE-183 Further notes.")
    more_object_ids: Many[IdentifierRequest] = Field((), description="BT-128 Further objects (EXTENDED).")
    order_number: Code | None = Field(None, description="EXT-FR-FE-135 Purchase order of this line.")
    order_date: Day | None = Field(None, description="EXT-FR-FE-200 Its date.")
    sales_order: LineReferenceRequest | None = Field(None, description="EXT-FR-FE-144 Seller's order.")
    despatch_advice: LineReferenceRequest | None = Field(None, description="EXT-FR-FE-140 Delivery note.")
    receiving_advice: LineReferenceRequest | None = Field(None, description="EXT-FR-FE-142 Receiving advice.")
    preceding_invoice: LinePrecedingRequest | None = Field(None, description="EXT-FR-FE-136 Earlier invoice.")
    delivery: LineDeliveryRequest | None = Field(None, description="EXT-FR-FE-BG-10 Where and when delivered.")
    delivery_terms: DeliveryTermsRequest | None = Field(None, description="EXT-FR-FE-193 Incoterms of this line.")
    price_discount_reason: Text | None = Field(None, description="EXT-FR-FE-195 Reason of price_discount.")
    price_discount_code: Code | None = Field(None, description="EXT-FR-FE-196 Its code, UNTDID 5189.")
    units_per_parent: Quantity | None = Field(None, description="EXT-FR-FE-191 Units in one unit of the parent line.")
    units_per_parent_unit: Unit | None = Field(None, description="EXT-FR-FE-191 Their unit; the line's if absent.")

    @property
    def counts(self) -> bool:
        """Whether the line is part of the sum: a GROUP repeats its details, an INFORMATION costs nothing."""
        return self.kind not in {"GROUP", "INFORMATION"}

    @model_validator(mode="after")
    def _say_the_price_and_rate(self) -> Self:
        if not self.counts:
            if self.net_amount is not None or self.allowances or self.charges:
                raise problem(
                    "no_amount",
                    f"is a {self.kind} line, whose amount we compute: leave net_amount, allowances and charges out",
                    f"est une ligne {self.kind}, dont nous calculons le montant : omettez net_amount, allowances et "
                    "charges",
                )
            return self
        if self.quantity is None:
            raise problem("quantity", "needs quantity (BT-129)", "demande quantity (BT-129)")
        if self.net_price is None and self.gross_price is None:
            raise problem("price", "needs net_price (BT-146)", "demande net_price (BT-146)")
        if self.price_discount is not None and self.gross_price is None:
            raise problem("gross_price", "needs gross_price (BT-148)", "demande gross_price (BT-148)")
        if self.gross_price is not None:
            net = self.gross_price - (self.price_discount or 0)
            if net < 0 or self.net_price not in {None, net}:
                raise problem(
                    "net_price",
                    "has a net_price that is not gross_price less price_discount, or is negative",
                    "a un net_price qui n'est pas gross_price moins price_discount, ou est négatif",
                )
        check_rate(self.vat_category, self.vat_rate)
        return self
