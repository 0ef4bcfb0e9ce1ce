"""The Directory Service (*annuaire*) of XP Z12-013 1.3.0 as our own OpenAPI document.

The document also judges requests, so that it cannot promise what the routes do not keep.
"""

from __future__ import annotations

from portal.sandboxes.platform.contract.parts import (
    ERROR,
    Schema,
    choice,
    group,
    json_content,
    many,
    ref,
    refusals,
    security,
    text,
    whole,
)

MOST_RESULTS = 1000
"""Results of one search: the norm names no limit; this one keeps an answer small."""
_ERRORS = (400, 401, 403, 404, 408, 422, 429, 500, 501, 503)
_DIGITS = r"^[0-9]*$"
_SIREN, _SIRET = r"^[0-9]{9}$", r"^[0-9]{14}$"

SIREN_FIELDS = ("siren", "businessName", "entityType", "administrativeStatus", "instructions")
SIRET_FIELDS = (
    "siret",
    "siren",
    "name",
    "facilityType",
    "administrativeStatus",
    "siretInstructions",
    "address",
    "pmStatus",
    "pmOnly",
    "managesPaymentStatus",
    "managesLegalCommitment",
    "managesLegalCommitmentOrService",
    "serviceCodeStatus",
)
CODE_FIELDS = (
    "siret",
    "routingIdentifierType",
    "routingCodeName",
    "routingIdentifier",
    "managesLegalCommitmentCode",
    "administrativeStatus",
    "address",
)
LINE_FIELDS = ("addressingIdentifier", "siren", "siret", "routingIdentifier", "addressingSuffix")


def _filter(operators: str, value: Schema) -> Schema:
    """A criterion: how to compare, and with what. Without an operator the first one holds; without a value none."""
    return group(op=choice(*operators.split()), value=value)


def _search(filters: Schema, fields: str, *include: str) -> Schema:
    properties = {
        "filters": filters,
        "sorting": many(group(field=ref(fields), order=choice("ascending", "descending"))),
        "fields": many(ref(fields)),
        "limit": whole(format="int32", minimum=0, maximum=MOST_RESULTS),
        "ignore": whole(format="int32", minimum=0),
    }
    if include:
        properties["include"] = many(choice(*include))
    return group(**properties)


def _found(search: str, result: str) -> Schema:
    return group(search=ref(search), totalNumberOfResults=whole(format="int32", default=-1), results=many(ref(result)))


_SIREN_FILTER = _filter("strict", text(maxLength=9, pattern=_DIGITS))
_SIRET_FILTER = _filter("strict", text(maxLength=14, pattern=_DIGITS))
_STATUS_FILTER = _filter("strict", choice("A", "C"))
_LINES_FILTER = _filter("contains startWith", text(maxLength=600))
_POSTCODE_FILTER = _filter("strict startWith", text(maxLength=5, pattern=_DIGITS))
_LOCALITY_FILTER = _filter("strict contains startWith", text(maxLength=100))
_CODE_FILTER = _filter("strict contains", text(maxLength=100, pattern=r"^$|\S"))

