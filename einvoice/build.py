"""From our JSON to the legal document: totals computed and checked, French mentions added, terms derived."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING

from einvoice.document import (
    SIREN_SCHEME,
    AllowanceCharge,
    Attachment,
    Classification,
    Delivery,
    Document,
    Identifier,
    ItemAttribute,
    Line,
    Payee,
    PaymentInstructions,
    PrecedingInvoice,
)
from einvoice.errors import BuildError
from einvoice.mentions import DEPOSIT_TYPES, notes_of, process_of, tax_point_of
from einvoice.parties import (
    address_of,
    buyer_party,
    check_account,
    check_iban,
    check_siren,
    is_french_b2b,
    seller_party,
)
from einvoice.seller import SellerProfile
from einvoice.totals import adjust, adjust_document, check, goods_amount, net_price, rate_of, signed_sum, sum_up
from receivables.domain.invoices import CREDIT_NOTES

if TYPE_CHECKING:
    from einvoice.request_model import IdentifierRequest, InvoiceRequest, LineRequest, PayeeRequest

__all__ = ["SellerProfile", "build_document", "is_french_b2b", "with_number", "with_payment_link"]

LINK_PREFIX = "PAIEMENT-"
"""BT-122 of the payment link is this and the invoice's number; BT-123 stays absent, because its list is closed."""

_NUMBER = re.compile(r"[A-Za-z0-9+\-_/]{1,35}")
_ALREADY_PAID = "2"
_TRANSFERS = frozenset({"30", "58"})


def build_document(request: InvoiceRequest, seller: SellerProfile, number: str, today: date) -> Document:
    """The document that ``request`` asks for, under ``number`` (BT-1), issued ``today`` where it says no date.

    Raises:
        BuildError: ``invoice.wrong_total``, ``invoice.bad_number``, ``invoice.due_before_issue``,
            ``invoice.preceding_missing``, ``invoice.exemption_missing``, ``invoice.accounting_vat_missing``,
            ``invoice.contract_and_period_missing``, ``invoice.account_missing``,
            ``invoice.operation_contradicts_lines`` or ``party.*`` (see ``einvoice.parties``).
    """
    _check_number(number)
    _check_references(request)
    lines = tuple(_line(line, position) for position, line in enumerate(request.lines))
    adjustments = (
        *adjust_document(request.allowances, lines, "allowances", is_charge=False),
        *adjust_document(request.charges, lines, "charges", is_charge=True),
    )
    totals, vat = sum_up(request, lines, adjustments)
    buyer = buyer_party(request.buyer)
    process = process_of(request, seller, totals.payable)
    issued_on = request.issue_date or today
    return Document(
        number=number,
        issued_on=issued_on,
        type_code=request.type_code,
        currency=request.currency,
        seller=seller_party(seller, request.seller),
        buyer=buyer,
        totals=totals,
        vat=vat,
        lines=lines,
        process=process,
        accounting_currency=_accounting_currency(request),
        tax_point_date=request.tax_point_date,
        tax_point=tax_point_of(request, seller, process),
        due_on=_due_on(request, seller, issued_on, process),
        buyer_reference=request.buyer_reference,
        project_reference=request.project_reference,
        contract_reference=request.contract_reference,
        purchase_order=request.purchase_order,
        sales_order=request.sales_order,
        receiving_advice=request.receiving_advice,
        despatch_advice=request.despatch_advice,
        tender_reference=request.tender_reference,
        object_id=_identifier(request.object_id),
        accounting_reference=request.accounting_reference,
        payment_terms=_payment_terms(request),
        notes=notes_of(request, seller, buyer),
        preceding=tuple(PrecedingInvoice(each.number, each.issue_date) for each in request.preceding_invoices),
        payee=_payee(request.payee) if request.payee else None,
        delivery=_delivery(request),
        payment=_payment(request, seller, number),
        allowances_charges=adjustments,
        attachments=tuple(
            Attachment(each.reference, each.description, each.url, each.content, each.mime, each.filename)
            for each in request.attachments
        ),
    )


