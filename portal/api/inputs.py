"""What a call says, read by the Pydantic models that the published schema is made of; every fault with its place."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeVar

from flask import request
from pydantic import BaseModel, ValidationError

from portal.api.answers import CallRefusedError, Fault

if TYPE_CHECKING:
    from collections.abc import Mapping

Model = TypeVar("Model", bound=BaseModel)

_SAID: dict[str, tuple[str, str, str]] = {
    "extra_forbidden": (
        "request.unknown_field",
        "There is no field {place}; known are {known}.",
        "Le champ {place} n'existe pas ; on connaît {known}.",
    ),
    "missing": ("request.missing_field", "{place} is missing.", "{place} manque."),
    "int": ("request.bad_number", "{place} is a whole number{bounds}.", "{place} est un nombre entier{bounds}."),
    "date": (
        "request.bad_day",
        "{place} is {given}: write a day as 2026-11-22.",
        "{place} vaut {given} : écrivez une date comme 2026-11-22.",
    ),
    "string": (
        "request.bad_text",
        "{place} is text that people can read{bounds}.",
        "{place} est un texte lisible{bounds}.",
    ),
    "uuid": (
        "request.bad_id",
        "{place} is {given}: write an id as this API gives it.",
        "{place} vaut {given} : écrivez un identifiant tel que l'API le donne.",
    ),
    "literal": (
        "request.unknown_value",
        "{place} is {given}: write one of {expected}.",
        "{place} vaut {given} : écrivez l'une des valeurs {expected}.",
    ),
    "bool": ("request.bad_yes_no", "{place} is true or false.", "{place} vaut true ou false."),
    "other": (
        "request.bad_value",
        "{place} has a value that does not fit the schema of this call.",
        "La valeur de {place} ne suit pas le schéma de cet appel.",
    ),
}
"""By the first word of Pydantic's kind of error: code, and what is told in English and French."""
_KINDS = {
    "date_from_datetime_parsing": "date",
    "date_from_datetime_inexact": "date",
    "enum": "literal",
    "less_than_equal": "int",
    "greater_than_equal": "int",
    "greater_than": "int",
    "less_than": "int",
}
MAX_QUOTED = 60


def read_query(model: type[Model]) -> Model:
    """The parameters of the address.

    Raises:
        CallRefusedError: ``request.unknown_parameter``, ``request.repeated_parameter``, ``request.bad_...``.
    """
    for name, values in request.args.lists():
        if len(values) > 1 and not _takes_several(model, name):
            raise CallRefusedError(
                400,
                "request.repeated_parameter",
                f"The parameter {name} stands in the address {len(values)} times: give it once.",
                f"Le paramètre {name} figure {len(values)} fois dans l'adresse : donnez-le une fois.",
            )
    given = {
        name: values if _takes_several(model, name) else values[0]
        for name, values in request.args.lists()
        if name != "lang"
    }
    return _read(model, given, "request.unknown_parameter")


def read_body(model: type[Model]) -> Model:
    """The JSON of the body.

    Raises:
        CallRefusedError: see :func:`read_json`.
    """
    return read_json(model, request.get_data() or b"{}")


def read_json(model: type[Model], raw: bytes) -> Model:
    """One JSON object; amounts keep their decimals, a field stands in it once.

    Raises:
        CallRefusedError: ``request.bad_json``, ``request.repeated_field``, ``request.unknown_field``, ...
    """
    try:
        given = json.loads(raw, parse_float=Decimal, parse_constant=_no_number, object_pairs_hook=_once_each)
    except (ValueError, RecursionError):
        given = None
    if not isinstance(given, dict):
        raise CallRefusedError(
            400, "request.bad_json", "The body is no JSON object.", "Le corps n'est pas un objet JSON."
        )
    return _read(model, given, "request.unknown_field")


def _read(model: type[Model], given: Mapping[str, Any], unknown: str) -> Model:
    try:
        return model.model_validate(given)
    except ValidationError as error:
        faults = [_fault(model, each, unknown) for each in error.errors(include_url=False)]
        code, first = faults[0]
        raise CallRefusedError(
            400, code, first.sentence, first.sentence_fr, problems=[each for _, each in faults] if faults[1:] else ()
        ) from error


def _fault(model: type[BaseModel], error: Mapping[str, Any], unknown: str) -> tuple[str, Fault]:
    place = ".".join(str(each) for each in error["loc"]).encode("utf-8", "replace").decode()  # no half characters
    kind = str(error["type"])
    context = error.get("ctx") or {}
    if kind.startswith("request."):  # one of our own, which brings its sentences
        return kind, Fault(place, str(error["msg"]), context["sentence_fr"])
    code, english, french = _SAID.get(_KINDS.get(kind, kind.split("_", maxsplit=1)[0]), _SAID["other"])
    if kind in {"extra_forbidden", "missing"}:
        code, english, french = _SAID[kind]
    facts = {
        "place": place[:MAX_QUOTED],
        "given": repr(error.get("input"))[:MAX_QUOTED],
        "known": ", ".join(sorted(model.model_fields)),
        "expected": str(context.get("expected", "")).replace(" or ", ", "),
        "bounds": _bounds(context),
    }
    return (
        unknown if kind == "extra_forbidden" else code,
        Fault(place, english.format(**facts), french.format(**facts)),
    )


def _bounds(context: Mapping[str, Any]) -> str:
    """The limit that was missed, in signs that need no language."""
    signs = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<", "max_length": "≤", "min_length": "≥"}
    found = [f"{sign} {context[name]}" for name, sign in signs.items() if name in context]
    return f" ({', '.join(found)})" if found else ""


def _no_number(name: str) -> Any:
    """NaN and the infinities, which Python's reader takes for numbers."""
    raise ValueError(f"{name} is no JSON number")


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of the body. A field that stands twice means one thing to us and another to somebody else."""
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)[:MAX_QUOTED]
        raise CallRefusedError(
            400,
            "request.repeated_field",
            f"The field {twice!r} stands in one object twice: give it once.",
            f"Le champ {twice!r} figure deux fois dans un objet : donnez-le une fois.",
        )
    return found


def _takes_several(model: type[BaseModel], name: str) -> bool:
    field = model.model_fields.get(name)
    return field is not None and "list" in str(field.annotation)
