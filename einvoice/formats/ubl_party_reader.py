"""Reading the parties of a UBL file: seller, buyer, payee, tax representative and third parties."""

from __future__ import annotations

from typing import TYPE_CHECKING

from einvoice.document import Address, Contact, Identifier, Party, Payee, TaxRepresentative, ThirdParty
from einvoice.formats.place import present
from einvoice.formats.ubl_terms import CREDITOR_SCHEME

if TYPE_CHECKING:
    from einvoice.formats.place import Place


def read_party(place: Place, name_term: str, country_term: str) -> Party:
    """BG-4 or BG-7.

    Raises:
        ReadError: ``invoice.missing_term`` with the term given.
    """
    legal = place.group("cac:PartyLegalEntity")
    name, trading_name = _names(place)
    if name is None:
        raise legal.missing("cbc:RegistrationName", name_term)
    vat_id, tax_id = _registrations(place)
    return Party(
        name=name,
        address=read_address(place.group("cac:PostalAddress"), country_term),
        trading_name=trading_name,
        identifiers=read_identifiers(place),
        legal_id=read_identifier(legal.find("cbc:CompanyID")),
        vat_id=vat_id,
        tax_id=tax_id,
        legal_form=legal.text("cbc:CompanyLegalForm"),
        endpoint=read_identifier(place.find("cbc:EndpointID")),
        contact=_contact(place),
    )


def read_third_party(place: Place | None, country_term: str) -> ThirdParty | None:
    """A party of EXT-FR-FE-BG-01 to -05 or -12.

    Raises:
        ReadError: ``invoice.missing_term`` where an address has no country.
    """
    if place is None:
        return None
    name, trading_name = _names(place)
    vat_id, tax_id = _registrations(place)
    return present(
        ThirdParty(
            name=name,
            address=_optional_address(place, country_term),
            role=place.text("cbc:IndustryClassificationCode"),
            trading_name=trading_name,
            identifiers=read_identifiers(place),
            legal_id=read_identifier(place.find("cac:PartyLegalEntity/cbc:CompanyID")),
            vat_id=vat_id,
            tax_id=tax_id,
            endpoint=read_identifier(place.find("cbc:EndpointID")),
            contact=_contact(place),
        )
    )


def read_payee(place: Place | None) -> Payee | None:
    """BG-10 with the terms that EXTENDED adds.

    Raises:
        ReadError: ``invoice.missing_term``.
    """
    if place is None:
        return None
    identifiers = read_identifiers(place)
    return Payee(
        name=place.need("cac:PartyName/cbc:Name", "BT-59"),
        identifier=identifiers[0] if identifiers else None,
        legal_id=read_identifier(place.find("cac:PartyLegalEntity/cbc:CompanyID")),
        role=place.text("cbc:IndustryClassificationCode"),
        more_identifiers=identifiers[1:],
        vat_id=_registrations(place)[0],
        endpoint=read_identifier(place.find("cbc:EndpointID")),
        address=_optional_address(place, "EXT-FR-FE-38"),
        contact=_contact(place),
    )


def read_representative(place: Place | None) -> TaxRepresentative | None:
    """BG-11.

    Raises:
        ReadError: ``invoice.missing_term``.
    """
    if place is None:
        return None
    return TaxRepresentative(
        name=place.need("cac:PartyName/cbc:Name", "BT-62"),
        vat_id=place.need("cac:PartyTaxScheme/cbc:CompanyID", "BT-63"),
        address=read_address(place.group("cac:PostalAddress"), "BT-69"),
    )


def read_address(place: Place, country_term: str) -> Address:
    """BG-5, BG-8, BG-12 or BG-15.

    Raises:
        ReadError: ``invoice.missing_term`` where it has no country.
    """
    return Address(
        country=place.need("cac:Country/cbc:IdentificationCode", country_term),
        line1=place.text("cbc:StreetName"),
        line2=place.text("cbc:AdditionalStreetName"),
        line3=place.text("cac:AddressLine/cbc:Line"),
        postcode=place.text("cbc:PostalZone"),
        city=place.text("cbc:CityName"),
        subdivision=place.text("cbc:CountrySubentity"),
    )


def read_identifiers(party: Place) -> tuple[Identifier, ...]:
    """The identifiers of a party without BT-90, which stands among them."""
    found = [read_identifier(place) for place in party.all("cac:PartyIdentification/cbc:ID")]
    return tuple(each for each in found if each and each.scheme != CREDITOR_SCHEME)


def read_identifier(place: Place | None) -> Identifier | None:
    """An identifier with its scheme."""
    value = place.own_text() if place else None
    return Identifier(value, place.attribute("schemeID")) if place and value else None


def _names(place: Place) -> tuple[str | None, str | None]:
    """Name and trading name; a trading name alone is the name."""
    registered = place.text("cac:PartyLegalEntity/cbc:RegistrationName")
    trading_name = place.text("cac:PartyName/cbc:Name")
    return (registered, trading_name) if registered else (trading_name, None)


def _registrations(place: Place) -> tuple[str | None, str | None]:
    """VAT identifier and other tax registration."""
    found = [
        (registration.text("cac:TaxScheme/cbc:ID"), registration.text("cbc:CompanyID"))
        for registration in place.all("cac:PartyTaxScheme")
    ]
    vat_id = next((value for scheme, value in found if scheme == "VAT"), None)
    return vat_id, next((value for scheme, value in found if scheme != "VAT"), None)


def _optional_address(place: Place, country_term: str) -> Address | None:
    address = place.find("cac:PostalAddress")
    return read_address(address, country_term) if address else None


def _contact(place: Place) -> Contact | None:
    contact = place.group("cac:Contact")
    return present(
        Contact(
            name=contact.text("cbc:Name"),
            phone=contact.text("cbc:Telephone"),
            email=contact.text("cbc:ElectronicMail"),
        )
    )
