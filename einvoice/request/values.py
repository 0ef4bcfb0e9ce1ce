"""Values of our JSON: exact numbers, days, texts and codes, with errors that exist in French too."""

from __future__ import annotations

import base64
import binascii
import re
from datetime import date
from decimal import Decimal
from typing import Annotated, TypeVar

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, WithJsonSchema
from pydantic_core import PydanticCustomError

from einvoice.codelists.countries import COUNTRIES
from einvoice.codelists.currencies import CURRENCIES
from einvoice.codelists.units import label, suggest, unit_codes

MAX_GROUP = 100
"""Allowances, notes, references and attachments of one invoice or line."""
MAX_TEXT = 5000
"""Characters of a text: a page of terms fits, a whole contract is an attachment."""

_NUMBER = re.compile(r"[+-]?\d{1,30}(\.\d{1,20})?")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_EMAIL = re.compile(r"[^@\s<>()\[\],;:]{1,64}@(?=.{4,253}$)(?:[^@\s.<>()\[\],;:]{1,63}\.)+[^@\s.<>()\[\],;:]{2,63}")
"""Someone at a domain with a top level: what a mail server can be asked, not all that RFC 5322 allows."""
_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff]")


def problem(code: str, english: str, french: str) -> PydanticCustomError:
    """A refusal of a value in both languages; the sentences continue the field's name."""
    return PydanticCustomError(code, "{english}", {"english": english, "french": french})


def read_number(value: object) -> Decimal:
    """An exact number: a JSON number (read as Decimal) or a string such as ``"12.50"``; never a float."""
    if isinstance(value, int) and not isinstance(value, bool):
        return Decimal(value)
    text = format(value, "f") if isinstance(value, Decimal) and abs(value.adjusted()) < MAX_GROUP else value
    if not isinstance(text, str) or not _NUMBER.fullmatch(text.strip()):
        raise problem(
            "number", 'must be a number such as 12.50 or "12.50"', 'doit être un nombre tel que 12.50 ou "12.50"'
        )
    return Decimal(text.strip())


def read_count(value: object) -> int:
    """A whole number, without decimals."""
    number = read_number(value)
    if number != number.to_integral_value():
        raise problem("whole_number", "must be a whole number such as 8", "doit être un nombre entier tel que 8")
    return int(number)


def read_day(value: object) -> date:
    """A day written ``YYYY-MM-DD``."""
    if isinstance(value, date):
        return value
    if isinstance(value, str) and _DAY.fullmatch(value):
        try:
            return date.fromisoformat(value)
        except ValueError:
            pass  # falls through to the one refusal below
    raise problem("day", "must be a day such as 2026-09-01", "doit être un jour tel que 2026-09-01")


