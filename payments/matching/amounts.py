"""Which open invoices of one customer make an amount: one, all, the oldest, less credits, or the only sum that does.

A search is bounded and says "no decision" where a second solution exists or the bound is reached.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date
    from uuid import UUID

MOST_ITEMS = 24
"""Open invoices among which sums are searched, oldest first."""
MOST_CHOSEN = 6
"""Invoices in one sum: more fit anything."""
MOST_STEPS = 2_000
MOST_OLDEST = 6


@dataclass(slots=True)
class OpenItem:
    """What an invoice asks for now, in minor units, less what is in flight; what a credit (avoir, trop-perçu) has left.

    ``source_id`` is the invoice, the credit note, or the payment of which something is left.
    """

    kind: str
    source_id: UUID
    number: str
    open_minor: int
    due_on: date
    booked_on: date


@dataclass(frozen=True, slots=True)
class Explained:
    """Invoices that make an amount, with credits that were deducted; ``code`` is the evidence, ``about`` its object."""

    code: str
    items: tuple[OpenItem, ...]
    credits: tuple[OpenItem, ...] = ()
    about: str = ""


def explain(
    invoices: Sequence[OpenItem],
    credits_: Sequence[OpenItem],
    amount_minor: int,
    on: date,
    *,
    deep: bool = True,
) -> list[Explained]:
    """Every simple way in which open items make ``amount_minor``, else the only sum that does.

    ``invoices`` come oldest due first; only a ``deep`` look searches for sums.
    """
    exact = [item for item in invoices if item.open_minor == amount_minor]
    found = [Explained("sum.one" if len(exact) == 1 else "sum.alike", (item,)) for item in exact[:MOST_ITEMS]]
    found += _together(invoices, amount_minor, on)
    if not found and credits_:
        found = _less_credits(invoices, credits_, amount_minor, on)
    if not found and deep:
        only = only_sum(invoices, amount_minor)
        found = [Explained("sum.several", only)] if only else []
    return found


def _together(invoices: Sequence[OpenItem], amount_minor: int, on: date) -> list[Explained]:
    if len(invoices) < 2:  # noqa: PLR2004 -- one invoice is no sum
        return []
    due = tuple(item for item in invoices if item.due_on <= on)
    if sum(item.open_minor for item in invoices) == amount_minor:
        return [Explained("sum.total", tuple(invoices))]
    if len(due) > 1 and sum(item.open_minor for item in due) == amount_minor:
        return [Explained(_sole("sum.due", invoices, due, amount_minor), due)]
    total = 0
    for count, item in enumerate(invoices[:MOST_OLDEST], start=1):
        total += item.open_minor
        if count > 1 and total == amount_minor:
            oldest = tuple(invoices[:count])
            return [Explained(_sole("sum.oldest", invoices, oldest, amount_minor), oldest)]
    return []


def _sole(code: str, invoices: Sequence[OpenItem], chosen: tuple[OpenItem, ...], amount_minor: int) -> str:
    """``code`` where no other choice makes the amount: two equal subscriptions can be exchanged unseen."""
    return code if only_sum(invoices, amount_minor) == chosen else "sum.oldest_or"


def _less_credits(
    invoices: Sequence[OpenItem], credits_: Sequence[OpenItem], amount_minor: int, on: date
) -> list[Explained]:
    """The same with all credits deducted, or with one of them."""
    choices = [tuple(credits_)] if len(credits_) > 1 else []
    choices += [(each,) for each in credits_[:MOST_OLDEST]]
    for chosen in choices:
        target = amount_minor + sum(each.open_minor for each in chosen)
        exact: list[tuple[OpenItem, ...]] = [(item,) for item in invoices if item.open_minor == target]
        sole = [each for each in _together(invoices, target, on) if each.code != "sum.oldest_or"]
        ways = exact or [each.items for each in sole]
        if len(ways) == 1:
            return [Explained("sum.credits", ways[0], chosen, ", ".join(each.number for each in chosen))]
    return []


def only_sum(invoices: Sequence[OpenItem], amount_minor: int, most: int = MOST_CHOSEN) -> tuple[OpenItem, ...] | None:
    """The invoices whose sum is ``amount_minor`` where exactly one choice of at most ``most`` of them has it."""
    pool = [item for item in invoices[:MOST_ITEMS] if item.open_minor <= amount_minor]
    rests = [0] * (len(pool) + 1)
    for at in range(len(pool) - 1, -1, -1):
        rests[at] = rests[at + 1] + pool[at].open_minor
    if rests[0] < amount_minor:
        return None
    search = _Search(pool, rests, most)
    search.look(0, amount_minor, ())
    return search.found[0] if len(search.found) == 1 and search.steps < MOST_STEPS else None


class _Search:
    """A depth-first search that ends with the second solution."""

    def __init__(self, pool: Sequence[OpenItem], rests: Sequence[int], most: int) -> None:
        self.pool, self.rests, self.most = pool, rests, most
        self.found: list[tuple[OpenItem, ...]] = []
        self.steps = 0

    def look(self, at: int, left_minor: int, chosen: tuple[OpenItem, ...]) -> None:
        """Take or leave the invoice at ``at``; what is left must still be within reach."""
        self.steps += 1
        if left_minor == 0:
            self.found.append(chosen)
            return
        if (
            len(self.found) > 1
            or self.steps >= MOST_STEPS
            or len(chosen) == self.most
            or at == len(self.pool)
            or self.rests[at] < left_minor
        ):
            return
        item = self.pool[at]
        if item.open_minor <= left_minor:
            self.look(at + 1, left_minor - item.open_minor, (*chosen, item))
        self.look(at + 1, left_minor, chosen)
