"""What of a claim may be asked for now, and what holds the rest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date
    from uuid import UUID


@dataclass(frozen=True, slots=True)
class Hold:
    """Why ``amount_minor`` of an invoice is not chased.

    ``why`` is ``in_flight``, ``to_match`` (money at the bank that a person has to confirm is for it), ``disputed``,
    ``announced`` (its payer was told of a debit, on the day ``until``), ``promised`` and ``planned`` (until a day),
    ``insolvent`` (proceedings are open), ``assigned`` (a factor's), ``paused`` (until a day), ``refused``,
    ``rejected`` or ``cancelled``.
    """

    why: str
    amount_minor: int
    until: date | None = None
    dispute_ids: tuple[UUID, ...] = ()


@dataclass(frozen=True, slots=True)
class ChaseState:
    """How much of an invoice may be chased now (``chaseable_minor``), and why not the rest."""

    currency: str
    open_minor: int
    chaseable_minor: int
    holds: tuple[Hold, ...]

    @property
    def may_chase(self) -> bool:
        """Whether anything may be asked for now."""
        return self.chaseable_minor > 0

    def held_minor(self, why: str) -> int:
        """What is held for one reason."""
        return sum(hold.amount_minor for hold in self.holds if hold.why == why)


def hold_back(open_minor: int, asked: Iterable[Hold]) -> tuple[int, tuple[Hold, ...]]:
    """Take holds from what is open, in their order: what is held once is not held again. Returns what is left."""
    left, held = open_minor, []
    for hold in asked:
        amount = min(hold.amount_minor, left)
        if amount > 0:
            held.append(Hold(hold.why, amount, hold.until, hold.dispute_ids))
            left -= amount
    return left, tuple(held)