def decode_content(value: object) -> bytes:
    """The content of an attachment, in base 64."""
    try:
        return base64.b64decode("".join(str(value).split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise problem("base64", "must be base 64", "doit être en base 64") from error


def _clean_text(text: str) -> str:
    """Line ends as XML gives them back; characters that XML cannot hold are refused."""
    if _ILLEGAL.search(text):
        raise problem(
            "control_character",
            "holds a control character, which XML cannot carry",
            "contient un caractère de contrôle, que XML ne peut porter",
        )
    return text.replace("\r\n", "\n").replace("\r", "\n")


def check_currency(code: object) -> object:
    """A currency that somebody pays with (ISO 4217, BR-CL-04)."""
    if code in CURRENCIES:
        return code
    raise problem(
        "currency",
        f"is {code!r}: give the three letters of a currency of ISO 4217, e.g. EUR or USD",
        f"vaut {code!r} : donnez les trois lettres d'une devise ISO 4217, par exemple EUR ou USD",
    )


def check_country(code: str) -> str:
    """A country of ISO 3166-1 by its two letters (BR-CL-14)."""
    if code in COUNTRIES:
        return code
    raise problem(
        "country",
        f"is {code!r}: give the two capital letters of a country of ISO 3166, e.g. FR or DE",
        f"vaut {code!r} : donnez les deux lettres majuscules d'un pays (ISO 3166), par exemple FR ou DE",
    )


def check_unit(code: str) -> str:
    """A unit of UN/ECE recommendation 20 or 21 (BR-CL-23); the refusal names the code that was probably meant."""
    if code in unit_codes():
        return code
    meant = suggest(code)
    meant = meant if meant in unit_codes() else None
    hint = f" Did you mean {meant} ({label(meant, 'en')})?" if meant else " E.g. C62 (unit), HUR (hour), KGM (kg)."
    hint_fr = (
        f" Vouliez-vous dire {meant} ({label(meant, 'fr')}) ?" if meant else " Par exemple C62 (unité), HUR (heure)."
    )
    raise problem(
        "unit",
        f"is {code!r}, which is no code of UN/ECE recommendation 20 or 21.{hint}".removesuffix("."),
        f"vaut {code!r}, qui n'est pas un code des recommandations 20 et 21 de l'ONU/CEE.{hint_fr}".removesuffix("."),
    )


def check_email(address: str) -> str:
    """An e-mail address that a mail server could be asked for."""
    if _EMAIL.fullmatch(address):
        return address
    raise problem(
        "email",
        f"is {address!r}, which is no e-mail address such as compta@exemple.fr",
        f"vaut {address!r}, qui n'est pas une adresse électronique telle que compta@exemple.fr",
    )


def check_price(price: Decimal) -> Decimal:
    """A price of zero or more (BR-27, BR-28, BR-FR-DEC-03)."""
    if price < 0:
        raise problem(
            "price",
            "must not be negative: put the sign on the quantity, or use an allowance",
            "ne peut pas être négatif : mettez le signe sur la quantité, ou utilisez une remise",
        )
    return price


T = TypeVar("T")
Text = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_TEXT), AfterValidator(_clean_text)
]
Code = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100), AfterValidator(_clean_text)
]
Country = Annotated[str, AfterValidator(check_country), Field(json_schema_extra={"pattern": "^[A-Z]{2}$"})]
Currency = Annotated[str, AfterValidator(check_currency)]
Unit = Annotated[Code, AfterValidator(check_unit)]
Email = Annotated[Text, AfterValidator(check_email)]
Day = Annotated[date, BeforeValidator(read_day)]
Amount = Annotated[Decimal, BeforeValidator(read_number), Field(max_digits=17, decimal_places=2)]
"""At most two decimals and 19 characters (BR-FR-DEC-01)."""
Quantity = Annotated[Decimal, BeforeValidator(read_number), Field(max_digits=17, decimal_places=4)]
"""At most four decimals (BR-FR-DEC-02)."""
Price = Annotated[
    Decimal, BeforeValidator(read_number), Field(max_digits=17, decimal_places=6), AfterValidator(check_price)
]
"""At most six decimals, never negative (BR-FR-DEC-03, BR-27)."""
Rate = Annotated[Decimal, BeforeValidator(read_number), Field(max_digits=5, decimal_places=2, ge=0, le=100)]
"""Percent with at most two decimals (BR-FR-DEC-04)."""
GrantedDays = Annotated[int, Field(ge=0, le=120), BeforeValidator(read_count)]
"""Days in which something is granted."""
ExchangeRate = Annotated[Decimal, BeforeValidator(read_number), Field(max_digits=17, decimal_places=8, gt=0)]
"""Units of one currency for one unit of another."""
Percent = Annotated[Decimal, BeforeValidator(read_number), Field(max_digits=9, decimal_places=4, ge=0)]
Content = Annotated[
    bytes, BeforeValidator(decode_content), WithJsonSchema({"type": "string", "contentEncoding": "base64"})
]
Many = Annotated[tuple[T, ...], Field(strict=False, max_length=MAX_GROUP)]
