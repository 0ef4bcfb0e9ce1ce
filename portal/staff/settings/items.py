"""``/s/items``: the catalogue, what is sold again and again."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Literal, cast

from babel.numbers import format_currency
from flask import Blueprint, redirect, render_template, request, url_for

from config.clock import today
from config.law import vat_rates
from einvoice.codelists.exemptions import EXEMPTIONS
from einvoice.codelists.units import UNITS
from portal.access.context import actor, place, work_here
from portal.access.roles import BOOKKEEPING, READERS, allow
from portal.lists import MAX_WANTED
from portal.staff.settings.typed import UNPROCESSABLE, Typed, written
from portal.words import LOCALES, gettext, language, note_text, percent, told_by
from receivables.errors import ConflictError
from receivables.store.invoicing.items import (
    MOST_LISTED,
    ItemFacts,
    add_item,
    change_item,
    get_item,
    list_items,
    retire_item,
)

if TYPE_CHECKING:
    from uuid import UUID

    from werkzeug import Response

    from receivables.store.invoicing.items import Item

blueprint = Blueprint("items", __name__, url_prefix="/s/items")

CATEGORIES = {
    "S": note_text("Taux normal ou réduit"),
    "E": note_text("Exonéré"),
    "AE": note_text("Autoliquidation"),
    "K": note_text("Livraison dans l'Union européenne"),
    "G": note_text("Exportation"),
    "Z": note_text("Taux zéro"),
    "O": note_text("Hors du champ de la TVA"),
}
"""Categories of VAT (UNTDID 5305, BT-151) that an item may have."""
WITH_RATE = "S"
NATURES = {"services": note_text("Prestation de services"), "goods": note_text("Bien")}
COMMON_UNITS = ("C62", "H87", "HUR", "DAY", "MON", "ANN", "KGM", "TNE", "MTR", "MTK", "MTQ", "LTR", "KMT", "KWH", "LS")
"""Units (UN/ECE rec. 20) that stand first in the list."""
MOST_PRICE = Decimal(10**12)
MOST_CODE = 40
CENTS = 2


@blueprint.get("")
@allow(*READERS)
def index() -> str:
    """The catalogue, page by page."""
    wanted = request.args.get("q", "").strip()[:MAX_WANTED]
    retired = request.args.get("show") == "all"
    after = request.args.get("after", "")[:MOST_CODE]
    with work_here() as work:
        rows = list_items(work, wanted, with_retired=retired, after=after, limit=MOST_LISTED + 1)
    return render_template(
        "settings/items.html",
        rows=rows[:MOST_LISTED],
        more=len(rows) > MOST_LISTED,
        wanted=wanted,
        retired=retired,
        units={code: unit_word(code) for code in {row.facts.unit for row in rows}},
        categories=CATEGORIES,
        price_words=price_words,
        may_change=place().role in BOOKKEEPING,
    )


@blueprint.get("/new")
@allow(*BOOKKEEPING)
def ask() -> str:
    """The form of a new item."""
    usual = {"unit": "C62", "nature": "services", "vat_category": WITH_RATE, "vat_rate": "20"}
    return _form(Typed(usual), None)


@blueprint.post("/new")
@allow(*BOOKKEEPING)
def add() -> Response | tuple[str, int]:
    """Put an item into the catalogue."""
    typed = Typed.read()
    facts = read_item(typed)
    if not typed.faults:
        try:
            with work_here() as work:
                item_id = add_item(work, facts, actor())
        except ConflictError as error:
            typed.faults["code"] = told_by(error)
        else:
            return redirect(url_for("items.show", item_id=item_id, saved=1), 303)
    return _form(typed, None), UNPROCESSABLE


@blueprint.get("/<uuid:item_id>")
@allow(*READERS)
def show(item_id: UUID) -> str:
    """One item."""
    with work_here() as work:
        item = get_item(work, item_id)
    return _form(_typed_from(item.facts), item)


@blueprint.post("/<uuid:item_id>")
@allow(*BOOKKEEPING)
def save(item_id: UUID) -> Response | tuple[str, int]:
    """Say something else of an item."""
    with work_here() as work:
        item = get_item(work, item_id)
    typed = Typed.read()
    facts = read_item(typed)
    if not typed.faults:
        try:
            with work_here() as work:
                change_item(work, item_id, facts, actor())
        except ConflictError as error:
            typed.faults["code"] = told_by(error)
        else:
            return redirect(url_for("items.show", item_id=item_id, saved=1), 303)
    return _form(typed, item), UNPROCESSABLE


@blueprint.post("/<uuid:item_id>/retire")
@allow(*BOOKKEEPING)
def retire(item_id: UUID) -> Response:
    """Offer an item no more, or again."""
    with work_here() as work:
        item = get_item(work, item_id)
        retire_item(work, item_id, actor(), retired=item.retired_at is None)
    return redirect(url_for("items.show", item_id=item_id, saved=1), 303)


def read_item(typed: Typed) -> ItemFacts:
    """What the form says of an item; what is wrong is among its faults."""
    category = typed.choice("vat_category", CATEGORIES)
    rate = typed.choice("vat_rate", rates_today()) if category == WITH_RATE else ""
    exemption = typed.get("vat_exemption") or None
    if category == "E" and exemption is None:
        typed.faults["vat_exemption"] = gettext(
            "Dites pourquoi aucune TVA n'est due : la loi veut le texte sur la facture."
        )
    elif exemption is not None and category not in getattr(EXEMPTIONS.get(exemption), "categories", ()):
        typed.faults["vat_exemption"] = gettext("Ce motif ne va pas avec cette catégorie de TVA.")
    account = typed.text("account", 9)
    if account is not None and not (account.isascii() and account.isdecimal() and account.startswith("70")):
        typed.faults["account"] = gettext("Un compte de produits commence par 70, par exemple 706000.")
    return ItemFacts(
        code=typed.need("code", MOST_CODE),
        name=typed.need("name", 200),
        name_en=typed.text("name_en", 200),
        description=typed.text("description", 1000),
        unit=typed.choice("unit", UNITS),
        price=typed.decimal("price", MOST_PRICE, 6),
        nature=cast("Literal['goods', 'services']", typed.choice("nature", NATURES)),
        vat_category=category,
        vat_rate=Decimal(rate) if rate and "vat_rate" not in typed.faults else None,
        vat_exemption=exemption,
        account=account,
    )


def rates_today() -> list[str]:
    """The rates in percent that the law knows today, the highest first."""
    on = today()
    known = {law.rate for law in vat_rates() if law.since <= on and (law.until is None or on <= law.until)}
    return [f"{rate.normalize():f}" for rate in sorted(known, reverse=True)]


def price_words(price: Decimal) -> str:
    """A unit price as the reader writes it, with as many decimals as it has, two at least."""
    cents = price if int(price.as_tuple().exponent) < -CENTS else price.quantize(Decimal("0.01"))
    return str(
        format_currency(cents, "EUR", locale=LOCALES[language()], currency_digits=False, decimal_quantization=False)
    )


def unit_word(code: str) -> str:
    """A unit in the reader's language; its code where nobody has a word for it."""
    words = UNITS.get(code)
    return words[0 if language() == "fr" else 2] if words else code


