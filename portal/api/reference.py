"""``/api``: what the API can do, as pages for people and as OpenAPI for programs, both made of the same schema."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from typing import Any

from flask import Blueprint, Response, abort, render_template, request

from portal.access.context import services
from portal.access.roles import public
from portal.api.answers import answer
from portal.api.door import REVALIDATE
from portal.api.schema import openapi
from portal.api.scopes import RESOURCES
from portal.words import gettext, language, note_text

blueprint = Blueprint("reference", __name__)

SECTIONS: dict[str, str] = {**RESOURCES, "jobs": note_text("Envois en nombre")}
SCHEMA = "#/components/schemas/"
MOST_DEPTH, MOST_FIELDS = 2, 60
OBJECT, TEXT = "object", "string"
EXCHANGE = """TOKEN=$(curl -s -u "$CLIENT_ID:$CLIENT_SECRET" \\
     -d grant_type=client_credentials $BASE/oauth/token \\
     | jq -r .access_token)"""
"""How a program exchanges its secret for a token."""
LIST_LATE = """curl -H "Authorization: Bearer $TOKEN" \\
     "$BASE/api/v1/invoices?show=late&limit=20\""""
ISSUE = """curl -H "Authorization: Bearer $TOKEN" \\
     -H "Idempotency-Key: order-42" \\
     --data-binary @order-42.json $BASE/api/v1/invoices"""


@dataclass(frozen=True, slots=True)
class Field:
    """A field or parameter as the page shows it; ``depth`` is how far it is indented."""

    name: str
    type: str
    required: bool
    meaning: str
    depth: int = 0


@dataclass(frozen=True, slots=True)
class Shown:
    """An operation as the page shows it."""

    id: str
    method: str
    path: str
    summary: str
    summary_fr: str
    description: str
    scope: str
    parameters: tuple[Field, ...]
    body: tuple[Field, ...]
    body_kinds: tuple[str, ...]
    status: str
    answer: tuple[Field, ...]
    refusals: tuple[str, ...]
    call: str

    @property
    def title(self) -> str:
        """What it does, in the reader's language."""
        return self.summary_fr if language() == "fr" else self.summary


@blueprint.get("/api/v1/openapi.json")
@public
def schema() -> Response:
    """The schema of the API (OpenAPI 3.1)."""
    response = answer(openapi())
    response.add_etag()
    response.headers["Cache-Control"] = REVALIDATE
    response.make_conditional(request.environ)
    return response


@blueprint.get("/api")
@public
def index() -> str:
    """Where to begin, and every operation by resource."""
    sections = [(name, gettext(words), operations(name)) for name, words in SECTIONS.items()]
    return render_template(
        "api/index.html",
        sections=sections,
        example="\n\n".join((f"BASE={services().settings.public_url}", EXCHANGE, ISSUE, LIST_LATE)),
        per_minute=services().settings.api_calls_per_minute,
    )


@blueprint.get("/api/<name>")
@public
def section(name: str) -> str:
    """The operations of one resource."""
    if name not in SECTIONS:
        abort(404)
    return render_template(
        "api/section.html",
        name=name,
        title=gettext(SECTIONS[name]),
        sections={each: gettext(words) for each, words in SECTIONS.items()},
        shown=operations(name),
    )


@cache
def operations(section: str) -> tuple[Shown, ...]:
    """The operations of a section, in the order of the schema."""
    return tuple(
        _shown(path, method, told)
        for path, methods in openapi()["paths"].items()
        for method, told in methods.items()
        if told["tags"] == [section]
    )


def _shown(path: str, method: str, told: dict[str, Any]) -> Shown:
    status, given = next(iter(told["responses"].items()))
    content = told.get("requestBody", {}).get("content", {})
    json_body = content.get("application/json", {})
    gives: tuple[str, dict[str, Any]] = next(iter(given.get("content", {}).items()), ("", {}))
    return Shown(
        id=told["operationId"],
        method=method.upper(),
        path=path,
        summary=told["summary"],
        summary_fr=told["x-summary-fr"],
        description=_plain(told),
        scope=told["security"][1]["client"][0] if told["security"][1]["client"] else "",
        parameters=tuple(
            Field(each["name"], _type(each["schema"]), each["required"], _plain(each)) for each in told["parameters"]
        ),
        body=_shortened(_fields(json_body.get("schema", {}))),
        body_kinds=tuple(content),
        status=status,
        answer=tuple(_fields(gives[1].get("schema", {}))) if gives[0] == "application/json" else (),
        refusals=tuple(code for code in told["responses"] if code >= "400"),
        call=_call(path, method, json_body.get("example"), tuple(content)),
    )


def _fields(schema: dict[str, Any], depth: int = 0) -> list[Field]:
    """The fields of an object, with those of the objects in it, down to :data:`MOST_DEPTH`."""
    resolved = _resolve(schema)
    required = resolved.get("required", ())
    found = []
    for name, field in resolved.get("properties", {}).items():
        found.append(Field(name, _type(field), name in required, _plain(field), depth))
        inner = _inner(field)
        if inner and depth + 1 < MOST_DEPTH:
            found += _fields(inner, depth + 1)
    return found


def _shortened(fields: list[Field]) -> tuple[Field, ...]:
    """All of them, or of a long body its outermost ones: docs/request.md has the page for that."""
    return tuple(each for each in fields if len(fields) <= MOST_FIELDS or each.depth == 0)


def _plain(told: dict[str, Any]) -> str:
    """A description without the marks of Markdown."""
    return str(told.get("description", "")).replace("`", "")


def _inner(field: dict[str, Any]) -> dict[str, Any] | None:
    """The object that a field is, or a list of; texts and numbers have none."""
    options = [each for each in field.get("anyOf", [field]) if each.get("type") != "null"]
    for each in options:
        item = each.get("items", each)
        if "$ref" in item:
            return dict(item)
    return None


def _resolve(schema: dict[str, Any]) -> dict[str, Any]:
    reference = schema.get("$ref", "")
    if not reference.startswith(SCHEMA):
        return schema
    found: dict[str, Any] = openapi()["components"]["schemas"][reference.removeprefix(SCHEMA)]
    return found


def _type(field: dict[str, Any]) -> str:
    """The type of a field in few words."""
    if "enum" in field:
        return " | ".join(str(each) for each in field["enum"])
    if "const" in field:
        return str(field["const"])
    if "$ref" in field:
        return _type(_resolve(field)) if "properties" not in _resolve(field) else OBJECT
    if "anyOf" in field:
        return " | ".join(dict.fromkeys(_type(each) for each in field["anyOf"]))
    if field.get("type") == "array":
        return f"[{_type(field.get('items', {}))}]"
    return str(field.get("format") or field.get("type") or TEXT)


def _call(path: str, method: str, example: Any, kinds: tuple[str, ...]) -> str:
    """The call as curl makes it."""
    parts = ['curl -H "Authorization: Bearer $TOKEN"']
    if method != "get":
        parts = [f"{parts[0]} -X {method.upper()}", '-H "Idempotency-Key: $(uuidgen)"']
    if "application/json" in kinds and example is not None:
        parts += ['-H "Content-Type: application/json"', f"-d '{json.dumps(example, ensure_ascii=False)}'"]
    elif kinds:
        parts.append("--data-binary @file")
    return " \\\n     ".join([*parts, f"$BASE{path}"])
