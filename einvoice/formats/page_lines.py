"""Invoice lines (BG-25) and document allowances and charges (BG-20, BG-21) as rows of the page's table."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from einvoice.codelists.units import label
from einvoice.formats import page_line_references as references
from einvoice.formats.page_meanings import LINE_KINDS, NOTES, TAX_POINTS
from einvoice.formats.page_wording import join
from einvoice.formats.page_words import meaning

if TYPE_CHECKING:
    from einvoice.document import AllowanceCharge, Classification, ItemAttribute, Line
    from einvoice.formats.page_wording import Wording

LONGEST_KEPT = 900
"""Characters of a last line that stays on the page of the totals: a longer one may need the room of the page."""


def describe_lines(lines: tuple[Line, ...], say: Wording) -> list[dict[str, Any]]:
    """Every line, with the sum of the lines so far, which a page that ends behind it carries forward."""
    depths: dict[str, int] = {}
    carried = Decimal(0)
    described = []
    for line in lines:
        depths[line.line_id] = depth = 0 if line.parent_line is None else depths.get(line.parent_line, 0) + 1
        carried += line.net_amount if line.counts else 0
        described.append(describe_line(line, say) | {"depth": depth, "carried": say.amount(carried)})
    return described


def describe_line(line: Line, say: Wording) -> dict[str, Any]:
    """One line: the name with its article numbers, every other term below it, and the figures."""
    details = [
        line.description,
        _facts(line, say),
        *references.describe(line, say),
        *(_adjustment_sentence(entry, say) for entry in line.allowances_charges),
        _vat_facts(line, say),
        line.note,
        *(_note(note.subject, note.text, say) for note in line.more_notes),
    ]
    return {
        "id": line.line_id,
        "counts": line.counts,
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


def may_stay_with_totals(described: dict[str, Any]) -> bool:
    """Whether a described line is short enough to share the page of the totals for certain."""
    return sum(len(detail) for detail in (described["name"], *described["details"])) <= LONGEST_KEPT


def describe_adjustment(entry: AllowanceCharge, say: Wording) -> dict[str, str]:
    """An allowance or charge of the document as a row below the lines; an allowance is negative."""
    return {
        "reason": join([_reason(entry, say), _exemption(entry.exemption_reason, entry.exemption_code, say)]),
        "vat": vat_mark(entry.vat_category, entry.vat_rate, say),
        "amount": _signed(entry, say),
    }


def vat_mark(category: str | None, rate: Decimal | None, say: Wording) -> str:
    """The rate, followed by the category's code unless that is S, the ordinary one."""
    return join([say.percent(rate), category if category != "S" else ""], " ")


def _facts(line: Line, say: Wording) -> str:
    per_parent = None if line.units_per_parent is None else say.quantity(line.units_per_parent)
    units = join([per_parent, _unit(line.units_per_parent_unit, line.units_per_parent, say)], "\u00a0")
    return join(
        [
            _place(line, say),
            *(_attribute(attribute, say) for attribute in line.attributes),
            say.named("period", say.period(line.period_start, line.period_end)),
            say.named("origin", say.country(line.origin_country)),
            *(say.named("class", _class(item)) for item in line.classifications),
            *(say.named("line_object", say.reference(each)) for each in (line.object_id, *line.more_object_ids)),
            say.named("accounting_reference", line.accounting_reference),
            f"{units} {say.label('units_per_parent')}" if units else "",
            _list_price(line, say),
        ]
    )


def _attribute(attribute: ItemAttribute, say: Wording) -> str:
    """``Couleur : bleu``, or with a measure (EXTENDED) ``Poids (AAB) : 2,5 kg``."""
    measure = None if attribute.measure is None else say.quantity(attribute.measure)
    value = join([attribute.value, measure, _unit(attribute.measure_unit, attribute.measure, say)], "\u00a0")
    return say.titled(join([attribute.name, f"({attribute.code})" if attribute.code else ""], " "), value)


def _class(item: Classification) -> str:
    return f"{item.code} ({join([item.scheme, item.version], ' ')})"


def _place(line: Line, say: Wording) -> str:
    """Where a sub-line of an EXTENDED profile stands, and whether its amount is in the total."""
    kind = meaning(LINE_KINDS, line.kind, say.language) if line.kind else ""
    return join([kind, say.named("parent_line", line.parent_line)])


def _unit(unit: str | None, quantity: Decimal | None, say: Wording) -> str:
    return label(unit, say.language, Decimal(1) if quantity is None else quantity) if unit else ""


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
    code = f"({line.price_discount_code})" if line.price_discount_code else ""
    return join([gross, join([discount, code, line.price_discount_reason], " ")], ", ")


def _vat_facts(line: Line, say: Wording) -> str:
    """VAT by line, which the French extension has (EXT-FR-FE-178 to -182, -184)."""
    point = line.tax_point
    accounting = line.vat_amount_accounting
    vat = None if line.vat_amount is None else say.number(line.vat_amount)
    return join(
        [
            say.named("line_vat", vat),
            say.named("line_vat_accounting", None if accounting is None else say.number(accounting)),
            say.named("amount_with_vat", None if line.amount_with_vat is None else say.number(line.amount_with_vat)),
            _exemption(line.exemption_reason, line.exemption_code, say),
            say.named("tax_point", say.word(TAX_POINTS[point.value])) if point else "",
        ]
    )


def _exemption(reason: str | None, code: str | None, say: Wording) -> str:
    written = join([reason, f"({code})" if code else ""], " ")
    return say.titled(say.label("exemption"), written) if written else ""


def _note(subject: str | None, text: str, say: Wording) -> str:
    return say.titled(say.coded(NOTES, subject), text) if subject else text


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
