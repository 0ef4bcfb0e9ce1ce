"""When an invoice falls due, in parts where it says so, and what is granted to whoever pays it early."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date


@dataclass(frozen=True, slots=True)
class Instalment:
    """A part of an invoice (échéance) in minor units, with its day."""

    due_on: date
    amount_minor: int


@dataclass(frozen=True, slots=True)
class EarlyDiscount:
    """A discount (escompte) in percent for money that is there on ``until`` at the latest (C. com. art. L441-9)."""

    percent: Decimal
    until: date

    def of(self, amount_minor: int) -> int:
        """The discount on ``amount_minor``, rounded to the nearest minor unit."""
        exact = amount_minor * self.percent / 100
        return int(exact.quantize(Decimal(1), ROUND_HALF_UP))


def due_by(instalments: Sequence[Instalment], on: date, settled_minor: int) -> int:
    """What has fallen due by the day ``on``, less what is settled: earlier instalments are settled first."""
    fallen = sum(each.amount_minor for each in instalments if each.due_on <= on)
    return max(fallen - settled_minor, 0)


def next_part(instalments: Sequence[Instalment], settled_minor: int) -> Instalment | None:
    """The first instalment that is not settled, with what is left of it; none where all are."""
    return next(iter(parts_left(instalments, settled_minor)), None)


def parts_left(instalments: Sequence[Instalment], settled_minor: int) -> list[Instalment]:
    """The instalments that are not settled, each with what is left of it: earlier ones are settled first."""
    upto, left = 0, []
    for each in sorted(instalments, key=lambda part: part.due_on):
        upto += each.amount_minor
        if upto > settled_minor:
            left.append(Instalment(each.due_on, min(upto - settled_minor, each.amount_minor)))
    return left
