"""What an invoice in another currency comes to in EUR, by its own data: nobody looks a rate up (G6.23, G6.27)."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from receivables.domain.accounting.euros import EUR, half_up, stated_factor, stated_vat

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True, slots=True)
class Euros:
    """VAT of the whole invoice in cents of EUR, and cents per minor unit of its currency; ``None`` where unknown."""

    vat_minor: int | None
    factor: Fraction | None

    def of(self, minor: int) -> int | None:
        """``minor`` units of the invoice's currency in cents, half up."""
        return None if self.factor is None else half_up(self.factor * minor)


def euros_of(document: Mapping[str, Any], currency: str, vat_minor: int) -> Euros:
    """What the kept document (JSON of :mod:`einvoice.kept`) says: BT-111 where BT-6 is EUR, else the rate BT-167.

    ``vat_minor`` is the VAT of the invoice in its own currency; none at all is none in EUR too.
    """
    if currency == EUR:
        return Euros(vat_minor, Fraction(1))
    stated = stated_vat(document)
    factor = stated_factor(document, currency, vat_minor)
    if stated is None and not vat_minor:
        return Euros(0, factor)
    if stated is None and factor is not None:
        stated = half_up(factor * vat_minor)
    return Euros(stated, factor)


def spread(total_minor: int, weights_minor: Sequence[int]) -> list[int]:
    """``total_minor`` in proportion to ``weights_minor`` of any sign, to the cent: each part closes the running sum."""
    whole = sum(weights_minor)
    if not whole:
        return [total_minor, *(0 for _ in weights_minor[1:])]
    parts: list[int] = []
    running = 0
    for weight in weights_minor:
        running += weight
        parts.append(half_up(Fraction(total_minor * running, whole)) - sum(parts))
    return parts
