"""Reading our JSON: exact numbers, no duplicate keys, and errors that name the field and its business term."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, get_args

from pydantic import BaseModel, ValidationError

from einvoice.errors import RequestError
from einvoice.request.model import InvoiceRequest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydantic_core import ErrorDetails

MAX_BYTES = 20 * 1024 * 1024
"""Largest request, in bytes: attachments travel inside, and platforms refuse larger invoices."""
MAX_PROBLEMS = 50
"""Problems told at once: more would help nobody."""

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_TERM = re.compile(r"(?:EXT-FR-FE-(?:BG-)?\d+|B[TG]-\d+(?:-\d+)?)(?:/(?:EXT-FR-FE-\d+|B[TG]-\d+))*")
_PHRASES = {
    "missing": ("is missing", "manque"),
    "extra_forbidden": ("is not a known field", "n'est pas un champ connu"),
    "string_type": ("must be a text between quotes", "doit être un texte entre guillemets"),
    "string_too_short": (
        "is empty: fill it in, or leave it out where it is optional",
        "est vide : renseignez-le, ou omettez-le s'il est facultatif",
    ),
    "string_too_long": ("is longer than {max_length} characters", "dépasse {max_length} caractères"),
    "string_pattern_mismatch": ("must match {pattern}", "doit suivre le motif {pattern}"),
    "string_unicode": ("is not valid Unicode", "n'est pas de l'Unicode valide"),
    "literal_error": ("must be one of {expected}", "doit valoir l'une de ces valeurs : {expected}"),
    "bool_type": ("must be true or false", "doit valoir true ou false"),
    "tuple_type": ("must be a list", "doit être une liste"),
    "too_short": ("needs at least {min_length} entry", "demande au moins {min_length} élément"),
    "too_long": ("has more than {max_length} entries", "compte plus de {max_length} éléments"),
    "model_type": ("must be an object", "doit être un objet"),
    "decimal_max_places": ("has more than {decimal_places} decimals", "a plus de {decimal_places} décimales"),
    "decimal_max_digits": ("has more than {max_digits} digits", "a plus de {max_digits} chiffres"),
    "decimal_whole_digits": ("is too large", "est trop grand"),
    "greater_than": ("must be greater than {gt}", "doit être supérieur à {gt}"),
    "greater_than_equal": ("must be at least {ge}", "doit valoir au moins {ge}"),
    "less_than_equal": ("must be at most {le}", "doit valoir au plus {le}"),
}


@dataclass(frozen=True, slots=True)
class RequestProblem:
    """One thing wrong in a request: where (``lines[0].net_price``), which business term, and what."""

    place: str
    term: str | None
    sentence: str
    sentence_fr: str


class InvalidRequestError(RequestError):
    """``request.invalid``: the sentence tells the first problem, ``problems`` all of them."""

    def __init__(self, problems: Sequence[RequestProblem]) -> None:
        first, more = problems[0], len(problems) - 1
        super().__init__(
            "request.invalid",
            first.sentence + (f" ({more} more)" if more else ""),
            first.sentence_fr + (f" ({more} de plus)" if more else ""),
            term=first.term,
            place=first.place,
        )
        self.problems = tuple(problems)


def parse_request(data: bytes) -> InvoiceRequest:
    """The invoice request in ``data``, JSON in UTF-8; numbers are read exactly.

    Raises:
        RequestError: ``request.too_large``, ``request.not_json`` or ``request.invalid`` (InvalidRequestError).
    """
    if len(data) > MAX_BYTES:
        raise RequestError(
            "request.too_large",
            f"The request has {len(data)} bytes; the limit is {MAX_BYTES}. Make the attachments smaller.",
            f"La requête fait {len(data)} octets ; la limite est {MAX_BYTES}. Réduisez les pièces jointes.",
        )
    try:
        content = json.loads(
            data.decode("utf-8"),
            parse_float=Decimal,
            parse_int=Decimal,
            parse_constant=_refuse_constant,
            object_pairs_hook=_unique,
        )
    except (ValueError, RecursionError, ArithmeticError) as error:
        raise RequestError(
            "request.not_json",
            f"The request is not JSON in UTF-8: {error}.",
            f"La requête n'est pas du JSON en UTF-8 (détail technique : {error}).",
        ) from error
    try:
        return InvoiceRequest.model_validate(content)
    except ValidationError as error:
        details = _without_echoes(error.errors(include_url=False, include_input=False))[:MAX_PROBLEMS]
        raise InvalidRequestError([_problem(each) for each in details]) from error


def request_schema() -> dict[str, Any]:
    """The JSON Schema of an invoice request, for the API's documentation."""
    return {"$schema": _DIALECT, **InvoiceRequest.model_json_schema()}


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not a JSON number")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"the field {twice!r} stands twice in the same object")
    return found


def _without_echoes(errors: list[ErrorDetails]) -> list[ErrorDetails]:
    """Without the complaint that a list is too short where only its entries are wrong."""
    places = [each["loc"] for each in errors]
    return [
        each
        for each in errors
        if each["type"] != "too_short"
        or not any(len(loc) > len(each["loc"]) and loc[: len(each["loc"])] == each["loc"] for loc in places)
    ]


def _problem(error: ErrorDetails) -> RequestProblem:
    place = _place(error["loc"]) or "request"
    term = _term(InvoiceRequest, error["loc"])
    context = error.get("ctx", {})
    if "french" in context:
        english, french = str(context["english"]), str(context["french"])
    else:
        phrases = _PHRASES.get(error["type"], (f"is not valid: {error['msg']}",) * 2)
        english, french = (phrase.format(**context) if context else phrase for phrase in phrases)
        french = french.replace("' or '", "' ou '")  # the values that a list allows are joined in English
    name = f"{place} ({term})" if term else place
    return RequestProblem(place, term, _ended(f"{name} {english}"), _ended(f"{name} {french}"))


def _ended(sentence: str) -> str:
    """With its full stop, unless it ends as a question or on a stop of its own."""
    return sentence if sentence.endswith(("?", ".")) else f"{sentence}."


def _place(loc: tuple[int | str, ...]) -> str:
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in loc).lstrip(".")


def _term(model: type[BaseModel], loc: tuple[int | str, ...]) -> str | None:
    """The business term of the deepest field of ``loc`` whose description names one."""
    term: str | None = None
    current: type[BaseModel] | None = model
    for step in loc:
        if isinstance(step, int) or current is None or step not in current.model_fields:
            continue
        field = current.model_fields[step]
        found = _TERM.match(field.description or "")
        term = found[0] if found else term
        current = _model_in(field.annotation)
    return term


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for each in get_args(annotation) if (found := _model_in(each))), None)
