"""The parties of the page: seller, buyer, delivery, payee, tax representative and the third parties of EXTENDED."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from einvoice.formats.page_meanings import ROLES
from einvoice.formats.page_wording import join

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from einvoice.document import Address, Contact, Delivery, Document, Party, Payee, ThirdParty
    from einvoice.formats.page_wording import Wording

THIRD_PARTIES = ("payer", "invoicer", "invoicee", "seller_agent", "buyer_agent")
"""Fields of the document, and keys of their labels."""


def describe_parties(document: Document, say: Wording) -> list[dict[str, Any]]:
    """One block per party that the document names, seller and buyer first."""
    return [
        _party("seller", document.seller, say),
        _party("buyer", document.buyer, say),
        *(_delivery(document.delivery, say) if document.delivery else []),
        *([_payee(document.payee, say)] if document.payee else []),
        *_representative(document, say),
        *_third_parties(document, say),
    ]


def identity_line(party: Party, say: Wording) -> str:
    """Name, legal form, SIREN and VAT number, for the foot of every page."""
    return join([party.name, party.legal_form, say.identifier(party.legal_id), say.named("vat_id", party.vat_id)])


def describe_seller_of_line(party: ThirdParty, say: Wording) -> str:
    """The seller of one line (EXT-FR-FE-BG-12) in one sentence."""
    address = _address(party.address, say) if party.address else []
    return join([party.name, say.coded(ROLES, party.role), *address, *_identities(party, say)])


def describe_place(name: str | None, address: Address | None, say: Wording) -> str:
    """A name and an address in one line."""
    return join([name, *(_address(address, say) if address else [])], ", ")


def _block(title: str, name: str | None, lines: Iterable[str], small: Iterable[str]) -> dict[str, Any]:
    return {
        "label": title,
        "name": name or "",
        "lines": [line for line in lines if line],
        "small": [line for line in small if line],
    }


def _titled(key: str, role: str | None, say: Wording) -> str:
    """The label with the role in the code's words, which are left out where they are the label's own."""
    title, meant = say.label(key), say.coded(ROLES, role)
    if role is not None and role in ROLES and say.word(ROLES[role]).lower() == title.lower():
        return f"{title} ({role})"
    return join([title, meant])


def _party(key: str, party: Party, say: Wording) -> dict[str, Any]:
    """Seller or buyer; their electronic addresses stand with the structured data."""
    trading = party.trading_name if party.trading_name != party.name else None
    small = [
        join([say.identifier(party.legal_id), say.named("vat_id", party.vat_id)]),
        *(say.identifier(identifier) for identifier in party.identifiers),
        say.named("tax_id", party.tax_id),
        party.legal_form or "",
        *_contact(party.contact),
    ]
    title = say.titled(say.label("trading_name"), trading) if trading else ""
    return _block(say.label(key), party.name, [title, *_address(party.address, say)], small)


def _delivery(delivery: Delivery, say: Wording) -> list[dict[str, Any]]:
    if not (delivery.name or delivery.address or delivery.location):
        return []
    lines = _address(delivery.address, say) if delivery.address else []
    return [_block(say.label("delivery"), delivery.name, lines, [say.identifier(delivery.location)])]


def _payee(payee: Payee, say: Wording) -> dict[str, Any]:
    small = [
        join([say.identifier(payee.legal_id), say.named("vat_id", payee.vat_id)]),
        *(say.identifier(identifier) for identifier in (payee.identifier, *payee.more_identifiers)),
        say.named("endpoint", say.reference(payee.endpoint)),
        *_contact(payee.contact),
    ]
    lines = _address(payee.address, say) if payee.address else []
    return _block(_titled("payee", payee.role, say), payee.name, lines, small)


def _representative(document: Document, say: Wording) -> Iterator[dict[str, Any]]:
    if agent := document.tax_representative:
        ids = [say.named("vat_id", agent.vat_id)]
        yield _block(say.label("representative"), agent.name, _address(agent.address, say), ids)


def _third_parties(document: Document, say: Wording) -> Iterator[dict[str, Any]]:
    for key in THIRD_PARTIES:
        party: ThirdParty | None = getattr(document, key)
        if party is not None:
            address = _address(party.address, say) if party.address else []
            yield _block(_titled(key, party.role, say), party.name, address, _identities(party, say))


def _identities(party: ThirdParty, say: Wording) -> list[str]:
    trading = party.trading_name if party.trading_name != party.name else None
    return [
        say.titled(say.label("trading_name"), trading) if trading else "",
        join([say.identifier(party.legal_id), say.named("vat_id", party.vat_id)]),
        *(say.identifier(identifier) for identifier in party.identifiers),
        say.named("tax_id", party.tax_id),
        say.named("endpoint", say.reference(party.endpoint)),
        *_contact(party.contact),
    ]


def _contact(contact: Contact | None) -> list[str]:
    if contact is None:
        return []
    return [join([contact.name, contact.department, contact.phone]), contact.email or ""]


def _address(address: Address, say: Wording) -> list[str]:
    """The lines of an address as a French envelope has them: street, then postcode and town, then country."""
    town = join([address.postcode, address.city], " ")
    place = join([town, address.subdivision, say.country(address.country)], ", ")
    lines = [address.line1, address.line2, address.line3, place]
    return [line for line in lines if line]
