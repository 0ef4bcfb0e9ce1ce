"""How the readable page writes amounts, dates and identifiers in French and in English.

Nothing is rounded: a figure shows every decimal that the document holds.
"""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal
from typing import TYPE_CHECKING

from babel import Locale
from babel.dates import format_date
from babel.numbers import format_currency, format_decimal

from receivables.domain.money import exponent

if TYPE_CHECKING:
    from datetime import date


LOCALES = {"fr": Locale("fr", "FR"), "en": Locale("en", "GB")}
NARROW_SPACE = "\u202f"
"""Narrow no-break space (espace fine insécable): groups of digits and the sign before a French percent."""
SIREN_LENGTH = 9
SIRET_LENGTH = 14

_IBAN = re.compile(r"[A-Z]{2}\d{2}[A-Z0-9]{11,30}")


def write_amount(amount: Decimal, currency: str, language: str) -> str:
    """An amount with its currency: ``1 234,56 €`` or ``€1,234.56``."""
    digits = _digits(exponent(currency))
    pattern = f"{digits}\u00a0¤" if language == "fr" else f"¤{digits};-¤{digits}"
    return format_currency(
        _plain(amount), currency, format=pattern, locale=LOCALES[language], currency_digits=False,
        decimal_quantization=False,
    )  # fmt: skip


def write_number(amount: Decimal, currency: str, language: str) -> str:
    """An amount without its currency, for columns that name it once: ``1 234,56``."""
    return format_decimal(
        _plain(amount), format=_digits(exponent(currency)), locale=LOCALES[language], decimal_quantization=False
    )


def write_quantity(quantity: Decimal, language: str) -> str:
    """A quantity without idle zeros: ``2,5``."""
    return format_decimal(_plain(quantity), format=_digits(0), locale=LOCALES[language], decimal_quantization=False)


def write_percent(rate: Decimal, language: str) -> str:
    """A rate in percent: ``5,5 %`` or ``5.5%``."""
    return write_quantity(rate, language) + (f"{NARROW_SPACE}%" if language == "fr" else "%")


def write_day(day: date, language: str) -> str:
    """A legal day: ``15/11/2026``, in English ``15 Nov 2026``, which no reader takes for another order."""
    return format_date(day, "dd/MM/yyyy" if language == "fr" else "d MMM yyyy", locale=LOCALES[language])


def write_country(code: str, language: str) -> str:
    """The name of an ISO 3166-1 alpha-2 country, or the code where Babel has no name for it."""
    return str(LOCALES[language].territories.get(code.upper(), code))


def group_registration(number: str) -> str:
    """A SIREN by threes, a SIRET by threes and its establishment: ``552 100 554 00013``; other numbers as they are."""
    if not number.isdecimal() or len(number) not in {SIREN_LENGTH, SIRET_LENGTH}:
        return number
    groups = [number[0:3], number[3:6], number[6:9], number[9:]]
    return "\u00a0".join(group for group in groups if group)


def is_iban(number: str) -> bool:
    """Whether ``number`` has the shape of an IBAN (ISO 13616); its key is the validation's business."""
    return _IBAN.fullmatch(compact(number)) is not None


def compact(number: str) -> str:
    """An account number without the spaces people write into it."""
    return "".join(number.split()).upper()


def group_account(number: str) -> str:
    """An IBAN by fours; any other account number as it is."""
    if not is_iban(number):
        return number
    plain = compact(number)
    return "\u00a0".join(plain[start : start + 4] for start in range(0, len(plain), 4))


def printable(text: str) -> str:
    """``text`` in composed letters (NFC), tabs as spaces, without invisible format characters.

    A right-to-left override in a name could make a page read otherwise than its XML, so that format characters
    (Unicode category Cf) go. The line breaks of CR LF and LF stay.
    """
    composed = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n").replace("\t", " "))
    return "".join(character for character in composed if unicodedata.category(character) != "Cf")


def _digits(decimals: int) -> str:
    """A Babel pattern with at least ``decimals`` and at most twelve decimals."""
    return f"#,##0.{'0' * decimals}{'#' * (12 - decimals)}"


def _plain(number: Decimal) -> Decimal:
    """Without exponent (``1E+2``) and without a negative zero, which Babel would write out."""
    return Decimal(format(number, "f")) if number else Decimal(0)
