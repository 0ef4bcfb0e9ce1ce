"""Directory entries in the norm's form, whole; the search then takes what was asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from portal.sandboxes.platform.directory.entries import Company, Demands, Facility, Line, RoutingCode

Entry = dict[str, Any]


def unit_entry(company: Company) -> Entry:
    """A legal unit."""
    return {
        "siren": company.siren,
        "businessName": company.name,
        "entityType": company.kind,
        "administrativeStatus": company.status,
        "instructions": {"isSalesProspectingForbidden": company.no_prospecting},
    }


def facility_entries(company: Company) -> list[Entry]:
    """The establishments of a company, each with its legal unit."""
    return [
        {**_facility(company, facility), "siretInstructions": _instructions(company), "legalUnit": unit_entry(company)}
        for facility in company.facilities
    ]


def code_entries(company: Company) -> list[Entry]:
    """The routing codes of a company, each with its legal unit and establishment."""
    entries = []
    for code in company.codes:
        entry = {**_code(company, code), "siret": code.siret, "managesLegalCommitmentCode": code.needs_commitment}
        entries.append(entry | _above(company, code.siret))
    return entries


def line_entries(company: Company) -> list[Entry]:
    """The addresses of a company, each with everything that it leads to."""
    return [_line(company, line) for line in company.lines]


def _line(company: Company, line: Line) -> Entry:
    entry: Entry = {
        "addressingIdentifier": line.address,
        "platformType": line.platform,
        "directoryLineStatus": line.status,
        "siren": company.siren,
        "siret": line.siret,
        "routingIdentifier": line.routing,
        "addressingSuffix": line.suffix,
    }
    entry = {name: value for name, value in entry.items() if value is not None}
    code = next((each for each in company.codes if each.identifier == line.routing), None)
    if code:
        entry["routingCode"] = {**_code(company, code), "managesLegalCommitment": code.needs_commitment}
    return entry | _above(company, line.siret)


def _above(company: Company, siret: str | None) -> Entry:
    """The legal unit and, where there is one, the establishment that an entry belongs to."""
    found = _facility_of(company.facilities, siret)
    above: Entry = {"legalUnit": unit_entry(company)}
    return above | (
        {"facility": {**_facility(company, found), "instructions": _instructions(company)}} if found else {}
    )


def _facility_of(facilities: Iterable[Facility], siret: str | None) -> Facility | None:
    return next((facility for facility in facilities if facility.siret == siret), None)


def _facility(company: Company, facility: Facility) -> Entry:
    entry: Entry = {
        "siret": facility.siret,
        "siren": company.siren,
        "name": facility.name,
        "facilityType": facility.kind,
        "administrativeStatus": facility.status,
        "address": _address(facility),
    }
    return entry | ({"b2gAdditionalData": _public(facility.demands)} if facility.demands else {})


def _code(company: Company, code: RoutingCode) -> Entry:
    found = _facility_of(company.facilities, code.siret)
    entry: Entry = {
        "routingIdentifier": code.identifier,
        "routingIdentifierType": "0224",
        "routingCodeName": code.name,
        "administrativeStatus": code.status,
    }
    return entry | ({"address": _address(found)} if found else {})


def _address(facility: Facility) -> Entry:
    return {
        "addressLine1": facility.street,
        "postalCode": facility.postcode,
        "countrySubdivision": facility.region,
        "locality": facility.city,
        "countryCode": "FR",
        "countryName": "France",
    }


def _public(demands: Demands) -> Entry:
    return {
        "pm": False,
        "pmOnly": False,
        "managesPaymentStatus": demands.payment_status,
        "managesLegalCommitmentCode": demands.commitment,
        "managesLegalCommitmentOrServiceCode": demands.commitment_or_service,
        "serviceCodeStatus": demands.service_code,
    }


def _instructions(company: Company) -> Entry:
    return {"isSalesProspectingForbidden": company.no_prospecting}
