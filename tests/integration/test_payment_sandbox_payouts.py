"""The payment sandbox: its balance, its payouts and the bank's view of them add up, whatever happened."""

from __future__ import annotations

import random
from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
import stripe
from payment_sandbox import running_sandbox
from sandbox_flows import CARD, DEBIT, Flows

if TYPE_CHECKING:
    from collections.abc import Iterator

FRAUD, RETURNED, FAILS = "4000000000000259", "FR5720041010050500013M02608", "FR8420041010050500013M02607"


@pytest.fixture
def flows() -> Iterator[Flows]:
    with running_sandbox(merchant="Menuiserie Dubois") as sandbox:
        yield Flows(sandbox)


def movements(flows: Flows, **filters: Any) -> list[stripe.BalanceTransaction]:
    params: Any = {"limit": 100, **filters}
    return list(flows.v1.balance_transactions.list(params=params).auto_paging_iter())


def payouts(flows: Flows, **filters: Any) -> list[stripe.Payout]:
    params: Any = {"limit": 100, **filters}
    return list(flows.v1.payouts.list(params=params).auto_paging_iter())


def sums(flows: Flows) -> tuple[int, int]:
    told = flows.v1.balance.retrieve()
    return told.available[0].amount, told.pending[0].amount


def test_money_is_pending_for_three_business_days_then_paid_out_by_itself(flows: Flows) -> None:
    flows.paid(10_000)
    assert sums(flows) == (0, 10_000 - 175)
    flows.advance(7)
    assert sums(flows) == (0, 0)
    payout = payouts(flows)[0]
    assert (payout.amount, payout.automatic, payout.status) == (9_825, True, "paid")
    assert (payout.reconciliation_status, payout.arrival_date > payout.created) == ("completed", True)
    assert flows.events("payout.") == [
        "payout.created",
        "payout.updated",
        "payout.reconciliation_completed",
        "payout.paid",
    ]


@pytest.mark.parametrize(
    ("amount", "means", "fee"),
    [(10_000, CARD, 175), (101, CARD, 27), (999_900, CARD, 15_024), (10_000, DEBIT, 35), (999_900, DEBIT, 35)],
)
def test_fees_are_those_of_the_published_prices(flows: Flows, amount: int, means: str, fee: int) -> None:
    flows.paid(amount, means)
    movement = movements(flows)[0]
    assert (movement.fee, movement.net, movement.fee_details[0].amount) == (fee, amount - fee, fee)
    assert movement.type == ("charge" if means == CARD else "payment")


def test_the_fee_of_a_transfer_ends_at_five_euros(flows: Flows) -> None:
    customer = flows.customer()
    for amount, fee in ((20_000, 100), (5_000_000, 500)):
        flows.transfer(customer, amount)
        flows.claim(customer, amount)
        assert movements(flows)[0].fee == fee


def test_the_movements_of_a_payout_are_listed_and_sum_to_it(flows: Flows) -> None:
    for amount in (10_000, 2_500):
        flows.paid(amount)
    refunded = flows.paid(3_000)
    flows.sandbox.http.post("/v1/refunds", data={"payment_intent": refunded, "amount": "1000"})
    flows.sandbox.control("payouts", pending=True)
    payout = payouts(flows)[0]
    listed = movements(flows, payout=payout.id)
    assert Counter(one.type for one in listed) == {"charge": 3, "refund": 1, "payout": 1}
    assert sum(one.net for one in listed if one.type != "payout") == payout.amount
    assert [one.net for one in listed if one.type == "payout"] == [-payout.amount]


def test_a_manual_payout_takes_what_is_available_and_cannot_be_traced(flows: Flows) -> None:
    flows.paid(10_000)
    wanted: Any = {"amount": 5_000, "currency": "eur", "statement_descriptor": "DUBOIS"}
    with pytest.raises(stripe.InvalidRequestError) as refused:
        flows.v1.payouts.create(params=wanted)
    assert refused.value.code == "balance_insufficient"
    flows.sandbox.control("payouts", pending=True)
    flows.paid(10_000)
    with running_sandbox(automatic_payouts=False) as sandbox:
        other = Flows(sandbox)
        other.paid(10_000)
        other.advance(10)
        assert (sums(other), payouts(other)) == ((9_825, 0), [])
        made = other.v1.payouts.create(params=wanted)
        assert (made.automatic, made.reconciliation_status, made.statement_descriptor) == (
            False,
            "not_applicable",
            "DUBOIS",
        )
        assert sums(other) == (4_825, 0)
        with pytest.raises(stripe.InvalidRequestError, match="only be filtered on automatic"):
            movements(other, payout=made.id)
        assert other.v1.payouts.cancel(made.id).status == "canceled"
        assert sums(other) == (9_825, 0)


@pytest.mark.parametrize("arrived", [True, False])
def test_a_payout_that_the_bank_sends_back_is_in_the_balance_again_and_goes_out_with_the_next(
    flows: Flows,
    arrived: bool,  # noqa: FBT001 - a parameter
) -> None:
    flows.paid(10_000)
    payout = flows.sandbox.control("payouts", pending=True)["payouts"][0]["id"]
    if arrived:
        flows.sandbox.control(f"payouts/{payout}/arrive")
    failed = flows.sandbox.control(f"payouts/{payout}/fail", failure_code="account_closed")
    assert (failed["status"], failed["failure_code"], sums(flows)) == ("failed", "account_closed", (9_825, 0))
    lines = flows.sandbox.http.get("/_sandbox/bank").json()["lines"]
    assert [line["amount_minor"] for line in lines] == ([9_825, -9_825] if arrived else [])
    flows.advance(5)
    assert [(one.amount, one.status) for one in payouts(flows)] == [(9_825, "paid"), (9_825, "failed")]


