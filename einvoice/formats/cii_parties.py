"""Writing the parties of a CII: seller, buyer, payee, tax representative and third parties."""

from __future__ import annotations

from typing import TYPE_CHECKING

from einvoice.document import Party
from einvoice.formats.cii_terms import group, identifier, identifiers, leaf

if TYPE_CHECKING:
    from einvoice.document import Address, Contact, Payee, TaxRepresentative, ThirdParty
    from einvoice.formats.tree import Node


def write_party(name: str, party: Party | ThirdParty | None) -> Node:
    """BG-4, BG-7 or a third party as a TradeParty."""
    if party is None:
        return None
    return group(
        name,
        identifiers(party.identifiers),
        leaf("ram:Name", party.name),
        leaf("ram:Description", party.legal_form) if isinstance(party, Party) else leaf("ram:RoleCode", party.role),
        group(
            "ram:SpecifiedLegalOrganization",
            identifier("ram:ID", party.legal_id),
            leaf("ram:TradingBusinessName", party.trading_name),
        ),
        _contact(party.contact),
        write_address(party.address),
        group("ram:URIUniversalCommunication", identifier("ram:URIID", party.endpoint)),
        _tax_registration(party.vat_id, "VA"),
        _tax_registration(party.tax_id, "FC"),
    )


def write_payee(payee: Payee | None) -> Node:
    """BG-10."""
    if payee is None:
        return None
    known = (payee.identifier, *payee.more_identifiers) if payee.identifier else payee.more_identifiers
    return group(
        "ram:PayeeTradeParty",
        identifiers(known),
        leaf("ram:Name", payee.name),
        leaf("ram:RoleCode", payee.role),
        group("ram:SpecifiedLegalOrganization", identifier("ram:ID", payee.legal_id)),
        _contact(payee.contact),
        write_address(payee.address),
        group("ram:URIUniversalCommunication", identifier("ram:URIID", payee.endpoint)),
        _tax_registration(payee.vat_id, "VA"),
    )


def write_representative(representative: TaxRepresentative | None) -> Node:
    """BG-11."""
    if representative is None:
        return None
    return group(
        "ram:SellerTaxRepresentativeTradeParty",
        leaf("ram:Name", representative.name),
        write_address(representative.address),
        _tax_registration(representative.vat_id, "VA"),
    )


def write_address(address: Address | None) -> Node:
    """BG-5, BG-8, BG-12 or BG-15."""
    if address is None:
        return None
    return group(
        "ram:PostalTradeAddress",
        leaf("ram:PostcodeCode", address.postcode),
        leaf("ram:LineOne", address.line1),
        leaf("ram:LineTwo", address.line2),
        leaf("ram:LineThree", address.line3),
        leaf("ram:CityName", address.city),
        leaf("ram:CountryID", address.country),
        leaf("ram:CountrySubDivisionName", address.subdivision),
    )


def _tax_registration(value: str | None, scheme: str) -> Node:
    return group("ram:SpecifiedTaxRegistration", leaf("ram:ID", value, schemeID=scheme))


def _contact(contact: Contact | None) -> Node:
    if contact is None:
        return None
    return group(
        "ram:DefinedTradeContact",
        leaf("ram:PersonName", contact.name),
        leaf("ram:DepartmentName", contact.department),
        group("ram:TelephoneUniversalCommunication", leaf("ram:CompleteNumber", contact.phone)),
        group("ram:EmailURIUniversalCommunication", leaf("ram:URIID", contact.email)),
    )
