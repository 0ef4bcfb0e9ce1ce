"""Reading a UBL 2.1 Invoice or CreditNote (EN 16931, XRechnung, Peppol, EXTENDED-CTC-FR) into the document."""

from __future__ import annotations

import re
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
from einvoice.formats.place import Place, present
from einvoice.formats.ubl_line_reader import read_allowances_charges, read_identifier, read_line
from einvoice.formats.ubl_terms import CREDIT_NOTE, NAMESPACES, NO_ORDER, OBJECT, PROJECT, TAX_POINTS

if TYPE_CHECKING:
    from datetime import date

    from lxml import etree

CREDITOR_SCHEME = "SEPA"
"""BT-90 is a party identifier with this scheme."""
SUBJECT = re.compile(r"#([A-Z0-9]{3})#(.*)", re.DOTALL)
"""A note with its subject code (BT-21) in front, as France writes it."""

_TAX_POINT_OF = {code: tax_point for tax_point, code in TAX_POINTS.items()}


def read_ubl(root: etree._Element) -> Document:
    """The document in a UBL Invoice or CreditNote.

    Raises:
        ReadError: ``invoice.bad_value`` or ``invoice.missing_term``, with the term and the XPath.
    """
    top = Place(root, NAMESPACES)
    credit = root.tag == f"{{{CREDIT_NOTE}}}CreditNote"
    currency = top.need("cbc:DocumentCurrencyCode", "BT-5")
    accounting_currency = top.text("cbc:TaxCurrencyCode")
    taxes = _by_currency(top, currency)
    return Document(
        number=top.need("cbc:ID", "BT-1"),
        issued_on=top.need_day("cbc:IssueDate", "BT-2"),
        type_code=top.need("cbc:CreditNoteTypeCode" if credit else "cbc:InvoiceTypeCode", "BT-3"),
        currency=currency,
        seller=_party(top.group("cac:AccountingSupplierParty/cac:Party"), "BT-27", "BT-40"),
        buyer=_party(top.group("cac:AccountingCustomerParty/cac:Party"), "BT-44", "BT-55"),
        totals=_totals(top, taxes, currency, accounting_currency),
        vat=tuple(_tax(row) for row in taxes.all("cac:TaxSubtotal")),
        lines=tuple(
            read_line(line, credit=credit) for line in top.all("cac:CreditNoteLine" if credit else "cac:InvoiceLine")
        ),
        process=top.text("cbc:ProfileID"),
        profile=top.need("cbc:CustomizationID", "BT-24"),
        accounting_currency=accounting_currency,
        tax_point_date=top.day("cbc:TaxPointDate", "BT-7"),
        tax_point=_TAX_POINT_OF.get(top.text("cac:InvoicePeriod/cbc:DescriptionCode") or ""),
        due_on=_due_on(top, credit=credit),
        payment_terms=top.text("cac:PaymentTerms/cbc:Note"),
        notes=tuple(read_note(text) for place in top.all("cbc:Note") if (text := place.own_text())),
        preceding=tuple(_preceding(top)),
        payee=_payee(top.find("cac:PayeeParty")),
        tax_representative=_representative(top.find("cac:TaxRepresentativeParty")),
        delivery=_delivery(top),
        payment=_payment(top),
        allowances_charges=tuple(read_allowances_charges(top)),
        **_references(top, credit=credit),
    )


def read_note(text: str) -> Note:
    """BG-1 from a UBL note: ``#PMT#text`` carries the subject code PMT."""
    found = SUBJECT.fullmatch(text)
    return Note(found[2].strip(), found[1]) if found and found[2].strip() else Note(text)


def _due_on(top: Place, *, credit: bool) -> date | None:
    """BT-9: a credit note has it in PaymentMeans only."""
    return top.day("cac:PaymentMeans/cbc:PaymentDueDate" if credit else "cbc:DueDate", "BT-9")


