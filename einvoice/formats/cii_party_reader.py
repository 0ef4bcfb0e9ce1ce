"""Reading the parties of a CII: seller, buyer, payee, tax representative and third parties."""

from __future__ import annotations

from typing import TYPE_CHECKING

from einvoice.document import Address, Contact, Identifier, Party, Payee, TaxRepresentative, ThirdParty
from einvoice.formats.place import present

if TYPE_CHECKING:
    from einvoice.formats.place import Place

_VAT = "ram:SpecifiedTaxRegistration/ram:ID[@schemeID='VA']"
_TAX = "ram:SpecifiedTaxRegistration/ram:ID[@schemeID='FC']"


def read_party(place: Place, name_term: str, country_term: str) -> Party:
    """BG-4 or BG-7.

    Raises:
        ReadError: ``invoice.missing_term`` with the term given.
    """
    legal = place.group("ram:SpecifiedLegalOrganization")
    return Party(
        name=place.need("ram:Name", name_term),
        address=read_address(place.group("ram:PostalTradeAddress"), country_term),
        trading_name=legal.text("ram:TradingBusinessName"),
        identifiers=read_identifiers(place),
        legal_id=read_identifier(legal.find("ram:ID")),
        vat_id=place.text(_VAT),
        tax_id=place.text(_TAX),
        legal_form=place.text("ram:Description"),
        endpoint=_endpoint(place),
        contact=_contact(place),
    )


def read_third_party(place: Place | None, country_term: str) -> ThirdParty | None:
    """A party of EXT-FR-FE-BG-01 to -05 or -12.

    Raises:
        ReadError: ``invoice.missing_term`` where an address has no country.
    """
    if place is None:
        return None
    legal = place.group("ram:SpecifiedLegalOrganization")
    return present(
        ThirdParty(
            name=place.text("ram:Name"),
            address=_optional_address(place, country_term),
            role=place.text("ram:RoleCode"),
            trading_name=legal.text("ram:TradingBusinessName"),
            identifiers=read_identifiers(place),
            legal_id=read_identifier(legal.find("ram:ID")),
            vat_id=place.text(_VAT),
            tax_id=place.text(_TAX),
            endpoint=_endpoint(place),
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
        name=place.need("ram:Name", "BT-59"),
        identifier=identifiers[0] if identifiers else None,
        legal_id=read_identifier(place.find("ram:SpecifiedLegalOrganization/ram:ID")),
        role=place.text("ram:RoleCode"),
        more_identifiers=identifiers[1:],
        vat_id=place.text(_VAT),
        endpoint=_endpoint(place),
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
        name=place.need("ram:Name", "BT-62"),
        vat_id=place.need(_VAT, "BT-63"),
        address=read_address(place.group("ram:PostalTradeAddress"), "BT-69"),
    )


def read_address(place: Place, country_term: str) -> Address:
    """BG-5, BG-8, BG-12 or BG-15.

    Raises:
        ReadError: ``invoice.missing_term`` where it has no country.
    """
    return Address(
        country=place.need("ram:CountryID", country_term),
        line1=place.text("ram:LineOne"),
        line2=place.text("ram:LineTwo"),
        line3=place.text("ram:LineThree"),
        postcode=place.text("ram:PostcodeCode"),
        city=place.text("ram:CityName"),
        subdivision=place.text("ram:CountrySubDivisionName"),
    )


def read_identifiers(party: Place) -> tuple[Identifier, ...]:
    """The identifiers without scheme, then those with one."""
    places = [*party.all("ram:ID"), *party.all("ram:GlobalID")]
    return tuple(found for place in places if (found := read_identifier(place)))


def read_identifier(place: Place | None) -> Identifier | None:
    """An identifier with its scheme."""
    value = place.own_text() if place else None
    return Identifier(value, place.attribute("schemeID")) if place and value else None


def _optional_address(place: Place, country_term: str) -> Address | None:
    address = place.find("ram:PostalTradeAddress")
    return read_address(address, country_term) if address else None


def _endpoint(place: Place) -> Identifier | None:
    return read_identifier(place.find("ram:URIUniversalCommunication/ram:URIID"))


def _contact(place: Place) -> Contact | None:
    contact = place.group("ram:DefinedTradeContact")
    return present(
        Contact(
            name=contact.text("ram:PersonName"),
            department=contact.text("ram:DepartmentName"),
            phone=contact.text("ram:TelephoneUniversalCommunication/ram:CompleteNumber"),
            email=contact.text("ram:EmailURIUniversalCommunication/ram:URIID"),
        )
    )
