"""What part of the cash received on an invoice stands at which VAT rate (status 212, accounts 44574 and 44571).

Everything is a function of the *cumulative* cash: a receipt declares the difference between the split after it and
the split before it. So the parts add up exactly at full payment, no positive receipt holds a negative part, and the
sum over any history depends on the net cash alone, whatever the order in which receipts and refunds came.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from receivables.domain.money import apportion

if TYPE_CHECKING:
    from collections.abc import Sequence
    from decimal import Decimal


@dataclass(frozen=True, slots=True)
class VatRow:
    """One row of an invoice's VAT table (BG-23), in minor units: rate in percent, base and tax."""

    category: str
    rate: Decimal
    taxable_minor: int
    tax_minor: int

    @property
    def gross_minor(self) -> int:
        """Base and tax: what a customer pays at this rate (TTC)."""
        return self.taxable_minor + self.tax_minor


@dataclass(frozen=True, slots=True)
class RatePart:
    """Cash at one rate, VAT included (MEN of MDG-43): negative on a refund."""

    rate: Decimal
    amount_minor: int


@dataclass(frozen=True, slots=True)
class CollectedPart:
    """What one movement of cash means: the split by rate, and the VAT that falls due (or back) with it."""

    split: tuple[RatePart, ...]
    vat_minor: int


def split_movement(
    rows: Sequence[VatRow], before_minor: int, after_minor: int, due_minor: int | None = None
) -> CollectedPart:
    """Split the movement of the cumulative cash of an invoice from ``before_minor`` to ``after_minor``.

    Both count what was prepaid at issue (BT-113). ``due_minor`` is the cash that settles the invoice, where that is not
    the sum of the rows (a rounding, BT-114): all its VAT has fallen due then. Rates of several categories are summed
    per rate, as the message names rates alone; parts of zero are left out. Only a rate whose whole row is negative (a
    deduction larger than what is sold at that rate) has parts against the sense of the movement.
    """
    grosses = [row.gross_minor for row in rows]
    before, after = _shares(before_minor, grosses), _shares(after_minor, grosses)
    settled = grosses if due_minor is None else _shares(due_minor, grosses)
    by_rate: dict[Decimal, int] = {}
    vat = 0
    for row, old, new, full in zip(rows, before, after, settled, strict=True):
        by_rate[row.rate] = by_rate.get(row.rate, 0) + new - old
        vat += _vat_of(row, new, full) - _vat_of(row, old, full)
    return CollectedPart(tuple(RatePart(rate, amount) for rate, amount in by_rate.items() if amount), vat)


def split_cumulative(
    rows: Sequence[VatRow], before_minor: int, after_minor: int, at_issue_minor: int, due_minor: int
) -> CollectedPart:
    """Split what moved on a document between two sums of its movements: of an invoice they are above zero.

    On a credit note (avoir) set-offs count below zero, while its own amounts are positive: its split is that of the
    same amount on an invoice like it, with the opposite sign. ``at_issue_minor`` and ``due_minor`` as in
    ``cash_at_issue``.
    """
    if min(before_minor, after_minor) >= 0:
        return split_movement(rows, at_issue_minor + before_minor, at_issue_minor + after_minor, due_minor)
    part = split_movement(rows, at_issue_minor - before_minor, at_issue_minor - after_minor, due_minor)
    return CollectedPart(tuple(RatePart(each.rate, -each.amount_minor) for each in part.split), -part.vat_minor)


def _shares(cash_minor: int, grosses: Sequence[int]) -> tuple[int, ...]:
    """The part of the cumulative cash at each row: deductions fall due in step with the rows that they reduce.

    Where no row asks for anything (cash of an old balance alone), all is at the first.
    """
    owed = [max(gross, 0) for gross in grosses]
    if not any(owed):
        return (cash_minor, *(0 for _ in grosses[1:]))
    deducted = [max(-gross, 0) for gross in grosses]
    net, deductions = sum(grosses), sum(deducted)
    given_minor = (2 * deductions * cash_minor + net) // (2 * net) if deductions and net > 0 else 0
    pairs = zip(apportion(cash_minor + given_minor, owed), apportion(given_minor, deducted), strict=True)
    return tuple(part - deduction for part, deduction in pairs)


def _vat_of(row: VatRow, cash_minor: int, full_minor: int) -> int:
    """VAT within ``cash_minor`` of this row, half up; exactly the row's tax when ``full_minor`` is paid."""
    return (2 * row.tax_minor * cash_minor + full_minor) // (2 * full_minor) if full_minor else 0
