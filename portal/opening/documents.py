"""The legal document of an invoice that was issued elsewhere, as far as an open item tells it: parties and totals."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from einvoice.composing.parties import seller_party
from einvoice.document import (
    FRENCH_ADDRESS_SCHEME,
    SIREN_SCHEME,
    Address,
    Contact,
    Document,
    Identifier,
    Line,
    Party,
    Totals,
    VatBreakdown,
)
from einvoice.kept import KeptDocument, issued_document, kept_to_json
from portal.documents.issuing import load_profile
from receivables.domain.accounting.opening import ItemKind, OpenItem
from receivables.domain.money import Money
from receivables.errors import ConflictError
from receivables.store.customer_file.details import customer_details

if TYPE_CHECKING:
    from einvoice.composing.seller import SellerProfile
    from receivables.domain.invoicing.invoices import Invoice
    from receivables.store.work import Work

WORDING = "Facture {number}, reprise des soldes"


def seller_here(work: Work) -> SellerProfile | None:
    """The company as its invoices describe it, or ``None`` where that is not complete yet."""
    try:
        return load_profile(work)
    except ValidationError:
        return None


def document_of(item: OpenItem, profile: SellerProfile | None) -> dict[str, Any] | None:
    """What pages and letters need of the document, as kept; nothing for a payment, or before the company is described.

    It is no copy of the invoice: its lines are one per rate of VAT, and no file is ever made of it.
    """
    if item.kind is ItemKind.PAYMENT or profile is None:
        return None
    return kept_to_json(KeptDocument(_document(item, profile), (), "cii"))


def _document(item: OpenItem, profile: SellerProfile) -> Document:
    return Document(
        number=item.reference,
        issued_on=item.issued_on,
        type_code=item.type_code,
        currency=item.currency,
        seller=seller_party(profile, None),
        buyer=_buyer(item),
        totals=_totals(item),
        vat=tuple(
            VatBreakdown(_amount(row.taxable_minor, item), _amount(row.tax_minor, item), row.category or "O", row.rate)
            for row in item.vat_rows
        ),
        lines=tuple(
            Line(
                line_id=str(place),
                name=WORDING.format(number=item.reference),
                quantity=Decimal(1),
                unit="C62",
                net_price=_amount(row.taxable_minor, item),
                net_amount=_amount(row.taxable_minor, item),
                vat_category=row.category or "O",
                vat_rate=row.rate,
            )
            for place, row in enumerate(item.vat_rows, 1)
        ),
        process=item.process,
        due_on=item.due_on,
    )


def document_to_correct(work: Work, invoice: Invoice, profile: SellerProfile) -> Document:
    """The document that a credit note or corrective invoice of ``invoice`` is made from.

    Of one that was taken over: made anew from what the customer's file and the company's say now, as the opening knew
    perhaps no SIREN yet, or not the company itself.

    Raises:
        ConflictError: ``invoice.vat_unknown``: it was taken over without its VAT.
    """
    if not invoice.is_taken_over:
        return issued_document(invoice)
    if not invoice.is_vat_told:
        raise ConflictError(
            "invoice.vat_unknown",
            f"{invoice.number} was taken over without its VAT, so nothing can be computed from it. Issue the "
            "credit note by hand, with its lines.",
            f"{invoice.number} a été reprise sans sa TVA : rien ne peut s'en déduire. Établissez l'avoir à la "
            "main, avec ses lignes.",
        )
    item = OpenItem(
        customer=customer_details(work, invoice.customer_id).facts,
        code=None,
        kind=ItemKind.CREDIT_NOTE if invoice.is_credit_note else ItemKind.INVOICE,
        reference=invoice.number,
        issued_on=invoice.issued_on,
        due_on=invoice.due_on,
        total_minor=invoice.total_minor,
        open_minor=invoice.payable_minor,
        currency=invoice.currency,
        vat_rows=invoice.vat_rows,
        vat_on_collection=invoice.vat_on_collection,
        type_code=invoice.type_code,
        process=invoice.process,
    )
    return _document(item, profile)


def _buyer(item: OpenItem) -> Party:
    """The customer. Where a platform carried the invoice, its address is the SIREN, which every company has (0225)."""
    party = item.customer.party or {}
    carried = item.declared and item.customer.siren is not None
    return Party(
        name=item.customer.name,
        address=Address(
            party.get("country", "FR"), line1=party.get("line1"), postcode=party.get("postcode"), city=party.get("city")
        ),
        legal_id=Identifier(item.customer.siren, SIREN_SCHEME) if item.customer.siren else None,
        vat_id=item.customer.vat_id,
        endpoint=Identifier(item.customer.siren or "", FRENCH_ADDRESS_SCHEME) if carried else None,
        contact=Contact(email=item.customer.email) if item.customer.email else None,
    )


def _totals(item: OpenItem) -> Totals:
    base = sum(row.taxable_minor for row in item.vat_rows)
    return Totals(
        lines=_amount(base, item),
        without_vat=_amount(base, item),
        with_vat=_amount(item.total_minor, item),
        payable=_amount(item.open_minor, item),
        vat=_amount(item.total_minor - base, item),
        prepaid=_amount(item.collected_minor, item) if item.collected_minor else None,
    )


def _amount(minor: int, item: OpenItem) -> Decimal:
    return Money(minor, item.currency).decimal
