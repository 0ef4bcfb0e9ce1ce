"""Form parameters as the provider reads them: nested names (``a[b][0]=c``), typed, unknown ones refused."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from portal.sandboxes.payments.refusals import StripeRefusal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

NAME = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])*)")
KEY = re.compile(r"\[([^\[\]]*)\]")
DEEPEST = 8
"""Levels of nesting that are read; the deepest parameter in use has five."""

LONGEST_METADATA = 500
"""Characters of a metadata value."""


@dataclass(frozen=True, slots=True)
class Several:
    """A list whose items follow one specification."""

    item: Specification


@dataclass(frozen=True, slots=True)
class Labels:
    """Free names with short texts: metadata."""


@dataclass(frozen=True, slots=True)
class Either:
    """A plain value, or a group of named ones."""

    plain: Reader
    group: Mapping[str, Specification]


if TYPE_CHECKING:
    Reader = Callable[[str, str], Any]
    Specification = Reader | Several | Labels | Either | Mapping[str, "Specification"]


def either(plain: Reader, group: Mapping[str, Specification]) -> Either:
    """A parameter that is given as one value or as a group."""
    return Either(plain, group)


def text(value: str, name: str) -> str:
    """Any non-empty text."""
    if not value:
        raise StripeRefusal(f"You passed an empty string for '{name}'.", code="parameter_invalid_empty", param=name)
    return value


def clearable(value: str, name: str) -> str:  # noqa: ARG001 - a reader
    """Any text; an empty one clears what is there."""
    return value


def merge_labels(known: Mapping[str, str], told: Mapping[str, str]) -> dict[str, str]:
    """Metadata after a change: names that are not told stay, empty texts take a name away, nothing at all takes all."""
    if not told:
        return {}
    return {name: label for name, label in {**known, **told}.items() if label}


def whole(value: str, name: str) -> int:
    """A whole number."""
    if not re.fullmatch(r"-?[0-9]{1,15}", value):
        raise StripeRefusal(f"Invalid integer: {value}", code="parameter_invalid_integer", param=name)
    return int(value)


def flag(value: str, name: str) -> bool:
    """``true`` or ``false``."""
    if value not in {"true", "false"}:
        raise StripeRefusal(f"Invalid boolean: {value}", param=name)
    return value == "true"


def one_of(*choices: str) -> Reader:
    """One of the named values."""

    def choice(value: str, name: str) -> str:
        if value not in choices:
            raise StripeRefusal(f"Invalid {name}: must be one of {', '.join(choices)}", param=name)
        return value

    return choice


def web_address(value: str, name: str) -> str:
    """An absolute http or https URL."""
    if not re.match(r"https?://[^\s/]+", value):
        raise StripeRefusal("Not a valid URL", code="url_invalid", param=name)
    return value


def read(pairs: Iterable[tuple[str, str]], specification: Mapping[str, Specification]) -> dict[str, Any]:
    """The typed parameters in form ``pairs``.

    Raises:
        StripeRefusal: ``parameter_unknown`` and its like, with the parameter's full name.
    """
    tree: dict[str, Any] = {}
    for name, value in pairs:
        _plant(tree, name, value)
    return _read_group(tree, specification, "")


def need(params: Mapping[str, Any], name: str) -> Any:
    """A compulsory parameter.

    Raises:
        StripeRefusal: ``parameter_missing``.
    """
    if name not in params:
        raise StripeRefusal(f"Missing required param: {name}.", code="parameter_missing", param=name)
    return params[name]


def _plant(tree: dict[str, Any], name: str, value: str) -> None:
    match = NAME.fullmatch(name)
    if match is None:
        raise _unknown(name)
    path = [match[1], *KEY.findall(match[2])]
    if len(path) > DEEPEST:
        raise _unknown(name)
    place = tree
    for step in path[:-1]:
        place = place.setdefault(step, {})
        if not isinstance(place, dict):
            raise StripeRefusal(f"Invalid object: {name}", param=name)
    last = path[-1] or str(len(place))  # a[]=x appends
    place[last] = value


def _read_group(tree: dict[str, Any], specification: Mapping[str, Specification], prefix: str) -> dict[str, Any]:
    found = {}
    for key, value in tree.items():
        name = f"{prefix}[{key}]" if prefix else key
        if key == "payment_method_types":
            raise StripeRefusal(
                "payment_method_types can no longer be set; use allowed_payment_method_types.",
                code="payment_method_types_no_longer_supported",
                param=name,
            )
        if key not in specification:
            raise _unknown(name)
        found[key] = _read_value(value, specification[key], name)
    return found


def _read_value(value: Any, specification: Specification, name: str) -> Any:
    if isinstance(specification, Labels):
        return _read_labels(value, name)
    if isinstance(specification, Either):
        specification = specification.plain if isinstance(value, str) else specification.group
    if isinstance(specification, Several):
        if not isinstance(value, dict) or not all(index.isdecimal() for index in value):
            raise StripeRefusal("Invalid array", param=name)
        return [_read_value(value[index], specification.item, f"{name}[{index}]") for index in sorted(value, key=int)]
    if callable(specification):
        if not isinstance(value, str):
            raise StripeRefusal(f"Invalid string: {name}", param=name)
        return specification(value, name)
    if not isinstance(value, dict):
        raise StripeRefusal("Invalid object", param=name)
    return _read_group(value, specification, name)


def _read_labels(value: Any, name: str) -> dict[str, str]:
    if value == "":
        return {}
    if not isinstance(value, dict) or not all(isinstance(label, str) for label in value.values()):
        raise StripeRefusal("Metadata values must be texts.", param=name)
    for key, label in value.items():
        if len(label) > LONGEST_METADATA:
            raise StripeRefusal(f"Metadata values can have up to {LONGEST_METADATA} characters", param=f"{name}[{key}]")
    return dict(value)


def _unknown(name: str) -> StripeRefusal:
    return StripeRefusal(f"Received unknown parameter: {name}", code="parameter_unknown", param=name)
