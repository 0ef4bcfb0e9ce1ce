"""GoCardless through its own client against the sandbox over HTTP: checkouts, facts, the way back, payouts."""

from __future__ import annotations

import json
from datetime import timedelta
from itertools import permutations
from typing import TYPE_CHECKING, Any

import pytest
from gocardless_sandbox import SECRET, running_gocardless
from payment_sandbox import an_order

from config import clock
from payments.gateways.gocardless_facts import Finality, history_facts, purpose_in, shares_of
from payments.gateways.gocardless_signatures import sign_body, verify_body
from payments.gateways.port import (
    CustomerAtProvider,
    FactKind,
    GatewayDeclinedError,
    GatewayInDoubtError,
    GatewayRefusedError,
    GatewayUnreachableError,
    SavedCharge,
)
from payments.gateways.signatures import SignatureRefusedError
from receivables.domain.money import Money

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gocardless_sandbox import GoCardlessSandbox


INSTANT, DEBIT = ("instant",), ("sepa_debit",)


@pytest.fixture(scope="module")
def running() -> Iterator[GoCardlessSandbox]:
    with running_gocardless() as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running: GoCardlessSandbox) -> GoCardlessSandbox:
    running.delivered()
    running.receiver.received.clear()
    running.http.delete("/_sandbox/faults")
    return running


def kinds(facts: Any) -> list[FactKind]:
    return [fact.kind for fact in facts]


def paid(sandbox: GoCardlessSandbox, **changes: Any) -> str:
    """An instant payment that is confirmed; returns its id."""
    opened = sandbox.gateway.open_checkout(an_order(methods=INSTANT, **changes))
    payment = str(sandbox.pay(opened.session_id)["links"]["payment_request_payment"])
    sandbox.scenario("payment_confirmed", payment)
    return payment


def test_an_instant_payment_is_under_way_then_received_with_our_names_on_it(sandbox: GoCardlessSandbox) -> None:
    order = an_order(methods=INSTANT)
    opened = sandbox.gateway.open_checkout(order)
    assert opened.url.startswith(sandbox.url)
    assert abs(opened.expires_at - order.expires_at) < timedelta(seconds=1)
    payment = sandbox.pay(opened.session_id)["links"]["payment_request_payment"]
    assert set(kinds(sandbox.told())) == {FactKind.PROCESSING, FactKind.SESSION_COMPLETED_UNPAID}
    sandbox.scenario("payment_confirmed", payment)
    received = sandbox.told()[-1]
    assert received.kind is FactKind.SUCCEEDED
    assert (received.payment_ref, received.object_ref) == (payment, payment)
    assert (received.supplier_id, received.attempt_id) == (order.supplier_id, order.attempt_id)
    assert (received.amount, received.method) == (Money(12345), "instant")


def test_a_debit_is_collected_once_by_the_mandate_that_was_signed(sandbox: GoCardlessSandbox) -> None:
    order = an_order(methods=DEBIT)
    session = sandbox.gateway.open_checkout(order).session_id
    assert sandbox.gateway.finish_checkout(session) is None
    sandbox.pay(session)
    payment = sandbox.gateway.finish_checkout(session)
    assert payment is not None
    assert sandbox.gateway.finish_checkout(session) == payment
    sandbox.scenario("payment_confirmed", payment)
    received = [fact for fact in sandbox.told() if fact.kind is FactKind.SUCCEEDED]
    assert [(fact.payment_ref, fact.method, fact.attempt_id) for fact in received] == [
        (payment, "sepa_debit", order.attempt_id)
    ]


def test_a_mandate_that_the_bank_refused_declines_the_attempt(sandbox: GoCardlessSandbox) -> None:
    session = sandbox.gateway.open_checkout(an_order(methods=DEBIT)).session_id
    sandbox.pay(session, "Invalid")
    with pytest.raises(GatewayDeclinedError):
        sandbox.gateway.finish_checkout(session)


def test_the_same_attempt_gets_one_checkout_and_another_amount_is_refused(sandbox: GoCardlessSandbox) -> None:
    order = an_order()
    first, second = sandbox.gateway.open_checkout(order), sandbox.gateway.open_checkout(order)
    assert first.session_id == second.session_id
    changed = an_order(supplier_id=order.supplier_id, attempt_id=order.attempt_id, amount=Money(999))
    with pytest.raises(GatewayRefusedError) as refused:
        sandbox.gateway.open_checkout(changed)
    assert refused.value.code == "gateway.key_reused"
    found = sandbox.gateway.find_checkout(order.attempt_id)
    assert found is not None
    assert found.session_id == first.session_id
    assert found.url
    assert sandbox.gateway.find_checkout(clock.new_id()) is None


