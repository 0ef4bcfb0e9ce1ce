"""The published schema (OpenAPI 3.1), made of the very models that read the calls: nothing stands in it twice."""

from __future__ import annotations

import inspect
import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from flask import Flask
from pydantic.json_schema import models_json_schema

from portal.api.blueprints import OPERATIONS
from portal.api.naming import operation_id
from portal.api.operations import operation_of
from portal.api.scopes import RESOURCES, SCOPES
from portal.api.shapes import ProblemShape

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic import BaseModel
    from pydantic.json_schema import JsonSchemaMode
    from werkzeug.routing import Rule

    from portal.api.operations import Operation

REFERENCE = "#/components/schemas/{model}"
UPLOAD = "Upload"
_VALUES = frozenset({"const", "default", "enum", "example", "examples"})
_SUFFIX, _FRESH = "Shape", "New"
_TAKEN = {"Event": "BusinessEvent", "File": "DocumentFile", "Promise": "PaymentPromise"}
"""Names that languages have taken, and ours instead."""
VERSION = "1.0"
LICENSE = {"name": "Apache-2.0", "identifier": "Apache-2.0"}
PROBLEM = "application/problem+json"
_PART = re.compile(r"<(?:(?P<kind>\w+)(?:\((?P<choice>[^)]*)\))?:)?(?P<name>\w+)>")
_KINDS: dict[str, dict[str, Any]] = {
    "int": {"type": "integer", "minimum": 0, "maximum": 9999},
    "uuid": {"type": "string", "format": "uuid"},
    "path": {"type": "string", "minLength": 1},
    "default": {"type": "string", "minLength": 1},
}
_PLACES = {
    "account_code": "Account code (C00012) or id of a customer.",
    "customer": "Account code (C00012) or id of a customer.",
    "number": "Number of the invoice, or SIREN, SIRET or French VAT number in the directory.",
    "year": "Year of the invoice.",
    "form": "facturx, cii, ubl or original.",
    "reference": "Your reference of it.",
}
_SAID = {
    400: "The call itself is wrong.",
    401: "No valid token.",
    403: "The token lacks the scope.",
    404: "There is no such thing here.",
    409: "It clashes with what is there, or an Idempotency-Key was used for something else.",
    413: "The body is too large.",
    415: "This type of body is not taken.",
    422: "It is well formed and cannot be done; `code` says why.",
    429: "Too many calls: wait `Retry-After` seconds.",
    503: "A part of the house does not answer: try again.",
}
_ALWAYS, _WITH_INPUT, _WITH_PLACE = (401, 403, 429), (400, 409, 413, 422), (404,)
TAGS = {
    "invoices": "Invoices and credit notes: issue, list, files, evidence.",
    "customers": "Customers, their statements, the directory.",
    "orders": "Orders and deliveries that are not invoiced yet: they count in the exposure.",
    "payments": "Money that came in, and what it pays.",
    "disputes": "Disputes: answer, accept, reject, close.",
    "messages": "Conversations with customers.",
    "credit": "Exposure (encours) and decisions of credit.",
    "promises": "Promises to pay and payment plans.",
    "claims": "Late interest.",
    "bank": "Bank statements.",
    "events": "What happened, in order, without gaps.",
    "jobs": "Long works: how far they are, line by line.",
}
DESCRIPTION = (
    'Invoices, what became of them, and who owes. Amounts are text in units of their currency (`"1200.00"`), days '
    "ISO 8601, errors problem+json (RFC 9457) with a stable `code` and a sentence in English and French. Every write "
    "takes an `Idempotency-Key`; lists turn by `after`; answers carry an `ETag` and what is left of the rate limit."
)


@cache
def openapi() -> dict[str, Any]:
    """The schema; the server it names is where it is served."""
    models = _Models()
    paths: dict[str, dict[str, Any]] = {}
    for rule, view, stated in _stated():
        for path, choice in _paths_of(rule):
            for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
                paths.setdefault(path, {})[method.lower()] = _operation(
                    _Call(rule, path, view, stated, method, choice), models
                )
    return {
        "openapi": "3.1.0",
        "info": {"title": "Quittance", "version": VERSION, "description": DESCRIPTION, "license": LICENSE},
        "servers": [{"url": "/"}],
        "tags": [{"name": name, "description": TAGS[name]} for name in (*RESOURCES, "jobs")],
        "paths": paths,
        "components": {
            "schemas": models.definitions(),
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer", "description": "A token of a person or the house."},
                "client": {
                    "type": "oauth2",
                    "flows": {"clientCredentials": {"tokenUrl": "/oauth/token", "scopes": dict.fromkeys(SCOPES, "")}},
                },
            },
        },
    }


