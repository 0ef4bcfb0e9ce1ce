"""The payment sandbox: refunds of every kind, disputes with evidence, questions of the bank."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import stripe
from payment_sandbox import running_sandbox
from sandbox_flows import CARD, DEBIT, Flows

if TYPE_CHECKING:
    from collections.abc import Iterator

FRAUD, NOT_RECEIVED, INQUIRY = "4000000000000259", "4000000000002685", "4000000000001976"
SLOW, BROKEN = "4000000000007726", "4000000000005126"


@pytest.fixture
def flows() -> Iterator[Flows]:
    with running_sandbox() as sandbox:
        yield Flows(sandbox)


def refund(flows: Flows, payment: str, **more: Any) -> stripe.Refund:
    params: Any = {"payment_intent": payment, **more}
    return flows.v1.refunds.create(params=params)


def charge_of(flows: Flows, payment: str) -> stripe.Charge:
    return flows.v1.charges.list(params={"payment_intent": payment}).data[0]


def net(flows: Flows) -> int:
    """What is left of all payments, whether it was paid out already or not."""
    listed = flows.v1.balance_transactions.list(params={"limit": 100}).data
    return sum(move.net for move in listed if not move.type.startswith("payout"))


def test_a_card_is_refunded_in_parts_and_never_more_than_was_taken(flows: Flows) -> None:
    payment = flows.paid(10_000)
    assert refund(flows, payment, amount=4_000).status == "succeeded"
    with pytest.raises(stripe.InvalidRequestError, match="greater than unrefunded"):
        refund(flows, payment, amount=6_001)
    assert refund(flows, payment).amount == 6_000
    with pytest.raises(stripe.InvalidRequestError) as refused:
        refund(flows, payment)
    assert refused.value.code == "charge_already_refunded"
    charge = charge_of(flows, payment)
    assert (charge.refunded, charge.amount_refunded, net(flows)) == (True, 10_000, -175)


def test_what_was_not_captured_cannot_be_refunded(flows: Flows) -> None:
    params: Any = {"amount": 5_000, "currency": "eur", "confirm": True, "payment_method": "pm_card_visa"}
    held = flows.v1.payment_intents.create(params=params | {"capture_method": "manual"})
    assert (held.status, held.amount_capturable, net(flows)) == ("requires_capture", 5_000, 0)
    for reference in ({"payment_intent": held.id}, {"charge": str(held.latest_charge)}):
        with pytest.raises(stripe.InvalidRequestError):
            flows.v1.refunds.create(params=reference)  # type: ignore[arg-type]
    assert flows.v1.payment_intents.capture(held.id, params={"amount_to_capture": 3_000}).amount_received == 3_000
    with pytest.raises(stripe.InvalidRequestError):
        refund(flows, held.id, amount=3_001)


@pytest.mark.parametrize("means", [DEBIT, SLOW])
def test_some_refunds_are_pending_first_and_arrive_with_time(flows: Flows, means: str) -> None:
    made = refund(flows, flows.paid(5_000, means))
    assert (made.status, made.pending_reason) == ("pending", "processing")
    flows.advance(8)
    read = flows.v1.refunds.retrieve(made.id)
    assert (read.status, read.pending_reason) == ("succeeded", None)
    assert flows.events("refund.", "charge.refund") == [
        "refund.created",
        "charge.refunded",
        "refund.updated",
        "charge.refund.updated",
    ]


@pytest.mark.parametrize("pending", [True, False])
def test_a_failed_refund_puts_the_money_back(flows: Flows, pending: bool) -> None:  # noqa: FBT001 - a parameter
    payment = flows.paid(5_000, DEBIT)
    before = net(flows)
    made = refund(flows, payment, amount=2_000)
    assert net(flows) == before - 2_000
    if not pending:
        flows.sandbox.control(f"refunds/{made.id}/succeed")
    failed = flows.sandbox.control(f"refunds/{made.id}/fail", reason="declined")
    assert (failed["status"], failed["failure_reason"], net(flows)) == ("failed", "declined", before)
    assert charge_of(flows, payment).amount_refunded == 0
    assert refund(flows, payment).amount == 5_000, "it can be refunded again"
    assert "refund.failed" in flows.events()


def test_a_refund_to_a_broken_card_fails_a_day_later(flows: Flows) -> None:
    made = refund(flows, flows.paid(5_000, BROKEN))
    assert made.status == "succeeded"
    flows.advance(2)
    read = flows.v1.refunds.retrieve(made.id, params={"expand": ["failure_balance_transaction"]})
    assert isinstance(read.failure_balance_transaction, stripe.BalanceTransaction)
    assert (read.status, read.failure_balance_transaction.amount) == ("failed", 5_000)


@pytest.mark.parametrize(("means", "reason"), [(FRAUD, "fraudulent"), (NOT_RECEIVED, "product_not_received")])
def test_a_test_card_is_disputed_at_once_with_the_money_and_the_fee_taken(
    flows: Flows, means: str, reason: str
) -> None:
    payment = flows.paid(10_000, means)
    dispute = flows.v1.disputes.list(params={"payment_intent": payment}).data[0]
    assert (dispute.status, dispute.reason, dispute.is_charge_refundable) == ("needs_response", reason, False)
    assert dispute.evidence_details.due_by is not None
    assert dispute.evidence_details.due_by - dispute.created >= 7 * 24 * 3600
    assert [(move.type, move.amount, move.fee) for move in dispute.balance_transactions] == [
        ("adjustment", -10_000, 1_500)
    ]
    assert net(flows) == -175 - 1_500
    with pytest.raises(stripe.InvalidRequestError) as refused:
        refund(flows, payment)
    assert refused.value.code == "charge_disputed"


def test_evidence_is_kept_first_then_handed_in_and_decides(flows: Flows) -> None:
    payment = flows.paid(10_000, FRAUD)
    dispute = flows.v1.disputes.list().data[0].id
    file = flows.evidence()
    evidence: Any = {"uncategorized_text": "winning_evidence", "uncategorized_file": file, "customer_name": "Lefèvre"}
    staged = flows.v1.disputes.update(dispute, params={"evidence": evidence, "submit": False})
    assert (staged.status, staged.evidence_details.has_evidence, staged.evidence_details.submission_count) == (
        "needs_response",
        True,
        0,
    )
    won = flows.v1.disputes.update(dispute, params={"submit": True})
    assert (won.status, won.evidence.uncategorized_file, won.evidence_details.submission_count) == ("won", file, 1)
    assert net(flows) == 10_000 - 175, "the amount and the fee came back"
    assert flows.events("charge.dispute.") == [
        "charge.dispute.created",
        "charge.dispute.funds_withdrawn",
        "charge.dispute.updated",
        "charge.dispute.updated",
        "charge.dispute.closed",
        "charge.dispute.funds_reinstated",
    ]
    with pytest.raises(stripe.InvalidRequestError):
        flows.v1.disputes.update(dispute, params={"evidence": {"customer_name": "Autre"}})
    assert charge_of(flows, payment).disputed


@pytest.mark.parametrize("how", ["losing_evidence", "close", "control", "silence"])
def test_a_dispute_is_lost_in_four_ways_and_keeps_money_and_fee(flows: Flows, how: str) -> None:
    flows.paid(10_000, FRAUD)
    dispute = flows.v1.disputes.list().data[0].id
    if how == "losing_evidence":
        flows.v1.disputes.update(dispute, params={"evidence": {"uncategorized_text": how}})
    elif how == "close":
        flows.v1.disputes.close(dispute)
    elif how == "control":
        flows.v1.disputes.update(dispute, params={"evidence": {"uncategorized_text": "Bon de livraison signé"}})
        assert flows.v1.disputes.retrieve(dispute).status == "under_review"
        flows.sandbox.control(f"disputes/{dispute}", won=False)
    else:
        flows.advance(25)
    read = flows.v1.disputes.retrieve(dispute)
    assert (read.status, read.evidence_details.past_due, net(flows)) == ("lost", how == "silence", -175 - 1_500)


def test_a_question_of_the_bank_takes_nothing_until_it_becomes_a_dispute(flows: Flows) -> None:
    flows.paid(10_000, INQUIRY)
    dispute = flows.v1.disputes.list().data[0]
    assert (dispute.status, dispute.is_charge_refundable, dispute.balance_transactions) == (
        "warning_needs_response",
        True,
        [],
    )
    assert net(flows) == 10_000 - 175
    escalated = flows.sandbox.control(f"disputes/{dispute.id}/escalate")
    assert (escalated["status"], net(flows)) == ("needs_response", -175 - 1_500)
    flows.paid(10_000, INQUIRY)
    answered = flows.v1.disputes.list().data[0]
    assert flows.v1.disputes.update(answered.id, params={"evidence": {"uncategorized_text": "Voici"}}).status == (
        "warning_under_review"
    )
    assert flows.sandbox.control(f"disputes/{answered.id}", won=True)["status"] == "warning_closed"


def test_a_refund_is_possible_while_the_bank_only_asks(flows: Flows) -> None:
    assert refund(flows, flows.paid(10_000, INQUIRY)).status == "succeeded"


def test_evidence_must_be_a_known_file_and_a_file_a_known_kind(flows: Flows) -> None:
    flows.paid(10_000, FRAUD)
    dispute = flows.v1.disputes.list().data[0].id
    with pytest.raises(stripe.InvalidRequestError, match="No such file"):
        flows.v1.disputes.update(dispute, params={"evidence": {"receipt": "file_none"}})
    with pytest.raises(stripe.InvalidRequestError, match="must be one of pdf"):
        flows.evidence(b"MZ executable", "a.pdf")
    with pytest.raises(stripe.StripeError):
        flows.evidence(b"%PDF-" + b"x" * (5 * 1024 * 1024 + 1))
    large = flows.evidence(b"%PDF-" + b"x" * 1_000_000)
    contents = flows.sandbox.http.get(f"/v1/files/{large}/contents")
    assert len(contents.content) == 1_000_005
    assert flows.sandbox.http.get(f"/v1/files/{large}/contents", headers={"Authorization": "x"}).status_code == 401


def test_everything_that_goes_back_is_told_to_endpoints_signed(flows: Flows) -> None:
    asked = {"url": f"{flows.sandbox.receiver_url}/hook", "enabled_events[0]": "*"}
    secret = flows.sandbox.http.post("/v1/webhook_endpoints", data=asked).json()["secret"]
    payment = flows.paid(10_000, CARD)
    refund(flows, payment, amount=100)
    flows.sandbox.control(f"disputes/{payment}", reason="general")
    told = flows.sandbox.delivered_with(secret)
    kinds = {json.loads(body)["type"] for body in told}
    assert {"refund.created", "charge.refunded", "charge.dispute.created", "charge.dispute.funds_withdrawn"} <= kinds