def test_a_closed_checkout_ends_its_attempt_and_a_faster_payer_is_told(sandbox: GoCardlessSandbox) -> None:
    session = sandbox.gateway.open_checkout(an_order(methods=INSTANT)).session_id
    sandbox.gateway.expire_checkout(session)
    sandbox.gateway.expire_checkout(session)
    assert kinds(sandbox.told()) == [FactKind.SESSION_EXPIRED]
    faster = sandbox.gateway.open_checkout(an_order(methods=INSTANT)).session_id
    sandbox.pay(faster)
    with pytest.raises(GatewayRefusedError) as refused:
        sandbox.gateway.expire_checkout(faster)
    assert refused.value.code == "gateway.checkout_complete"


def test_a_failure_before_the_money_ends_the_try_and_one_after_it_is_money_that_went_away(
    sandbox: GoCardlessSandbox,
) -> None:
    opened = sandbox.gateway.open_checkout(an_order(methods=INSTANT))
    never = sandbox.pay(opened.session_id)["links"]["payment_request_payment"]
    sandbox.scenario("payment_failed", never)
    failed = [fact for fact in sandbox.told() if fact.kind is FactKind.FAILED]
    assert {(fact.object_ref, fact.failure_code) for fact in failed} == {(never, "AM04")}
    late = paid(sandbox)
    sandbox.receiver.received.clear()
    sandbox.scenario("payment_late_failure", late)
    told = sandbox.told()
    returned = {fact for fact in told if fact.kind is FactKind.DISPUTE_LOST}
    assert {(fact.object_ref, fact.payment_ref, fact.amount) for fact in returned} == {
        (f"{late}/failed", late, Money(12345))
    }
    assert FactKind.FAILED not in kinds(told)


def test_a_late_failure_says_the_same_whichever_webhook_comes_first(sandbox: GoCardlessSandbox) -> None:
    payment = paid(sandbox)
    sandbox.scenario("payment_late_failure", payment)
    bodies = [body for key, body in sandbox.events() if json.loads(body)["links"].get("payment") == payment]
    said = set()
    for order in permutations(bodies[-3:]):
        facts = {(fact.kind, fact.object_ref) for body in order for fact in sandbox.gateway.facts_of(body)}
        said.add(frozenset(facts))
    assert len(said) == 1
    assert (FactKind.DISPUTE_LOST, f"{payment}/failed") in next(iter(said))


def test_a_chargeback_after_the_payout_and_its_withdrawal_come_to_nothing(sandbox: GoCardlessSandbox) -> None:
    payment = paid(sandbox)
    sandbox.scenario("payment_charged_back", payment)
    sandbox.control(f"chargebacks/{payment}/cancel")
    facts = sandbox.gateway.fetch_payment(payment)
    back = [(fact.kind, fact.object_ref) for fact in facts if fact.object_ref != payment]
    assert back == [
        (FactKind.DISPUTE_LOST, f"{payment}/charged_back"),
        (FactKind.REFUND_FAILED, f"{payment}/charged_back"),
    ]


def test_money_may_count_as_received_only_when_it_was_paid_out(sandbox: GoCardlessSandbox) -> None:
    cautious = sandbox.new_gateway(final_at="paid_out")
    payment = paid(sandbox)
    bodies = sandbox.delivered()
    assert FactKind.SUCCEEDED not in {fact.kind for body in bodies for fact in cautious.facts_of(body)}
    sandbox.receiver.received.clear()
    sandbox.scenario("payment_paid_out", payment)
    received = [
        fact.payment_ref
        for body in sandbox.delivered()
        for fact in cautious.facts_of(body)
        if fact.kind is FactKind.SUCCEEDED
    ]
    assert payment in received
    with pytest.raises(GatewayRefusedError):
        sandbox.new_gateway(final_at="some day")


def test_a_refund_is_made_once_and_one_that_comes_back_is_nothing(sandbox: GoCardlessSandbox) -> None:
    payment = paid(sandbox)
    refund = sandbox.gateway.refund(payment, Money(2345), "refund-1")
    assert sandbox.gateway.refund(payment, Money(2345), "refund-1") == refund
    sandbox.scenario("refund_paid", refund)
    gone = sandbox.told()[-1]
    assert (gone.kind, gone.object_ref, gone.payment_ref, gone.amount) == (
        FactKind.REFUNDED,
        refund,
        payment,
        Money(2345),
    )
    sandbox.scenario("refund_bounced", refund)
    assert kinds(sandbox.told()[-2:]) == [FactKind.REFUNDED, FactKind.REFUND_FAILED]
    with pytest.raises(GatewayRefusedError):
        sandbox.gateway.refund(payment, Money(99999), "refund-2")


