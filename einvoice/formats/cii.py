"""Writing the document as UN/CEFACT Cross Industry Invoice (CII D22B, CEN/TS 16931-3-3), the XML inside Factur-X."""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING

from config import safe_xml
from einvoice.document import Delivery, Document, PaymentInstructions
from einvoice.formats.basic_wl import basic_wl
from einvoice.formats.cii_lines import write_line
from einvoice.formats.cii_parties import write_address, write_party, write_payee, write_representative
from einvoice.formats.cii_terms import (
    DATE_FORMAT,
    SUPPORTING,
    TAX_POINTS,
    TENDER,
    XML,
    allowance_charge,
    day,
    delivered,
    delivery_terms,
    group,
    identifiers,
    leaf,
    note,
    object_reference,
    period,
    preceding_invoice,
    reference,
    typed_reference,
)
from einvoice.formats.profiles import BASIC_WL_ID
from einvoice.formats.tree import money, plain

if TYPE_CHECKING:
    from collections.abc import Iterator

    from einvoice.document import Attachment, CreditAccount, CurrencyExchange, VatBreakdown
    from einvoice.formats.tree import Node
_IBAN = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z0-9 ]{8,40}")


def write_cii(document: Document, *, whole: bool = False) -> bytes:
    """The document as CII, UTF-8, in its own profile (BT-24). The caller validates it.

    A BASIC WL document leaves out what that profile has no place for (see :mod:`einvoice.formats.basic_wl`), unless
    the ``whole`` of it is asked for.
    """
    if document.profile == BASIC_WL_ID and not whole:
        document = basic_wl(document)
    root = XML.always(
        "rsm:CrossIndustryInvoice",
        XML.always(
            "rsm:ExchangedDocumentContext",
            group("ram:BusinessProcessSpecifiedDocumentContextParameter", leaf("ram:ID", document.process)),
            group("ram:GuidelineSpecifiedDocumentContextParameter", leaf("ram:ID", document.profile)),
        ),
        XML.always(
            "rsm:ExchangedDocument",
            leaf("ram:ID", document.number),
            leaf("ram:TypeCode", document.type_code),
            group("ram:IssueDateTime", day(document.issued_on)),
            (note(each) for each in document.notes),
        ),
        XML.always(
            "rsm:SupplyChainTradeTransaction",
            (write_line(line, document) for line in document.lines),
            _agreement(document),
            _delivery(document),
            _settlement(document),
        ),
    )
    return safe_xml.to_bytes(root)


def supporting_document(attachment: Attachment) -> Node:
    """BG-24 as an AdditionalReferencedDocument."""
    content = base64.b64encode(attachment.content).decode("ascii") if attachment.content is not None else None
    return group(
        "ram:AdditionalReferencedDocument",
        leaf("ram:IssuerAssignedID", attachment.reference),
        leaf("ram:URIID", attachment.url),
        leaf("ram:TypeCode", SUPPORTING),
        leaf("ram:Name", attachment.description),
        leaf("ram:AttachmentBinaryObject", content, mimeCode=attachment.mime, filename=attachment.filename),
    )


def _agreement(document: Document) -> Node:
    project = document.project_reference
    return XML.always(
        "ram:ApplicableHeaderTradeAgreement",
        leaf("ram:BuyerReference", document.buyer_reference),
        write_party("ram:SellerTradeParty", document.seller),
        write_party("ram:BuyerTradeParty", document.buyer),
        write_party("ram:SalesAgentTradeParty", document.seller_agent),
        write_representative(document.tax_representative),
        delivery_terms(document.delivery_terms),
        reference("ram:SellerOrderReferencedDocument", document.sales_order),
        reference("ram:BuyerOrderReferencedDocument", document.purchase_order, on=document.purchase_order_on),
        reference(
            "ram:ContractReferencedDocument",
            document.contract_reference,
            leaf("ram:ReferenceTypeCode", document.contract_type),
            on=document.contract_on,
        ),
        (supporting_document(attachment) for attachment in document.attachments),
        typed_reference(document.tender_reference, TENDER),
        object_reference(document.object_id),
        (object_reference(each) for each in document.more_object_ids),
        write_party("ram:BuyerAgentTradeParty", document.buyer_agent),
        # The schema wants a name beside the reference; the norm has no term for it.
        group("ram:SpecifiedProcuringProject", leaf("ram:ID", project), leaf("ram:Name", "Project reference"))
        if project
        else None,
    )


def _delivery(document: Document) -> Node:
    delivery = document.delivery or Delivery()
    return XML.always(
        "ram:ApplicableHeaderTradeDelivery",
        group(
            "ram:ShipToTradeParty",
            identifiers((delivery.location,)) if delivery.location else None,
            leaf("ram:Name", delivery.name),
            write_address(delivery.address),
        ),
        delivered(delivery.delivered_on),
        reference("ram:DespatchAdviceReferencedDocument", document.despatch_advice, on=document.despatch_advice_on),
        reference("ram:ReceivingAdviceReferencedDocument", document.receiving_advice),
    )