_ADDRESS = group(
    addressLine1=text(maxLength=255),
    addressLine2=text(maxLength=255),
    addressLine3=text(maxLength=255),
    postalCode=text(maxLength=5, pattern=_DIGITS),
    countrySubdivision=text(maxLength=255),
    locality=text(maxLength=100),
    countryCode=text(maxLength=2),
    countryName=text(maxLength=100),
)
_INSTRUCTIONS = group(isSalesProspectingForbidden={"type": "boolean"})
_PUBLIC = group(
    **{
        name: {"type": "boolean"}
        for name in (
            "pm",
            "pmOnly",
            "managesPaymentStatus",
            "managesLegalCommitmentCode",
            "managesLegalCommitmentOrServiceCode",
            "serviceCodeStatus",
        )
    }
)
_UNIT: dict[str, Schema] = {
    "siren": text(maxLength=9, pattern=_SIREN),
    "businessName": text(maxLength=150),
    "entityType": choice("Public", "PrivateVatRegistered"),
    "administrativeStatus": choice("A", "C"),
    "instructions": _INSTRUCTIONS,
}
_FACILITY: dict[str, Schema] = {
    "siret": text(maxLength=14, pattern=_SIRET),
    "siren": text(maxLength=9, pattern=_SIREN),
    "name": text(maxLength=100),
    "facilityType": choice("P", "S"),
    "administrativeStatus": choice("A", "C"),
    "address": _ADDRESS,
    "b2gAdditionalData": _PUBLIC,
}
_CODE: dict[str, Schema] = {
    "routingIdentifier": text(maxLength=100, pattern=r"^[\-_/a-zA-Z0-9]{1,100}$"),
    "routingIdentifierType": text(maxLength=4, pattern=r"\S"),
    "routingCodeName": text(maxLength=100, pattern=r"\S"),
    "administrativeStatus": choice("A", "C"),
    "address": _ADDRESS,
}
_LINE: dict[str, Schema] = {
    "addressingIdentifier": text(maxLength=125),
    "platformType": choice("WK", "DFH"),
    "siren": text(maxLength=9, pattern=_SIREN),
    "siret": text(maxLength=14, pattern=_SIRET),
    "routingIdentifier": _CODE["routingIdentifier"],
    "addressingSuffix": text(maxLength=100),
    "routingCode": group(**_CODE, managesLegalCommitment={"type": "boolean"}),
    "legalUnit": ref("LegalUnit"),
    "facility": ref("FacilityIncluded"),
}

SCHEMAS: dict[str, Schema] = {
    "Error": ERROR,
    "SirenField": choice(*SIREN_FIELDS),
    "SiretField": choice(*SIRET_FIELDS),
    "CodeField": choice(*CODE_FIELDS),
    "LineField": choice(*LINE_FIELDS),
    "LegalUnit": group(**_UNIT),
    "FacilityIncluded": group(**_FACILITY, instructions=_INSTRUCTIONS),
    "Facility": group(**_FACILITY, siretInstructions=_INSTRUCTIONS, legalUnit=ref("LegalUnit")),
    "RoutingCode": group(
        **_CODE,
        siret=_FACILITY["siret"],
        managesLegalCommitmentCode={"type": "boolean"},
        legalUnit=ref("LegalUnit"),
        facility=ref("FacilityIncluded"),
    ),
    "DirectoryLine": group(**_LINE, directoryLineStatus=choice("Enabled", "Disabled", "Upcoming")),
    "DirectoryLineInEffect": group(**_LINE, directoryLineStatus=choice("Enabled", "Disabled")),
    "SirenSearch": _search(
        group(
            siren=_SIREN_FILTER,
            businessName=_filter("strict contains startWith", text(maxLength=150)),
            entityType=_filter("strict", choice("Public", "PrivateVatRegistered")),
            administrativeStatus=_STATUS_FILTER,
        ),
        "SirenField",
    ),
    "SiretSearch": _search(
        group(
            siret=_SIRET_FILTER,
            siren=_SIREN_FILTER,
            facilityType=_filter("strict", choice("P", "S")),
            name=_LOCALITY_FILTER,
            addressLines=_LINES_FILTER,
            postalCode=_POSTCODE_FILTER,
            countrySubdivision=_filter("strict", text(maxLength=255)),
            locality=_LOCALITY_FILTER,
            administrativeStatus=_STATUS_FILTER,
        ),
        "SiretField",
        "siren",
    ),
    "RoutingCodeSearch": _search(
        group(
            routingIdentifier=_CODE_FILTER,
            siret=_SIRET_FILTER,
            routingCodeName=_CODE_FILTER,
            administrativeStatus=_STATUS_FILTER,
            addressLines=_LINES_FILTER,
            postalCode=_POSTCODE_FILTER,
            locality=_LOCALITY_FILTER,
        ),
        "CodeField",
        "siren",
        "siret",
    ),
    "DirectoryLineSearch": _search(
        group(
            addressingIdentifier=_filter("strict contains", text(maxLength=125)),
            siren=_SIREN_FILTER,
            siret=_SIRET_FILTER,
            routingIdentifier=_CODE_FILTER,
            addressingSuffix=_filter("strict contains", text(maxLength=100)),
        ),
        "LineField",
        "siren",
        "siret",
        "routingCode",
    ),
    "SirenFound": _found("SirenSearch", "LegalUnit"),
    "SiretFound": _found("SiretSearch", "Facility"),
    "RoutingCodeFound": _found("RoutingCodeSearch", "RoutingCode"),
    "DirectoryLineFound": _found("DirectoryLineSearch", "DirectoryLine"),
}
PATH_PARTS: dict[str, Schema] = {
    "siren": _UNIT["siren"],
    "siret": _FACILITY["siret"],
    "routingIdentifier": text(maxLength=100),
    "addressingIdentifier": text(maxLength=125),
}
"""What stands in paths, by the field that it names."""


