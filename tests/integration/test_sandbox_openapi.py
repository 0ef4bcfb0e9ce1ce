"""The sandbox's own OpenAPI documents: they tell what its routes do, and what XP Z12-013 1.3.0 asks of a platform."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from shared_material import shared
from test_platform_sandbox import build

from portal.sandboxes.platform.contract import directory, flow
from portal.sandboxes.platform.contract.shapes import mismatch

if TYPE_CHECKING:
    from collections.abc import Iterator

Document = dict[str, Any]
Fact = tuple[str, ...]

PUBLISHED = {
    "flow": ("standards/afnor-openapi/Flow_Service-1.3.0.json", flow.DOCUMENT),
    "directory": ("standards/afnor-openapi/Directory_Service-1.3.0.json", directory.DOCUMENT),
}
LIMITS = {"minLength", "maxLength", "minimum", "maximum", "format", "default", "minProperties", "minItems"}
NAMED = {
    ("flow", "answer", "GET /v1/webhooks 200", "field", "webhookIds"): (
        "The norm requires webhookIds and defines no such field: we define what it requires."
    ),
    ("flow", "answer", "GET /v1/webhooks 200", "type", "webhookIds", "array"): "As above.",
    ("flow", "answer", "GET /v1/webhooks 200", "type", "webhookIds[]", "string"): "As above.",
}
"""Every difference that there is, with its reason."""
TIGHTER = {
    ("flow", "name", "minLength"): "A file has a name.",
    ("flow", "sha256", "minLength"): "64 hexadecimal digits, as the norm's text says; its format byte would be base64.",
    ("flow", "sha256", "maxLength"): "As above.",
    ("flow", "sha256", "format"): "As above.",
    ("flow", "limit", "minimum"): "A page of no flow or less cannot be.",
    ("flow", "where", "minProperties"): "The norm's text asks for one criterion at least.",
    ("flow", "filters", "minProperties"): "They repeat the criteria.",
    ("flow", "callbackUrl", "maxLength"): "The sandbox keeps it in memory.",
    ("flow", "webhookIds[]", "format"): "The field that the norm requires and does not define.",
    ("directory", "limit", "minimum"): "A page of less than nothing cannot be.",
    ("directory", "limit", "maximum"): "The norm names no limit; an answer stays small.",
    ("directory", "ignore", "minimum"): "Nothing comes before the first result.",
}
"""Lengths, bounds and formats that differ, by field, with the reason. Ours are tighter, never wider."""


class Reader:
    """Facts of an OpenAPI document that do not depend on how it is cut into named schemas."""

    def __init__(self, document: Document) -> None:
        self.document = document

    def resolve(self, node: Any) -> Any:
        while isinstance(node, dict) and "$ref" in node:
            found: Any = self.document
            for step in node["$ref"].removeprefix("#/").split("/"):
                found = found[step]
            node = found
        return node

    def facts(self) -> Iterator[Fact]:
        """Operations, parameters, bodies, answers; inside them fields, types, what is required, and closed lists."""
        for path, calls in self.document["paths"].items():
            for method, call in calls.items():
                name = f"{method.upper()} {path}"
                yield "operation", name, call["operationId"]
                yield from self._parameters(name, call)
                body = self.resolve(call.get("requestBody", {}))
                for kind, content in body.get("content", {}).items():
                    yield from (("body", name, kind, *fact) for fact in self._fields("", content["schema"]))
                for status, answer in call["responses"].items():
                    yield "status", name, status
                    for kind, content in self.resolve(answer).get("content", {}).items():
                        yield "content", f"{name} {status}", kind
                        found = self._fields("", content.get("schema", {}))
                        yield from (("answer", f"{name} {status}", *fact) for fact in found)

    def _parameters(self, name: str, call: Document) -> Iterator[Fact]:
        for parameter in map(self.resolve, call.get("parameters", [])):
            place = f"{parameter['in']} {parameter['name']}"
            yield "parameter", name, place, "required" if parameter.get("required") else "optional"
            yield from (("parameter", name, place, *fact) for fact in self._fields("", parameter["schema"]))

    def _fields(self, place: str, schema: Document) -> Iterator[Fact]:
        schema = self.resolve(schema)
        if "type" in schema:
            yield "type", place, schema["type"]
        for limit in LIMITS & schema.keys() if "enum" not in schema else ():
            yield "limit", place, limit, str(schema[limit])
        for value in schema.get("enum", ()):
            yield "value", place, str(value)
        for name in schema.get("required", ()):
            yield "required", f"{place}.{name}".strip(".")
        for name, part in schema.get("properties", {}).items():
            yield "field", f"{place}.{name}".strip(".")
            yield from self._fields(f"{place}.{name}".strip("."), part)
        if "items" in schema:
            yield from self._fields(f"{place}[]", schema["items"])
        for part in (*schema.get("allOf", ()), *schema.get("oneOf", ())):
            yield from self._fields(place, part)


def published(name: str) -> Document:
    document: Document = json.loads(shared(PUBLISHED[name][0]).read_text())
    return document


def differences(name: str) -> set[Fact]:
    """What only one of the two documents says."""
    theirs, ours = (set(Reader(document).facts()) for document in (published(name), PUBLISHED[name][1]))
    assert theirs, "the reader of facts reads"
    return {(name, *fact) for fact in theirs ^ ours}


@pytest.mark.parametrize("name", PUBLISHED)
def test_our_document_says_what_the_published_one_says(name: str) -> None:
    found = {fact for fact in differences(name) if fact[-4:-3] != ("limit",)}
    assert found == {fact for fact in NAMED if fact[0] == name}


@pytest.mark.parametrize("name", PUBLISHED)
def test_lengths_bounds_and_formats_differ_only_where_ours_are_tighter(name: str) -> None:
    limits = {fact for fact in differences(name) if fact[-4:-3] == ("limit",)}
    found = {(name, fact[-3].rpartition(".")[2], fact[-2]) for fact in limits}
    assert found == {each for each in TIGHTER if each[0] == name}


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_field_that_is_missing_would_be_seen(name: str) -> None:
    """The counter-proof of the test above."""
    theirs = published(name)
    schemas = theirs["components"]["schemas"]
    schemas["Acknowledgement" if name == "flow" else "legalUnitPayloadHistory"]["properties"].popitem()
    assert set(Reader(theirs).facts()) < set(Reader(published(name)).facts())


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_document_has_every_route_and_no_other(name: str) -> None:
    app = build()
    prefix = "/directory-service" if name == "directory" else ""
    routes = {
        f"{method} {re.sub(r'<(?:path:)?[^>]+>', '{}', rule.rule).removeprefix(prefix)}"
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if rule.rule.startswith(f"{prefix}/v1/")
    }
    told = {
        f"{method.upper()} {re.sub(r'{[^}]+}', '{}', path)}"
        for path, calls in PUBLISHED[name][1]["paths"].items()
        for method in calls
    }
    app.extensions["platform_sandbox"].close()
    assert routes == told


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_document_is_served_and_its_references_lead_somewhere(name: str) -> None:
    app = build()
    served = app.test_client().get(f"/openapi/{name}.json").get_json()
    app.extensions["platform_sandbox"].close()
    assert served == PUBLISHED[name][1]
    named = set(re.findall(r'"#/components/schemas/(\w+)"', json.dumps(served)))
    assert named == served["components"]["schemas"].keys()


@pytest.mark.parametrize(
    ("value", "schema"),
    [
        ({"flowSyntax": "CII"}, "FlowInfo"),
        ({"flowSyntax": "CII", "name": 7}, "FlowInfo"),
        ({"flowSyntax": "CII", "name": "x", "sha256": "0" * 63}, "FlowInfo"),
        ({"flowSyntax": "CII", "name": "x", "trackingId": "x" * 65}, "FlowInfo"),
        ({"where": {"updatedAfter": "yesterday"}}, "Search"),
        ({"where": {"flowType": "CustomerInvoice"}}, "Search"),
        ({"where": {"trackingId": "x"}, "limit": True}, "Search"),
        ({"where": {"trackingId": "x"}, "limit": 101}, "Search"),
        ({"where": {}}, "Search"),
        ({"where": {"colour": "red"}}, "Search"),
        ({"callbackUrl": "ftp://example.org"}, "WebhookParams"),
        ({"callbackUrl": "http://[", "flowTypes": []}, "WebhookParams"),
        ("no uuid", "WebhookId"),
    ],
)
def test_what_does_not_fit_the_contract_is_named(value: Any, schema: str) -> None:
    assert mismatch(value, flow.SCHEMAS[schema], flow.SCHEMAS)


def test_what_fits_the_contract_passes() -> None:
    search = {"where": {"updatedAfter": "2026-09-01T00:00:00Z", "ackStatus": "Ok"}, "limit": 1, "cursor": "1-1"}
    assert mismatch(search, flow.SCHEMAS["Search"], flow.SCHEMAS) is None
