"""How the readable page writes amounts, dates and identifiers in French and in English.

Nothing is rounded: a figure shows every decimal that the document holds.
"""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING

from babel import Locale
from babel.dates import format_date
from babel.numbers import get_currency_symbol

from receivables.domain.money import exponent

if TYPE_CHECKING:
    from datetime import date


LOCALES = {"fr": Locale("fr", "FR"), "en": Locale("en", "GB")}
FIXED_SPACE = "\u00a0"
"""No-break space between groups of digits and before a sign: the narrow one all but vanishes in this font."""
KILO = 1000
SIREN_LENGTH = 9
SIRET_LENGTH = 14

_IBAN = re.compile(r"[A-Z]{2}\d{2}[A-Z0-9]{11,30}")
_FRENCH = str.maketrans(",.", f"{FIXED_SPACE},")


def write_amount(amount: Decimal, currency: str, language: str) -> str:
    """An amount with its currency: ``1 234,56 €`` or ``€1,234.56``."""
    written, sign = write_number(amount, currency, language), _currency_sign(currency, language)
    if language == "fr":
        return f"{written}{FIXED_SPACE}{sign}"
    return f"-{sign}{written[1:]}" if written.startswith("-") else f"{sign}{written}"


def write_number(amount: Decimal, currency: str, language: str) -> str:
    """An amount without its currency, for columns that name it once: ``1 234,56``."""
    return _group(amount, exponent(currency), language)


def write_quantity(quantity: Decimal, language: str) -> str:
    """A quantity without idle zeros: ``2,5``."""
    return _group(quantity, 0, language)


def write_percent(rate: Decimal, language: str) -> str:
    """A rate in percent: ``5,5 %`` or ``5.5%``."""
    return write_quantity(rate, language) + (f"{FIXED_SPACE}%" if language == "fr" else "%")


def write_day(day: date, language: str) -> str:
    """A legal day: ``15/11/2026``, in English ``15 Nov 2026``, which no reader takes for another order."""
    if language == "fr":
        return f"{day:%d/%m/%Y}"
    return str(format_date(day, "d MMM yyyy", locale=LOCALES[language]))


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


def write_size(size: int, language: str) -> str:
    """A file's size: ``340 octets``, ``12,4 ko``, ``3,1 Mo`` (decimal units), in English ``340 bytes``, ``12.4 kB``."""
    if size < KILO:
        return f"{size}\u00a0{'octets' if language == 'fr' else 'bytes'}"
    power, unit = (1, "k") if size < KILO * KILO else (2, "M")
    figure = write_quantity((Decimal(size) / KILO**power).quantize(Decimal("0.1")), language)
    return f"{figure}\u00a0{unit}{'o' if language == 'fr' else 'B'}"


def printable(text: str) -> str:
    """``text`` in composed letters (NFC), tabs as spaces, without invisible format characters.

    A right-to-left override in a name could make a page read otherwise than its XML, so that format characters
    (Unicode category Cf) go. The line breaks of CR LF and LF stay.
    """
    if text.isascii() and text.isprintable():
        return text
    composed = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n").replace("\t", " "))
    return "".join(character for character in composed if unicodedata.category(character) != "Cf")


def _group(number: Decimal, decimals: int, language: str) -> str:
    """``number`` in groups of three digits, with every decimal it has but idle zeros, and at least ``decimals``."""
    whole, _, part = f"{number or abs(number):,f}".partition(".")
    part = part.rstrip("0").ljust(decimals, "0")
    written = f"{whole}.{part}" if part else whole
    return written.translate(_FRENCH) if language == "fr" else written


@cache
def _currency_sign(currency: str, language: str) -> str:
    """``€``; a currency without a sign of its own in this language shows its code, set off from the figure."""
    sign = str(get_currency_symbol(currency, LOCALES[language]))
    return f"{sign}\u00a0" if language == "en" and sign[-1:].isalpha() else sign