def _path(name: str, field: str) -> Schema:
    return {"name": name, "in": "path", "required": True, "schema": PATH_PARTS[field]}


def _listed(name: str, items: Schema) -> Schema:
    """A query parameter that holds several values, with commas."""
    return {"name": name, "in": "query", "required": False, "explode": False, "schema": many(items)}


def _answers(schema: str, description: str) -> Schema:
    default = {"description": "Any other failure.", "content": {"application/problem+json": {"schema": ref("Error")}}}
    ok = {"description": description, "content": json_content(ref(schema))}
    return {"200": ok, **refusals(*_ERRORS), "default": default}


def _searching(operation: str, summary: str, kind: str, *, needs_body: bool = False) -> Schema:
    body: Schema = {"content": json_content(ref(f"{kind}Search"))}
    if needs_body:
        body["required"] = True
    call = {
        "operationId": operation,
        "summary": summary,
        "requestBody": body,
        "responses": _answers(f"{kind}Found", "What fits all criteria; nothing fits: an empty list."),
    }
    return {"post": call}


def _getting(operation: str, summary: str, answer: str, *parameters: Schema) -> Schema:
    call = {"operationId": operation, "summary": summary, "parameters": list(parameters)}
    return {"get": {**call, "responses": _answers(answer, "The one that was asked for.")}}


DOCUMENT: Schema = {
    "openapi": "3.0.3",
    "info": {
        "title": "Quittance sandbox: Directory Service",
        "version": "1.3.0",
        "description": "The directory of companies, establishments, routing codes and addresses of the test platform.",
    },
    "servers": [{"url": "/directory-service"}],
    "security": [{"BearerAuth": []}, {"OAuth2": []}],
    "paths": {
        "/v1/siren/search": _searching("searchCompanyBySiren", "Search companies", "Siren"),
        "/v1/siren/code-insee:{siren}": _getting(
            "getCompanyBySiren",
            "One company",
            "LegalUnit",
            _path("siren", "siren"),
            _listed("fields", ref("SirenField")),
        ),
        "/v1/siret/search": _searching("searchFacilityBySiret", "Search establishments", "Siret"),
        "/v1/siret/code-insee:{siret}": _getting(
            "getFacilityBySiret",
            "One establishment",
            "Facility",
            _path("siret", "siret"),
            _listed("fields", ref("SiretField")),
            _listed("include", choice("siren")),
        ),
        "/v1/routing-code/search": _searching(
            "searchRoutingCode", "Search routing codes", "RoutingCode", needs_body=True
        ),
        "/v1/routing-code/siret:{siret}/code:{routing-identifier}": _getting(
            "getRoutingCodeBySiretAndId",
            "One routing code",
            "RoutingCode",
            _path("siret", "siret"),
            _path("routing-identifier", "routingIdentifier"),
            _listed("include", choice("siren", "siret")),
            _listed("fields", ref("CodeField")),
        ),
        "/v1/directory-line/search": _searching("searchDirectoryLine", "Search addresses", "DirectoryLine"),
        "/v1/directory-line/code:{addressing-identifier}": _getting(
            "getDirectoryLineById",
            "One address that is in effect",
            "DirectoryLineInEffect",
            _path("addressing-identifier", "addressingIdentifier"),
            _listed("include", choice("siren", "siret", "routingCode")),
            _listed("fields", ref("LineField")),
        ),
        "/v1/healthcheck": {
            "get": {
                "operationId": "getHealth",
                "summary": "Whether the service answers",
                "security": [],
                "responses": {
                    "200": {"description": "It does."},
                    "500": {"description": "It fails."},
                    "503": {"description": "Not now."},
                },
            }
        },
    },
    "components": {"schemas": SCHEMAS, "securitySchemes": security("/oauth2/token")},
}
