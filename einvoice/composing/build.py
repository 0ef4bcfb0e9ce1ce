"""From our JSON to the legal document: totals computed and checked, French mentions added, terms derived."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING

from einvoice.composing.deposits import check_deposits, preceding_of
from einvoice.composing.extension import at_level, document_extension, payee_of
from einvoice.composing.frame import DEPOSIT_TYPES, PAID, frame_of
from einvoice.composing.instalments import check_instalments, instalment_terms
from einvoice.composing.lines import build_lines
from einvoice.composing.mentions import notes_of, tax_point_of
from einvoice.composing.parties import (
    address_of,
    buyer_party,
    identifier_of,
    is_french_b2b,
    seller_party,
    tax_representative_of,
)
from einvoice.composing.payment_means import payment_of
from einvoice.composing.public_buyers import check_public_buyer
from einvoice.composing.references import check_number, check_payee, check_references
from einvoice.composing.seller import SellerProfile
from einvoice.composing.totals import adjust_document, sum_up
from einvoice.composing.vat_rules import categories_of, check_vat, reasons_of
from einvoice.document import (
    AllowanceCharge,
    Attachment,
    Delivery,
    Document,
    Line,
)
from einvoice.errors import BuildError
from einvoice.formats.payment_reference import remittance_of
from receivables.domain.invoicing.invoices import ASSIGNED, CREDIT_NOTES

if TYPE_CHECKING:
    from einvoice.document import Party, Totals, VatBreakdown
    from einvoice.request.model import InvoiceRequest

__all__ = ["SellerProfile", "build_document", "is_french_b2b", "is_payable_here", "with_number", "with_payment_link"]

LINK_PREFIX = "PAIEMENT-"
"""BT-122 of the payment link is this and the invoice's number; BT-123 stays absent, because its list is closed."""


@dataclass(frozen=True, slots=True)
class Priced:
    """What a request comes to: lines, allowances and charges on the whole, VAT table and totals."""

    lines: tuple[Line, ...]
    adjustments: tuple[AllowanceCharge, ...]
    totals: Totals
    vat: tuple[VatBreakdown, ...]


def price_request(request: InvoiceRequest, usual_exemption: str | None = None) -> Priced:
    """Compute and check every amount of ``request``; ``usual_exemption`` is the seller's VATEX code of category E.

    Raises:
        BuildError: ``invoice.wrong_total``, ``invoice.amount_too_precise``, ``invoice.deposit*``,
            ``invoice.exemption*``, ``invoice.accounting_vat_missing`` or ``invoice.exchange_rate_needless``.
    """
    currency = request.currency
    lines = build_lines(request.lines, currency)
    adjustments = (
        *adjust_document(request.allowances, lines, "allowances", currency, is_charge=False),
        *adjust_document(request.charges, lines, "charges", currency, is_charge=True),
    )
    totals, vat = sum_up(request, lines, adjustments, reasons_of(request, usual_exemption))
    check_deposits(request, totals.with_vat)
    return Priced(lines, adjustments, totals, vat)


def _check(request: InvoiceRequest, number: str) -> None:
    """What can be wrong before anything is computed."""
    check_number(number, "number", "BT-1")
    check_references(request)
    check_payee(request)
    check_public_buyer(request)


def build_document(request: InvoiceRequest, seller: SellerProfile, number: str, today: date) -> Document:
    """The document that ``request`` asks for, under ``number`` (BT-1), issued ``today`` where it says no date.

    Raises:
        BuildError: ``invoice.*`` (see also ``price_request``, ``frame``, ``vat_rules``), ``buyer.*``
            (``public_buyers``) or ``party.*`` (``parties``): what is wrong, where, and what to do.
    """
    _check(request, number)
    priced = price_request(request, seller.vat_exemption)
    seller_as_told, buyer = _parties(request, seller)
    process = frame_of(request, seller, priced.totals)
    issued_on = request.issue_date or today
    check_instalments(request, priced.totals.payable, issued_on)
    document = Document(
        number=number,
        issued_on=issued_on,
        type_code=request.type_code,
        currency=request.currency,
        seller=seller_as_told,
        buyer=buyer,
        totals=priced.totals,
        vat=priced.vat,
        lines=priced.lines,
        process=process,
        accounting_currency=None if request.currency == "EUR" else "EUR",
        tax_point_date=request.tax_point_date,
        tax_point=tax_point_of(request, seller, process),
        due_on=_due_on(request, seller, issued_on, process),
        buyer_reference=request.buyer_reference or request.buyer.service_code,
        project_reference=request.project_reference,
        contract_reference=request.contract_reference,
        purchase_order=request.purchase_order or request.buyer.engagement,
        sales_order=request.sales_order,
        receiving_advice=request.receiving_advice,
        despatch_advice=request.despatch_advice,
        tender_reference=request.tender_reference,
        object_id=identifier_of(request.object_id),
        accounting_reference=request.accounting_reference,
        payment_terms=_payment_terms(request),
        notes=notes_of(request, seller, buyer),
        preceding=preceding_of(request),
        payee=payee_of(request.payee) if request.payee else None,
        tax_representative=tax_representative_of(seller),
        delivery=_delivery(request),
        payment=payment_of(request, seller, number),
        allowances_charges=priced.adjustments,
        attachments=_attachments(request),
        **document_extension(request),
    )
    return at_level(document, request)


