"""Texts and figures in the reader's language: French is what the code says, English is its catalogue.

Catalogues are gettext files, read as text at start, so that nothing is compiled into the tree.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from contextvars import ContextVar
from decimal import Decimal
from functools import cache, lru_cache
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from babel import Locale
from babel.dates import format_date, format_datetime
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_currency, format_decimal, format_percent
from babel.support import NullTranslations, Translations
from flask import g, has_request_context, request

from config.clock import PARIS
from receivables.domain.money import Money

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date, datetime

LANGUAGES = ("fr", "en")
LOCALES = {"fr": "fr_FR", "en": "en_GB"}
NAMES = {"fr": "Français", "en": "English"}
CATALOGUES = Path(__file__).parent / "translations"
_AMOUNT = re.compile(r"(?<![\w.,-])(-?\d+\.\d{2,3}) ([A-Z]{3})\b")
"""An amount as the books and errors write it."""
MINUS = "\u2212"
"""As wide as a digit, and never a place to break a line."""
_CLOSING = re.compile(r" (?=[:;?!»€])")
_OPENING = re.compile(r"(?<=«) ")
KEPT = 4_096
"""Texts, amounts and days that were written last: a list of fifty invoices holds three hundred of them."""


def note_text(text: str) -> str:
    """Mark a text that is translated where it is shown."""
    return text


@cache
def catalogue(language: str) -> NullTranslations:
    """The texts of ``language``, of one file per part of the portal; French needs none."""
    messages = Catalog(locale=language)
    for path in sorted((CATALOGUES / language / "LC_MESSAGES").glob("*.po")):
        with path.open("rb") as file:
            for message in read_po(file, locale=language):
                if message.id:
                    messages[message.id] = message
    if not len(messages):
        return NullTranslations()
    compiled = BytesIO()
    write_mo(compiled, messages)
    compiled.seek(0)
    return Translations(compiled)


def known_language(*wishes: str | None) -> str:
    """The first wish that we speak, French otherwise."""
    return next((wish for wish in wishes if wish in LANGUAGES), LANGUAGES[0])


_outside: ContextVar[str] = ContextVar("language_outside_of_requests", default=LANGUAGES[0])


@contextmanager
def speaking(spoken: str) -> Iterator[None]:
    """Write in a reader's language what is made outside of a request: by the worker, by a command."""
    before = _outside.set(known_language(spoken))
    try:
        yield
    finally:
        _outside.reset(before)


def language() -> str:
    """The language of this request: asked for in the address, chosen before, the reader's own, the browser's."""
    if not has_request_context():
        return _outside.get()
    if "language" not in g:
        g.language = known_language(
            request.args.get("lang"),
            g.get("chosen_language"),
            g.get("own_language"),
            request.accept_languages.best_match(LANGUAGES),
        )
    spoken: str = g.language
    return spoken


def suppose_language(own: str | None) -> None:
    """Take the language on record for this reader into account, where the address and the cookie wish nothing."""
    g.own_language = own
    g.pop("language", None)


def gettext(text: str) -> str:
    """``text`` in the language of this request."""
    if not text:
        return ""
    return _unbreakable(text) if language() == "fr" else catalogue(language()).gettext(text)


def ngettext(one: str, many: str, count: int) -> str:
    """The text for ``count`` things in the language of this request; zero is singular in French."""
    if language() == "fr":
        return _unbreakable(one if abs(count) < 2 else many)  # noqa: PLR2004 -- French grammar
    return catalogue(language()).ngettext(one, many, count)


def fitted(text: str) -> str:
    """A text in the reader's language already: amounts as they write them, French spaces where no line may end."""
    written = _AMOUNT.sub(lambda told: _amount(told[1], told[2]), text)
    return _unbreakable(written) if language() == "fr" else written


def told_by(error: Exception) -> str:
    """What a refusal says, in the reader's language where it speaks it."""
    french = getattr(error, "sentence_fr", None)
    return fitted(french if french and language() == "fr" else str(error))


def _amount(written: str, currency: str) -> str:
    return format_currency(Decimal(written), currency, locale=LOCALES[language()]).replace("-", MINUS)


def money(minor: int, currency: str, spoken: str | None = None) -> str:
    """An amount as the reader writes it: ``1 234,56 €``."""
    return _money(minor, currency, spoken or language())


@lru_cache(KEPT)
def _money(minor: int, currency: str, spoken: str) -> str:
    written = format_currency(Money(minor, currency).decimal, currency, locale=LOCALES[spoken])
    return written.replace("-", MINUS)


def country(code: str) -> str:
    """The name of a country by its two letters, in the reader's language; letters that name none stay."""
    return str(Locale.parse(LOCALES[language()]).territories.get(code, code))


def grouped(account: str) -> str:
    """An account number in groups of four, as banks print it."""
    return " ".join(account[place : place + 4] for place in range(0, len(account), 4))


def colon(spoken: str | None = None) -> str:
    """The sign before what is named, in the way of the reader's language; French puts a space before it."""
    return "\u00a0:" if (spoken or language()) == "fr" else ":"


def number(value: int | Decimal) -> str:
    """A number with the reader's separators."""
    return format_decimal(value, locale=LOCALES[language()])


def exact(value: Decimal) -> str:
    """A number with all its decimals: ``0,00125``."""
    return format_decimal(value, locale=LOCALES[language()], decimal_quantization=False)


def price(value: Decimal, currency: str) -> str:
    """A price as it was agreed: the currency's decimals, and more where it has more (``0,0125 €``)."""
    written = format_currency(value, currency, locale=LOCALES[language()], decimal_quantization=False)
    return written.replace("-", MINUS)


def percent(value: Decimal) -> str:
    """A rate given in percent: ``5,5 %``."""
    return format_percent(value / 100, locale=LOCALES[language()], decimal_quantization=False)


def day(value: date, spoken: str | None = None) -> str:
    """A day in words: ``31 octobre 2026``."""
    return _day(value, "d MMMM y", spoken or language())


def short_day(value: date) -> str:
    """A day in short: ``31 oct. 2026``."""
    return _day(value, "d MMM y", language())


@lru_cache(KEPT)
def _day(value: date, pattern: str, spoken: str) -> str:
    """French counts the first of a month: ``1er``."""
    text = format_date(value, pattern, locale=LOCALES[spoken])
    return f"1er{text[1:]}" if spoken == "fr" and text.startswith("1 ") else text


def moment(value: datetime, spoken: str | None = None) -> str:
    """A day and time of day in Paris: ``31 oct. 2026, 10:03``."""
    locale = LOCALES[spoken or language()]
    return format_datetime(value.astimezone(PARIS), "d MMM y, HH:mm", locale=locale, tzinfo=PARIS)


def typeset(text: str, spoken: str) -> str:
    """A text with the spaces of its language: those before French signs never end a line."""
    return _unbreakable(text) if spoken == "fr" else text


@lru_cache(KEPT)
def _unbreakable(text: str) -> str:
    """French puts a space before these signs, and never lets a line end there."""
    return _OPENING.sub("\u00a0", _CLOSING.sub("\u00a0", text))