class _Models:
    """Models met so far, by how they are used: what is read may leave out what has a default, an answer does not."""

    def __init__(self) -> None:
        self._met: dict[tuple[type[BaseModel], JsonSchemaMode], None] = {(ProblemShape, "serialization"): None}

    def reference(self, model: type[BaseModel], mode: JsonSchemaMode) -> dict[str, str]:
        """Where a model stands in the schema."""
        self._met[model, mode] = None
        return {"$ref": REFERENCE.format(model=_public(model.__name__))}

    def definitions(self) -> dict[str, Any]:
        """All of them, and the form of a file that is handed in."""
        _, found = models_json_schema(list(self._met), ref_template=REFERENCE)
        made = {
            _public(name): _for_clients(schema) | {"title": _public(name)} for name, schema in found["$defs"].items()
        }
        if len(made) != len(found["$defs"]):
            message = f"Two models are published under one name: {sorted(found['$defs'])}."
            raise ValueError(message)
        file = {"type": "string", "format": "binary", "contentMediaType": "application/octet-stream"}
        made[UPLOAD] = {"type": "object", "title": UPLOAD, "properties": {"file": file}, "required": ["file"]}
        return dict(sorted(made.items()))


def _public(name: str) -> str:
    """What a model is called outside: ``Payment``, and ``PaymentInput`` for what makes one.

    Clients in Go have a function ``NewPayment`` for every ``Payment``.
    """
    name = name.removesuffix(_SUFFIX)
    if name.startswith(_FRESH):
        return f"{_public(name.removeprefix(_FRESH))}Input"
    return _TAKEN.get(name, name)


