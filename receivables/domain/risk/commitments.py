"""Orders and deliveries that are not invoiced yet (commandes fermes, livraisons à facturer): what is left of each.

An order turns into deliveries, a delivery into an invoice: the same goods count once, wherever they stand.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date
    from uuid import UUID

ORDER, DELIVERY, PURCHASE_ORDER = "order", "delivery", "purchase_order"
_RANK = {DELIVERY: 0, ORDER: 1, PURCHASE_ORDER: 2}


@dataclass(frozen=True, slots=True)
class Commitment:
    """An order or a delivery as it was told last; ``amount_minor`` is minor units, VAT included.

    A closed order brings nothing more; a closed delivery is not invoiced any more, but took its part of its order.
    """

    commitment_id: UUID
    kind: str
    reference: str
    amount_minor: int
    began_on: date
    closed: bool = False
    order_reference: str | None = None
    buyer_reference: str | None = None
    weight_percent: int = 100


@dataclass(frozen=True, slots=True)
class Billing:
    """What an invoice of ``total_minor`` says that it is for: an order (BT-14), a purchase order (BT-13), a delivery.

    ``amount_minor`` of it where somebody said how much, as much as it takes otherwise.
    """

    invoice_id: UUID
    number: str
    issued_on: date
    total_minor: int
    kind: str
    reference: str
    amount_minor: int | None = None


@dataclass(frozen=True, slots=True)
class NamedCommitment:
    """What a document names: ``kind`` is :data:`ORDER`, :data:`PURCHASE_ORDER` or :data:`DELIVERY`."""

    kind: str
    reference: str


class _Plan:
    """What is left while invoices take their parts."""

    def __init__(self, commitments: Sequence[Commitment]) -> None:
        self.orders = {each.reference: each for each in commitments if each.kind == ORDER}
        self.deliveries = {each.reference: each for each in commitments if each.kind == DELIVERY}
        self.of_order: dict[str, list[Commitment]] = defaultdict(list)
        for each in sorted(self.deliveries.values(), key=attrgetter("began_on", "reference")):
            if each.order_reference:
                self.of_order[each.order_reference].append(each)
        self.left = {each.commitment_id: 0 if each.closed else each.amount_minor for each in commitments}
        for order in self.orders.values():
            delivered = sum(each.amount_minor for each in self.of_order[order.reference])
            self.left[order.commitment_id] = max(self.left[order.commitment_id] - delivered, 0)

    def targets(self, billing: Billing) -> list[Commitment]:
        """What an invoice takes from, in this order: what was delivered first, then what will be."""
        if billing.kind == DELIVERY:
            return [self.deliveries[billing.reference]] if billing.reference in self.deliveries else []
        orders = sorted(
            (
                order
                for order in self.orders.values()
                if billing.reference == (order.reference if billing.kind == ORDER else order.buyer_reference)
            ),
            key=attrgetter("began_on", "reference"),
        )
        return [target for order in orders for target in (*self.of_order[order.reference], order)]

    def take(self, billing: Billing, most_minor: int) -> int:
        """Take up to ``most_minor`` for an invoice; returns how much there was to take."""
        wanted = most_minor if billing.amount_minor is None else min(billing.amount_minor, most_minor)
        taken = 0
        for target in self.targets(billing):
            part = min(self.left[target.commitment_id], wanted - taken)
            self.left[target.commitment_id] -= part
            taken += part
        return taken


def plan_left(commitments: Sequence[Commitment], billings: Iterable[Billing]) -> dict[UUID, int]:
    """What is left of each order and delivery, in minor units: a function of the facts, whichever came first.

    A delivery takes its amount from its order; an invoice takes what it names, never more than its own total: the
    deliveries before the rest of their order, the oldest first.
    """
    plan = _Plan(commitments)
    ranked = sorted(
        billings,
        key=lambda each: (
            (each.issued_on, each.number, each.invoice_id),
            (each.amount_minor is None, _RANK[each.kind], each.reference),
        ),
    )
    for _, of_invoice in groupby(ranked, key=attrgetter("invoice_id")):
        names = list(of_invoice)
        budget = names[0].total_minor
        for billing in names:
            budget -= plan.take(billing, budget)
    return plan.left