def _attachments(request: InvoiceRequest) -> tuple[Attachment, ...]:
    """BG-24: the documents that go with the invoice."""
    return tuple(
        Attachment(each.reference, each.description, each.url, each.content, each.mime, each.filename)
        for each in request.attachments
    )


def with_number(document: Document, number: str) -> Document:
    """``document`` under its final ``number``, also where the placeholder stood in BT-83 and in the payment link.

    Raises:
        BuildError: ``invoice.bad_number``.
    """
    check_number(number, "number", "BT-1")
    payment = document.payment
    if payment and payment.remittance == document.number:
        payment = replace(payment, remittance=number)
    elif payment and payment.remittance == remittance_of(document.number):
        payment = replace(payment, remittance=remittance_of(number))
    placeholder = LINK_PREFIX + document.number
    attachments = tuple(
        replace(each, reference=LINK_PREFIX + number) if each.reference == placeholder else each
        for each in document.attachments
    )
    return replace(document, number=number, payment=payment, attachments=attachments)


def is_payable_here(document: Document) -> bool:
    """Whether paying the seller settles ``document``: not once its claim is a factor's (C. civ. art. 1346-5)."""
    return document.type_code not in ASSIGNED


def with_payment_link(document: Document, url: str) -> Document:
    """``document`` with its link in BG-24 (BT-124) and, where something is to be paid, a sentence in BT-20.

    An earlier link is replaced. A factored document has no link: only the factor can discharge the buyer.
    """
    if not is_payable_here(document):
        return document
    reference = LINK_PREFIX + document.number
    others = tuple(each for each in document.attachments if each.reference != reference)
    terms = document.payment_terms or ""
    for each in document.attachments:
        if each.reference == reference and each.url:
            terms = terms.replace(_link_sentence(each.url), "").strip()
    if document.totals.payable > 0 and not document.is_credit_note:
        terms = f"{terms} {_link_sentence(url)}".strip()
    return replace(document, attachments=(*others, Attachment(reference, url=url)), payment_terms=terms or None)


def _link_sentence(url: str) -> str:
    return f"Paiement en ligne : {url}"


def _parties(request: InvoiceRequest, profile: SellerProfile) -> tuple[Party, Party]:
    """BG-4 and BG-7, with the VAT numbers that the categories of the invoice demand or forbid.

    A seller without VAT number who sells exempt is known to the tax office by its SIREN (BT-32, BR-E-02). Outside the
    scope of VAT (category O) no VAT number may stand (BR-O-02), so they are left out.
    """
    seller, buyer = seller_party(profile, request.seller), buyer_party(request.buyer)
    check_vat(request, seller, buyer, vat_group=profile.vat_group is not None)
    used = categories_of(request)
    if "O" in used:
        return replace(seller, vat_id=None), replace(buyer, vat_id=None)
    if seller.vat_id is None and profile.vat_group is None:
        seller = replace(seller, tax_id=seller.siren)
    return seller, buyer


def _due_on(request: InvoiceRequest, seller: SellerProfile, issued_on: date, process: str) -> date | None:
    """BT-9: the first instalment's, as stated, else by the seller's terms.

    A credit note has none, a paid invoice the day of issue.
    """
    already_paid = process.endswith(PAID)
    if request.instalments:
        return request.instalments[0].due_on
    if request.due_date is None:
        if request.type_code in CREDIT_NOTES:
            return None
        return issued_on if already_paid else issued_on + timedelta(days=seller.terms_days)
    if request.due_date < issued_on and not already_paid and request.type_code not in DEPOSIT_TYPES:
        raise BuildError(
            "invoice.due_before_issue",
            f"due_date (BT-9) {request.due_date} is before the issue date (BT-2) {issued_on}. Correct one of the two.",
            f"due_date (BT-9) {request.due_date} précède la date d'émission (BT-2) {issued_on}. Corrigez l'une des "
            "deux.",
            term="BT-9",
            place="due_date",
        )
    return request.due_date


def _payment_terms(request: InvoiceRequest) -> str | None:
    """BT-20, instalments first; a credit note without due date needs it (BR-CO-25)."""
    if request.payment_terms is None and request.type_code in CREDIT_NOTES and request.due_date is None:
        named = ", ".join(each.number for each in request.preceding_invoices)
        return f"Avoir à valoir sur la facture {named}." if named else "Avoir à valoir sur vos prochains règlements."
    return f"{instalment_terms(request)} {request.payment_terms or ''}".strip() or None


def _delivery(request: InvoiceRequest) -> Delivery | None:
    delivery, period = request.delivery, request.period
    if delivery is None and period is None:
        return None
    return Delivery(
        name=delivery.name if delivery else None,
        location=identifier_of(delivery.location) if delivery else None,
        delivered_on=delivery.date if delivery else None,
        period_start=period.start if period else None,
        period_end=period.end if period else None,
        address=address_of(delivery.address) if delivery and delivery.address else None,
    )
