"""Our JSON for an invoice: what a supplier sends us, named by the business terms of EN 16931.

Only the buyer and the lines are compulsory; the seller, the bank account and the legal mentions come from the
supplier's profile, and all totals are computed. A total that is given is checked to the cent.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from einvoice.request.codes import AnyTypeCode, Process, TypeCode, VatCategory
from einvoice.request.extension import DeliveryTermsRequest, ThirdPartyRequest
from einvoice.request.group import Group
from einvoice.request.lines import DocumentAdjustmentRequest, LineRequest, PeriodRequest
from einvoice.request.parties import BuyerRequest, DeliveryRequest, IdentifierRequest, PartyRequest, PayeeRequest
from einvoice.request.values import (
    Amount,
    Code,
    Content,
    Currency,
    Day,
    ExchangeRate,
    GrantedDays,
    Many,
    Percent,
    Text,
    problem,
)

MAX_LINES = 10_000
"""Lines of one invoice: above, a platform's size limit is reached first."""

Sector = Literal["perishable_food", "livestock", "alcohol", "transport", "public_health", "public_company"]
"""Trades and public buyers whose longest payment term is not the general one (see ``config/law/terms.toml``)."""


class NoteRequest(Group):
    """BG-1: a free note."""

    text: Text = Field(description="BT-22 Text of the note.")
    subject: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] | None = Field(None, description="BT-21 Code, UNTDID 4451.")


class PrecedingInvoiceRequest(Group):
    """BG-3: an earlier invoice that this one credits, corrects or completes."""

    number: Code = Field(description="BT-25 Its number.")
    issue_date: Day | None = Field(None, description="BT-26 Its date; compulsory for credit notes and corrections.")
    type_code: AnyTypeCode | None = Field(None, description="EXT-FR-FE-02 Its kind (BT-3).")


class DepositRequest(Group):
    """BG-3, BT-113: a deposit invoice (386) that this final invoice deducts."""

    number: Code = Field(description="BT-25 Number of the deposit invoice.")
    issue_date: Day = Field(description="BT-26 Its date.")
    amount: Amount = Field(gt=0, description="BT-113 What it brought, VAT included.")


class ExchangeRateRequest(Group):
    """BT-111: the rate by which the VAT total is put in euros."""

    rate: ExchangeRate = Field(description="BT-111 Euros for one unit of the invoice's currency, e.g. 0.9234.")
    date: Day = Field(description="BT-111 Day of that rate.")


class InstalmentRequest(Group):
    """BT-20: a part of the amount due, with its own day."""

    due_on: Day = Field(description="BT-20 Day on which it falls due; the first one's is BT-9.")
    amount: Amount = Field(gt=0, description="BT-20 What falls due on that day, VAT included.")


class TermsRequest(Group):
    """BT-22: late penalties and discount of this invoice, where they are not the profile's."""

    penalty_rate: Percent | None = Field(None, description="BT-22 (PMD) Late-payment rate in percent a year.")
    discount_percent: Percent | None = Field(None, description="BT-22 (AAB) Early-payment discount in percent.")
    discount_days: GrantedDays | None = Field(None, description="BT-22 (AAB) Days in which it is granted.")

    @model_validator(mode="after")
    def _discount_has_both(self) -> Self:
        if (self.discount_percent is None) != (self.discount_days is None):
            raise problem(
                "discount",
                "needs discount_percent and discount_days together",
                "demande discount_percent et discount_days ensemble",
            )
        return self


class PaymentRequest(Group):
    """BG-16 to BG-19: how to pay, where it is not the bank account of the profile."""

    means_code: Code | None = Field(
        None,
        description="BT-81 UNTDID 4461, e.g. 59 SEPA direct debit; if absent 58, SEPA transfer, in euros, else 30.",
    )
    means_text: Text | None = Field(None, description="BT-82 Means of payment in words.")
    remittance: Code | None = Field(
        None, description="BT-83 Reference to quote; for a transfer the number as RF reference if absent."
    )
    iban: Code | None = Field(None, description="BT-84 Account to be credited; the profile's if absent.")
    bic: Code | None = Field(None, description="BT-86 Its bank.")
    holder: Text | None = Field(None, description="BT-85 Its holder.")
    mandate_reference: Code | None = Field(None, description="BT-89 SEPA mandate.")
    creditor_id: Code | None = Field(None, description="BT-90 SEPA creditor identifier (ICS).")
    debited_iban: Code | None = Field(None, description="BT-91 Account to be debited.")


class ExemptionRequest(Group):
    """BT-120, BT-121: why a VAT category bears no VAT."""

    vat_category: VatCategory = Field(description="BT-118 VAT category.")
    reason: Text | None = Field(None, description="BT-120 Reason in words.")
    code: Code | None = Field(None, description="BT-121 VATEX code.")


class AttachmentRequest(Group):
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