def test_a_balance_below_zero_is_collected_from_the_bank(flows: Flows) -> None:
    payment = flows.paid(10_000, DEBIT)
    flows.advance(10)
    flows.sandbox.control(f"returns/{payment}", code="MD06")
    assert sums(flows) == (-10_750, 0)
    flows.advance(5)
    assert (payouts(flows)[0].amount, sums(flows)) == (-10_750, (0, 0))
    lines = flows.sandbox.http.get("/_sandbox/bank").json()["lines"]
    assert [line["amount_minor"] for line in lines] == [9_965, -10_750]


def test_the_banks_view_names_the_payouts_that_arrived(flows: Flows) -> None:
    flows.paid(10_000)
    flows.advance(7)
    told = flows.sandbox.http.get("/_sandbox/bank").json()
    payout = payouts(flows)[0]
    assert payout.trace_id is not None
    assert told["account"]["holder"] == "Menuiserie Dubois"
    line = told["lines"][0]
    assert (line["amount_minor"], line["currency"], line["payout"]) == (9_825, "EUR", payout.id)
    assert payout.trace_id.value is not None
    assert payout.trace_id.value in line["label"]
    assert line["counterparty"] == "STRIPE PAYMENTS EUROPE LTD"


def test_payouts_are_found_by_status_and_day_of_arrival(flows: Flows) -> None:
    flows.paid(10_000)
    flows.advance(7)
    day = payouts(flows)[0].arrival_date
    assert len(payouts(flows, status="paid", arrival_date=day)) == 1
    assert payouts(flows, arrival_date={"gt": day}) == []
    assert payouts(flows, status="failed") == []


def test_what_happens_on_the_way_is_dated_at_its_own_moment(flows: Flows) -> None:
    session = flows.session(10_000, ("sepa_debit",))
    flows.sandbox.pay(session.id, DEBIT)
    flows.advance(30)
    dated = [(one.created, one.type) for one in flows.v1.events.list(params={"limit": 100}).data]
    assert all(later[0] >= earlier[0] for later, earlier in pairwise(dated))
    moments = {kind: moment for moment, kind in dated}
    assert moments["payment_intent.succeeded"] - moments["payment_intent.processing"] >= 4 * 24 * 3600
    assert moments["payout.paid"] > moments["payout.created"] > moments["payment_intent.succeeded"]


def _act(flows: Flows, dice: random.Random) -> None:
    """One thing at random; what does not fit is refused, as it should be."""
    control = flows.sandbox.http
    payments = [one["id"] for one in control.get("/v1/payment_intents", params={"limit": 20}).json()["data"]]
    some = dice.choice(payments) if payments else ""
    act = dice.randrange(9)
    if act <= 2:
        means = dice.choice((CARD, DEBIT, FRAUD, RETURNED, FAILS))
        method = "sepa_debit" if means[0] == "F" else "card"
        flows.sandbox.pay(flows.session(dice.randrange(100, 90_000), (method,)).id, means)
    elif act == 3:
        control.post("/v1/refunds", data={"payment_intent": some, "amount": str(dice.randrange(1, 5_000))})
    elif act == 4:
        control.post(f"/_sandbox/disputes/{some}", json={"reason": "general"})
    elif act == 5:
        for dispute in control.get("/v1/disputes").json()["data"][:1]:
            control.post(f"/_sandbox/disputes/{dispute['id']}", json={"won": dice.random() < 0.5})
    elif act == 6:
        for payout in control.get("/v1/payouts").json()["data"][:1]:
            control.post(f"/_sandbox/payouts/{payout['id']}/fail", json={})
    else:
        flows.advance(dice.randrange(1, 6))


@pytest.mark.parametrize("seed", range(3))
def test_after_any_history_the_balance_is_the_sum_of_movements_and_payouts_add_up(seed: int) -> None:
    with running_sandbox(seed=seed) as sandbox:
        flows, dice = Flows(sandbox), random.Random(seed)
        for _ in range(60):
            _act(flows, dice)
        everything = movements(flows)
        assert sum(sums(flows)) == sum(one.net for one in everything)
        assert all(one.net == one.amount - one.fee for one in everything)
        made = payouts(flows)
        assert len(made) > 1
        for payout in made:
            members = [one for one in movements(flows, payout=payout.id) if one.source != payout.id]
            assert sum(one.net for one in members) == payout.amount
        paid_out = [one.id for payout in made for one in movements(flows, payout=payout.id)]
        assert len(paid_out) == len(set(paid_out)), "no movement is paid out twice"
        lines = sandbox.http.get("/_sandbox/bank").json()["lines"]
        assert sum(line["amount_minor"] for line in lines) == sum(one.amount for one in made if one.status == "paid")
        told = [event["data"] for event in sandbox.http.get("/v1/events", params={"limit": 100}).json()["data"]]
        changes = [data for data in told if "previous_attributes" in data]
        assert changes
        for data in changes:
            assert data["previous_attributes"], f"{data['object']['id']} told of a change that was none"
            for name, before in data["previous_attributes"].items():
                assert data["object"][name] != before, f"{name} did not change"
