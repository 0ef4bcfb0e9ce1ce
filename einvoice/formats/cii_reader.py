"""Reading a CII invoice (any profile with the terms that EN 16931 makes compulsory) into the document."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from einvoice.document import (
    Address,
    Attachment,
    Contact,
    CreditAccount,
    Delivery,
    Document,
    Identifier,
    Note,
    Party,
    Payee,
    PaymentInstructions,
    PrecedingInvoice,
    TaxRepresentative,
    Totals,
    VatBreakdown,
)
from einvoice.formats.cii_line_reader import read_allowances_charges, read_identifier, read_line, read_object
from einvoice.formats.cii_terms import NAMESPACES, OBJECT, TAX_POINTS, TENDER
from einvoice.formats.place import Place, present

if TYPE_CHECKING:
    from lxml import etree

_TAX_POINT_OF = {code: tax_point for tax_point, code in TAX_POINTS.items()}
_DATE = "udt:DateTimeString"


def read_cii(root: etree._Element) -> Document:
    """The document in a CrossIndustryInvoice.

    Raises:
        ReadError: ``invoice.bad_value`` or ``invoice.missing_term``, with the term and the XPath.
    """
    top = Place(root, NAMESPACES)
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
        issued_on=head.need_day(f"ram:IssueDateTime/{_DATE}", "BT-2"),
        type_code=head.need("ram:TypeCode", "BT-3"),
        currency=currency,
        seller=_party(agreement.group("ram:SellerTradeParty"), "BT-27", "BT-40"),
        buyer=_party(agreement.group("ram:BuyerTradeParty"), "BT-44", "BT-55"),
        totals=_totals(settlement, currency, accounting_currency),
        vat=tuple(_tax(row) for row in settlement.all("ram:ApplicableTradeTax")),
        lines=tuple(read_line(line) for line in trade.all("ram:IncludedSupplyChainTradeLineItem")),
        process=context.text("ram:BusinessProcessSpecifiedDocumentContextParameter/ram:ID"),
        profile=context.need("ram:GuidelineSpecifiedDocumentContextParameter/ram:ID", "BT-24"),
        accounting_currency=accounting_currency,
        tax_point_date=settlement.day("ram:ApplicableTradeTax/ram:TaxPointDate/udt:DateString", "BT-7"),
        tax_point=_TAX_POINT_OF.get(settlement.text("ram:ApplicableTradeTax/ram:DueDateTypeCode") or ""),
        due_on=settlement.day(f"ram:SpecifiedTradePaymentTerms/ram:DueDateDateTime/{_DATE}", "BT-9"),
        payment_terms=settlement.text("ram:SpecifiedTradePaymentTerms/ram:Description"),
        notes=tuple(_notes(head)),
        preceding=tuple(_preceding(settlement)),
        payee=_payee(settlement.find("ram:PayeeTradeParty")),
        tax_representative=_representative(agreement.find("ram:SellerTaxRepresentativeTradeParty")),
        delivery=_delivery(supply, settlement),
        payment=_payment(settlement),
        allowances_charges=tuple(read_allowances_charges(settlement)),
        **_references(agreement, supply, settlement),
    )


def _references(agreement: Place, supply: Place, settlement: Place) -> dict[str, Any]:
    additional = agreement.all("ram:AdditionalReferencedDocument")
    typed = [(place.text("ram:TypeCode"), place) for place in additional]
    tenders = [place for code, place in typed if code == TENDER]
    objects = [place for code, place in typed if code == OBJECT]
    return {
        "buyer_reference": agreement.text("ram:BuyerReference"),
        "project_reference": agreement.text("ram:SpecifiedProcuringProject/ram:ID"),
        "contract_reference": agreement.text("ram:ContractReferencedDocument/ram:IssuerAssignedID"),
        "purchase_order": agreement.text("ram:BuyerOrderReferencedDocument/ram:IssuerAssignedID"),
        "sales_order": agreement.text("ram:SellerOrderReferencedDocument/ram:IssuerAssignedID"),
        "receiving_advice": supply.text("ram:ReceivingAdviceReferencedDocument/ram:IssuerAssignedID"),
        "despatch_advice": supply.text("ram:DespatchAdviceReferencedDocument/ram:IssuerAssignedID"),
        "tender_reference": tenders[0].text("ram:IssuerAssignedID") if tenders else None,
        "object_id": read_object(objects[0]) if objects else None,
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


def _notes(head: Place) -> list[Note]:
    return [
        Note(text, place.text("ram:SubjectCode"))
        for place in head.all("ram:IncludedNote")
        if (text := place.text("ram:Content"))
    ]


def _preceding(settlement: Place) -> list[PrecedingInvoice]:
    return [
        PrecedingInvoice(number, place.day("ram:FormattedIssueDateTime/qdt:DateTimeString", "BT-26"))
        for place in settlement.all("ram:InvoiceReferencedDocument")
        if (number := place.text("ram:IssuerAssignedID"))
    ]


def _identifiers(party: Place) -> tuple[Identifier, ...]:
    places = [*party.all("ram:ID"), *party.all("ram:GlobalID")]
    return tuple(found for place in places if (found := read_identifier(place)))


def _party(place: Place, name_term: str, country_term: str) -> Party:
    legal = place.group("ram:SpecifiedLegalOrganization")
    contact = place.group("ram:DefinedTradeContact")
    return Party(
        name=place.need("ram:Name", name_term),
        address=_address(place.group("ram:PostalTradeAddress"), country_term),
        trading_name=legal.text("ram:TradingBusinessName"),
        identifiers=_identifiers(place),
        legal_id=read_identifier(legal.find("ram:ID")),
        vat_id=place.text("ram:SpecifiedTaxRegistration/ram:ID[@schemeID='VA']"),
        tax_id=place.text("ram:SpecifiedTaxRegistration/ram:ID[@schemeID='FC']"),
        legal_form=place.text("ram:Description"),
        endpoint=read_identifier(place.find("ram:URIUniversalCommunication/ram:URIID")),
        contact=present(
            Contact(
                name=contact.text("ram:PersonName"),
                department=contact.text("ram:DepartmentName"),
                phone=contact.text("ram:TelephoneUniversalCommunication/ram:CompleteNumber"),
                email=contact.text("ram:EmailURIUniversalCommunication/ram:URIID"),
            )
        ),
    )


def _address(place: Place, country_term: str) -> Address:
    return Address(
        country=place.need("ram:CountryID", country_term),
        line1=place.text("ram:LineOne"),
        line2=place.text("ram:LineTwo"),
        line3=place.text("ram:LineThree"),
        postcode=place.text("ram:PostcodeCode"),
        city=place.text("ram:CityName"),
        subdivision=place.text("ram:CountrySubDivisionName"),
    )


def _payee(place: Place | None) -> Payee | None:
    if place is None:
        return None
    identifiers = _identifiers(place)
    return Payee(
        name=place.need("ram:Name", "BT-59"),
        identifier=identifiers[0] if identifiers else None,
        legal_id=read_identifier(place.find("ram:SpecifiedLegalOrganization/ram:ID")),
    )


def _representative(place: Place | None) -> TaxRepresentative | None:
    if place is None:
        return None
    return TaxRepresentative(
        name=place.need("ram:Name", "BT-62"),
        vat_id=place.need("ram:SpecifiedTaxRegistration/ram:ID[@schemeID='VA']", "BT-63"),
        address=_address(place.group("ram:PostalTradeAddress"), "BT-69"),
    )


def _delivery(supply: Place, settlement: Place) -> Delivery | None:
    ship_to = supply.group("ram:ShipToTradeParty")
    address = ship_to.find("ram:PostalTradeAddress")
    locations = _identifiers(ship_to)
    period = settlement.group("ram:BillingSpecifiedPeriod")
    return present(
        Delivery(
            name=ship_to.text("ram:Name"),
            location=locations[0] if locations else None,
            delivered_on=supply.day(f"ram:ActualDeliverySupplyChainEvent/ram:OccurrenceDateTime/{_DATE}", "BT-72"),
            period_start=period.day(f"ram:StartDateTime/{_DATE}", "BT-73"),
            period_end=period.day(f"ram:EndDateTime/{_DATE}", "BT-74"),
            address=_address(address, "BT-80") if address else None,
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
    vat = sums.number(f"ram:TaxTotalAmount[@currencyID='{_quoted(currency)}']", "BT-110")
    if vat is None and (first := sums.find("ram:TaxTotalAmount")) and first.attribute("currencyID") is None:
        vat = sums.number("ram:TaxTotalAmount", "BT-110")
    in_accounting = f"ram:TaxTotalAmount[@currencyID='{_quoted(accounting_currency or '')}']"
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


def _quoted(code: str) -> str:
    """``code`` safe inside an attribute test: a currency is letters only."""
    return "".join(character for character in code if character.isalnum())