class TotalsRequest(Group):
    """BG-22: totals to be checked; none is needed, except BT-111 in a foreign currency."""

    lines: Amount | None = Field(None, description="BT-106 Sum of the lines.")
    allowances: Amount | None = Field(None, description="BT-107 Sum of allowances.")
    charges: Amount | None = Field(None, description="BT-108 Sum of charges.")
    without_vat: Amount | None = Field(None, description="BT-109 Total without VAT (HT).")
    vat: Amount | None = Field(None, description="BT-110 Total VAT.")
    vat_accounting: Amount | None = Field(None, description="BT-111 Total VAT in the accounting currency.")
    with_vat: Amount | None = Field(None, description="BT-112 Total with VAT (TTC).")
    payable: Amount | None = Field(None, description="BT-115 Amount due.")


class InvoiceRequest(Group):
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
    process: Process | None = Field(
        None, description="BT-23 Cadre de facturation; derived. State one to say what no other field does (3, 5, 6, 7)."
    )
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
    instalments: Many[InstalmentRequest] = Field(
        (), description="BT-20 Instalments, two or more, in order; together the amount due (BT-115)."
    )
    notes: Many[NoteRequest] = Field((), description="BG-1 Notes; the compulsory mentions are added.")
    preceding_invoices: Many[PrecedingInvoiceRequest] = Field((), description="BG-3 Invoices credited or completed.")
    seller: PartyRequest | None = Field(None, description="BG-4 Seller; the supplier's profile if absent.")
    payee: PayeeRequest | None = Field(None, description="BG-10 Payee.")
    delivery: DeliveryRequest | None = Field(None, description="BG-13 Delivery.")
    period: PeriodRequest | None = Field(None, description="BG-14 Invoicing period.")
    payment: PaymentRequest | None = Field(None, description="BG-16 Payment; the profile's bank account if absent.")
    allowances: Many[DocumentAdjustmentRequest] = Field((), description="BG-20 Allowances on the whole invoice.")
    charges: Many[DocumentAdjustmentRequest] = Field((), description="BG-21 Charges on the whole invoice.")
    deposits: Many[DepositRequest] = Field((), description="BG-3 Deposit invoices that this final invoice deducts.")
    prepaid_amount: Amount | None = Field(None, description="BT-113 Already paid, VAT included, beside deposits.")
    rounding_amount: Amount | None = Field(None, description="BT-114 Rounding of the amount due.")
    totals: TotalsRequest | None = Field(None, description="BG-22 Totals to be checked.")
    vat_exchange_rate: ExchangeRateRequest | None = Field(
        None, description="BT-111 Rate for the VAT total in euros, where totals.vat_accounting is not given."
    )
    margin_scheme: Literal["second_hand", "works_of_art", "antiques", "travel_agency"] | None = Field(
        None, description="BT-120/BT-121 Margin scheme of the lines of category E: no VAT is shown."
    )
    terms: TermsRequest | None = Field(None, description="BG-1 Penalties and discount; the profile's if absent.")
    sector: Sector | None = Field(
        None, description="BT-9 Trade with a payment term of its own; the profile's if absent."
    )
    periodic: bool = Field(
        default=False, description="BT-9 True for a periodic invoice (facture récapitulative): at most 45 days."
    )
    vat_exemptions: Many[ExemptionRequest] = Field((), description="BT-120/BT-121 Why a category bears no VAT.")
    attachments: Many[AttachmentRequest] = Field((), description="BG-24 Supporting documents.")
    profile: Literal["basicwl", "en16931", "extended"] | None = Field(
        None, description="BT-24 Level of the file; extended where its terms are used, else en16931."
    )
    payer: ThirdPartyRequest | None = Field(None, description="EXT-FR-FE-BG-02 Who pays for the buyer.")
    buyer_agent: ThirdPartyRequest | None = Field(None, description="EXT-FR-FE-BG-01 Buyer's agent.")
    seller_agent: ThirdPartyRequest | None = Field(None, description="EXT-FR-FE-BG-03 Seller's agent.")
    invoicer: ThirdPartyRequest | None = Field(None, description="EXT-FR-FE-BG-05 Who invoices for the seller.")
    invoicee: ThirdPartyRequest | None = Field(None, description="EXT-FR-FE-BG-04 To whom it is addressed.")
    purchase_order_date: Day | None = Field(None, description="EXT-FR-FE-197 Date of purchase_order.")
    despatch_advice_date: Day | None = Field(None, description="EXT-FR-FE-198 Date of despatch_advice.")
    contract_date: Day | None = Field(None, description="EXT-FR-FE-199 Date of contract_reference.")
    contract_type: Code | None = Field(None, description="EXT-FR-FE-01 Kind of contract_reference, UNTDID 1153.")
    more_object_ids: Many[IdentifierRequest] = Field((), description="BT-18 Further objects (EXTENDED).")
    delivery_terms: DeliveryTermsRequest | None = Field(None, description="EXT-FR-FE-185 Incoterms.")
