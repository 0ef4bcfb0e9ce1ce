"""The payment score (note de paiement) of a customer: an open formula, from 0 to 100, each lost point explained.

``S = 100 - 40 L - 25 T - 15 R - 10 P - 10 D``: lateness, its trend, payments that came back, broken promises, disputes
that proved unfounded. Each part is a share from 0 to 1, exact, and costs its weight; the points lost are rounded to a
tenth one by one, so that what the page shows adds up. The score advises people: nothing in the house refuses a
natural person because of it (GDPR art. 22).
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from receivables.errors import ReceivablesError

if TYPE_CHECKING:
    from collections.abc import Mapping

PARTS = ("lateness", "trend", "returns", "promises", "disputes")
"""L, T, R, P and D, in the order in which pages tell them."""
FULL = 1000
"""A hundred points, in tenths."""
BLOCKED, INSUFFICIENT = "E", "insufficient"
CLASSES = (("A", 850), ("B", 700), ("C", 500), ("D", 0))
"""Each class with the tenths from which it is given."""
COMPARED = 3
"""The trend holds the last three invoices paid against the three before them."""


@dataclass(frozen=True, slots=True)
class Formula:
    """One version of the formula: tenths of a point that each part costs at most, and what its shares are taken of.

    ``lateness_days`` is the average lateness that costs all of its part, over ``lateness_months`` rolling months;
    the other parts look back ``months``. ``returns_times`` multiplies the share of payments that came back.
    """

    version: int
    weights: Mapping[str, int]
    lateness_days: int
    lateness_months: int
    months: int
    returns_times: int
    fewest_paid: int


FORMULAS: dict[int, Formula] = {
    1: Formula(
        version=1,
        weights={"lateness": 400, "trend": 250, "returns": 150, "promises": 100, "disputes": 100},
        lateness_days=60,
        lateness_months=6,
        months=12,
        returns_times=4,
        fewest_paid=5,
    ),
}
"""Every version that scores were ever given by: an old score can be computed again by the formula of its day."""
CURRENT = 1


@dataclass(frozen=True, slots=True)
class PaymentFacts:
    """What was known of a customer at the end of a day; money in minor units of one currency.

    ``weighed_days`` is the sum of amount x days late over what was paid late or is overdue, ``weighed_minor`` the sum
    of the amounts; early money counts as in time. ``latest`` are the days late of the last invoices paid, newest
    first, below zero where early. ``payments`` are debits and cards, ``returned`` those of them that came back.
    """

    paid: int = 0
    weighed_days: int = 0
    weighed_minor: int = 0
    latest: tuple[int, ...] = ()
    payments: int = 0
    returned: int = 0
    promises: int = 0
    broken: int = 0
    disputes: int = 0
    rejected: int = 0
    blocked: str | None = None
    """Why it is on the block list: ``insolvent``, or the reason that somebody gave."""
    former: int = 0
    """How many of the invoices ``paid`` stand in the former books, whose letters were taken over."""

    def told(self) -> dict[str, Any]:
        """As JSON keeps it."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


def facts_of(told: Mapping[str, Any]) -> PaymentFacts:
    """The facts as :meth:`PaymentFacts.told` wrote them."""
    return PaymentFacts(**{**told, "latest": tuple(told["latest"])})


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a score: its share from 0 to 1, and what it costs of the weight at most, in tenths of a point."""

    name: str
    share: Fraction
    weight: int
    lost: int


@dataclass(frozen=True, slots=True)
class Score:
    """A score with what it is made of; ``tenths`` is ``None`` where too little is known."""

    formula: int
    tenths: int | None
    letter: str
    parts: tuple[Part, ...]

    @property
    def lost(self) -> int:
        """All that was lost, in tenths of a point."""
        return sum(part.lost for part in self.parts)


def formula_of(version: int) -> Formula:
    """The formula of a version.

    Raises:
        ReceivablesError: ``score.unknown_formula``.
    """
    if version not in FORMULAS:
        raise ReceivablesError(
            "score.unknown_formula",
            f"There is no formula {version} of the score; known are {', '.join(map(str, FORMULAS))}.",
            f"La formule {version} de la note n'existe pas ; il y a : {', '.join(map(str, FORMULAS))}.",
        )
    return FORMULAS[version]


def give_score(facts: PaymentFacts, formula: Formula) -> Score:
    """The score that these facts come to: the same facts and formula, the same score."""
    parts = tuple(_part(name, share, formula.weights[name]) for name, share in _shares(facts, formula).items())
    tenths = FULL - sum(part.lost for part in parts)
    enough = facts.paid >= formula.fewest_paid
    return Score(formula.version, tenths if enough else None, _letter(facts, tenths, enough=enough), parts)


def _letter(facts: PaymentFacts, tenths: int, *, enough: bool) -> str:
    if facts.blocked is not None:
        return BLOCKED
    return next(name for name, least in CLASSES if tenths >= least) if enough else INSUFFICIENT


def _shares(facts: PaymentFacts, formula: Formula) -> dict[str, Fraction]:
    late = _ratio(facts.weighed_days, facts.weighed_minor * formula.lateness_days)
    return {
        "lateness": min(late, Fraction(1)),
        "trend": _trend(facts.latest),
        "returns": min(_ratio(facts.returned, facts.payments) * formula.returns_times, Fraction(1)),
        "promises": _ratio(facts.broken, facts.promises),
        "disputes": _ratio(facts.rejected, facts.disputes),
    }


def _trend(latest: tuple[int, ...]) -> Fraction:
    """Which share of the last three invoices was paid later than the average of the three before; 0 without six."""
    newest, before = latest[:COMPARED], latest[COMPARED : 2 * COMPARED]
    if len(before) < COMPARED:
        return Fraction(0)
    return Fraction(sum(days * COMPARED > sum(before) for days in newest), COMPARED)


def _ratio(part: int, whole: int) -> Fraction:
    return Fraction(part, whole) if whole else Fraction(0)


def _part(name: str, share: Fraction, weight: int) -> Part:
    """What a share costs, rounded to a tenth of a point, half up."""
    cost = share * weight
    return Part(name, share, weight, (2 * cost.numerator + cost.denominator) // (2 * cost.denominator))
