"""Money as a whole number of minor units (cents) of one currency; splits that never lose one.

A float never becomes money: ``Money.of`` takes decimals and strings, and refuses what the currency cannot hold.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, DecimalException
from fractions import Fraction
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_NO_DECIMALS = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF"
_THREE_DECIMALS = "BHD IQD JOD KWD LYD OMR TND"
MOST_DIGITS = 18
"""Whole digits of the largest amount: what the books hold; ``1E+999999`` would take minutes to write out."""
EXPONENTS = {**dict.fromkeys(_NO_DECIMALS.split(), 0), **dict.fromkeys(_THREE_DECIMALS.split(), 3)}
"""Decimals of currencies that do not have two (ISO 4217)."""


class MoneyError(ValueError):
    """An amount that cannot be; ``code`` is stable, the text English, and French where given."""

    def __init__(self, code: str, sentence: str, sentence_fr: str | None = None) -> None:
        super().__init__(sentence)
        self.code = code
        self.sentence_fr = sentence_fr


def exponent(currency: str) -> int:
    """How many decimals ``currency`` has (ISO 4217): 2 for EUR, 0 for JPY."""
    return EXPONENTS.get(currency, 2)


@dataclass(frozen=True, slots=True, order=False)
class Money:
    """An amount of money: ``minor`` units (cents for EUR) of ``currency`` (ISO 4217)."""

    minor: int
    currency: str = "EUR"

    def __post_init__(self) -> None:
        if type(self.minor) is not int:
            raise MoneyError(
                "money.not_whole",
                f"{self.minor!r} is not a whole number of minor units.",
                f"{self.minor!r} n'est pas un nombre entier de centimes.",
            )

    @classmethod
    def of(cls, amount: Decimal | str | int, currency: str = "EUR") -> Money:
        """``Money.of("12.30")`` is 1230 cents.

        Raises:
            MoneyError: ``money.not_a_number``, or ``money.too_precise`` when the currency has fewer decimals.
        """
        try:
            given = Decimal(amount)
            scaled = given.scaleb(exponent(currency))
        except DecimalException as error:
            raise MoneyError(
                "money.not_a_number", f"{amount!r} is not an amount.", f"{amount!r} n'est pas un montant."
            ) from error
        if not given.is_finite() or (given and given.adjusted() >= MOST_DIGITS):
            raise MoneyError("money.not_a_number", f"{amount!r} is not an amount.", f"{amount!r} n'est pas un montant.")
        if scaled != scaled.to_integral_value():
            raise MoneyError(
                "money.too_precise",
                f"{amount} {currency} has more than {exponent(currency)} decimals; round it.",
                f"{amount} {currency} a plus de {exponent(currency)} décimales : arrondissez-le.",
            )
        return cls(int(scaled), currency)

    @property
    def decimal(self) -> Decimal:
        """The amount in major units, e.g. ``Decimal("12.30")``."""
        return Decimal(self.minor).scaleb(-exponent(self.currency))

    def __add__(self, other: Money) -> Money:
        return Money(self.minor + self._same(other).minor, self.currency)

    def __sub__(self, other: Money) -> Money:
        return Money(self.minor - self._same(other).minor, self.currency)

    def __neg__(self) -> Money:
        return Money(-self.minor, self.currency)

    def __lt__(self, other: Money) -> bool:
        return self.minor < self._same(other).minor

    def __le__(self, other: Money) -> bool:
        return self.minor <= self._same(other).minor

    def __bool__(self) -> bool:
        return self.minor != 0

    def __str__(self) -> str:
        return f"{self.decimal} {self.currency}"

    def _same(self, other: Money) -> Money:
        if other.currency != self.currency:
            raise MoneyError(
                "money.currencies_differ",
                f"{self} and {other} are of two currencies.",
                f"{self} et {other} sont dans deux devises.",
            )
        return other


def apportion(total_minor: int, weights_minor: Sequence[int]) -> tuple[int, ...]:
    """Split ``total_minor`` >= 0 over ``weights_minor`` >= 0 so that the parts sum to it exactly.

    Webster's method (Sainte-Laguë): it is house-monotone, so that no part ever shrinks when the total grows, and a
    later receipt can never hold a negative part. Where the total equals the sum of the weights, the parts are the
    weights. Ties go to the first weight.

    Raises:
        MoneyError: ``money.nothing_to_split_over`` when all weights are zero, ``money.negative`` on a negative value.
    """
    whole = sum(weights_minor)
    if total_minor < 0 or any(weight < 0 for weight in weights_minor):
        raise MoneyError(
            "money.negative",
            "Only amounts of zero or more can be apportioned.",
            "Seul un montant positif ou nul peut être réparti.",
        )
    if not whole:
        if total_minor:
            raise MoneyError(
                "money.nothing_to_split_over",
                "An amount cannot be split over weights of zero.",
                "Un montant ne peut pas être réparti entre des parts nulles.",
            )
        return tuple(0 for _ in weights_minor)
    parts = _near_parts(total_minor, weights_minor, whole)
    _settle_difference(parts, total_minor, weights_minor)
    return tuple(parts)


def _near_parts(total: int, weights: Sequence[int], whole: int) -> list[int]:
    """Parts rounded half up: at most one unit per weight away from Webster's."""
    return [(2 * total * weight + whole) // (2 * whole) if weight else 0 for weight in weights]


def _settle_difference(parts: list[int], total: int, weights: Sequence[int]) -> None:
    """Add or take single units by Webster's priority weight / (2 * part + 1) until the parts sum to ``total``."""
    order = range(len(parts))
    while sum(parts) < total:
        best = max(order, key=lambda i: (Fraction(weights[i], 2 * parts[i] + 1), -i))
        parts[best] += 1
    while sum(parts) > total:
        worst = min((i for i in order if parts[i]), key=lambda i: (Fraction(weights[i], 2 * parts[i] - 1), -i))
        parts[worst] -= 1
