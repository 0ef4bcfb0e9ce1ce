"""Writing the document as OASIS UBL 2.1 Invoice or CreditNote (CEN/TS 16931-3-2)."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from config import safe_xml
from einvoice.document import Delivery, Document, PaymentInstructions
from einvoice.formats.tree import Elements, plain
from einvoice.formats.ubl_lines import write_line
from einvoice.formats.ubl_parties import (
    write_address,
    write_customer,
    write_party,
    write_payee,
    write_representative,
    write_supplier,
)
from einvoice.formats.ubl_terms import (
    CREDIT_NOTE,
    INVOICE,
    NAMESPACES,
    NO_ORDER,
    PROJECT,
    TAX_POINTS,
    UNDEFINED_MEANS,
    allowance_charge,
    amount,
    billing_reference,
    category,
    day,
    delivery_terms,
    exemption,
    group,
    identifier,
    leaf,
    note_text,
    object_reference,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from einvoice.document import Attachment, CreditAccount, CurrencyExchange, ThirdParty
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
        write_supplier(document),
        write_customer(document),
        write_payee(document),
        write_representative(document.tax_representative),
        _delivery(document.delivery) if document.delivery else None,
        delivery_terms(document.delivery_terms),
        _payment_means(document),
        group("cac:PaymentTerms", leaf("cbc:Note", document.payment_terms)),
        _exchange(document.exchange) if credit else None,
        (allowance_charge(each, document.currency) for each in document.allowances_charges),
        None if credit else _exchange(document.exchange),
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
        yield leaf("cbc:Note", note_text(note))
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
    other_terms = document.sales_order or document.purchase_order_on
    order = group(
        "cac:OrderReference",
        leaf("cbc:ID", document.purchase_order or (NO_ORDER if other_terms else None)),
        leaf("cbc:SalesOrderID", document.sales_order),
        day("cbc:IssueDate", document.purchase_order_on),
    )
    preceding = [billing_reference(each) for each in document.preceding]
    despatch = _dated("cac:DespatchDocumentReference", document.despatch_advice, document.despatch_advice_on)
    receipt = group("cac:ReceiptDocumentReference", leaf("cbc:ID", document.receiving_advice))
    tender = group("cac:OriginatorDocumentReference", leaf("cbc:ID", document.tender_reference))
    contract = _dated(
        "cac:ContractDocumentReference",
        document.contract_reference,
        document.contract_on,
        leaf("cbc:DocumentType", document.contract_type),
    )
    objects = (document.object_id, *document.more_object_ids)
    subjects = [object_reference("cac:AdditionalDocumentReference", each) for each in objects]
    additional = [*subjects, *(supporting_document(each) for each in document.attachments)]
    project = document.project_reference
    if credit:
        if project:
            additional.append(
                group("cac:AdditionalDocumentReference", leaf("cbc:ID", project), leaf("cbc:DocumentTypeCode", PROJECT))
            )
        return [order, *preceding, despatch, receipt, contract, *additional, tender]
    in_invoice = group("cac:ProjectReference", leaf("cbc:ID", project))
    return [order, *preceding, despatch, receipt, tender, contract, *additional, in_invoice]


def _dated(name: str, number: str | None, on: date | None, *more: Node) -> Node:
    if number is None:
        return None
    return group(name, leaf("cbc:ID", number), day("cbc:IssueDate", on), *more)


def _exchange(exchange: CurrencyExchange | None) -> Node:
    """BT-167 with its currencies and date."""
    if exchange is None:
        return None
    return group(
        "cac:TaxExchangeRate",
        leaf("cbc:SourceCurrencyCode", exchange.source),
        leaf("cbc:TargetCurrencyCode", exchange.target),
        leaf("cbc:CalculationRate", plain(exchange.rate)),
        day("cbc:Date", exchange.on),
    )


def _delivery(delivery: Delivery) -> Node:
    return group(
        "cac:Delivery",
        day("cbc:ActualDeliveryDate", delivery.delivered_on),
        group(
            "cac:DeliveryLocation",
            identifier("cbc:ID", delivery.location),
            write_address("cac:Address", delivery.address),
        ),
        group("cac:DeliveryParty", group("cac:PartyName", leaf("cbc:Name", delivery.name))),
    )


def _payment_means(document: Document) -> Iterator[Node]:
    """One block per account, with the same code and reference (UBL-SR-44, UBL-SR-47); the payer is in the first."""
    credit_due = document.due_on if document.is_credit_note else None
    payment = document.payment
    if payment is None and (credit_due is not None or document.payer is not None):
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
            _mandate(payment, document.payer) if first else None,
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


def _mandate(payment: PaymentInstructions, payer: ThirdParty | None) -> Node:
    return group(
        "cac:PaymentMandate",
        leaf("cbc:ID", payment.mandate_reference),
        write_party("cac:PayerParty", payer),
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
                    *exemption(row.exemption_code, row.exemption_reason),
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
