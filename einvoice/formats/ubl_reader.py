"""Reading a UBL 2.1 Invoice or CreditNote (EN 16931, XRechnung, Peppol, EXTENDED-CTC-FR) into the document."""

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
from einvoice.formats.place import Place, Prefixes, present
from einvoice.formats.ubl_line_reader import OfDocument, read_line
from einvoice.formats.ubl_party_reader import (
    read_address,
    read_identifier,
    read_party,
    read_payee,
    read_representative,
    read_third_party,
)
from einvoice.formats.ubl_shared_reader import (
    TAX_POINT_OF,
    read_allowances_charges,
    read_delivery_terms,
    read_note,
    read_preceding,
)
from einvoice.formats.ubl_terms import CREDIT_NOTE, CREDITOR_SCHEME, NAMESPACES, NO_ORDER, OBJECT, PROJECT

if TYPE_CHECKING:
    from datetime import date

    from lxml import etree

_PREFIXES = Prefixes(NAMESPACES)


def read_ubl(root: etree._Element) -> Document:
    """The document in a UBL Invoice or CreditNote.

    Raises:
        ReadError: ``invoice.bad_value`` or ``invoice.missing_term``, with the term and the XPath.
    """
    top = Place(root, _PREFIXES)
    credit = root.tag == f"{{{CREDIT_NOTE}}}CreditNote"
    currency = top.need("cbc:DocumentCurrencyCode", "BT-5")
    accounting_currency = top.text("cbc:TaxCurrencyCode")
    taxes = _by_currency(top, currency)
    number = top.need("cbc:ID", "BT-1")
    of_document = OfDocument(number, currency, accounting_currency)
    return Document(
        number=number,
        issued_on=top.need_day("cbc:IssueDate", "BT-2"),
        type_code=top.need("cbc:CreditNoteTypeCode" if credit else "cbc:InvoiceTypeCode", "BT-3"),
        currency=currency,
        seller=read_party(top.group("cac:AccountingSupplierParty/cac:Party"), "BT-27", "BT-40"),
        buyer=read_party(top.group("cac:AccountingCustomerParty/cac:Party"), "BT-44", "BT-55"),
        totals=_totals(top, taxes, currency, accounting_currency),
        vat=tuple(_tax(row) for row in taxes.all("cac:TaxSubtotal")),
        lines=tuple(
            read_line(line, of_document, credit=credit)
            for line in top.all("cac:CreditNoteLine" if credit else "cac:InvoiceLine")
        ),
        process=top.text("cbc:ProfileID"),
        profile=top.need("cbc:CustomizationID", "BT-24"),
        accounting_currency=accounting_currency,
        tax_point_date=top.day("cbc:TaxPointDate", "BT-7"),
        tax_point=TAX_POINT_OF.get(top.text("cac:InvoicePeriod/cbc:DescriptionCode") or ""),
        due_on=_due_on(top, credit=credit),
        payment_terms=top.text("cac:PaymentTerms/cbc:Note"),
        notes=tuple(read_note(text) for place in top.all("cbc:Note") if (text := place.own_text())),
        preceding=tuple(read_preceding(top)),
        payee=read_payee(top.find("cac:PayeeParty")),
        tax_representative=read_representative(top.find("cac:TaxRepresentativeParty")),
        delivery=_delivery(top),
        payment=_payment(top),
        allowances_charges=tuple(read_allowances_charges(top)),
        delivery_terms=read_delivery_terms(top, "EXT-FR-FE-185"),
        exchange=_exchange(top.find("cac:TaxExchangeRate")),
        **_references(top, credit=credit),
        **_third_parties(top),
    )


def _third_parties(top: Place) -> dict[str, Any]:
    supplier = top.group("cac:AccountingSupplierParty/cac:Party")
    customer = top.group("cac:AccountingCustomerParty/cac:Party")
    payer = top.find("cac:PaymentMeans/cac:PaymentMandate/cac:PayerParty")
    return {
        "payer": read_third_party(payer, "EXT-FR-FE-61"),
        "buyer_agent": read_third_party(customer.find("cac:AgentParty"), "EXT-FR-FE-21"),
        "seller_agent": read_third_party(supplier.find("cac:AgentParty"), "EXT-FR-FE-84"),
        "invoicer": read_third_party(supplier.find("cac:ServiceProviderParty/cac:Party"), "EXT-FR-FE-130"),
        "invoicee": read_third_party(customer.find("cac:ServiceProviderParty/cac:Party"), "EXT-FR-FE-107"),
    }


def _due_on(top: Place, *, credit: bool) -> date | None:
    """BT-9: a credit note has it in PaymentMeans only."""
    return top.day("cac:PaymentMeans/cbc:PaymentDueDate" if credit else "cbc:DueDate", "BT-9")


def _references(top: Place, *, credit: bool) -> dict[str, Any]:
    typed = [(place.text("cbc:DocumentTypeCode"), place) for place in top.all("cac:AdditionalDocumentReference")]
    objects = [found for code, place in typed if code == OBJECT and (found := read_identifier(place.find("cbc:ID")))]
    projects = [place for code, place in typed if code == PROJECT and credit]
    taken = {OBJECT, PROJECT} if credit else {OBJECT}
    order = top.group("cac:OrderReference")
    sales_order, number = order.text("cbc:SalesOrderID"), order.text("cbc:ID")
    ordered_on = order.day("cbc:IssueDate", "EXT-FR-FE-197")
    despatch = top.group("cac:DespatchDocumentReference")
    contract = top.group("cac:ContractDocumentReference")
    return {
        "buyer_reference": top.text("cbc:BuyerReference"),
        "project_reference": projects[0].text("cbc:ID") if projects else top.text("cac:ProjectReference/cbc:ID"),
        "contract_reference": contract.text("cbc:ID"),
        "contract_type": contract.text("cbc:DocumentType"),
        "contract_on": contract.day("cbc:IssueDate", "EXT-FR-FE-199"),
        "purchase_order": None if (sales_order or ordered_on) and number == NO_ORDER else number,
        "purchase_order_on": ordered_on,
        "sales_order": sales_order,
        "receiving_advice": top.text("cac:ReceiptDocumentReference/cbc:ID"),
        "despatch_advice": despatch.text("cbc:ID"),
        "despatch_advice_on": despatch.day("cbc:IssueDate", "EXT-FR-FE-198"),
        "tender_reference": top.text("cac:OriginatorDocumentReference/cbc:ID"),
        "object_id": objects[0] if objects else None,
        "more_object_ids": tuple(objects[1:]),
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


def _exchange(place: Place | None) -> CurrencyExchange | None:
    if place is None:
        return None
    return CurrencyExchange(
        source=place.need("cbc:SourceCurrencyCode", "BT-167"),
        target=place.need("cbc:TargetCurrencyCode", "BT-167"),
        rate=place.need_number("cbc:CalculationRate", "BT-167"),
        on=place.day("cbc:Date", "EXT-FR-FE-192"),
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
            address=read_address(address, "BT-80") if address else None,
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
