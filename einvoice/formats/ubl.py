"""Writing the document as OASIS UBL 2.1 Invoice or CreditNote (CEN/TS 16931-3-2)."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from config import safe_xml
from einvoice.document import Delivery, Document, PaymentInstructions
from einvoice.formats.tree import Elements
from einvoice.formats.ubl_lines import write_line
from einvoice.formats.ubl_terms import (
    CREDIT_NOTE,
    INVOICE,
    NAMESPACES,
    NO_ORDER,
    OBJECT,
    PROJECT,
    TAX_POINTS,
    UNDEFINED_MEANS,
    allowance_charge,
    amount,
    category,
    day,
    group,
    identifier,
    leaf,
    tax_scheme,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from einvoice.document import Address, Attachment, Contact, CreditAccount, Party, Payee, TaxRepresentative
    from einvoice.formats.tree import Node

_ROOTS = {
    True: Elements({"": CREDIT_NOTE, **NAMESPACES}),
    False: Elements({"": INVOICE, **NAMESPACES}),
}


def write_ubl(document: Document) -> bytes:
    """The document as UBL, UTF-8: a CreditNote for the credit-note codes of BT-3, an Invoice otherwise.

    The caller validates it.
    """
    credit = document.is_credit_note
    root = _ROOTS[credit].always(
        ":CreditNote" if credit else ":Invoice",
        _head(document),
        leaf("cbc:DocumentCurrencyCode", document.currency),
        leaf("cbc:TaxCurrencyCode", document.accounting_currency),
        leaf("cbc:AccountingCost", document.accounting_reference),
        leaf("cbc:BuyerReference", document.buyer_reference),
        _period(document),
        _references(document),
        group("cac:AccountingSupplierParty", _party(document.seller, _creditor(document, of_payee=False))),
        group("cac:AccountingCustomerParty", _party(document.buyer, None)),
        _payee(document.payee, _creditor(document, of_payee=True)) if document.payee else None,
        _representative(document.tax_representative) if document.tax_representative else None,
        _delivery(document.delivery) if document.delivery else None,
        _payment_means(document),
        group("cac:PaymentTerms", leaf("cbc:Note", document.payment_terms)),
        (allowance_charge(each, document.currency) for each in document.allowances_charges),
        _taxes(document),
        _totals(document),
        (write_line(document, line) for line in document.lines),
    )
    return safe_xml.to_bytes(root)


def supporting_document(attachment: Attachment) -> Node:
    """BG-24 as an AdditionalDocumentReference."""
    content = base64.b64encode(attachment.content).decode("ascii") if attachment.content is not None else None
    return group(
        "cac:AdditionalDocumentReference",
        leaf("cbc:ID", attachment.reference),
        leaf("cbc:DocumentDescription", attachment.description),
        group(
            "cac:Attachment",
            leaf("cbc:EmbeddedDocumentBinaryObject", content, mimeCode=attachment.mime, filename=attachment.filename),
            group("cac:ExternalReference", leaf("cbc:URI", attachment.url)),
        ),
    )


def _head(document: Document) -> Iterator[Node]:
    credit = document.is_credit_note
    yield leaf("cbc:CustomizationID", document.profile)
    yield leaf("cbc:ProfileID", document.process)
    yield leaf("cbc:ID", document.number)
    yield day("cbc:IssueDate", document.issued_on)
    if credit:
        yield day("cbc:TaxPointDate", document.tax_point_date)
        yield leaf("cbc:CreditNoteTypeCode", document.type_code)
    else:
        yield day("cbc:DueDate", document.due_on)
        yield leaf("cbc:InvoiceTypeCode", document.type_code)
    for note in document.notes:
        yield leaf("cbc:Note", f"#{note.subject}#{note.text}" if note.subject else note.text)
    if not credit:
        yield day("cbc:TaxPointDate", document.tax_point_date)


def _period(document: Document) -> Node:
    delivery = document.delivery or Delivery()
    return group(
        "cac:InvoicePeriod",
        day("cbc:StartDate", delivery.period_start),
        day("cbc:EndDate", delivery.period_end),
        leaf("cbc:DescriptionCode", TAX_POINTS[document.tax_point] if document.tax_point else None),
    )


def _references(document: Document) -> list[Node]:
    """BG-3, BT-11 to BT-18 and BG-24, in the order of the root at hand."""
    credit = document.is_credit_note
    only_sales_order = document.sales_order and not document.purchase_order
    order = group(
        "cac:OrderReference",
        leaf("cbc:ID", NO_ORDER if only_sales_order else document.purchase_order),
        leaf("cbc:SalesOrderID", document.sales_order),
    )
    preceding = [
        group(
            "cac:BillingReference",
            group("cac:InvoiceDocumentReference", leaf("cbc:ID", each.number), day("cbc:IssueDate", each.issued_on)),
        )
        for each in document.preceding
    ]
    despatch = group("cac:DespatchDocumentReference", leaf("cbc:ID", document.despatch_advice))
    receipt = group("cac:ReceiptDocumentReference", leaf("cbc:ID", document.receiving_advice))
    tender = group("cac:OriginatorDocumentReference", leaf("cbc:ID", document.tender_reference))
    contract = group("cac:ContractDocumentReference", leaf("cbc:ID", document.contract_reference))
    subject = group(
        "cac:AdditionalDocumentReference",
        identifier("cbc:ID", document.object_id),
        leaf("cbc:DocumentTypeCode", OBJECT if document.object_id else None),
    )
    additional = [subject, *(supporting_document(each) for each in document.attachments)]
    project = document.project_reference
    if credit:
        if project:
            additional.append(
                group("cac:AdditionalDocumentReference", leaf("cbc:ID", project), leaf("cbc:DocumentTypeCode", PROJECT))
            )
        return [order, *preceding, despatch, receipt, contract, *additional, tender]
    in_invoice = group("cac:ProjectReference", leaf("cbc:ID", project))
    return [order, *preceding, despatch, receipt, tender, contract, *additional, in_invoice]


def _creditor(document: Document, *, of_payee: bool) -> Node:
    """BT-90 stands with the payee where there is one, else with the seller."""
    creditor = document.payment.creditor_id if document.payment else None
    belongs_here = (document.payee is not None) == of_payee
    return group("cac:PartyIdentification", leaf("cbc:ID", creditor if belongs_here else None, schemeID="SEPA"))


def _party(party: Party, creditor: Node) -> Node:
    return group(
        "cac:Party",
        identifier("cbc:EndpointID", party.endpoint),
        (group("cac:PartyIdentification", identifier("cbc:ID", each)) for each in party.identifiers),
        creditor,
        group("cac:PartyName", leaf("cbc:Name", party.trading_name)),
        _address("cac:PostalAddress", party.address),
        _tax_registration(party.vat_id, "VAT"),
        _tax_registration(party.tax_id, "LOC"),
        group(
            "cac:PartyLegalEntity",
            leaf("cbc:RegistrationName", party.name),
            identifier("cbc:CompanyID", party.legal_id),
            leaf("cbc:CompanyLegalForm", party.legal_form),
        ),
        _contact(party.contact),
    )


def _tax_registration(value: str | None, scheme: str) -> Node:
    if value is None:
        return None
    return group("cac:PartyTaxScheme", leaf("cbc:CompanyID", value), tax_scheme(scheme))


def _contact(contact: Contact | None) -> Node:
    if contact is None:
        return None
    names = ", ".join(each for each in (contact.name, contact.department) if each)
    return group(
        "cac:Contact",
        leaf("cbc:Name", names or None),
        leaf("cbc:Telephone", contact.phone),
        leaf("cbc:ElectronicMail", contact.email),
    )


def _address(name: str, address: Address | None) -> Node:
    if address is None:
        return None
    return group(
        name,
        leaf("cbc:StreetName", address.line1),
        leaf("cbc:AdditionalStreetName", address.line2),
        leaf("cbc:CityName", address.city),
        leaf("cbc:PostalZone", address.postcode),
        leaf("cbc:CountrySubentity", address.subdivision),
        group("cac:AddressLine", leaf("cbc:Line", address.line3)),
        group("cac:Country", leaf("cbc:IdentificationCode", address.country)),
    )


def _payee(payee: Payee, creditor: Node) -> Node:
    return group(
        "cac:PayeeParty",
        group("cac:PartyIdentification", identifier("cbc:ID", payee.identifier)),
        creditor,
        group("cac:PartyName", leaf("cbc:Name", payee.name)),
        group("cac:PartyLegalEntity", identifier("cbc:CompanyID", payee.legal_id)),
    )


def _representative(representative: TaxRepresentative) -> Node:
    return group(
        "cac:TaxRepresentativeParty",
        group("cac:PartyName", leaf("cbc:Name", representative.name)),
        _address("cac:PostalAddress", representative.address),
        _tax_registration(representative.vat_id, "VAT"),
    )


def _delivery(delivery: Delivery) -> Node:
    return group(
        "cac:Delivery",
        day("cbc:ActualDeliveryDate", delivery.delivered_on),
        group(
            "cac:DeliveryLocation",
            identifier("cbc:ID", delivery.location),
            _address("cac:Address", delivery.address),
        ),
        group("cac:DeliveryParty", group("cac:PartyName", leaf("cbc:Name", delivery.name))),
    )


def _payment_means(document: Document) -> Iterator[Node]:
    """One block per account, with the same code and reference (UBL-SR-44, UBL-SR-47)."""
    credit_due = document.due_on if document.is_credit_note else None
    payment = document.payment
    if payment is None and credit_due is not None:
        payment = PaymentInstructions(UNDEFINED_MEANS)
    if payment is None:
        return
    for position, account in enumerate(payment.accounts or (None,)):
        first = position == 0
        yield group(
            "cac:PaymentMeans",
            leaf("cbc:PaymentMeansCode", payment.means_code, name=payment.means_text),
            day("cbc:PaymentDueDate", credit_due),
            leaf("cbc:PaymentID", payment.remittance),
            _card(payment) if first else None,
            _account(account),
            _mandate(payment) if first else None,
        )


def _card(payment: PaymentInstructions) -> Node:
    if payment.card_number is None:
        return None
    return group(
        "cac:CardAccount",
        leaf("cbc:PrimaryAccountNumberID", payment.card_number),
        leaf("cbc:NetworkID", "NA"),  # compulsory in UBL, no term of the norm
        leaf("cbc:HolderName", payment.card_holder),
    )


def _account(account: CreditAccount | None) -> Node:
    if account is None:
        return None
    return group(
        "cac:PayeeFinancialAccount",
        leaf("cbc:ID", account.number),
        leaf("cbc:Name", account.holder),
        group("cac:FinancialInstitutionBranch", leaf("cbc:ID", account.bic)),
    )


def _mandate(payment: PaymentInstructions) -> Node:
    return group(
        "cac:PaymentMandate",
        leaf("cbc:ID", payment.mandate_reference),
        group("cac:PayerFinancialAccount", leaf("cbc:ID", payment.debited_account)),
    )


def _taxes(document: Document) -> Iterator[Node]:
    """BT-110 with BG-23, then BT-111. TaxAmount is compulsory: without BT-110 it is the sum of BG-23 (BR-CO-14)."""
    currency, vat = document.currency, document.totals.vat
    if vat is None and document.vat:
        vat = sum((row.tax for row in document.vat[1:]), document.vat[0].tax)
    yield group(
        "cac:TaxTotal",
        amount("cbc:TaxAmount", vat, currency),
        (
            group(
                "cac:TaxSubtotal",
                amount("cbc:TaxableAmount", row.taxable, currency),
                amount("cbc:TaxAmount", row.tax, currency),
                category(
                    "cac:TaxCategory",
                    row.category,
                    row.rate,
                    leaf("cbc:TaxExemptionReasonCode", row.exemption_code),
                    leaf("cbc:TaxExemptionReason", row.exemption_reason),
                ),
            )
            for row in document.vat
        ),
    )
    accounting = document.accounting_currency
    if accounting not in {None, currency}:
        yield group("cac:TaxTotal", amount("cbc:TaxAmount", document.totals.vat_accounting, accounting))


def _totals(document: Document) -> Node:
    totals, currency = document.totals, document.currency
    return group(
        "cac:LegalMonetaryTotal",
        amount("cbc:LineExtensionAmount", totals.lines, currency),
        amount("cbc:TaxExclusiveAmount", totals.without_vat, currency),
        amount("cbc:TaxInclusiveAmount", totals.with_vat, currency),
        amount("cbc:AllowanceTotalAmount", totals.allowances, currency),
        amount("cbc:ChargeTotalAmount", totals.charges, currency),
        amount("cbc:PrepaidAmount", totals.prepaid, currency),
        amount("cbc:PayableRoundingAmount", totals.rounding, currency),
        amount("cbc:PayableAmount", totals.payable, currency),
    )
