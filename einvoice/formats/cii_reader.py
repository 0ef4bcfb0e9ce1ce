"""Reading a CII invoice (any profile with the terms that EN 16931 makes compulsory) into the document."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from einvoice.document import (
    Attachment,
    CreditAccount,
    CurrencyExchange,
    Delivery,
    Document,
    PaymentInstructions,
    Totals,
    VatBreakdown,
)
from einvoice.formats.cii_line_reader import read_line
from einvoice.formats.cii_party_reader import (
    read_address,
    read_identifiers,
    read_party,
    read_payee,
    read_representative,
    read_third_party,
)
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
from einvoice.formats.cii_terms import NAMESPACES, OBJECT, TENDER
from einvoice.formats.place import Place, Prefixes, present

if TYPE_CHECKING:
    from lxml import etree

_PREFIXES = Prefixes(NAMESPACES)


def read_cii(root: etree._Element) -> Document:
    """The document in a CrossIndustryInvoice.

    Raises:
        ReadError: ``invoice.bad_value`` or ``invoice.missing_term``, with the term and the XPath.
    """
    top = Place(root, _PREFIXES)
    head = top.group("rsm:ExchangedDocument")
    context = top.group("rsm:ExchangedDocumentContext")
    trade = top.group("rsm:SupplyChainTradeTransaction")
    agreement = trade.group("ram:ApplicableHeaderTradeAgreement")
    supply = trade.group("ram:ApplicableHeaderTradeDelivery")
    settlement = trade.group("ram:ApplicableHeaderTradeSettlement")
    currency = settlement.need("ram:InvoiceCurrencyCode", "BT-5")
    accounting_currency = settlement.text("ram:TaxCurrencyCode")
    return Document(
        number=head.need("ram:ID", "BT-1"),
        issued_on=head.need_day(f"ram:IssueDateTime/{DATE}", "BT-2"),
        type_code=head.need("ram:TypeCode", "BT-3"),
        currency=currency,
        seller=read_party(agreement.group("ram:SellerTradeParty"), "BT-27", "BT-40"),
        buyer=read_party(agreement.group("ram:BuyerTradeParty"), "BT-44", "BT-55"),
        totals=_totals(settlement, currency, accounting_currency),
        vat=tuple(_tax(row) for row in settlement.all("ram:ApplicableTradeTax")),
        lines=tuple(
            read_line(line, currency, accounting_currency) for line in trade.all("ram:IncludedSupplyChainTradeLineItem")
        ),
        process=context.text("ram:BusinessProcessSpecifiedDocumentContextParameter/ram:ID"),
        profile=context.need("ram:GuidelineSpecifiedDocumentContextParameter/ram:ID", "BT-24"),
        accounting_currency=accounting_currency,
        tax_point_date=settlement.day("ram:ApplicableTradeTax/ram:TaxPointDate/udt:DateString", "BT-7"),
        tax_point=TAX_POINT_OF.get(settlement.text("ram:ApplicableTradeTax/ram:DueDateTypeCode") or ""),
        due_on=settlement.day(f"ram:SpecifiedTradePaymentTerms/ram:DueDateDateTime/{DATE}", "BT-9"),
        payment_terms=settlement.text("ram:SpecifiedTradePaymentTerms/ram:Description"),
        notes=tuple(read_notes(head)),
        preceding=tuple(read_preceding(settlement)),
        payee=read_payee(settlement.find("ram:PayeeTradeParty")),
        tax_representative=read_representative(agreement.find("ram:SellerTaxRepresentativeTradeParty")),
        delivery=_delivery(supply, settlement),
        payment=_payment(settlement),
        allowances_charges=tuple(read_allowances_charges(settlement)),
        delivery_terms=read_delivery_terms(agreement, "EXT-FR-FE-185"),
        exchange=_exchange(settlement.find("ram:TaxApplicableTradeCurrencyExchange")),
        **_references(agreement, supply, settlement),
        **_third_parties(agreement, settlement),
    )


def _third_parties(agreement: Place, settlement: Place) -> dict[str, Any]:
    return {
        "payer": read_third_party(settlement.find("ram:PayerTradeParty"), "EXT-FR-FE-61"),
        "buyer_agent": read_third_party(agreement.find("ram:BuyerAgentTradeParty"), "EXT-FR-FE-21"),
        "seller_agent": read_third_party(agreement.find("ram:SalesAgentTradeParty"), "EXT-FR-FE-84"),
        "invoicer": read_third_party(settlement.find("ram:InvoicerTradeParty"), "EXT-FR-FE-130"),
        "invoicee": read_third_party(settlement.find("ram:InvoiceeTradeParty"), "EXT-FR-FE-107"),
    }


def _references(agreement: Place, supply: Place, settlement: Place) -> dict[str, Any]:
    additional = agreement.all("ram:AdditionalReferencedDocument")
    typed = [(place.text("ram:TypeCode"), place) for place in additional]
    tenders = [place for code, place in typed if code == TENDER]
    objects = [found for code, place in typed if code == OBJECT and (found := read_object(place))]
    contract = agreement.group("ram:ContractReferencedDocument")
    order = agreement.group("ram:BuyerOrderReferencedDocument")
    despatch = supply.group("ram:DespatchAdviceReferencedDocument")
    return {
        "buyer_reference": agreement.text("ram:BuyerReference"),
        "project_reference": agreement.text("ram:SpecifiedProcuringProject/ram:ID"),
        "contract_reference": contract.text("ram:IssuerAssignedID"),
        "contract_type": contract.text("ram:ReferenceTypeCode"),
        "contract_on": contract.day(ISSUED, "EXT-FR-FE-199"),
        "purchase_order": order.text("ram:IssuerAssignedID"),
        "purchase_order_on": order.day(ISSUED, "EXT-FR-FE-197"),
        "sales_order": agreement.text("ram:SellerOrderReferencedDocument/ram:IssuerAssignedID"),
        "receiving_advice": supply.text("ram:ReceivingAdviceReferencedDocument/ram:IssuerAssignedID"),
        "despatch_advice": despatch.text("ram:IssuerAssignedID"),
        "despatch_advice_on": despatch.day(ISSUED, "EXT-FR-FE-198"),
        "tender_reference": tenders[0].text("ram:IssuerAssignedID") if tenders else None,
        "object_id": objects[0] if objects else None,
        "more_object_ids": tuple(objects[1:]),
        "accounting_reference": settlement.text("ram:ReceivableSpecifiedTradeAccountingAccount/ram:ID"),
        "attachments": tuple(_attachment(place) for code, place in typed if code not in {TENDER, OBJECT}),
    }


def _attachment(place: Place) -> Attachment:
    binary = place.group("ram:AttachmentBinaryObject")
    return Attachment(
        reference=place.need("ram:IssuerAssignedID", "BT-122"),
        description=place.text("ram:Name"),
        url=place.text("ram:URIID"),
        content=place.content("ram:AttachmentBinaryObject", "BT-125"),
        mime=binary.attribute("mimeCode"),
        filename=binary.attribute("filename"),
    )


def _exchange(place: Place | None) -> CurrencyExchange | None:
    if place is None:
        return None
    return CurrencyExchange(
        source=place.need("ram:SourceCurrencyCode", "BT-167"),
        target=place.need("ram:TargetCurrencyCode", "BT-167"),
        rate=place.need_number("ram:ConversionRate", "BT-167"),
        on=place.day(f"ram:ConversionRateDateTime/{DATE}", "EXT-FR-FE-192"),
    )


def _delivery(supply: Place, settlement: Place) -> Delivery | None:
    ship_to = supply.group("ram:ShipToTradeParty")
    address = ship_to.find("ram:PostalTradeAddress")
    locations = read_identifiers(ship_to)
    period = settlement.group("ram:BillingSpecifiedPeriod")
    return present(
        Delivery(
            name=ship_to.text("ram:Name"),
            location=locations[0] if locations else None,
            delivered_on=supply.day(f"ram:ActualDeliverySupplyChainEvent/ram:OccurrenceDateTime/{DATE}", "BT-72"),
            period_start=period.day(f"ram:StartDateTime/{DATE}", "BT-73"),
            period_end=period.day(f"ram:EndDateTime/{DATE}", "BT-74"),
            address=read_address(address, "BT-80") if address else None,
        )
    )


def _payment(settlement: Place) -> PaymentInstructions | None:
    """BG-16; BT-83, BT-89 and BT-90 stand elsewhere in CII and count only beside a means of payment."""
    means = settlement.all("ram:SpecifiedTradeSettlementPaymentMeans")
    if not means:
        return None
    first = means[0]
    card = first.group("ram:ApplicableTradeSettlementFinancialCard")
    return PaymentInstructions(
        means_code=first.need("ram:TypeCode", "BT-81"),
        means_text=first.text("ram:Information"),
        remittance=settlement.text("ram:PaymentReference"),
        accounts=tuple(account for place in means if (account := _account(place))),
        card_number=card.text("ram:ID"),
        card_holder=card.text("ram:CardholderName"),
        mandate_reference=settlement.text("ram:SpecifiedTradePaymentTerms/ram:DirectDebitMandateID"),
        creditor_id=settlement.text("ram:CreditorReferenceID"),
        debited_account=first.text("ram:PayerPartyDebtorFinancialAccount/ram:IBANID"),
    )


def _account(means: Place) -> CreditAccount | None:
    account = means.group("ram:PayeePartyCreditorFinancialAccount")
    number = account.text("ram:IBANID") or account.text("ram:ProprietaryID")
    if number is None:
        return None
    bic = means.text("ram:PayeeSpecifiedCreditorFinancialInstitution/ram:BICID")
    return CreditAccount(number, account.text("ram:AccountName"), bic)


def _tax(row: Place) -> VatBreakdown:
    return VatBreakdown(
        taxable=row.need_number("ram:BasisAmount", "BT-116"),
        tax=row.need_number("ram:CalculatedAmount", "BT-117"),
        category=row.need("ram:CategoryCode", "BT-118"),
        rate=row.number("ram:RateApplicablePercent", "BT-119"),
        exemption_reason=row.text("ram:ExemptionReason"),
        exemption_code=row.text("ram:ExemptionReasonCode"),
    )


def _totals(settlement: Place, currency: str, accounting_currency: str | None) -> Totals:
    sums = settlement.group("ram:SpecifiedTradeSettlementHeaderMonetarySummation")
    vat = sums.number(f"ram:TaxTotalAmount[@currencyID='{quoted(currency)}']", "BT-110")
    if vat is None and (first := sums.find("ram:TaxTotalAmount")) and first.attribute("currencyID") is None:
        vat = sums.number("ram:TaxTotalAmount", "BT-110")
    in_accounting = f"ram:TaxTotalAmount[@currencyID='{quoted(accounting_currency or '')}']"
    return Totals(
        lines=sums.need_number("ram:LineTotalAmount", "BT-106"),
        without_vat=sums.need_number("ram:TaxBasisTotalAmount", "BT-109"),
        with_vat=sums.need_number("ram:GrandTotalAmount", "BT-112"),
        payable=sums.need_number("ram:DuePayableAmount", "BT-115"),
        allowances=sums.number("ram:AllowanceTotalAmount", "BT-107"),
        charges=sums.number("ram:ChargeTotalAmount", "BT-108"),
        vat=vat,
        vat_accounting=sums.number(in_accounting, "BT-111") if accounting_currency not in {None, currency} else None,
        prepaid=sums.number("ram:TotalPrepaidAmount", "BT-113"),
        rounding=sums.number("ram:RoundingAmount", "BT-114"),
    )
