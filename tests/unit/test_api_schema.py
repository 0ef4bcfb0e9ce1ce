"""The published schema, as generators of clients read it: names, exact amounts, wide numbers, files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from portal.api.naming import operation_id
from portal.api.schema import openapi

if TYPE_CHECKING:
    from collections.abc import Iterator

UNDERSTOOD = frozenset(
    [
        "$ref",
        "additionalProperties",
        "anyOf",
        "const",
        "contentEncoding",
        "contentMediaType",
        "default",
        "description",
        "discriminator",
        "enum",
        "examples",
        "exclusiveMaximum",
        "exclusiveMinimum",
        "format",
        "items",
        "maxItems",
        "maxLength",
        "maxProperties",
        "maximum",
        "minItems",
        "minLength",
        "minProperties",
        "minimum",
        "oneOf",
        "pattern",
        "properties",
        "propertyNames",
        "required",
        "title",
        "type",
        "uniqueItems",
    ]
)
"""The words of JSON Schema 2020-12 that we use."""


@pytest.mark.parametrize(
    ("method", "path", "name"),
    [
        ("GET", "/api/v1/invoices", "list_invoices"),
        ("POST", "/api/v1/invoices", "create_invoice"),
        ("GET", "/api/v1/invoices/{year}/{number}", "get_invoice"),
        ("GET", "/api/v1/invoices/{year}/{number}/files/{form}", "get_invoice_file"),
        ("PATCH", "/api/v1/customers/{account_code}", "update_customer"),
        ("GET", "/api/v1/customers/{customer}/credit-decision", "get_customer_credit_decision"),
        ("POST", "/api/v1/deliveries/{reference}/close", "close_delivery"),
        ("POST", "/api/v1/bulk/orders", "start_bulk_orders"),
        ("GET", "/api/v1/jobs/{job_id}/lines", "list_job_lines"),
    ],
)
def test_an_operation_is_called_what_it_does(method: str, path: str, name: str) -> None:
    assert operation_id(method, path) == name


def test_every_word_of_every_schema_is_one_of_json_schema() -> None:
    strange = {word for schema in _schemas() for word in schema if word not in UNDERSTOOD}
    assert strange == set()


def test_amounts_are_text_and_whole_numbers_are_wide() -> None:
    kinds = [schema for schema in _schemas() if "type" in schema]
    assert not [schema for schema in kinds if schema["type"] == "number"], "a float loses cents"
    whole = [schema for schema in kinds if schema["type"] == "integer"]
    assert all(schema.get("format") == "int64" or schema["maximum"] < 2**31 for schema in whole)
    line = openapi()["components"]["schemas"]["LineRequest"]["properties"]["net_price"]["anyOf"][0]
    assert line["pattern"] == r"^-?\d{1,11}(\.\d{1,6})?$"


def test_models_have_names_that_languages_leave_free() -> None:
    names = set(openapi()["components"]["schemas"])
    assert not names & {"Event", "File", "Promise", "Error", "Date", "Object", "Map"}
    assert not [name for name in names if name.endswith("Shape") or name.removeprefix("New") in names - {name}]


def _schemas() -> Iterator[dict[str, Any]]:
    """Every schema of the document: those of the components, and of parameters, bodies and answers."""
    told = openapi()
    for schema in told["components"]["schemas"].values():
        yield from _inside(schema)
    for call in (each for methods in told["paths"].values() for each in methods.values()):
        for parameter in call["parameters"]:
            yield from _inside(parameter["schema"])
        for content in [call.get("requestBody", {}), *call["responses"].values()]:
            for kind in content.get("content", {}).values():
                yield from _inside(kind["schema"])


def _inside(schema: Any) -> Iterator[dict[str, Any]]:
    if not isinstance(schema, dict):
        return
    yield schema
    for word in ("items", "additionalProperties", "propertyNames"):
        yield from _inside(schema.get(word))
    for word in ("anyOf", "oneOf"):
        for each in schema.get(word, ()):
            yield from _inside(each)
    for each in schema.get("properties", {}).values():
        yield from _inside(each)
