"""Negative controls: each race is planted as the bug that it would be, and seen; unplanted, nothing is seen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from payment_sandbox import running_sandbox
from stripe_builders import Desk

from config.clock import new_id
from payments import reactions
from payments.clearing import payouts
from payments.clearing.checks import prove_clearing
from payments.clearing.comparison import compare_providers
from payments.gateways.port import FactKind
from payments.providers import disputes
from receivables.domain.settlement.receipts import MoneyReturned, PayoutPaid

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from payment_sandbox import Sandbox

    from payments.gateways.port import PaymentFact
    from receivables.domain.settlement.receipts import Fact
    from receivables.store.register import Supplier
    from receivables.store.work import Work, Works


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with running_sandbox(automatic_payouts=False) as running:
        yield running


@pytest.fixture
def desk(works: Works, supplier: Supplier, sandbox: Sandbox) -> Desk:
    return Desk(works, supplier, sandbox)


def found(desk: Desk) -> set[str]:
    """What the house itself sees: checks with a gap, and a comparison that differs."""
    with desk.works.begin(desk.supplier.supplier_id) as work:
        seen = {finding.code for finding in prove_clearing(work) if finding.gap}
    differing = compare_providers(desk.works, desk.supplier.supplier_id, desk.gateway_for)
    return seen | ({"comparison"} if differing else set())


def dispute_closed_before_created(desk: Desk) -> str:
    """A lost dispute whose end is told first; returns where its row stands."""
    dispute = desk.sandbox.control(f"disputes/{desk.paid(desk.issue())}")["id"]
    desk.sandbox.control(f"disputes/{dispute}", won=False)
    bodies = desk.sandbox.delivered()
    desk.hear([body for body in bodies if b"charge.dispute" not in body])
    for kind in (b"charge.dispute.closed", b"charge.dispute.funds_withdrawn", b"charge.dispute.created"):
        (body,) = [body for body in bodies if kind in body]
        desk.hear([body])
    (row,) = desk.rows("SELECT state FROM provider_disputes WHERE supplier_id = :supplier")
    return str(row["state"])


def test_a_dispute_closed_before_created_is_lost_and_nothing_is_seen(desk: Desk) -> None:
    assert dispute_closed_before_created(desk) == "lost"
    assert found(desk) == set()


def test_planted_the_last_word_about_a_dispute_wins(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    keep = disputes.note_disputes

    def last_word(work: Work, facts: Sequence[PaymentFact], payments: Any) -> None:
        work.execute(
            "UPDATE provider_disputes SET state = 'open' WHERE supplier_id = :supplier"
        )  # forgets what it knew
        keep(work, facts, payments)

    monkeypatch.setattr(reactions, "note_disputes", last_word)
    assert dispute_closed_before_created(desk) == "open", "seen by the row's state"


def test_planted_a_lost_dispute_relies_on_its_beginning_having_been_told(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def only_the_end(told: PaymentFact) -> tuple[Fact, ...]:
        facts = whole(told)
        return tuple(fact for fact in facts if isinstance(fact, MoneyReturned)) or facts

    whole = reactions._contest
    monkeypatch.setattr(reactions, "_contest", only_the_end)
    dispute = desk.sandbox.control(f"disputes/{desk.paid(desk.issue())}")["id"]
    desk.sandbox.control(f"disputes/{dispute}", won=False)
    bodies = desk.sandbox.delivered()
    desk.hear([body for body in bodies if b"charge.dispute" not in body])
    closed = [body for body in bodies if b"charge.dispute.closed" in body]
    assert [fact.kind for fact in desk.gateway.facts_of(closed[0])] == [FactKind.DISPUTED, FactKind.DISPUTE_LOST]
    lost = [fact for fact in desk.gateway.facts_of(closed[0]) if fact.kind is FactKind.DISPUTE_LOST]
    with desk.works.begin(desk.supplier.supplier_id) as work:
        reactions.record_told(work, desk.account_id, lost)
    assert desk.balances()["contested"] == -10000
    assert found(desk) == {"I16-467", "comparison"}


def follow_three_times(desk: Desk) -> None:
    """A payout that is told, polled, and polled again."""
    desk.paid(desk.issue())
    (made,) = desk.sandbox.control("payouts", pending=True)["payouts"]
    desk.sandbox.control(f"payouts/{made['id']}/arrive")
    desk.hear()
    for _ in range(2):
        payouts.follow_payouts(desk.works, desk.supplier.supplier_id, desk.gateway_for)


def test_a_payout_that_is_followed_three_times_is_one_and_nothing_is_seen(desk: Desk) -> None:
    follow_three_times(desk)
    assert desk.balances() == {"transfers": 9825, "fees": 175}
    assert found(desk) == set()


def test_planted_a_payout_without_its_business_key_is_counted_again(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unkeyed(ref: str, *rest: Any) -> PayoutPaid:
        return PayoutPaid(f"{ref}/{new_id()}", *rest)

    monkeypatch.setattr(payouts, "PayoutPaid", unkeyed)
    follow_three_times(desk)
    assert desk.balances()["transfers"] > 9825
    assert "comparison" in found(desk)
