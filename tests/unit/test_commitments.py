"""What is left of orders and deliveries is a function of what was told, in which nothing counts twice."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from receivables.domain.risk.commitments import DELIVERY, ORDER, PURCHASE_ORDER, Billing, Commitment, plan_left

if TYPE_CHECKING:
    from collections.abc import Callable

DAY = date(2026, 11, 2)
REFERENCES = ("A", "B", "C")


def _commitment(number: int, kind: str, reference: str, amount: int, **more: object) -> Commitment:
    return Commitment(UUID(int=number), kind, reference, amount, DAY + timedelta(days=number), **more)  # type: ignore[arg-type]


@st.composite
def stories(draw: Callable[..., object]) -> tuple[list[Commitment], list[Billing]]:
    """Up to three orders with deliveries of them or of none, and invoices that name anything at all."""
    amounts = st.integers(0, 500)
    orders = [
        _commitment(
            n, ORDER, ref, draw(amounts), closed=draw(st.booleans()), buyer_reference=draw(st.sampled_from("PQ"))
        )
        for n, ref in enumerate(REFERENCES, 1)
    ]
    deliveries = [
        _commitment(n, DELIVERY, f"D{n}", draw(amounts), order_reference=draw(st.sampled_from((*REFERENCES, None))))
        for n in range(10, 10 + draw(st.integers(0, 4)))
    ]
    targets = [(ORDER, ref) for ref in REFERENCES] + [(PURCHASE_ORDER, "P")]
    targets += [(DELIVERY, each.reference) for each in deliveries]
    billings = []
    for n in range(draw(st.integers(0, 3))):
        total = draw(amounts)
        for kind, reference in draw(st.lists(st.sampled_from(targets), unique=True, max_size=3)):
            amount = draw(st.one_of(st.none(), st.integers(1, 500)))
            billings.append(Billing(UUID(int=100 + n), f"F{n}", DAY, total, kind, reference, amount))
    return [*orders, *deliveries], billings


@settings(max_examples=200, deadline=None)
@given(stories(), st.randoms(use_true_random=False))
def test_nothing_is_taken_twice_whatever_the_order(
    story: tuple[list[Commitment], list[Billing]], random: object
) -> None:
    commitments, billings = story
    without = plan_left(commitments, [])
    left = plan_left(commitments, billings)
    assert all(
        0 <= left[each.commitment_id] <= without[each.commitment_id] <= each.amount_minor for each in commitments
    )
    taken = sum(without.values()) - sum(left.values())
    assert taken <= sum({each.invoice_id: each.total_minor for each in billings}.values()), "an invoice takes its total"
    for rows in (commitments, billings):
        random.shuffle(rows)  # type: ignore[attr-defined]
    assert plan_left(commitments, billings) == left


def test_an_order_and_its_delivery_are_the_same_goods() -> None:
    """ERPNext 47279: 60 became 120, because the delivery note was added to its order."""
    ordered, delivered = _commitment(1, ORDER, "A", 60), _commitment(2, DELIVERY, "D", 60, order_reference="A")
    assert sum(plan_left([ordered, delivered], []).values()) == 60


def test_more_than_was_ordered_counts_as_delivered() -> None:
    ordered, delivered = _commitment(1, ORDER, "A", 60), _commitment(2, DELIVERY, "D", 75, order_reference="A")
    assert plan_left([ordered, delivered], []) == {ordered.commitment_id: 0, delivered.commitment_id: 75}
