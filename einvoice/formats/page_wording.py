"""One language and one currency of the readable page: labels, figures and identifiers ready to show."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from einvoice.formats import page_meanings as meanings
from einvoice.formats import page_words as words
from einvoice.formats.page_figures import (
    group_registration,
    write_amount,
    write_country,
    write_day,
    write_number,
    write_percent,
    write_quantity,
    write_size,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date
    from decimal import Decimal

    from einvoice.document import Identifier

Pair = list[str]
"""A label and its value."""

MINUS = "\u2212"
"""The minus sign, as wide as a digit: a hyphen is easily lost in a column of figures."""


def join(parts: Iterable[str | None], separator: str = " · ") -> str:
    """The parts that are set, with ``separator`` between them."""
    return separator.join(part for part in parts if part)


@dataclass(frozen=True, slots=True)
class Wording:
    """How a page in ``language`` (``fr`` or ``en``) whose amounts are in ``currency`` (BT-5) says things."""

    language: str
    currency: str

    def label(self, key: str) -> str:
        """One of the page's own words."""
        return words.choose(words.LABELS[key], self.language)

    def word(self, entry: words.Words) -> str:
        """The word of this language."""
        return words.choose(entry, self.language)

    def amount(self, value: Decimal, currency: str | None = None) -> str:
        """An amount with its currency sign."""
        return write_amount(value, currency or self.currency, self.language).replace("-", MINUS)

    def number(self, value: Decimal) -> str:
        """An amount in a column that names the currency elsewhere."""
        return write_number(value, self.currency, self.language).replace("-", MINUS)

    def quantity(self, value: Decimal) -> str:
        """A quantity, without idle zeros."""
        return write_quantity(value, self.language).replace("-", MINUS)

    def percent(self, value: Decimal | None) -> str:
        """A rate, or nothing where there is none."""
        return "" if value is None else write_percent(value, self.language).replace("-", MINUS)

    def day(self, value: date | None) -> str:
        """A legal day, or nothing."""
        return "" if value is None else write_day(value, self.language)

    def period(self, start: date | None, end: date | None) -> str:
        """A period whose open end shows as an ellipsis, or nothing."""
        return f"{self.day(start) or '…'} \u2013 {self.day(end) or '…'}" if start or end else ""

    def size(self, content: bytes) -> str:
        """How large a file is."""
        return write_size(len(content), self.language)

    def dated(self, reference: str | None, day: date | None) -> str:
        """A reference with the day of the document it names: ``BC-88213 du 02/10/2026``."""
        return join([reference, self.named("dated", self.day(day))], " ")

    def coded(self, codes: Mapping[str, words.Words], code: str | None) -> str:
        """What a code means, with the code in brackets; the bare code where we have no word for it."""
        if not code:
            return ""
        return f"{words.choose(codes[code], self.language)} ({code})" if code in codes else code

    def country(self, code: str | None) -> str:
        """The country's name, or nothing."""
        return write_country(code, self.language) if code else ""

    def named(self, key: str, value: str | None) -> str:
        """``label value`` inside a sentence, or nothing where the value is absent."""
        return f"{self.label(key)}\u00a0{value}" if value else ""

    def pairs(self, *entries: tuple[str, str | None]) -> list[Pair]:
        """Labels and values of the terms that are set."""
        return [[self.label(key), value] for key, value in entries if value]

    def titled(self, title: str, text: str) -> str:
        """``title : text`` with the language's colon."""
        return f"{title}\u00a0: {text}" if self.language == "fr" else f"{title}: {text}"

    def identifier(self, identifier: Identifier | None) -> str:
        """An identifier with its scheme in words: ``SIRET 552 100 554 00013``."""
        if identifier is None:
            return ""
        if identifier.scheme is not None and identifier.scheme in meanings.SCHEMES:
            scheme = self.word(meanings.SCHEMES[identifier.scheme])
            return f"{scheme}\u00a0{group_registration(identifier.value)}"
        return f"{self.word(meanings.IDENTIFIER)}\u00a0{self.reference(identifier)}"

    def reference(self, identifier: Identifier | None) -> str:
        """An identifier under a label of its own: its value, with the scheme's code in brackets."""
        if identifier is None:
            return ""
        return f"{identifier.value} ({identifier.scheme})" if identifier.scheme else identifier.value
