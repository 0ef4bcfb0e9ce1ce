"""Does a value fit a schema of the contract? The subset of JSON Schema that the two documents use."""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from uuid import UUID

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from portal.sandboxes.platform.contract.parts import Schema

_KINDS: Mapping[str, type | tuple[type, ...]] = {"string": str, "object": dict, "array": list, "integer": int}


def _read_instant(given: str) -> object:
    if not re.fullmatch(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", given, re.ASCII):
        raise ValueError(given)
    return datetime.fromisoformat(given.upper())


_INT32 = 2**31 - 1
"""Largest number of format int32, which every number of the contract has that is sent to us."""
_FORMATS: Mapping[str, Callable[[str], object]] = {"date-time": _read_instant, "uri": urlsplit, "uuid": UUID}
"""What reads a text of a format, and raises ``ValueError`` where it is none."""


def mismatch(value: Any, schema: Schema, schemas: Mapping[str, Schema], where: str = "body") -> str | None:
    """The first place where ``value`` does not fit, in a sentence; None where it fits. ``schemas`` are the named."""
    if "$ref" in schema:
        return mismatch(value, schemas[schema["$ref"].rpartition("/")[2]], schemas, where)
    kind = schema.get("type")
    if kind and (not isinstance(value, _KINDS[kind]) or (kind == "integer" and isinstance(value, bool))):
        return f"{where} is not of type {kind}."
    if "enum" in schema and value not in schema["enum"]:
        return f"{where} is none of {', '.join(schema['enum'])}."
    return next(filter(None, _inner_mismatches(value, schema, schemas, where)), None)


def _inner_mismatches(value: Any, schema: Schema, schemas: Mapping[str, Schema], where: str) -> Iterator[str | None]:
    """What is wrong inside ``value``, part by part; None for a part that fits."""
    for part in schema.get("allOf", ()):
        yield mismatch(value, part, schemas, where)
    if isinstance(value, str):
        yield _text_mismatch(value, schema, where)
    elif isinstance(value, dict):
        yield _group_mismatch(value, schema, schemas, where)
    elif isinstance(value, list):
        for place, item in enumerate(value):
            yield mismatch(item, schema.get("items", {}), schemas, f"{where}[{place}]")
    elif isinstance(value, int):
        lowest, highest = schema.get("minimum", -_INT32), schema.get("maximum", _INT32)
        yield None if lowest <= value <= highest else f"{where} is outside {lowest} to {highest}."


def _text_mismatch(value: str, schema: Schema, where: str) -> str | None:
    if not schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", len(value)):
        return f"{where} has a wrong length."
    if "pattern" in schema and not re.search(schema["pattern"], value):
        return f"{where} does not follow its pattern."
    try:
        _FORMATS.get(schema.get("format", ""), str)(value)
    except ValueError:
        return f"{where} is no {schema['format']}."
    return None


def _group_mismatch(value: dict[str, Any], schema: Schema, schemas: Mapping[str, Schema], where: str) -> str | None:
    missing = [name for name in schema.get("required", ()) if name not in value]
    if missing:
        return f"{where} lacks {', '.join(missing)}."
    if len(value) < schema.get("minProperties", 0):
        return f"{where} is empty."
    strange = value.keys() - schema.get("properties", {}).keys()
    if strange and schema.get("additionalProperties") is False:
        return f"{where} has {', '.join(sorted(strange))}, which nobody knows."
    each = (
        mismatch(value[name], part, schemas, f"{where}.{name}")
        for name, part in schema.get("properties", {}).items()
        if name in value
    )
    return next(filter(None, each), None)