def _typed_from(facts: ItemFacts) -> Typed:
    return Typed(
        {
            "code": facts.code,
            "name": facts.name,
            "name_en": facts.name_en or "",
            "description": facts.description or "",
            "unit": facts.unit,
            "price": written(facts.price),
            "nature": facts.nature,
            "vat_category": facts.vat_category,
            "vat_rate": "" if facts.vat_rate is None else f"{facts.vat_rate:f}",
            "vat_exemption": facts.vat_exemption or "",
            "account": facts.account or "",
        }
    )


def _form(typed: Typed, item: Item | None) -> str:
    words = sorted(((code, unit_word(code)) for code in UNITS), key=lambda each: each[1].casefold())
    first = [(code, unit_word(code)) for code in COMMON_UNITS if code in UNITS]
    return render_template(
        "settings/item.html",
        typed=typed,
        item=item,
        units=[*first, *(each for each in words if each[0] not in COMMON_UNITS)],
        categories=[(code, f"{gettext(name)} ({code})") for code, name in CATEGORIES.items()],
        rates=[(rate, percent(Decimal(rate))) for rate in rates_today()],
        exemptions=[(code, each.text) for code, each in EXEMPTIONS.items()],
        natures=[(value, gettext(name)) for value, name in NATURES.items()],
        saved="saved" in request.args,
        may_change=place().role in BOOKKEEPING,
    )
