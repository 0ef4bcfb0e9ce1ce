"""The lines of our own invoices (BG-25): amounts computed, groups summed, every term of the request carried over."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from einvoice.composing.extension import line_extension
from einvoice.composing.parties import identifier_of
from einvoice.composing.totals import ZERO, adjust, check, goods_amount, net_price, rate_of, signed_sum
from einvoice.document import AllowanceCharge, Classification, ItemAttribute, Line
from einvoice.errors import BuildError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from decimal import Decimal

    from einvoice.request.lines import LineRequest

GROUP = "GROUP"
"""EXT-FR-FE-163 of a line that only sums up those below it."""
MAX_DEPTH = 20
"""Groups within groups: more is an endless chain made by mistake."""


def build_lines(requests: Sequence[LineRequest], currency: str) -> tuple[Line, ...]:
    """The lines of ``requests``; a group line comes to the sum of the lines below it, an information line to nothing.

    Raises:
        BuildError: ``invoice.wrong_total``, ``invoice.line_number_twice`` or ``invoice.parent_line_unknown``.
    """
    lines = [
        _counting_line(each, position, currency) if each.counts else _described_line(each, position)
        for position, each in enumerate(requests)
    ]
    _check_numbers(lines)
    sums = _sums(lines)
    return tuple(
        replace(line, net_amount=sums.get(line.line_id, ZERO)) if line.kind == GROUP else line for line in lines
    )


def _check_numbers(lines: Sequence[Line]) -> None:
    """Each line has a number of its own (BT-126), and each parent is a group of the invoice that is not below it."""
    if not any(line.counts for line in lines):
        raise _refusal(
            "invoice.no_counting_line",
            "lines",
            "BG-25",
            "holds GROUP and INFORMATION lines only, which come to nothing. Add a line that counts.",
            "ne contient que des lignes GROUP et INFORMATION, qui ne valent rien. Ajoutez une ligne qui compte.",
        )
    by_number: dict[str, Line] = {}
    for position, line in enumerate(lines):
        if line.line_id in by_number:
            raise _refusal(
                "invoice.line_number_twice",
                f"lines[{position}].line_id",
                "BT-126",
                f"is {line.line_id!r}, which an earlier line has already. Give each line its own, or leave them out.",
                f"vaut {line.line_id!r}, déjà pris par une ligne précédente. Donnez à chaque ligne le sien, ou "
                "omettez-les.",
            )
        by_number[line.line_id] = line
    for position, line in enumerate(lines):
        parent, above = line.parent_line, {line.line_id}
        while parent is not None:
            found = by_number.get(parent)
            if found is None or found.kind != GROUP or parent in above or len(above) > MAX_DEPTH:
                raise _refusal(
                    "invoice.parent_line_unknown",
                    f"lines[{position}].parent_line",
                    "EXT-FR-FE-162",
                    f"is {line.parent_line!r}, which leads to no GROUP line above it, or through too many. Name the "
                    "line_id of a GROUP line.",
                    f"vaut {line.parent_line!r}, qui ne mène à aucune ligne GROUP, ou par trop de niveaux. Citez le "
                    "line_id d'une ligne GROUP.",
                )
            above.add(parent)
            parent = found.parent_line


def _sums(lines: Sequence[Line]) -> dict[str, Decimal]:
    """What each group comes to: the lines that count somewhere below it."""
    above = {line.line_id: line.parent_line for line in lines}
    sums: dict[str, Decimal] = {}
    for line in lines:
        parent = line.parent_line if line.counts else None
        while parent is not None:
            sums[parent] = sums.get(parent, ZERO) + line.net_amount
            parent = above[parent]
    return sums


def _counting_line(request: LineRequest, position: int, currency: str) -> Line:
    place = f"lines[{position}]"
    base = goods_amount(request, currency)
    adjustments: tuple[AllowanceCharge, ...] = (
        *(
            adjust(each, base, f"{place}.allowances[{index}]", currency, is_charge=False)
            for index, each in enumerate(request.allowances)
        ),
        *(
            adjust(each, base, f"{place}.charges[{index}]", currency, is_charge=True)
            for index, each in enumerate(request.charges)
        ),
    )
    net_amount = base + signed_sum(adjustments)
    priced = f"{request.quantity or 0:f} x {net_price(request):f}"
    check(
        request.net_amount,
        net_amount,
        "BT-131",
        f"{place}.net_amount",
        (
            f"line {position + 1}: quantity x price {priced}, allowances and charges",
            f"ligne {position + 1} : quantité x prix {priced}, remises et frais",
        ),
    )
    return replace(
        _described_line(request, position),
        net_price=net_price(request),
        net_amount=net_amount,
        vat_category=request.vat_category,
        vat_rate=rate_of(request.vat_category, request.vat_rate),
        allowances_charges=adjustments,
    )


def _described_line(request: LineRequest, position: int) -> Line:
    """Everything of a line but its amounts."""
    period = request.period
    return Line(
        line_id=request.line_id or str(position + 1),
        name=request.name,
        quantity=request.quantity,
        unit=request.unit,
        net_price=request.net_price,
        net_amount=ZERO,
        vat_category=None,
        note=request.note,
        description=request.description,
        object_id=identifier_of(request.object_id),
        order_line=request.order_line,
        accounting_reference=request.accounting_reference,
        period_start=period.start if period else None,
        period_end=period.end if period else None,
        gross_price=request.gross_price,
        price_discount=request.price_discount,
        price_base_quantity=request.price_base_quantity,
        price_base_unit=request.unit if request.price_base_quantity is not None else None,
        seller_item_id=request.seller_item_id,
        buyer_item_id=request.buyer_item_id,
        standard_item_id=identifier_of(request.standard_item_id),
        classifications=tuple(Classification(each.code, each.scheme, each.version) for each in request.classifications),
        origin_country=request.origin_country,
        attributes=tuple(
            ItemAttribute(each.name, each.value, each.code, each.measure, each.measure_unit)
            for each in request.attributes
        ),
        **line_extension(request, f"lines[{position}]"),
    )


def _refusal(code: str, place: str, term: str, english: str, french: str) -> BuildError:
    return BuildError(code, f"{place} ({term}) {english}", f"{place} ({term}) {french}", term=term, place=place)
