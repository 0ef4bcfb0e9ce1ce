"""Writing the parties of a UBL file: seller, buyer, payee, tax representative and third parties."""

from __future__ import annotations

from typing import TYPE_CHECKING

from einvoice.document import Party
from einvoice.formats.ubl_terms import CREDITOR_SCHEME, group, identifier, leaf, tax_scheme

if TYPE_CHECKING:
    from collections.abc import Iterator

    from einvoice.document import Address, Contact, Document, Identifier, Payee, TaxRepresentative, ThirdParty
    from einvoice.formats.tree import Node


def write_supplier(document: Document) -> Node:
    """BG-4, with the seller's agent and the invoicer inside."""
    inside = (write_party("cac:AgentParty", document.seller_agent), _service_provider(document.invoicer))
    creditor = _creditor(document, of_payee=False)
    return group("cac:AccountingSupplierParty", _main_party(document.seller, creditor, *inside))


def write_customer(document: Document) -> Node:
    """BG-7, with the buyer's agent and the invoicee inside."""
    inside = (write_party("cac:AgentParty", document.buyer_agent), _service_provider(document.invoicee))
    return group("cac:AccountingCustomerParty", _main_party(document.buyer, None, *inside))


def write_party(name: str, party: ThirdParty | None) -> Node:
    """A third party."""
    if party is None:
        return None
    return group(
        name,
        identifier("cbc:EndpointID", party.endpoint),
        leaf("cbc:IndustryClassificationCode", party.role),
        *_body(party, None),
    )


def _service_provider(party: ThirdParty | None) -> Node:
    return group("cac:ServiceProviderParty", write_party("cac:Party", party))


def _main_party(party: Party, creditor: Node, *inside: Node) -> Node:
    return group("cac:Party", identifier("cbc:EndpointID", party.endpoint), *_body(party, creditor), *inside)


def _body(party: Party | ThirdParty, creditor: Node) -> Iterator[Node]:
    yield from _identifications(party.identifiers)
    yield creditor
    yield group("cac:PartyName", leaf("cbc:Name", party.trading_name))
    yield write_address("cac:PostalAddress", party.address)
    yield _tax_registration(party.vat_id, "VAT")
    yield _tax_registration(party.tax_id, "LOC")
    yield group(
        "cac:PartyLegalEntity",
        leaf("cbc:RegistrationName", party.name),
        identifier("cbc:CompanyID", party.legal_id),
        leaf("cbc:CompanyLegalForm", party.legal_form) if isinstance(party, Party) else None,
    )
    yield _contact(party.contact)


def write_payee(document: Document) -> Node:
    """BG-10."""
    payee = document.payee
    if payee is None:
        return None
    return group(
        "cac:PayeeParty",
        identifier("cbc:EndpointID", payee.endpoint),
        leaf("cbc:IndustryClassificationCode", payee.role),
        *_identifications(_known(payee)),
        _creditor(document, of_payee=True),
        group("cac:PartyName", leaf("cbc:Name", payee.name)),
        write_address("cac:PostalAddress", payee.address),
        _tax_registration(payee.vat_id, "VAT"),
        group("cac:PartyLegalEntity", identifier("cbc:CompanyID", payee.legal_id)),
        _contact(payee.contact),
    )


def _known(payee: Payee) -> tuple[Identifier, ...]:
    return (payee.identifier, *payee.more_identifiers) if payee.identifier else payee.more_identifiers


def write_representative(representative: TaxRepresentative | None) -> Node:
    """BG-11."""
    if representative is None:
        return None
    return group(
        "cac:TaxRepresentativeParty",
        group("cac:PartyName", leaf("cbc:Name", representative.name)),
        write_address("cac:PostalAddress", representative.address),
        _tax_registration(representative.vat_id, "VAT"),
    )


def write_address(name: str, address: Address | None) -> Node:
    """BG-5, BG-8, BG-12 or BG-15."""
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


def _identifications(them: tuple[Identifier, ...]) -> Iterator[Node]:
    for each in them:
        yield group("cac:PartyIdentification", identifier("cbc:ID", each))


def _creditor(document: Document, *, of_payee: bool) -> Node:
    """BT-90 stands with the payee where there is one, else with the seller."""
    if document.payment is None or (document.payee is not None) != of_payee:
        return None
    return group("cac:PartyIdentification", leaf("cbc:ID", document.payment.creditor_id, schemeID=CREDITOR_SCHEME))


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
