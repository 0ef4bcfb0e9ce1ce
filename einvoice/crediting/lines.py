"""Lines of an invoice written again as a request, so that they come to the same amount, or to a part of it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from einvoice.composing.totals import adjust, cents, goods_amount, signed_sum
from einvoice.request.lines import AdjustmentRequest, LineRequest

if TYPE_CHECKING:
    from collections.abc import Sequence
    from decimal import Decimal

    from einvoice.document import AllowanceCharge, Line

PIECE = "C62"
ONE = 1


def same_line(line: Line, currency: str) -> LineRequest:
    """``line`` as it was; as one piece of the same amount where its own price and quantity come to another."""
    request = _priced(line, line.quantity, line.allowances_charges, currency)
    if request is None or _net(request, currency) != line.net_amount:
        return flat_line(line.name, line.net_amount, line.vat_category or "", line.vat_rate, line.line_id)
    return request


def scaled_line(line: Line, quantity: Decimal, currency: str) -> tuple[LineRequest, Decimal]:
    """``quantity`` of ``line`` at its price, with the same part of its allowances and charges, and its net amount."""
    whole = line.quantity or quantity
    adjustments = [
        replace(each, amount=cents(each.amount * quantity / whole, currency), base_amount=None, percent=None)
        for each in line.allowances_charges
    ]
    request = _priced(line, quantity, [each for each in adjustments if each.amount], currency)
    net = _net(request, currency) if request else None
    if request is None or net is None or abs(net) > abs(line.net_amount):
        net = cents(line.net_amount * quantity / whole, currency)
        request = flat_line(line.name, net, line.vat_category or "", line.vat_rate, line.line_id)
    return request, net


def flat_line(
    name: str, amount: Decimal, category: str, rate: Decimal | None, line_id: str | None = None
) -> LineRequest:
    """One piece at ``amount`` without VAT; minus one where that is negative, as no price is."""
    return LineRequest.model_validate(
        {
            "name": name,
            "quantity": ONE if amount >= 0 else -ONE,
            "unit": PIECE,
            "net_price": abs(amount),
            "vat_category": category,
            "vat_rate": rate,
            "line_id": line_id,
        }
    )


def positive(each: AllowanceCharge) -> AllowanceCharge:
    """A negative allowance as the charge that it is, and a negative charge as an allowance: our JSON has no others."""
    if each.amount >= 0:
        return each
    return replace(
        each, is_charge=not each.is_charge, amount=-each.amount, base_amount=None, percent=None, reason_code=None
    )


def same_adjustment(each: AllowanceCharge, currency: str) -> dict[str, Any]:
    """The fields of an allowance or charge; its percentage only where it gives the amount to the cent."""
    percent = each.percent
    if percent is not None and (
        each.base_amount is None or cents(each.base_amount * percent / 100, currency) != each.amount
    ):
        percent = None
    reason = each.reason
    if reason is None and each.reason_code is None:
        reason = "Frais" if each.is_charge else "Remise"
    return {
        "amount": each.amount,
        "percent": percent,
        "base_amount": each.base_amount,
        "reason": reason,
        "reason_code": each.reason_code,
    }


def _priced(
    line: Line, quantity: Decimal | None, adjustments: Sequence[AllowanceCharge], currency: str
) -> LineRequest | None:
    """The line at its own price; ``None`` where it has none."""
    if quantity is None or line.net_price is None:
        return None
    gross = line.gross_price
    discount = line.price_discount
    if gross is not None and gross - (discount or 0) != line.net_price:
        gross = discount = None
    return LineRequest.model_validate(
        {
            "name": line.name,
            "quantity": quantity,
            "unit": line.unit or PIECE,
            "net_price": line.net_price,
            "gross_price": gross,
            "price_discount": discount if gross is not None else None,
            "price_base_quantity": line.price_base_quantity,
            "vat_category": line.vat_category,
            "vat_rate": line.vat_rate,
            "line_id": line.line_id,
            "description": line.description,
            "seller_item_id": line.seller_item_id,
            "buyer_item_id": line.buyer_item_id,
            "order_line": line.order_line,
            "accounting_reference": line.accounting_reference,
            **_adjustments(adjustments, currency),
        }
    )


def _adjustments(given: Sequence[AllowanceCharge], currency: str) -> dict[str, list[AdjustmentRequest]]:
    signed = [positive(each) for each in given]

    def of(*, is_charge: bool) -> list[AdjustmentRequest]:
        return [AdjustmentRequest(**same_adjustment(each, currency)) for each in signed if each.is_charge is is_charge]

    return {"allowances": of(is_charge=False), "charges": of(is_charge=True)}


def _net(request: LineRequest, currency: str) -> Decimal:
    """BT-131 of the request, as the builder will compute it."""
    base = goods_amount(request, currency)
    return base + signed_sum(
        [
            *(adjust(each, base, "", currency, is_charge=False) for each in request.allowances),
            *(adjust(each, base, "", currency, is_charge=True) for each in request.charges),
        ]
    )
