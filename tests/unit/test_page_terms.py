"""No term of the document is missing from its page."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from itertools import count
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Any, get_args, get_origin, get_type_hints

import pytest
from document_strategies import documents
from hypothesis import HealthCheck, Phase, given, settings
from page_documents import PAY_URL, an_invoice
from page_reading import squeeze, text_of

from einvoice import document as model
from einvoice.codelists.units import label as unit_word
from einvoice.document import (
    Document,
    TaxPoint,
)
from einvoice.formats import page_meanings, page_words
from einvoice.formats.page import render_page
from einvoice.formats.page_figures import (
    printable,
    write_country,
    write_day,
    write_number,
    write_percent,
    write_quantity,
)

if TYPE_CHECKING:
    from collections.abc import Iterator


# -- every term is shown -------------------------------------------------------------------------------------------


class FullDocument:
    """Builds a document with every term of the model set to a value that occurs nowhere else."""

    fixed: dict[tuple[str, str], Any] = {  # noqa: RUF012 # a table, never changed
        ("Document", "currency"): "EUR",
        ("Document", "accounting_currency"): "USD",
        ("Address", "country"): "PT",
        ("Line", "origin_country"): "IT",
        ("Line", "unit"): "MTK",
        ("Line", "price_base_unit"): "KWH",
        ("Line", "units_per_parent_unit"): "DAY",
        ("ItemAttribute", "measure_unit"): "KGM",
        ("Attachment", "mime"): "text/csv",
        ("Attachment", "content"): b"a;b",
        ("Line", "tax_point"): TaxPoint.DELIVERY,
        ("Document", "tax_point"): TaxPoint.PAYMENT,
    }

    def __init__(self) -> None:
        self.counter = count(11)

    def build(self, kind: type) -> Any:
        hints = get_type_hints(kind, vars(model) | {"date": date, "Decimal": Decimal})
        values: dict[str, Any] = {}
        for term in fields(kind):
            key = (kind.__name__, term.name)
            values[term.name] = self.fixed[key] if key in self.fixed else self.value(term.name, hints[term.name])
        return kind(**values)

    def value(self, name: str, hint: Any) -> Any:
        if get_origin(hint) is UnionType:
            hint = next(kind for kind in get_args(hint) if kind is not NoneType)
        if get_origin(hint) is tuple:
            return (self.value(name, get_args(hint)[0]), self.value(name, get_args(hint)[0]))
        n = next(self.counter)
        simple = {
            str: f"{name}~{n}~",
            Decimal: Decimal(f"{7000 + n}.{n % 89 + 10}"),
            date: date(2026, 1, 1) + timedelta(days=n),
            bool: bool(n % 2),
        }
        return simple[hint] if hint in simple else self.build(hint)


def full_document() -> Document:
    """Every term set; VAT terms of allowances and charges exist at document level only (BG-20, BG-21)."""
    document: Document = FullDocument().build(Document)
    bare = dict.fromkeys(LINE_LEVEL_ABSENT)
    lines = tuple(
        replace(line, allowances_charges=tuple(replace(entry, **bare) for entry in line.allowances_charges))  # type: ignore[arg-type]
        for line in document.lines
    )
    return replace(document, lines=lines)


LINE_LEVEL_ABSENT = ("vat_category", "vat_rate", "exemption_reason", "exemption_code")


def leaves(value: Any, owner: str = "", name: str = "") -> Iterator[tuple[str, str, Any]]:
    """Every term below ``value``: its group, its name, its value."""
    if is_dataclass(value):
        for term in fields(value):
            yield from leaves(getattr(value, term.name), type(value).__name__, term.name)
    elif isinstance(value, tuple):
        for below in value:
            yield from leaves(below, owner, name)
    else:
        yield owner, name, value


UNITS = {"unit", "price_base_unit", "units_per_parent_unit", "measure_unit"}
RATES = {
    ("AllowanceCharge", "percent"),
    ("AllowanceCharge", "vat_rate"),
    ("VatBreakdown", "rate"),
    ("Line", "vat_rate"),
}
QUANTITIES = {"quantity", "price_base_quantity", "units_per_parent", "measure"}
IN_WORDS = {
    ("Note", "subject"): page_meanings.NOTES,
    ("Identifier", "scheme"): page_meanings.SCHEMES,
    ("Line", "kind"): page_meanings.LINE_KINDS,
}
"""Codes that stand on the page as words alone; of the schemes, each is shown in words or as it is."""


def shown_as(owner: str, name: str, value: Any, language: str, accounting: str = "USD") -> list[str]:
    """How the page may show one term: any of these."""
    codes = IN_WORDS.get((owner, name), {})
    if value in codes:
        return [page_words.choose(codes[value], language), str(value)]
    if isinstance(value, TaxPoint):
        points = [page_words.choose(page_meanings.TAX_POINTS[value.value], language)]
        option = page_words.choose(page_meanings.VAT_ON_DEBITS, language)
        return [*points, option] if value is TaxPoint.INVOICE else points
    if isinstance(value, date):
        return [write_day(value, language)]
    if isinstance(value, Decimal):
        return [figure_shown_as(owner, name, abs(value), language, accounting)]
    if name in {"country", "origin_country"}:
        return [write_country(value, language)]
    return [unit_word(value, language, n) for n in (1, 2)] if name in UNITS else [printable(str(value))]


def figure_shown_as(owner: str, name: str, value: Decimal, language: str, accounting: str) -> str:
    """A figure without its sign: an allowance stands with a minus that the document does not have."""
    if (owner, name) in RATES:
        return write_percent(value, language)
    if name in QUANTITIES or (owner, name) == ("CurrencyExchange", "rate"):
        return write_quantity(value, language)
    return write_number(value, accounting if name == "vat_accounting" else "EUR", language)


def missing_from(text: str, document: Document, language: str) -> list[tuple[str, str, Any]]:
    """The terms of ``document`` that ``text`` does not show."""
    accounting = document.accounting_currency or document.currency
    return [
        (owner, name, value)
        for owner, name, value in leaves(document)
        if not isinstance(value, (bool, bytes, NoneType))  # a sign, and a file whose name, type and size are shown
        and not any(squeeze(form) in text for form in shown_as(owner, name, value, language, accounting))
    ]


@pytest.mark.parametrize("language", ["fr", "en"])
def test_every_term_of_the_document_is_shown(language: Any) -> None:
    document = full_document()
    text = text_of(render_page(document, language=language))

    terms = list(leaves(document))
    assert len(terms) > 500
    assert {(owner, name) for owner, name, value in terms if value is None} == {
        ("AllowanceCharge", name) for name in LINE_LEVEL_ABSENT
    }
    assert missing_from(text, document, language) == []


SHOWABLE = "ABCXYZabcxyz0189 .,;:-_/#*$<>&@()[]àéèçœŒ€łŁñÜßάΩψжЯ№½«»…"


def showable(value: Any) -> Any:
    """``value`` with every letter that the font lacks replaced, and every file made one of its type."""
    if isinstance(value, TaxPoint):
        return value
    if isinstance(value, str):
        text = "".join(letter if letter.isascii() else SHOWABLE[ord(letter) % len(SHOWABLE)] for letter in value)
        return text if text.strip() else "?"
    if isinstance(value, tuple):
        return tuple(showable(below) for below in value)
    if isinstance(value, bytes):
        return b"%PDF-1.7 " + value
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{term.name: showable(getattr(value, term.name)) for term in fields(value)})
    return value


def left_out(document: Document) -> set[tuple[str, str, Any]]:
    """What the page need not repeat, with the reason."""
    allowed: set[tuple[str, str, Any]] = set()
    for name in ("allowances", "charges", "prepaid", "rounding"):
        if not getattr(document.totals, name):
            allowed.add(("Totals", name, getattr(document.totals, name)))  # a sum of nothing
    for line in document.lines:
        allowed.add(("Line", "vat_category", "S"))  # the ordinary category; the VAT table names it
        allowed.add(("Line", "price_base_quantity", Decimal(1)))  # the price is for one
        if line.price_base_unit == line.unit:
            allowed.add(("Line", "price_base_unit", line.unit))  # the unit stands beside the quantity
    for entry in document.allowances_charges:
        allowed.add(("AllowanceCharge", "vat_category", entry.vat_category if entry.vat_category == "S" else None))
    return allowed


@settings(
    max_examples=25,
    derandomize=True,
    deadline=None,
    phases=[Phase.generate],  # a smaller example would need hundreds of pages more
    suppress_health_check=list(HealthCheck),
)
@given(document=documents.map(showable))
def test_whatever_a_document_says_stands_on_the_page(document: Document) -> None:
    language = "en" if len(document.number) % 2 else "fr"
    text = text_of(render_page(document, language=language))  # type: ignore[arg-type]
    assert set(missing_from(text, document, language)) - left_out(document) == set()


def test_a_term_that_the_page_leaves_out_would_be_found_missing() -> None:
    """The control of the test above: the same search in a page without the terms finds them missing."""
    document = full_document()
    text = text_of(render_page(replace(document, contract_reference=None, lines=document.lines[:1])))
    assert squeeze(str(document.contract_reference)) not in text
    assert squeeze(document.lines[1].name) not in text
    assert squeeze(document.lines[0].name) in text


def test_an_invoice_without_lines_has_a_page_too() -> None:
    """Factur-X BASIC WL: the totals stand alone."""
    text = text_of(render_page(replace(an_invoice(2), lines=()), pay_url=PAY_URL))
    assert squeeze("Total TTC240,00 €") in text
    assert "Désignation" not in text


def test_sub_lines_say_where_they_stand_and_that_groups_are_not_added_up() -> None:
    group, detail, _ = an_invoice(3).lines
    group = replace(group, kind="GROUP", quantity=None, unit=None, net_price=None, vat_category=None, vat_rate=None)
    text = text_of(render_page(replace(an_invoice(3), lines=(group, replace(detail, kind="DETAIL", parent_line="1")))))
    assert squeeze("Prestation 1 Regroupement, non additionné") in text
    assert squeeze("Détail · sous la ligne 1") in text
