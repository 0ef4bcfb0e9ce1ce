"""Invoice lines (BG-25) and document allowances and charges (BG-20, BG-21) as rows of the page's table."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from einvoice.formats.page_wording import join
from einvoice.formats.page_words import LINE_KINDS, meaning, unit_word

if TYPE_CHECKING:
    from einvoice.document import AllowanceCharge, Classification, Line
    from einvoice.formats.page_wording import Wording


def describe_line(line: Line, say: Wording) -> dict[str, Any]:
    """One line: the name with its article numbers, every other term below it, and the figures."""
    attributes = join(say.titled(attribute.name, attribute.value) for attribute in line.attributes)
    adjustments = [_adjustment_sentence(entry, say) for entry in line.allowances_charges]
    details = [
        _place(line, say),
        line.description,
        attributes,
        _facts(line, say),
        _list_price(line, say),
        *adjustments,
        line.note,
    ]
    return {
        "id": line.line_id,
        "counts": line.counts,
        "nested": line.parent_line is not None,
        "name": line.name,
        "articles": join(
            [
                say.named("seller_item", line.seller_item_id),
                say.named("buyer_item", line.buyer_item_id),
                say.identifier(line.standard_item_id),
            ]
        ),
        "details": [detail for detail in details if detail],
        "quantity": "" if line.quantity is None else say.quantity(line.quantity),
        "unit": _unit(line.unit, line.quantity, say),
        "price": "" if line.net_price is None else say.number(line.net_price),
        "base": _price_base(line, say),
        "vat": vat_mark(line.vat_category, line.vat_rate, say),
        "amount": say.number(line.net_amount),
    }


def describe_adjustment(entry: AllowanceCharge, say: Wording) -> dict[str, str]:
    """An allowance or charge of the document as a row below the lines; an allowance is negative."""
    return {
        "reason": _reason(entry, say),
        "vat": vat_mark(entry.vat_category, entry.vat_rate, say),
        "amount": _signed(entry, say),
    }


def vat_mark(category: str | None, rate: Decimal | None, say: Wording) -> str:
    """The rate, followed by the category's code unless that is S, the ordinary one."""
    return join([say.percent(rate), category if category != "S" else ""], " ")


def _facts(line: Line, say: Wording) -> str:
    return join(
        [
            say.named("order_line", line.order_line),
            say.named("period", say.period(line.period_start, line.period_end)),
            say.named("origin", say.country(line.origin_country)),
            *(say.named("class", _class(item)) for item in line.classifications),
            say.named("line_object", say.reference(line.object_id)),
            say.named("accounting_reference", line.accounting_reference),
        ]
    )


def _class(item: Classification) -> str:
    return f"{item.code} ({join([item.scheme, item.version], ' ')})"


def _place(line: Line, say: Wording) -> str:
    """Where a sub-line of an EXTENDED profile stands, and whether its amount is in the total."""
    kind = meaning(LINE_KINDS, line.kind, say.language) if line.kind else ""
    return join([kind, say.named("parent_line", line.parent_line)])


def _unit(unit: str | None, quantity: Decimal | None, say: Wording) -> str:
    return unit_word(unit, Decimal(1) if quantity is None else quantity, say.language) if unit else ""


def _price_base(line: Line, say: Wording) -> str:
    """``par 100 kg`` (BT-149, BT-150); nothing where the price is for one of the line's own units."""
    base, unit = line.price_base_quantity, line.price_base_unit
    if unit == line.unit:
        unit = None
    if (base is None or base == 1) and unit is None:
        return ""
    written = say.quantity(Decimal(1) if base is None else base)
    return say.named("per", join([written, _unit(unit, base, say)], "\u00a0"))


def _list_price(line: Line, say: Wording) -> str:
    """Gross price and its discount (BT-148, BT-147), of which the net price is the difference."""
    gross = say.named("gross_price", None if line.gross_price is None else say.number(line.gross_price))
    discount = say.named("price_discount", None if line.price_discount is None else say.number(line.price_discount))
    return join([gross, discount], ", ")


def _adjustment_sentence(entry: AllowanceCharge, say: Wording) -> str:
    return say.titled(_reason(entry, say), _signed(entry, say))


def _signed(entry: AllowanceCharge, say: Wording) -> str:
    return say.number(entry.amount if entry.is_charge else -entry.amount)


def _reason(entry: AllowanceCharge, say: Wording) -> str:
    """``Remise (95) · Fidélité · 10 % sur 120,00``."""
    code = f"({entry.reason_code})" if entry.reason_code else ""
    base = say.named("of_base", None if entry.base_amount is None else say.number(entry.base_amount))
    kind = join([say.label("charge" if entry.is_charge else "allowance"), code], " ")
    return join([kind, entry.reason, join([say.percent(entry.percent), base], " ")])