def _settlement(document: Document) -> Node:
    payment = document.payment
    delivery = document.delivery or Delivery()
    return XML.always(
        "ram:ApplicableHeaderTradeSettlement",
        leaf("ram:CreditorReferenceID", payment.creditor_id if payment else None),
        leaf("ram:PaymentReference", payment.remittance if payment else None),
        leaf("ram:TaxCurrencyCode", document.accounting_currency),
        leaf("ram:InvoiceCurrencyCode", document.currency),
        write_party("ram:InvoicerTradeParty", document.invoicer),
        write_party("ram:InvoiceeTradeParty", document.invoicee),
        write_payee(document.payee),
        write_party("ram:PayerTradeParty", document.payer),
        _exchange(document.exchange),
        _payment_means(payment),
        (_tax(document, row) for row in document.vat),
        period(delivery.period_start, delivery.period_end),
        (allowance_charge(each) for each in document.allowances_charges),
        group(
            "ram:SpecifiedTradePaymentTerms",
            leaf("ram:Description", document.payment_terms),
            group("ram:DueDateDateTime", day(document.due_on)),
            leaf("ram:DirectDebitMandateID", payment.mandate_reference if payment else None),
        ),
        _totals(document),
        (preceding_invoice(each) for each in document.preceding),
        group("ram:ReceivableSpecifiedTradeAccountingAccount", leaf("ram:ID", document.accounting_reference)),
    )


def _exchange(exchange: CurrencyExchange | None) -> Node:
    """BT-167 with its currencies and date."""
    if exchange is None:
        return None
    return group(
        "ram:TaxApplicableTradeCurrencyExchange",
        leaf("ram:SourceCurrencyCode", exchange.source),
        leaf("ram:TargetCurrencyCode", exchange.target),
        leaf("ram:ConversionRate", plain(exchange.rate)),
        group("ram:ConversionRateDateTime", day(exchange.on)),
    )


def _payment_means(payment: PaymentInstructions | None) -> Iterator[Node]:
    """One block per account, all with the same code and text (CII-SR-467, CII-SR-468); card and debit in the first."""
    if payment is None:
        return
    for position, account in enumerate(payment.accounts or (None,)):
        first = position == 0
        yield group(
            "ram:SpecifiedTradeSettlementPaymentMeans",
            leaf("ram:TypeCode", payment.means_code),
            leaf("ram:Information", payment.means_text),
            group(
                "ram:ApplicableTradeSettlementFinancialCard",
                leaf("ram:ID", payment.card_number if first else None),
                leaf("ram:CardholderName", payment.card_holder if first else None),
            ),
            group(
                "ram:PayerPartyDebtorFinancialAccount",
                leaf("ram:IBANID", payment.debited_account if first else None),
            ),
            _account(account),
        )


def _account(account: CreditAccount | None) -> Iterator[Node]:
    if account is None:
        return
    is_iban = _IBAN.fullmatch(account.number) is not None
    yield group(
        "ram:PayeePartyCreditorFinancialAccount",
        leaf("ram:IBANID", account.number if is_iban else None),
        leaf("ram:AccountName", account.holder),
        leaf("ram:ProprietaryID", None if is_iban else account.number),
    )
    yield group("ram:PayeeSpecifiedCreditorFinancialInstitution", leaf("ram:BICID", account.bic))


def _tax(document: Document, row: VatBreakdown) -> Node:
    """BG-23. CII repeats BT-7 and BT-8, which are document terms, in each row."""
    tax_point = TAX_POINTS[document.tax_point] if document.tax_point else None
    on = document.tax_point_date
    return group(
        "ram:ApplicableTradeTax",
        leaf("ram:CalculatedAmount", money(row.tax)),
        leaf("ram:TypeCode", "VAT"),
        leaf("ram:ExemptionReason", row.exemption_reason),
        leaf("ram:BasisAmount", money(row.taxable)),
        leaf("ram:CategoryCode", row.category),
        leaf("ram:ExemptionReasonCode", row.exemption_code),
        group("ram:TaxPointDate", leaf("udt:DateString", f"{on:%Y%m%d}" if on else None, format=DATE_FORMAT)),
        leaf("ram:DueDateTypeCode", tax_point),
        leaf("ram:RateApplicablePercent", plain(row.rate)),
    )


def _totals(document: Document) -> Node:
    totals, accounting = document.totals, document.accounting_currency
    in_accounting = totals.vat_accounting if accounting not in {None, document.currency} else None
    return group(
        "ram:SpecifiedTradeSettlementHeaderMonetarySummation",
        leaf("ram:LineTotalAmount", money(totals.lines)),
        leaf("ram:ChargeTotalAmount", money(totals.charges)),
        leaf("ram:AllowanceTotalAmount", money(totals.allowances)),
        leaf("ram:TaxBasisTotalAmount", money(totals.without_vat)),
        leaf("ram:TaxTotalAmount", money(totals.vat), currencyID=document.currency),
        leaf("ram:TaxTotalAmount", money(in_accounting), currencyID=accounting),
        leaf("ram:RoundingAmount", money(totals.rounding)),
        leaf("ram:GrandTotalAmount", money(totals.with_vat)),
        leaf("ram:TotalPrepaidAmount", money(totals.prepaid)),
        leaf("ram:DuePayableAmount", money(totals.payable)),
    )