def _references(top: Place, *, credit: bool) -> dict[str, Any]:
    typed = [(place.text("cbc:DocumentTypeCode"), place) for place in top.all("cac:AdditionalDocumentReference")]
    objects = [place for code, place in typed if code == OBJECT]
    projects = [place for code, place in typed if code == PROJECT and credit]
    taken = {OBJECT, PROJECT} if credit else {OBJECT}
    sales_order = top.text("cac:OrderReference/cbc:SalesOrderID")
    order = top.text("cac:OrderReference/cbc:ID")
    return {
        "buyer_reference": top.text("cbc:BuyerReference"),
        "project_reference": projects[0].text("cbc:ID") if projects else top.text("cac:ProjectReference/cbc:ID"),
        "contract_reference": top.text("cac:ContractDocumentReference/cbc:ID"),
        "purchase_order": None if sales_order and order == NO_ORDER else order,
        "sales_order": sales_order,
        "receiving_advice": top.text("cac:ReceiptDocumentReference/cbc:ID"),
        "despatch_advice": top.text("cac:DespatchDocumentReference/cbc:ID"),
        "tender_reference": top.text("cac:OriginatorDocumentReference/cbc:ID"),
        "object_id": read_identifier(objects[0].find("cbc:ID")) if objects else None,
        "accounting_reference": top.text("cbc:AccountingCost"),
        "attachments": tuple(_attachment(place) for code, place in typed if code not in taken),
    }


def _attachment(place: Place) -> Attachment:
    embedded = "cac:Attachment/cbc:EmbeddedDocumentBinaryObject"
    binary = place.group(embedded)
    return Attachment(
        reference=place.need("cbc:ID", "BT-122"),
        description=place.text("cbc:DocumentDescription"),
        url=place.text("cac:Attachment/cac:ExternalReference/cbc:URI"),
        content=place.content(embedded, "BT-125"),
        mime=binary.attribute("mimeCode"),
        filename=binary.attribute("filename"),
    )


def _preceding(top: Place) -> list[PrecedingInvoice]:
    return [
        PrecedingInvoice(number, place.day("cbc:IssueDate", "BT-26"))
        for place in top.all("cac:BillingReference/cac:InvoiceDocumentReference")
        if (number := place.text("cbc:ID"))
    ]


def _identifiers(party: Place) -> tuple[Identifier, ...]:
    found = [read_identifier(place) for place in party.all("cac:PartyIdentification/cbc:ID")]
    return tuple(each for each in found if each and each.scheme != CREDITOR_SCHEME)


def _party(place: Place, name_term: str, country_term: str) -> Party:
    legal = place.group("cac:PartyLegalEntity")
    contact = place.group("cac:Contact")
    trading_name = place.text("cac:PartyName/cbc:Name")
    name = legal.text("cbc:RegistrationName") or trading_name
    if name is None:
        raise legal.missing("cbc:RegistrationName", name_term)
    registrations = [
        (registration.text("cac:TaxScheme/cbc:ID"), registration.text("cbc:CompanyID"))
        for registration in place.all("cac:PartyTaxScheme")
    ]
    return Party(
        name=name,
        address=_address(place.group("cac:PostalAddress"), country_term),
        trading_name=trading_name if legal.text("cbc:RegistrationName") else None,
        identifiers=_identifiers(place),
        legal_id=read_identifier(legal.find("cbc:CompanyID")),
        vat_id=next((value for scheme, value in registrations if scheme == "VAT"), None),
        tax_id=next((value for scheme, value in registrations if scheme != "VAT"), None),
        legal_form=legal.text("cbc:CompanyLegalForm"),
        endpoint=read_identifier(place.find("cbc:EndpointID")),
        contact=present(
            Contact(
                name=contact.text("cbc:Name"),
                phone=contact.text("cbc:Telephone"),
                email=contact.text("cbc:ElectronicMail"),
            )
        ),
    )


def _address(place: Place, country_term: str) -> Address:
    return Address(
        country=place.need("cac:Country/cbc:IdentificationCode", country_term),
        line1=place.text("cbc:StreetName"),
        line2=place.text("cbc:AdditionalStreetName"),
        line3=place.text("cac:AddressLine/cbc:Line"),
        postcode=place.text("cbc:PostalZone"),
        city=place.text("cbc:CityName"),
        subdivision=place.text("cbc:CountrySubentity"),
    )


def _payee(place: Place | None) -> Payee | None:
    if place is None:
        return None
    identifiers = _identifiers(place)
    return Payee(
        name=place.need("cac:PartyName/cbc:Name", "BT-59"),
        identifier=identifiers[0] if identifiers else None,
        legal_id=read_identifier(place.find("cac:PartyLegalEntity/cbc:CompanyID")),
    )


def _representative(place: Place | None) -> TaxRepresentative | None:
    if place is None:
        return None
    return TaxRepresentative(
        name=place.need("cac:PartyName/cbc:Name", "BT-62"),
        vat_id=place.need("cac:PartyTaxScheme/cbc:CompanyID", "BT-63"),
        address=_address(place.group("cac:PostalAddress"), "BT-69"),
    )


