"""Our JSON for an invoice: what a supplier sends us, named by the business terms of EN 16931.

Only the buyer and the lines are compulsory; the seller, the bank account and the legal mentions come from the
supplier's profile, and all totals are computed. A total that is given is checked to the cent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from einvoice.request_values import (
    Amount,
    Code,
    Content,
    Country,
    Currency,
    Day,
    Many,
    Percent,
    Price,
    Quantity,
    Rate,
    Text,
    problem,
)

if TYPE_CHECKING:
    from decimal import Decimal

MAX_LINES = 10_000
"""Lines of one invoice: above, a platform's size limit is reached first."""

Nature = Literal["goods", "services"]
VatCategory = Literal["S", "Z", "E", "AE", "K", "G", "O"]
TypeCode = Literal["380", "381", "384", "386", "393", "396", "472", "503", "262"]
Process = Literal[
    "B1", "S1", "M1", "B2", "S2", "M2", "S3", "B4", "S4", "M4", "S5", "S6", "B7", "S7", "B8", "S8", "M8"
]  # fmt: skip


class _Group(BaseModel):
    """Base of all groups: no unknown field, no silent conversion, no change afterwards."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


def _check_rate(category: str, rate: Decimal | None) -> None:
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


class IdentifierRequest(_Group):
    """An identifier with its ISO 6523 or EAS scheme."""

    value: Code = Field(description="The identifier itself.")
    scheme: Code | None = Field(None, description="Its scheme, e.g. 0009 for a SIRET, 0088 for a GLN.")


class AddressRequest(_Group):
    """BG-5, BG-8, BG-15: postal address."""

    line1: Text | None = Field(None, description="BT-35/BT-50/BT-75 First line of the address.")
    line2: Text | None = Field(None, description="BT-36/BT-51/BT-76 Second line.")
    line3: Text | None = Field(None, description="BT-162/BT-163/BT-165 Third line.")
    postcode: Text | None = Field(None, description="BT-38/BT-53/BT-78 Post code.")
    city: Text | None = Field(None, description="BT-37/BT-52/BT-77 City.")
    subdivision: Text | None = Field(None, description="BT-39/BT-54/BT-79 Region.")
    country: Country = Field("FR", description="BT-40/BT-55/BT-80 Country, ISO 3166-1 alpha-2.")


class ContactRequest(_Group):
    """BG-6, BG-9: contact point."""

    name: Text | None = Field(None, description="BT-41/BT-56 Person or department.")
    phone: Text | None = Field(None, description="BT-42/BT-57 Telephone.")
    email: Text | None = Field(None, description="BT-43/BT-58 E-mail address.")


class PartyRequest(_Group):
    """BG-4 seller or BG-7 buyer."""

    name: Text = Field(description="BT-27/BT-44 Official name.")
    address: AddressRequest = Field(description="BG-5/BG-8 Postal address.")
    trading_name: Text | None = Field(None, description="BT-28/BT-45 Trading name.")
    siren: Code | None = Field(None, description="BT-30/BT-47 SIREN (scheme 0002); follows from the SIRET if absent.")
    siret: Code | None = Field(None, description="BT-29/BT-46 SIRET (scheme 0009).")
    legal_id: IdentifierRequest | None = Field(None, description="BT-30/BT-47 Legal identifier of a foreign party.")
    identifiers: Many[IdentifierRequest] = Field((), description="BT-29/BT-46 Other identifiers.")
    vat_id: Code | None = Field(None, description="BT-31/BT-48 VAT number with its country prefix.")
    endpoint: IdentifierRequest | None = Field(
        None, description="BT-34/BT-49 Electronic address; a French party's SIREN (scheme 0225) if absent."
    )
    legal_form: Text | None = Field(None, description="BT-33 Legal form and capital (seller only).")
    contact: ContactRequest | None = Field(None, description="BG-6/BG-9 Contact point.")


class BuyerRequest(PartyRequest):
    """BG-7: the buyer, a business unless said otherwise."""

    consumer: bool = Field(
        default=False, description="BT-22 (BAR) True for a private person: no late-payment mentions."
    )


class NoteRequest(_Group):
    """BG-1: a free note."""

    text: Text = Field(description="BT-22 Text of the note.")
    subject: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] | None = Field(None, description="BT-21 Code, UNTDID 4451.")


class PrecedingInvoiceRequest(_Group):
    """BG-3: an earlier invoice that this one credits, corrects or completes."""

    number: Code = Field(description="BT-25 Its number.")
    issue_date: Day | None = Field(None, description="BT-26 Its date; compulsory for credit notes and corrections.")


class PeriodRequest(_Group):
    """BG-14, BG-26: invoicing period."""

    start: Day | None = Field(None, description="BT-73/BT-134 First day.")
    end: Day | None = Field(None, description="BT-74/BT-135 Last day.")


class DeliveryRequest(_Group):
    """BG-13, BG-15: where and when the supply took place."""

    date: Day | None = Field(None, description="BT-72 Actual delivery date.")
    name: Text | None = Field(None, description="BT-70 Name of the party delivered to.")
    location: IdentifierRequest | None = Field(None, description="BT-71 Identifier of the place.")
    address: AddressRequest | None = Field(None, description="BG-15 Delivery address where it is not the buyer's.")


class PayeeRequest(_Group):
    """BG-10: who is to be paid when it is not the seller, e.g. a factor."""

    name: Text = Field(description="BT-59 Name.")
    identifier: IdentifierRequest | None = Field(None, description="BT-60 Identifier.")
    siren: Code | None = Field(None, description="BT-61 SIREN.")


class PaymentRequest(_Group):
    """BG-16 to BG-19: how to pay, where it is not the bank account of the profile."""

    means_code: Code = Field("58", description="BT-81 UNTDID 4461, e.g. 58 SEPA transfer, 59 SEPA direct debit.")
    means_text: Text | None = Field(None, description="BT-82 Means of payment in words.")
    remittance: Code | None = Field(None, description="BT-83 Reference to quote; the invoice's number if absent.")
    iban: Code | None = Field(None, description="BT-84 Account to be credited; the profile's if absent.")
    bic: Code | None = Field(None, description="BT-86 Its bank.")
    holder: Text | None = Field(None, description="BT-85 Its holder.")
    mandate_reference: Code | None = Field(None, description="BT-89 SEPA mandate.")
    creditor_id: Code | None = Field(None, description="BT-90 SEPA creditor identifier (ICS).")
    debited_iban: Code | None = Field(None, description="BT-91 Account to be debited.")


class AdjustmentRequest(_Group):
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
        _check_rate(self.vat_category, self.vat_rate)
        return self


class ClassificationRequest(_Group):
    """BT-158: item class."""

    code: Code = Field(description="BT-158 Code.")
    scheme: Code = Field(description="BT-158-1 List, UNTDID 7143.")
    version: Code | None = Field(None, description="BT-158-2 Version of the list.")


class AttributeRequest(_Group):
    """BG-32: item attribute."""

    name: Text = Field(description="BT-160 Name.")
    value: Text = Field(description="BT-161 Value.")


class LineRequest(_Group):
    """BG-25: an invoice line."""

    name: Text = Field(description="BT-153 Name of the item.")
    quantity: Quantity = Field(description="BT-129 Quantity.")
    unit: Code = Field("C62", description="BT-130 Unit, UN/ECE rec. 20 or 21, e.g. C62 (piece), HUR (hour).")
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

    @model_validator(mode="after")
    def _say_the_price_and_rate(self) -> Self:
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
        _check_rate(self.vat_category, self.vat_rate)
        return self


class ExemptionRequest(_Group):
    """BT-120, BT-121: why a VAT category bears no VAT."""

    vat_category: VatCategory = Field(description="BT-118 VAT category.")
    reason: Text | None = Field(None, description="BT-120 Reason in words.")
    code: Code | None = Field(None, description="BT-121 VATEX code.")


class AttachmentRequest(_Group):
    """BG-24: supporting document."""

    reference: Code = Field(description="BT-122 Reference.")
    description: Text | None = Field(
        None, description="BT-123 One of the French list, e.g. DOCUMENT_ANNEXE (BR-FR-17)."
    )
    url: Text | None = Field(None, description="BT-124 Where it is.")
    content: Content | None = Field(None, description="BT-125 The file, in base 64.")
    mime: Code | None = Field(None, description="BT-125-1 Its type, e.g. application/pdf.")
    filename: Text | None = Field(None, description="BT-125-2 Its name.")

    @model_validator(mode="after")
    def _describe_the_content(self) -> Self:
        if self.content is not None and (self.mime is None or self.filename is None):
            raise problem("content", "needs mime and filename with content", "demande mime et filename avec content")
        return self


class TotalsRequest(_Group):
    """BG-22: totals to be checked; none is needed, except BT-111 in a foreign currency."""

    lines: Amount | None = Field(None, description="BT-106 Sum of the lines.")
    allowances: Amount | None = Field(None, description="BT-107 Sum of allowances.")
    charges: Amount | None = Field(None, description="BT-108 Sum of charges.")
    without_vat: Amount | None = Field(None, description="BT-109 Total without VAT (HT).")
    vat: Amount | None = Field(None, description="BT-110 Total VAT.")
    vat_accounting: Amount | None = Field(None, description="BT-111 Total VAT in the accounting currency.")
    with_vat: Amount | None = Field(None, description="BT-112 Total with VAT (TTC).")
    payable: Amount | None = Field(None, description="BT-115 Amount due.")


class InvoiceRequest(_Group):
    """An invoice or credit note to be issued."""

    buyer: BuyerRequest = Field(description="BG-7 Buyer.")
    lines: Annotated[tuple[LineRequest, ...], Field(strict=False, min_length=1, max_length=MAX_LINES)] = Field(
        description="BG-25 Lines."
    )
    type_code: TypeCode = Field("380", description="BT-3 380 invoice, 381 credit note, 386 deposit, 384 correction ...")
    issue_date: Day | None = Field(None, description="BT-2 Issue date; today if absent.")
    due_date: Day | None = Field(None, description="BT-9 Due date; from the profile's terms if absent.")
    currency: Currency = Field("EUR", description="BT-5 Currency.")
    operation: Literal["goods", "services", "both"] | None = Field(
        None, description="BT-23 Kind of operation (goods B, services S, both M); from the lines if absent."
    )
    process: Process | None = Field(None, description="BT-23 Cadre de facturation, where the derived one is not right.")
    tax_point: Literal["invoice", "delivery", "payment"] | None = Field(
        None, description="BT-8 When VAT falls due; from the profile if absent."
    )
    tax_point_date: Day | None = Field(None, description="BT-7 Day on which VAT falls due.")
    buyer_reference: Text | None = Field(None, description="BT-10 Buyer's reference (service exécutant).")
    project_reference: Text | None = Field(None, description="BT-11 Project.")
    contract_reference: Text | None = Field(None, description="BT-12 Contract.")
    purchase_order: Text | None = Field(None, description="BT-13 Buyer's order (engagement).")
    sales_order: Text | None = Field(None, description="BT-14 Seller's order.")
    receiving_advice: Text | None = Field(None, description="BT-15 Receiving advice.")
    despatch_advice: Text | None = Field(None, description="BT-16 Delivery note.")
    tender_reference: Text | None = Field(None, description="BT-17 Tender or lot.")
    object_id: IdentifierRequest | None = Field(None, description="BT-18 Invoiced object; scheme of UNTDID 1153.")
    accounting_reference: Text | None = Field(None, description="BT-19 Buyer's accounting reference.")
    payment_terms: Text | None = Field(None, description="BT-20 Payment terms in words.")
    notes: Many[NoteRequest] = Field((), description="BG-1 Notes; the compulsory mentions are added.")
    preceding_invoices: Many[PrecedingInvoiceRequest] = Field((), description="BG-3 Invoices credited or completed.")
    seller: PartyRequest | None = Field(None, description="BG-4 Seller; the supplier's profile if absent.")
    payee: PayeeRequest | None = Field(None, description="BG-10 Payee.")
    delivery: DeliveryRequest | None = Field(None, description="BG-13 Delivery.")
    period: PeriodRequest | None = Field(None, description="BG-14 Invoicing period.")
    payment: PaymentRequest | None = Field(None, description="BG-16 Payment; the profile's bank account if absent.")
    allowances: Many[DocumentAdjustmentRequest] = Field((), description="BG-20 Allowances on the whole invoice.")
    charges: Many[DocumentAdjustmentRequest] = Field((), description="BG-21 Charges on the whole invoice.")
    prepaid_amount: Amount | None = Field(None, description="BT-113 Already paid, VAT included (deposits).")
    rounding_amount: Amount | None = Field(None, description="BT-114 Rounding of the amount due.")
    totals: TotalsRequest | None = Field(None, description="BG-22 Totals to be checked.")
    vat_exemptions: Many[ExemptionRequest] = Field((), description="BT-120/BT-121 Why a category bears no VAT.")
    attachments: Many[AttachmentRequest] = Field((), description="BG-24 Supporting documents.")