def test_a_refund_made_in_the_dashboard_is_told_with_its_amount_and_our_supplier(sandbox: GoCardlessSandbox) -> None:
    order = an_order(methods=INSTANT)
    session = sandbox.gateway.open_checkout(order).session_id
    payment = sandbox.pay(session)["links"]["payment_request_payment"]
    sandbox.scenario("payment_confirmed", payment)
    made = sandbox.http.post(
        "/refunds", json={"refunds": {"amount": 500, "total_amount_confirmation": 500, "links": {"payment": payment}}}
    ).json()["refunds"]["id"]
    sandbox.scenario("refund_paid", made)
    gone = sandbox.told()[-1]
    assert (gone.kind, gone.amount, gone.supplier_id) == (FactKind.REFUNDED, Money(500), order.supplier_id)


def test_missed_webhooks_are_told_by_the_list_of_events(sandbox: GoCardlessSandbox) -> None:
    since = clock.now()
    sandbox.fault("drop", times=100)
    payment = paid(sandbox)
    sandbox.scenario("payment_late_failure", payment)
    assert sandbox.delivered() == []
    sandbox.http.delete("/_sandbox/faults")
    told = {(fact.kind, fact.object_ref) for fact in sandbox.gateway.facts_since(since)}
    assert {(FactKind.SUCCEEDED, payment), (FactKind.DISPUTE_LOST, f"{payment}/failed")} <= told


def test_a_payout_is_made_of_its_movements_to_the_cent(sandbox: GoCardlessSandbox) -> None:
    payments = [paid(sandbox, amount=Money(minor)) for minor in (3333, 777, 12345)]
    refund = sandbox.gateway.refund(payments[2], Money(345), "refund-payout")
    sandbox.scenario("refund_paid", refund)
    payout = sandbox.control("payouts", status="paid")
    movements = list(sandbox.gateway.movements_of(payout["id"]))
    assert sum(each.gross_minor - each.fee_minor for each in movements) == payout["amount"]
    assert sum(each.fee_minor for each in movements) == payout["deducted_fees"]
    assert {each.object_ref for each in movements if each.kind == "payment"} >= set(payments)
    assert [each.gross_minor for each in movements if each.object_ref == refund] == [-345]
    told = next(each for each in sandbox.gateway.payouts_since(clock.now()) if each.payout_ref == payout["id"])
    assert (told.amount.minor, told.state, told.descriptor) == (payout["amount"], "paid", payout["reference"])
    event = sandbox.told()[-1]
    assert (event.kind, event.amount.minor) == (FactKind.PAYOUT_PAID, payout["amount"])


def test_movements_and_balance_agree_with_what_happened(sandbox: GoCardlessSandbox) -> None:
    sandbox.control("payouts", status="paid")
    before = sandbox.gateway.balance().get("EUR", 0)
    since = clock.now()
    payment = paid(sandbox, amount=Money(5000))
    assert sandbox.gateway.balance()["EUR"] == before + 5000
    moved = {each.movement_ref: each for each in sandbox.gateway.movements_since(since)}
    assert moved[f"payment/{payment}"].gross_minor == 5000
    sandbox.control("payouts", status="paid")
    later = [each for each in sandbox.gateway.movements_since(since) if each.object_ref == payment and each.gross_minor]
    assert [each.movement_ref for each in later] == [f"payment/{payment}"]
    assert later[0].payout_ref is not None


def test_a_saved_mandate_is_charged_once_and_can_be_ended(sandbox: GoCardlessSandbox) -> None:
    supplier, customer = clock.new_id(), clock.new_id()
    asked = CustomerAtProvider(supplier, customer, "Garage du Port", "compta@garage.example")
    customer_ref = sandbox.gateway.open_customer(asked)
    assert sandbox.gateway.open_customer(asked) == customer_ref
    order = an_order(supplier_id=supplier, methods=DEBIT, save_method=True, customer_ref=customer_ref)
    sandbox.pay(sandbox.gateway.open_checkout(order).session_id)
    saved = next(fact for fact in sandbox.told() if fact.kind is FactKind.METHOD_SAVED)
    assert saved.method_ref
    assert (saved.customer_ref, saved.attempt_id) == (customer_ref, order.attempt_id)
    charge = SavedCharge(supplier, clock.new_id(), customer_ref, saved.method_ref, "Facture F-1", Money(4200))
    payment = sandbox.gateway.charge_saved(charge)
    assert sandbox.gateway.charge_saved(charge) == payment
    sandbox.gateway.end_method(saved.method_ref)
    sandbox.gateway.end_method(saved.method_ref)
    assert FactKind.METHOD_ENDED in kinds(sandbox.told())
    with pytest.raises(GatewayDeclinedError):
        sandbox.gateway.charge_saved(
            SavedCharge(supplier, clock.new_id(), customer_ref, saved.method_ref, "Facture F-2", Money(100))
        )