def _delivery(top: Place) -> Delivery | None:
    delivery = top.group("cac:Delivery")
    address = delivery.find("cac:DeliveryLocation/cac:Address")
    period = top.group("cac:InvoicePeriod")
    return present(
        Delivery(
            name=delivery.text("cac:DeliveryParty/cac:PartyName/cbc:Name"),
            location=read_identifier(delivery.find("cac:DeliveryLocation/cbc:ID")),
            delivered_on=delivery.day("cbc:ActualDeliveryDate", "BT-72"),
            period_start=period.day("cbc:StartDate", "BT-73"),
            period_end=period.day("cbc:EndDate", "BT-74"),
            address=_address(address, "BT-80") if address else None,
        )
    )


def _payment(top: Place) -> PaymentInstructions | None:
    means = top.all("cac:PaymentMeans")
    if not means:
        return None
    first = means[0]
    payee = top.find("cac:PayeeParty") or top.group("cac:AccountingSupplierParty/cac:Party")
    creditors = [
        place.own_text()
        for place in payee.all("cac:PartyIdentification/cbc:ID")
        if place.attribute("schemeID") == CREDITOR_SCHEME
    ]
    return PaymentInstructions(
        means_code=first.need("cbc:PaymentMeansCode", "BT-81"),
        means_text=first.group("cbc:PaymentMeansCode").attribute("name"),
        remittance=first.text("cbc:PaymentID"),
        accounts=tuple(account for place in means if (account := _account(place))),
        card_number=first.text("cac:CardAccount/cbc:PrimaryAccountNumberID"),
        card_holder=first.text("cac:CardAccount/cbc:HolderName"),
        mandate_reference=first.text("cac:PaymentMandate/cbc:ID"),
        creditor_id=creditors[0] if creditors else None,
        debited_account=first.text("cac:PaymentMandate/cac:PayerFinancialAccount/cbc:ID"),
    )


def _account(means: Place) -> CreditAccount | None:
    account = means.group("cac:PayeeFinancialAccount")
    number = account.text("cbc:ID")
    if number is None:
        return None
    return CreditAccount(number, account.text("cbc:Name"), account.text("cac:FinancialInstitutionBranch/cbc:ID"))


def _by_currency(top: Place, currency: str) -> Place:
    """The TaxTotal in the document's currency (BT-110, BG-23); BT-111 stands in another one."""
    for place in top.all("cac:TaxTotal"):
        if place.group("cbc:TaxAmount").attribute("currencyID") in {currency, None}:
            return place
    return top.group("cac:TaxTotal[@absent]")


def _tax(row: Place) -> VatBreakdown:
    return VatBreakdown(
        taxable=row.need_number("cbc:TaxableAmount", "BT-116"),
        tax=row.need_number("cbc:TaxAmount", "BT-117"),
        category=row.need("cac:TaxCategory/cbc:ID", "BT-118"),
        rate=row.number("cac:TaxCategory/cbc:Percent", "BT-119"),
        exemption_reason=row.text("cac:TaxCategory/cbc:TaxExemptionReason"),
        exemption_code=row.text("cac:TaxCategory/cbc:TaxExemptionReasonCode"),
    )


def _totals(top: Place, taxes: Place, currency: str, accounting_currency: str | None) -> Totals:
    sums = top.group("cac:LegalMonetaryTotal")
    in_accounting = [
        place.number("cbc:TaxAmount", "BT-111")
        for place in top.all("cac:TaxTotal")
        if place.group("cbc:TaxAmount").attribute("currencyID") == accounting_currency != currency
    ]
    return Totals(
        lines=sums.need_number("cbc:LineExtensionAmount", "BT-106"),
        without_vat=sums.need_number("cbc:TaxExclusiveAmount", "BT-109"),
        with_vat=sums.need_number("cbc:TaxInclusiveAmount", "BT-112"),
        payable=sums.need_number("cbc:PayableAmount", "BT-115"),
        allowances=sums.number("cbc:AllowanceTotalAmount", "BT-107"),
        charges=sums.number("cbc:ChargeTotalAmount", "BT-108"),
        vat=taxes.number("cbc:TaxAmount", "BT-110"),
        vat_accounting=in_accounting[0] if in_accounting else None,
        prepaid=sums.number("cbc:PrepaidAmount", "BT-113"),
        rounding=sums.number("cbc:PayableRoundingAmount", "BT-114"),
    )
