"""What amounts in another currency come to in EUR: by the data of the invoice itself, or by a quoted rate."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from receivables.domain.money import Money, exponent

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

EUR = "EUR"


def stated_vat(document: Mapping[str, Any]) -> int | None:
    """The VAT in cents of EUR that a kept document states (BT-111 where BT-6 is EUR), or ``None``."""
    amount = document.get("totals", {}).get("vat_accounting")
    if document.get("accounting_currency") != EUR or amount is None:
        return None
    return abs(Money.of(Decimal(str(amount)), EUR).minor)


def stated_factor(document: Mapping[str, Any], currency: str, vat_minor: int) -> Fraction | None:
    """Cents per minor unit of ``currency`` by the document: its rate (BT-167), else its VAT in both currencies."""
    exchange = document.get("exchange") or {}
    if (exchange.get("source"), exchange.get("target")) == (currency, EUR):
        return Fraction(Decimal(str(exchange["rate"]))) * Fraction(10) ** (2 - exponent(currency))
    stated = stated_vat(document)
    return Fraction(stated, vat_minor) if stated and vat_minor else None


def quoted_factor(per_euro: Decimal, currency: str) -> Fraction:
    """Cents per minor unit of ``currency`` where one euro is ``per_euro`` of it, as central banks quote."""
    return Fraction(10) ** (2 - exponent(currency)) / Fraction(per_euro)


def half_up(value: Fraction) -> int:
    """Half away from zero, so that a refund mirrors its receipt."""
    size = (2 * abs(value.numerator) + value.denominator) // (2 * value.denominator)
    return size if value >= 0 else -size


def converted(amounts_minor: Sequence[int], factor: Fraction, kept: Sequence[bool]) -> list[int]:
    """Signed amounts that sum to zero, each in cents, summing to zero again.

    What rounding leaves goes to the largest amount that is not ``kept``, so that a kept one (the customer's line) is
    what its own amount comes to; where all are kept, to the largest.
    """
    cents = [half_up(factor * amount) for amount in amounts_minor]
    free = [place for place in range(len(cents)) if not kept[place]] or list(range(len(cents)))
    cents[max(free, key=lambda place: abs(amounts_minor[place]))] -= sum(cents)
    return cents