def test_a_mandate_for_one_debit_is_not_kept(sandbox: GoCardlessSandbox) -> None:
    sandbox.pay(sandbox.gateway.open_checkout(an_order(methods=DEBIT)).session_id)
    assert FactKind.METHOD_SAVED not in kinds(sandbox.told())


def test_a_lost_answer_is_in_doubt_and_the_same_order_finds_what_was_made(sandbox: GoCardlessSandbox) -> None:
    order = an_order()
    sandbox.fault("timeout_after_effect", path="/billing_requests", method="POST", seconds=1.0)
    with pytest.raises(GatewayInDoubtError):
        sandbox.new_gateway(timeout_s=0.3).open_checkout(order)
    found = sandbox.gateway.find_checkout(order.attempt_id)
    assert found is not None
    assert sandbox.gateway.open_checkout(order).session_id == found.session_id


def test_refusals_and_absences_are_told_apart(sandbox: GoCardlessSandbox) -> None:
    sandbox.fault("http_429", path="/billing_requests", method="POST")
    with pytest.raises(GatewayUnreachableError):
        sandbox.gateway.open_checkout(an_order())
    with pytest.raises(GatewayRefusedError):
        sandbox.gateway.open_checkout(an_order(amount=Money(100, "JPY")))
    with pytest.raises(GatewayUnreachableError):
        sandbox.new_gateway(connect_timeout_s=0.2).__class__(
            "sandbox_x", api_url="http://127.0.0.1:9", network_retries=0
        ).open_checkout(an_order())


@pytest.mark.parametrize("body", [b"", b"[]", b'{"events": []}', b'{"events": [3]}', b"\xff", b'{"resource_type": 1}'])
def test_what_is_no_event_is_refused_as_malformed(sandbox: GoCardlessSandbox, body: bytes) -> None:
    with pytest.raises(GatewayRefusedError) as refused:
        sandbox.gateway.facts_of(body)
    assert refused.value.code == "gateway.malformed_event"


@pytest.mark.parametrize(
    ("header", "code"),
    [
        (None, "signature.missing"),
        ("ab", "signature.malformed"),
        ("0" * 64, "signature.wrong"),
        ("é" * 64, "signature.wrong"),
    ],
)
def test_only_our_secrets_prove_a_body(header: str | None, code: str) -> None:
    body = b'{"events": []}'
    verify_body(("old", SECRET), body, sign_body(SECRET, body), clock.now())
    with pytest.raises(SignatureRefusedError) as refused:
        verify_body((SECRET,), body, header, clock.now())
    assert refused.value.code == code
    with pytest.raises(SignatureRefusedError):
        verify_body((), body, sign_body("", body), clock.now())


def test_tenths_of_cents_add_up_to_the_rounded_sum() -> None:
    items = [("a", "1000.0"), ("b", "-33.4"), ("c", "-0.3"), ("d", "-12.9")]
    assert sum(minor for _, minor in shares_of(items)) == round(1000 - 33.4 - 0.3 - 12.9)


def a_payment_event(action: str, second: int) -> dict[str, Any]:
    return {
        "id": f"EV{second}",
        "resource_type": "payments",
        "action": action,
        "created_at": f"2026-03-02T10:00:{second:02d}.000Z",
        "links": {"payment": "PM1"},
        "details": {},
    }


def test_a_payment_that_is_tried_again_after_a_late_failure_counts_once() -> None:
    purpose = purpose_in({"amount": "100 EUR sepa_debit"})
    assert purpose is not None
    actions = [
        "created",
        "submitted",
        "confirmed",
        "failed",
        "resubmission_requested",
        "submitted",
        "confirmed",
        "failed",
    ]
    events = [a_payment_event(action, second) for second, action in enumerate(actions)]
    facts = history_facts(reversed(events), purpose, Finality("confirmed", livemode=False))
    said: list[tuple[FactKind, str]] = [
        (fact.kind, fact.object_ref) for fact in facts if fact.kind != FactKind.PROCESSING
    ]
    assert said == [
        (FactKind.SUCCEEDED, "PM1"),
        (FactKind.DISPUTE_LOST, "PM1/failed"),
        (FactKind.REFUND_FAILED, "PM1/failed"),
        (FactKind.DISPUTE_LOST, "PM1/failed/2"),
    ]