def _for_clients(schema: Any) -> Any:
    """A schema as every generator of clients understands it: amounts exact, whole numbers wide enough.

    An amount or a quantity is the text that loses nothing on its way; a JSON number is read too.
    """
    if isinstance(schema, list):
        return [_for_clients(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        model = schema["$ref"].removeprefix(REFERENCE.format(model=""))
        schema = schema | {"$ref": REFERENCE.format(model=_public(model))}
    if "max_digits" in schema:
        places = schema.get("decimal_places", 0)
        digits = schema["max_digits"] - places
        kept = {name: schema[name] for name in ("title", "description", "default") if name in schema}
        return kept | {"type": "string", "pattern": rf"^-?\d{{1,{digits}}}(\.\d{{1,{places}}})?$"}
    told = {"format": "int64"} if schema.get("type") == "integer" else {}
    return {name: value if name in _VALUES else _for_clients(value) for name, value in schema.items()} | told


def _stated() -> Iterator[tuple[Rule, Any, Operation]]:
    """Every operation with its route, in the order of the parts."""
    app = Flask("schema", static_folder=None)
    order = {}
    for position, blueprint in enumerate(OPERATIONS):
        app.register_blueprint(blueprint)
        order[blueprint.name] = position
    rules = sorted(app.url_map.iter_rules(), key=lambda rule: order.get(rule.endpoint.partition(".")[0], 0))
    for rule in rules:
        view = app.view_functions[rule.endpoint]
        stated = operation_of(view)
        if stated is not None:
            yield rule, view, stated


def _paths_of(rule: Rule) -> Iterator[tuple[str, str | None]]:
    """The path with its places in braces; one for each choice where a place is one of few words."""
    chosen = next((part for part in _PART.finditer(rule.rule) if part["kind"] == "any"), None)
    for choice in [each.strip() for each in chosen["choice"].split(",")] if chosen else [None]:
        path = rule.rule.replace(chosen[0], choice) if chosen and choice else rule.rule
        yield _PART.sub(lambda part: "{" + part["name"] + "}", path), choice


@dataclass(frozen=True, slots=True)
class _Call:
    """One method at one path; ``choice`` is the word that stands for a place of few words."""

    rule: Rule
    path: str
    view: Any
    stated: Operation
    method: str
    choice: str | None


def _operation(call: _Call, models: _Models) -> dict[str, Any]:
    rule, stated, method, choice = call.rule, call.stated, call.method, call.choice
    told: dict[str, Any] = {
        "operationId": operation_id(method, call.path),
        "summary": stated.summary,
        "description": stated.description or inspect.cleandoc(call.view.__doc__ or "").replace("``", "`"),
        "x-summary-fr": stated.summary_fr,
        "tags": [stated.scope.partition(":")[0] or "jobs"],
        "parameters": [*_places(rule, choice), *_query(stated), *_headers(stated, method)],
        "security": [{"token": []}, {"client": [stated.scope] if stated.scope else []}],
        "responses": _responses(rule, stated, method, models),
    }
    body = _body(stated, models)
    return told | ({"requestBody": body} if body else {})


def _places(rule: Rule, choice: str | None) -> list[dict[str, Any]]:
    return [
        {
            "name": part["name"],
            "in": "path",
            "required": True,
            "description": _PLACES.get(part["name"], "Its id."),
            "schema": _KINDS[part["kind"] or "default"],
        }
        for part in _PART.finditer(rule.rule)
        if not (choice and part["kind"] == "any")
    ]


def _query(stated: Operation) -> list[dict[str, Any]]:
    if stated.query is None:
        return []
    schema = _for_clients(stated.query.model_json_schema(ref_template=REFERENCE))
    found = []
    for name, field in schema["properties"].items():
        described = {"name": name, "in": "query", "required": name in schema.get("required", ())}
        if text := field.pop("description", ""):
            described["description"] = text
        field.pop("title", None)
        if field.get("default") == []:
            del field["default"]
        found.append(described | {"schema": _without_null(field)})
    return found


def _without_null(field: dict[str, Any]) -> dict[str, Any]:
    """A parameter of an address is there or not: it is never null."""
    options = [each for each in field.get("anyOf", ()) if each != {"type": "null"}]
    if not options:
        return field
    rest = {name: value for name, value in field.items() if name != "anyOf" and value is not None}
    return rest | (options[0] if len(options) == 1 else {"anyOf": options})


def _headers(stated: Operation, method: str) -> list[dict[str, Any]]:
    named = dict(stated.headers or {})
    if method != "GET":
        named["Idempotency-Key"] = "The same key with the same input has one effect and one answer."
    return [
        {
            "name": name,
            "in": "header",
            "required": False,
            "description": meaning,
            "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": r"^[!-~]+$"},
        }
        for name, meaning in named.items()
    ]


def _body(stated: Operation, models: _Models) -> dict[str, Any] | None:
    if stated.body is not None:
        content: dict[str, Any] = {"schema": models.reference(stated.body, "validation")}
        required = any(field.is_required() for field in stated.body.model_fields.values())
        return {"required": required, "content": {"application/json": content | _example(stated)}}
    if not stated.files:
        return None
    kinds: dict[str, Any] = {}
    for mime in stated.files:
        if mime == "application/json" and stated.json_body is not None:
            kinds[mime] = {"schema": models.reference(stated.json_body, "validation")} | _example(stated)
        elif mime == "multipart/form-data":
            kinds[mime] = {"schema": {"$ref": REFERENCE.format(model=UPLOAD)}}
        else:
            kinds[mime] = {"schema": {"type": "string"}}
    return {"required": "application/json" not in stated.files, "content": kinds}


def _example(stated: Operation) -> dict[str, Any]:
    return {"example": stated.example} if stated.example is not None else {}


def _responses(rule: Rule, stated: Operation, method: str, models: _Models) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for status, gives in stated.answers.items():
        if isinstance(gives, str):
            file = {"type": "string", "format": "binary", "contentMediaType": gives}
            content = {gives: {"schema": file}} if gives else {}
        else:
            content = {"application/json": {"schema": models.reference(gives, "serialization")}}
        found[str(status)] = {"description": _done(status), "content": content, "headers": _told_headers()}
    statuses = {*_ALWAYS, *(_WITH_INPUT if method != "GET" or stated.query else ())}
    statuses |= {*(_WITH_PLACE if rule.arguments or stated.query or method != "GET" else ())}
    statuses |= {415} if stated.files else set()
    statuses |= {500, 503} if stated.files or "*/*" in stated.answers.values() else set()
    if method == "GET":
        found["304"] = {"description": "What you hold (If-None-Match) is still so."}
    for status in sorted(statuses):
        content = {PROBLEM: {"schema": models.reference(ProblemShape, "serialization")}}
        found[str(status)] = {"description": _SAID.get(status, "It went wrong on our side."), "content": content}
    return found


def _done(status: int) -> str:
    return {200: "OK.", 201: "Made.", 202: "Taken: the worker goes on."}[status]


def _told_headers() -> dict[str, Any]:
    whole = {"schema": {"type": "integer"}}
    return {
        "RateLimit-Limit": {"description": "Calls a minute.", **whole},
        "RateLimit-Remaining": {"description": "Calls left.", **whole},
        "RateLimit-Reset": {"description": "Seconds until all of them are there again.", **whole},
    }