def with_number(document: Document, number: str) -> Document:
    """``document`` under its final ``number``, also where the placeholder stood in BT-83 and in the payment link.

    Raises:
        BuildError: ``invoice.bad_number``.
    """
    _check_number(number)
    payment = document.payment
    if payment and payment.remittance == document.number:
        payment = replace(payment, remittance=number)
    placeholder = LINK_PREFIX + document.number
    attachments = tuple(
        replace(each, reference=LINK_PREFIX + number) if each.reference == placeholder else each
        for each in document.attachments
    )
    return replace(document, number=number, payment=payment, attachments=attachments)


def with_payment_link(document: Document, url: str) -> Document:
    """``document`` with the payment link in BG-24 (BT-124) and a sentence in BT-20; an earlier link is replaced."""
    reference = LINK_PREFIX + document.number
    others = tuple(each for each in document.attachments if each.reference != reference)
    terms = document.payment_terms or ""
    for each in document.attachments:
        if each.reference == reference and each.url:
            terms = terms.replace(_link_sentence(each.url), "").strip()
    return replace(
        document,
        attachments=(*others, Attachment(reference, url=url)),
        payment_terms=f"{terms} {_link_sentence(url)}".strip(),
    )


def _link_sentence(url: str) -> str:
    return f"Paiement en ligne : {url}"


def _check_number(number: str) -> None:
    if not _NUMBER.fullmatch(number):
        raise BuildError(
            "invoice.bad_number",
            f"The invoice number (BT-1) {number!r} must have 1 to 35 characters of A-Z a-z 0-9 + - _ / "
            "(BR-FR-01, BR-FR-02).",
            f"Le numéro de facture (BT-1) {number!r} doit compter 1 à 35 caractères parmi A-Z a-z 0-9 + - _ / "
            "(BR-FR-01, BR-FR-02).",
            term="BT-1",
            place="number",
        )


def _check_references(request: InvoiceRequest) -> None:
    """BR-FR-CO-03 to -05: what credit notes, corrections and rebates refer to."""
    kind, preceding = request.type_code, request.preceding_invoices
    correction = kind in {"384", "472"}
    credit = kind in CREDIT_NOTES - {"262"}
    dated = bool(preceding) and all(each.issue_date for each in preceding)
    if (correction and not (dated and len(preceding) == 1)) or (credit and not dated):
        raise BuildError(
            "invoice.preceding_missing",
            f"preceding_invoices (BG-3): a document of type {kind} names {'exactly one' if correction else 'the'} "
            "earlier invoice with number and issue_date.",
            f"preceding_invoices (BG-3) : un document de type {kind} cite {'exactement une' if correction else 'la'} "
            "facture antérieure avec number et issue_date.",
            term="BG-3",
            place="preceding_invoices",
        )
    if kind == "262" and not (request.contract_reference and request.period):
        raise BuildError(
            "invoice.contract_and_period_missing",
            "A global rebate (type 262) needs contract_reference (BT-12) and period (BG-14).",
            "Une remise globale (type 262) demande contract_reference (BT-12) et period (BG-14).",
            term="BT-12",
            place="contract_reference",
        )


def _line(request: LineRequest, position: int) -> Line:
    place = f"lines[{position}]"
    base = goods_amount(request)
    adjustments: tuple[AllowanceCharge, ...] = (
        *(
            adjust(each, base, f"{place}.allowances[{index}]", is_charge=False)
            for index, each in enumerate(request.allowances)
        ),
        *(
            adjust(each, base, f"{place}.charges[{index}]", is_charge=True)
            for index, each in enumerate(request.charges)
        ),
    )
    net_amount = base + signed_sum(adjustments)
    check(
        request.net_amount,
        net_amount,
        "BT-131",
        f"{place}.net_amount",
        f"line {position + 1}: quantity {request.quantity:f} x price {net_price(request):f}, allowances and charges",
    )
    period = request.period
    return Line(
        line_id=request.line_id or str(position + 1),
        name=request.name,
        quantity=request.quantity,
        unit=request.unit,
        net_price=net_price(request),
        net_amount=net_amount,
        vat_category=request.vat_category,
        vat_rate=rate_of(request.vat_category, request.vat_rate),
        note=request.note,
        description=request.description,
        object_id=_identifier(request.object_id),
        order_line=request.order_line,
        accounting_reference=request.accounting_reference,
        period_start=period.start if period else None,
        period_end=period.end if period else None,
        allowances_charges=adjustments,
        gross_price=request.gross_price,
        price_discount=request.price_discount,
        price_base_quantity=request.price_base_quantity,
        price_base_unit=request.unit if request.price_base_quantity is not None else None,
        seller_item_id=request.seller_item_id,
        buyer_item_id=request.buyer_item_id,
        standard_item_id=_identifier(request.standard_item_id),
        classifications=tuple(Classification(each.code, each.scheme, each.version) for each in request.classifications),
        origin_country=request.origin_country,
        attributes=tuple(ItemAttribute(each.name, each.value) for each in request.attributes),
    )


