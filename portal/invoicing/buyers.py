"""Whom an invoice is for: customers that the books know, as their last invoice words them, and new ones by SIREN."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from einvoice.crediting.parties import buyer_request
from einvoice.directory.desk import is_siren
from einvoice.document import FRENCH_VAT_TERRITORY
from einvoice.kept import issued_document
from portal.invoicing.typed import ABROAD, BUSINESS, CONSUMER, PUBLIC, TypedBuyer
from receivables.domain.invoicing.invoices import Routing
from receivables.domain.parties import CustomerKind
from receivables.store.customer_file.contacts import recipient_for
from receivables.store.customer_file.customers import get_customer
from receivables.store.invoicing.billing import last_invoice, party_of

if TYPE_CHECKING:
    from uuid import UUID

    from einvoice.directory.reach import Reach
    from receivables.domain.invoicing.invoices import Invoice
    from receivables.domain.parties import Customer
    from receivables.store.work import Work

_PARTY_FIELDS = ("line1", "line2", "postcode", "city", "country")


def buyer_of(work: Work, customer_id: UUID) -> TypedBuyer:
    """A known customer as a buyer: as its last invoice words it, with what its file says since.

    Raises:
        NotFoundError: ``customer.not_found``.
    """
    customer = get_customer(work, customer_id)
    last = last_invoice(work, customer_id)
    told = _from_invoice(last) if last else TypedBuyer(kind=_kind_of(customer, "FR"))
    party = party_of(work, customer_id)
    if party.get("line1") or not (told.line1 or told.city):
        told = replace(told, **{name: str(party.get(name) or "") for name in _PARTY_FIELDS})
    to = recipient_for(work, customer_id, "billing") if customer.siren or customer.vat_id else None
    return replace(
        told,
        kind=told.kind if told.kind == PUBLIC else _kind_of(customer, told.country or "FR"),
        name=customer.name,
        siren=customer.siren or "",
        vat_id=customer.vat_id or "",
        country=told.country or "FR",
        email=customer.email or (to.email if to else "") or "",
    )


def buyer_by_siren(siren: str, reach: Reach) -> TypedBuyer:
    """A new French customer: its name from the directory, its VAT number from its SIREN."""
    unit = reach.answer.unit if reach.answer else None
    public = reach.answer is not None and reach.answer.is_public
    return TypedBuyer(
        kind=PUBLIC if public else BUSINESS,
        name=(unit.name if unit else "") or "",
        siren=siren,
        vat_id=french_vat_number(siren),
    )


def french_vat_number(siren: str) -> str:
    """The VAT number of a French company: FR, the key (12 + 3 x (SIREN modulo 97)) modulo 97, its SIREN.

    Empty for what is no SIREN.
    """
    return f"FR{(12 + 3 * (int(siren) % 97)) % 97:02d}{siren}" if is_siren(siren) else ""


def _from_invoice(invoice: Invoice) -> TypedBuyer:
    """The buyer of an issued invoice as it was typed, or would have been."""
    told = buyer_request(issued_document(invoice))
    address = told.address
    kind = CONSUMER if told.consumer else BUSINESS if address.country in FRENCH_VAT_TERRITORY else ABROAD
    public = invoice.routing is Routing.B2G
    return TypedBuyer(
        kind=PUBLIC if public else kind,
        name=told.name,
        siren=told.siren or "",
        siret=told.siret or "",
        vat_id=told.vat_id or "",
        line1=address.line1 or "",
        line2=address.line2 or "",
        postcode=address.postcode or "",
        city=address.city or "",
        country=address.country,
        email=(told.contact.email if told.contact else None) or "",
        service_code=issued_document(invoice).buyer_reference or "" if public else "",
    )


def _kind_of(customer: Customer, country: str) -> str:
    if customer.kind is CustomerKind.CONSUMER:
        return CONSUMER
    if customer.kind is CustomerKind.PUBLIC:
        return PUBLIC
    return BUSINESS if country in FRENCH_VAT_TERRITORY or customer.siren else ABROAD
