"""Shapes that every resource of the API shares: amounts, days, texts, pages of a list, problems."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, Strict, WithJsonSchema
from pydantic_core import PydanticCustomError

from receivables.domain.money import Money

AMOUNT = r"^-?[0-9]+(\.[0-9]+)?$"
DEFAULT_PAGE, MOST_ON_PAGE = 50, 100
GREATEST = 2**31 - 1
"""Of a whole number: what the database holds."""


class Input(BaseModel):
    """What a call says: no field that nobody reads."""

    model_config = ConfigDict(extra="forbid")


class Output(BaseModel):
    """What an answer says."""

    model_config = ConfigDict(extra="forbid", json_schema_serialization_defaults_required=True)


def _readable(text: str) -> str:
    if not text.isprintable():
        raise PydanticCustomError(
            "request.bad_text",
            "The text has signs that nobody can read.",
            {"sentence_fr": "Le texte contient des signes illisibles."},
        )
    return text


def _readable_lines(text: str) -> str:
    _readable(text.replace("\n", "").replace("\r", "").replace("\t", ""))
    return text


def _as_text(given: object) -> object:
    """An amount as it was written: a number keeps its decimals, and no amount ever passes through a float."""
    if isinstance(given, int | Decimal) and not isinstance(given, bool):
        return str(given)
    return given


def _day_written(given: object) -> object:
    if isinstance(given, date):
        return given
    if not isinstance(given, str) or len(given) != len("2026-11-22"):
        raise PydanticCustomError(
            "request.bad_day",
            "This is {given}: write a day as 2026-11-22.",
            {"given": repr(given)[:40], "sentence_fr": f"Ceci vaut {given!r:.40} : écrivez une date comme 2026-11-22."},
        )
    return given


def _currency(given: str) -> str:
    if len(given) == 3 and given.isascii() and given.isalpha() and given.isupper():  # noqa: PLR2004 -- ISO 4217
        return given
    raise PydanticCustomError(
        "request.bad_currency",
        "{given} is no currency: three capital letters, such as EUR.",
        {"given": repr(given)[:20], "sentence_fr": f"{given!r:.20} n'est pas une devise : trois lettres capitales, "
         "comme EUR."},
    )  # fmt: skip


Text = Annotated[str, AfterValidator(_readable), Field(max_length=400)]
"""One line."""
Word = Annotated[str, AfterValidator(_readable), Field(min_length=1, max_length=120)]
"""A short text that may not be empty."""
Lines = Annotated[str, AfterValidator(_readable_lines), Field(min_length=1, max_length=10_000)]
"""A text of several lines."""
Whole = Annotated[int, Strict(), Field(ge=-GREATEST, le=GREATEST)]
"""A whole number that the database holds."""
Day = Annotated[date, BeforeValidator(_day_written), WithJsonSchema({"type": "string", "format": "date"})]
Currency = Annotated[
    str, AfterValidator(_currency), WithJsonSchema({"type": "string", "pattern": "^[A-Z]{3}$", "default": "EUR"})
]
Given = Annotated[
    str,
    BeforeValidator(_as_text),
    Field(max_length=40),
    WithJsonSchema({"type": "string", "pattern": AMOUNT, "maxLength": 20, "examples": ["1200.00"]}),
]
"""An amount in a call, in units of its currency: text or number."""
Amount = Annotated[str, Field(pattern=AMOUNT, examples=["1200.00"])]
"""An amount in an answer, in units of its currency, always text: exact."""
CustomerRef = Annotated[
    str,
    AfterValidator(_readable),
    Field(min_length=1, max_length=120, examples=["C00012"], description="Account code (C00012) or id of a customer."),
]


Limit = Annotated[int, Field(ge=1, le=MOST_ON_PAGE, description="Most rows in the answer.")]


class PageQuery(Input):
    """Which page of a list."""

    limit: Limit = DEFAULT_PAGE
    after: Annotated[UUID | None, Field(description="`next_after` of the page before; without it, the first page.")] = (
        None
    )


class PageAnswer(Output):
    """A page of a list: ``next_after`` asks for the next one, ``null`` on the last."""

    next_after: UUID | None


class FaultShape(Output):
    """One fault of a call."""

    place: str
    term: str | None
    detail: str
    detail_fr: str


class ProblemShape(BaseModel):
    """Problem details (RFC 9457): `code` is stable, `detail` and `detail_fr` say what to do."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "type": "urn:quittance:customer.not_found",
                    "code": "customer.not_found",
                    "status": 404,
                    "detail": "There is no customer C99999.",
                    "detail_fr": "Il n'y a pas de client C99999.",
                }
            ]
        }
    )

    type: str
    code: str
    status: int
    title: str | None = None
    detail: str
    detail_fr: str
    term: str | None = None
    place: str | None = None
    rules: list[dict[str, Any]] | None = None
    problems: list[FaultShape] | None = None


Yes = Literal["1", "0", "true", "false"]
"""Yes or no in an address."""


def written(minor: int, currency: str) -> str:
    """Minor units as the API writes an amount."""
    return str(Money(minor, currency).decimal)