def _identifier(request: IdentifierRequest | None) -> Identifier | None:
    return Identifier(request.value, request.scheme) if request else None


def _accounting_currency(request: InvoiceRequest) -> str | None:
    """BT-6: French VAT is accounted for in euros (BR-FR-CO-12)."""
    if request.currency == "EUR":
        return None
    if request.totals is None or request.totals.vat_accounting is None:
        raise BuildError(
            "invoice.accounting_vat_missing",
            f"The invoice is in {request.currency}: give its VAT in euros in totals.vat_accounting (BT-111).",
            f"La facture est en {request.currency} : indiquez sa TVA en euros dans totals.vat_accounting (BT-111).",
            term="BT-111",
            place="totals.vat_accounting",
        )
    return "EUR"


def _due_on(request: InvoiceRequest, seller: SellerProfile, issued_on: date, process: str) -> date | None:
    """BT-9: as stated, else by the seller's terms; a credit note has none, a paid invoice the day of issue."""
    already_paid = process.endswith(_ALREADY_PAID)
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
    """BT-20; a credit note without due date needs it (BR-CO-25)."""
    if request.payment_terms is None and request.type_code in CREDIT_NOTES and request.due_date is None:
        named = ", ".join(each.number for each in request.preceding_invoices)
        return f"Avoir à valoir sur la facture {named}." if named else "Avoir à valoir sur vos prochains règlements."
    return request.payment_terms


def _payee(request: PayeeRequest) -> Payee:
    siren = check_siren(request.siren, "payee.siren", "BT-61") if request.siren else None
    return Payee(request.name, _identifier(request.identifier), Identifier(siren, SIREN_SCHEME) if siren else None)


def _delivery(request: InvoiceRequest) -> Delivery | None:
    delivery, period = request.delivery, request.period
    if delivery is None and period is None:
        return None
    return Delivery(
        name=delivery.name if delivery else None,
        location=_identifier(delivery.location) if delivery else None,
        delivered_on=delivery.date if delivery else None,
        period_start=period.start if period else None,
        period_end=period.end if period else None,
        address=address_of(delivery.address) if delivery and delivery.address else None,
    )


def _payment(request: InvoiceRequest, seller: SellerProfile, number: str) -> PaymentInstructions | None:
    """BG-16: as stated, else a SEPA transfer to the profile's account; none on a credit note or without account."""
    given = request.payment
    if given is None:
        if request.type_code in CREDIT_NOTES or seller.iban is None:
            return None
        account = check_account(seller.iban, seller.bic, seller.holder or seller.name, "seller")
        return PaymentInstructions("58", remittance=number, accounts=(account,))
    iban, bic, holder = (
        (given.iban, given.bic, given.holder) if given.iban else (seller.iban, seller.bic, seller.holder)
    )
    transfer = given.means_code in _TRANSFERS
    if transfer and iban is None:
        raise BuildError(
            "invoice.account_missing",
            f"payment.iban (BT-84) is missing: means {given.means_code} is a transfer and needs an account (BR-61).",
            f"payment.iban (BT-84) manque : le moyen {given.means_code} est un virement et demande un compte (BR-61).",
            term="BT-84",
            place="payment.iban",
        )
    accounts = (
        (check_account(iban, bic, holder or seller.name, "payment"),) if iban and (transfer or given.iban) else ()
    )
    debited = check_iban(given.debited_iban, "payment.debited_iban", "BT-91") if given.debited_iban else None
    return PaymentInstructions(
        means_code=given.means_code,
        means_text=given.means_text,
        remittance=given.remittance or number,
        accounts=accounts,
        mandate_reference=given.mandate_reference,
        creditor_id=given.creditor_id,
        debited_account=debited,
    )
