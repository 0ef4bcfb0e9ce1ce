"""Buyer, payee and delivery of an issued invoice written again as a request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic_core import PydanticCustomError

from einvoice.document import SIREN_SCHEME, SIRET_SCHEME
from einvoice.request.parties import (
    AddressRequest,
    BuyerRequest,
    ContactRequest,
    DeliveryRequest,
    IdentifierRequest,
    PayeeRequest,
)
from einvoice.request.values import check_email

if TYPE_CHECKING:
    from einvoice.document import Address, Contact, Delivery, Document, Identifier, Payee

_CONSUMER_NOTES = frozenset({"B2C", "B2CINT"})


def buyer_request(document: Document) -> BuyerRequest:
    """BG-7 of ``document``; a consumer where its note BAR says so."""
    buyer = document.buyer
    bar = {note.text.strip() for note in document.notes if note.subject == "BAR"}
    siret = next((each.value for each in buyer.identifiers if each.scheme == SIRET_SCHEME), None)
    return BuyerRequest.model_validate(
        {
            "name": buyer.name,
            "address": _address(buyer.address),
            "trading_name": buyer.trading_name,
            "siren": buyer.siren,
            "siret": siret,
            "legal_id": _identifier(buyer.legal_id) if buyer.siren is None else None,
            "identifiers": tuple(
                IdentifierRequest(value=each.value, scheme=each.scheme)
                for each in buyer.identifiers
                if each.scheme != SIRET_SCHEME
            ),
            "vat_id": buyer.vat_id,
            "endpoint": _identifier(buyer.endpoint),
            "contact": _contact(buyer.contact) if buyer.contact else None,
            "consumer": bool(bar & _CONSUMER_NOTES),
        }
    )


def payee_request(payee: Payee) -> PayeeRequest:
    """BG-10."""
    legal = payee.legal_id
    return PayeeRequest.model_validate(
        {
            "name": payee.name,
            "identifier": _identifier(payee.identifier),
            "siren": legal.value if legal and legal.scheme == SIREN_SCHEME else None,
        }
    )


def delivery_request(delivery: Delivery) -> DeliveryRequest:
    """BG-13 and BG-15."""
    return DeliveryRequest(
        date=delivery.delivered_on,
        name=delivery.name,
        location=_identifier(delivery.location),
        address=_address(delivery.address) if delivery.address else None,
    )


def _address(address: Address) -> AddressRequest:
    return AddressRequest(
        line1=address.line1,
        line2=address.line2,
        line3=address.line3,
        postcode=address.postcode,
        city=address.city,
        subdivision=address.subdivision,
        country=address.country,
    )


def _identifier(given: Identifier | None) -> IdentifierRequest | None:
    return IdentifierRequest(value=given.value, scheme=given.scheme) if given else None


def _contact(contact: Contact) -> ContactRequest:
    return ContactRequest(name=contact.name or contact.department, phone=contact.phone, email=_email(contact.email))


def _email(address: str | None) -> str | None:
    """An address that can be written to; a third party's file may hold anything there."""
    try:
        return check_email(address) if address else None
    except PydanticCustomError:
        return None
