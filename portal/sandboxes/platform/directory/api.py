"""The calls of the Directory Service (XP Z12-013 1.3.0): search and read."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from flask import Blueprint, jsonify, request

from portal.sandboxes.platform.contract.directory import PATH_PARTS, SCHEMAS
from portal.sandboxes.platform.contract.shapes import mismatch
from portal.sandboxes.platform.directory.answers import code_entries, facility_entries, line_entries, unit_entry
from portal.sandboxes.platform.directory.selection import Selection
from portal.sandboxes.platform.guard import ApiError, bad, desk, guard, json_body

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

    from portal.sandboxes.platform.directory.answers import Entry

directory = Blueprint("directory_service", __name__, url_prefix="/directory-service")
guard(directory)


def _everyone() -> tuple[list[Entry], list[Entry], list[Entry], list[Entry]]:
    """All legal units, establishments, routing codes and lines."""
    companies = desk().directory.everyone()
    return (
        [unit_entry(company) for company in companies],
        [entry for company in companies for entry in facility_entries(company)],
        [entry for company in companies for entry in code_entries(company)],
        [entry for company in companies for entry in line_entries(company)],
    )


def _search(kind: str, entries: list[Entry]) -> ResponseReturnValue:
    body = json_body() if request.content_length else {}
    schema = SCHEMAS[f"{kind}Search"]
    problem = mismatch(body, schema, SCHEMAS)
    if problem:
        raise bad("INVALID_FIELD", problem)
    operators = {
        name: rule["properties"]["op"]["enum"][0]
        for name, rule in schema["properties"]["filters"]["properties"].items()
    }
    total, results = Selection.of(body).apply(entries, operators)
    if not total and desk().options.empty_directory_is_204:
        return "", HTTPStatus.NO_CONTENT
    return jsonify(search=body, totalNumberOfResults=total, results=results)


def _one(kind: str, entries: list[Entry], **names: str) -> ResponseReturnValue:
    """The entry that has these values, with the fields and relations that the query asks for."""
    for name, value in names.items():
        problem = mismatch(value, PATH_PARTS[name], SCHEMAS, name)
        if problem:
            raise bad("INVALID_FIELD", problem)
    asked = Selection.of({"fields": _listed("fields", kind), "include": _listed("include", kind)})
    found = next((entry for entry in entries if names.items() <= entry.items()), None)
    if found is None:
        raise ApiError(HTTPStatus.NOT_FOUND, "MISSING_RESOURCE", "The directory has no such entry.")
    return jsonify(asked.show(found))


_ASKED = {"LegalUnit": "Siren", "Facility": "Siret", "RoutingCode": "RoutingCode", "DirectoryLine": "DirectoryLine"}


def _listed(name: str, kind: str) -> list[str]:
    """A query parameter with commas, checked against what the search of the same kind allows."""
    given: list[Any] = [each for text in request.args.getlist(name) for each in text.split(",") if each]
    allowed = SCHEMAS[f"{_ASKED[kind]}Search"]["properties"].get(name)
    if given and allowed is None:
        return []
    problem = mismatch(given, allowed, SCHEMAS, name) if allowed else None
    if problem:
        raise bad("INVALID_FIELD", problem)
    return given


@directory.post("/v1/siren/search")
def directory_search_siren() -> ResponseReturnValue:
    """Companies that fit."""
    return _search("Siren", _everyone()[0])


@directory.get("/v1/siren/code-insee:<siren>")
def directory_siren(siren: str) -> ResponseReturnValue:
    """One company."""
    return _one("LegalUnit", _everyone()[0], siren=siren)


@directory.post("/v1/siret/search")
def directory_search_siret() -> ResponseReturnValue:
    """Establishments that fit."""
    return _search("Siret", _everyone()[1])


@directory.get("/v1/siret/code-insee:<siret>")
def directory_siret(siret: str) -> ResponseReturnValue:
    """One establishment."""
    return _one("Facility", _everyone()[1], siret=siret)


@directory.post("/v1/routing-code/search")
def directory_search_code() -> ResponseReturnValue:
    """Routing codes that fit. Unlike the other searches, this one needs a body."""
    if not request.content_length:
        raise bad("MISSING_REQUIRED_FIELD", "A search of routing codes needs a body.")
    return _search("RoutingCode", _everyone()[2])


@directory.get("/v1/routing-code/siret:<siret>/code:<path:routing_identifier>")
def directory_code(siret: str, routing_identifier: str) -> ResponseReturnValue:
    """One routing code; its identifier may hold slashes."""
    return _one("RoutingCode", _everyone()[2], siret=siret, routingIdentifier=routing_identifier)


@directory.post("/v1/directory-line/search")
def directory_search_line() -> ResponseReturnValue:
    """Addresses that fit."""
    return _search("DirectoryLine", _everyone()[3])


@directory.get("/v1/directory-line/code:<path:addressing_identifier>")
def directory_line(addressing_identifier: str) -> ResponseReturnValue:
    """One address that is in effect: an upcoming one is not there yet."""
    current = [entry for entry in _everyone()[3] if entry.get("directoryLineStatus") != "Upcoming"]
    return _one("DirectoryLine", current, addressingIdentifier=addressing_identifier)


@directory.get("/v1/healthcheck")
def health_directory() -> ResponseReturnValue:
    """200 and nothing else."""
    return "", HTTPStatus.OK
