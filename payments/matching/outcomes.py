"""What a reading would book: which invoice gets how much, which credits are used, what is given up, what is left."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from receivables.services.settlement.waiving import Waiver

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from uuid import UUID

    from payments.matching.amounts import OpenItem


@dataclass(frozen=True, slots=True)
class CreditUse:
    """An open credit used for an invoice, in minor units: ``kind`` is ``credit_note`` or ``receipt``."""

    kind: str
    source_id: UUID
    invoice_id: UUID
    amount_minor: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What would be booked, in minor units. ``rest_minor`` above zero is the customer's credit, below zero is missing.

    ``by_hand``: a person has to agree, however many points it has.
    """

    items: tuple[OpenItem, ...] = ()
    aims: tuple[tuple[UUID, int], ...] = ()
    set_offs: tuple[CreditUse, ...] = ()
    waiver: Waiver | None = None
    rest_minor: int = 0
    by_hand: bool = False

    @property
    def oldest_on(self) -> date:
        """When the oldest of its invoices falls due."""
        return min((item.due_on for item in self.items), default=date.max)

    @property
    def numbers(self) -> tuple[str, ...]:
        """The invoices' numbers."""
        return tuple(item.number for item in self.items)


def in_full(items: Sequence[OpenItem], *, rest_minor: int = 0) -> Outcome:
    """Everything that is open on ``items``."""
    return Outcome(tuple(items), _sorted((item.source_id, item.open_minor) for item in items), rest_minor=rest_minor)


def in_order(items: Sequence[OpenItem], amount_minor: int) -> Outcome:
    """As much of ``items`` as the amount pays, in their order; the rest is credit, or missing on them."""
    aims: list[tuple[UUID, int]] = []
    used: list[OpenItem] = []
    left = amount_minor
    for item in items:
        part = min(item.open_minor, left)
        if part > 0:
            aims.append((item.source_id, part))
            used.append(item)
            left -= part
    missing = sum(item.open_minor for item in used) - (amount_minor - left)
    return Outcome(tuple(used), _sorted(aims), rest_minor=left or -missing)


def short_of(items: Sequence[OpenItem], gap_minor: int, kind: str) -> Outcome:
    """Everything that is open on ``items`` but ``gap_minor``, which is given up on the latest of those it fits in."""
    bearer = next((item for item in reversed(items) if item.open_minor > gap_minor), None)
    if bearer is None:
        return in_order(items, sum(item.open_minor for item in items) - gap_minor)
    aims = _sorted((item.source_id, item.open_minor - (gap_minor if item is bearer else 0)) for item in items)
    return Outcome(tuple(items), aims, waiver=Waiver(kind, gap_minor, bearer.source_id), rest_minor=-gap_minor)


def less_credits(items: Sequence[OpenItem], credits_: Sequence[OpenItem]) -> Outcome:
    """Everything that is open on ``items`` less ``credits_``, which are used for the latest of them first."""
    left = {item.source_id: item.open_minor for item in items}
    uses = []
    for credit in credits_:
        room = credit.open_minor
        for item in reversed(items):
            part = min(left[item.source_id], room)
            if part > 0:
                uses.append(CreditUse(credit.kind, credit.source_id, item.source_id, part))
                left[item.source_id] -= part
                room -= part
    return Outcome(tuple(items), _sorted((key, minor) for key, minor in left.items() if minor), tuple(uses))


def _sorted(aims: Iterable[tuple[UUID, int]]) -> tuple[tuple[UUID, int], ...]:
    return tuple(sorted(aims))
