"""The Stripe adapter over real HTTP, against the stateful sandbox."""

from __future__ import annotations

import json
import socket
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from payment_sandbox import KEY, an_order, running_sandbox

from config import clock
from payments.gateways.port import (
    FactKind,
    Gateway,
    GatewayDeclinedError,
    GatewayInDoubtError,
    GatewayRefusedError,
    GatewayUnreachableError,
    PaymentFact,
)
from payments.gateways.stripe import StripeGateway
from receivables.domain.money import Money

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from payment_sandbox import Sandbox


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with running_sandbox() as running:
        yield running


def keys(facts: Iterable[PaymentFact]) -> set[tuple[str, str, int]]:
    """What the books would be keyed by: facts are equal when these are."""
    return {(fact.kind, fact.object_ref, fact.amount.minor) for fact in facts}


def paid(sandbox: Sandbox, card: str = "4242424242424242", **changes: Any) -> str:
    """Open a checkout and pay it; returns the payment's id."""
    checkout = sandbox.gateway.open_checkout(an_order(**changes))
    return str(sandbox.pay(checkout.session_id, card)["payment_intent"])


def test_the_adapter_is_a_gateway(sandbox: Sandbox) -> None:
    assert isinstance(sandbox.gateway, Gateway)


def test_three_events_about_one_card_payment_tell_the_same_receipt(sandbox: Sandbox) -> None:
    order = an_order()
    checkout = sandbox.gateway.open_checkout(order)
    assert checkout.url.startswith(sandbox.url)
    assert checkout.payment_id is None
    payment = sandbox.pay(checkout.session_id)["payment_intent"]
    facts = sandbox.told()
    assert len(facts) == 3, "charge.succeeded, payment_intent.succeeded and checkout.session.completed"
    assert keys(facts) == {(FactKind.SUCCEEDED, payment, 12345)}
    for fact in facts:
        assert (fact.supplier_id, fact.attempt_id) == (order.supplier_id, order.attempt_id)
        assert (fact.payment_ref, fact.method, fact.livemode, fact.fee) == (payment, "card", False, None)
        assert fact.amount == Money(12345)
        assert abs(clock.now() - fact.occurred_at) < timedelta(seconds=30)


def test_a_fetched_payment_tells_its_fee(sandbox: Sandbox) -> None:
    payment = paid(sandbox)
    (fact,) = sandbox.gateway.fetch_payment(payment)
    assert keys([fact]) == {(FactKind.SUCCEEDED, payment, 12345)}
    assert fact.fee == Money(210), "1.5 % of 123.45 EUR, rounded, plus 25 cents"


def test_a_decline_then_a_success_in_the_same_checkout(sandbox: Sandbox) -> None:
    checkout = sandbox.gateway.open_checkout(an_order())
    first = sandbox.pay(checkout.session_id, "4000000000009995")
    second = sandbox.pay(checkout.session_id, "4000000000000002")
    third = sandbox.pay(checkout.session_id)
    assert [told["outcome"] for told in (first, second, third)] == ["declined", "declined", "succeeded"]
    assert len({told["payment_intent"] for told in (first, second, third)}) == 1
    facts = sandbox.told()
    failed = [fact for fact in facts if fact.kind is FactKind.FAILED]
    assert len({fact.object_ref for fact in failed}) == 2, "one per try, told by two events each"
    assert {fact.failure_code for fact in failed} == {"insufficient_funds", "generic_decline"}
    assert all(fact.object_ref.startswith("ch_") for fact in failed)
    assert keys(fact for fact in facts if fact.kind is FactKind.SUCCEEDED) == {
        (FactKind.SUCCEEDED, third["payment_intent"], 12345)
    }


def test_a_3d_secure_payment_is_money_only_after_the_bank_said_yes(sandbox: Sandbox) -> None:
    checkout = sandbox.gateway.open_checkout(an_order())
    assert sandbox.pay(checkout.session_id, "4000002500003155")["outcome"] == "confirm"
    assert sandbox.told() == []
    assert sandbox.pay(checkout.session_id, "4000002500003155", confirm=False)["outcome"] == "declined"
    assert sandbox.pay(checkout.session_id, "4000002500003155", confirm=True)["outcome"] == "succeeded"
    assert {fact.kind for fact in sandbox.told()} == {FactKind.FAILED, FactKind.SUCCEEDED}


def test_a_debit_is_processing_before_it_succeeds(sandbox: Sandbox) -> None:
    checkout = sandbox.gateway.open_checkout(an_order(methods=("card", "sepa_debit")))
    told = sandbox.pay(checkout.session_id, "FR1420041010050500013M02606")
    assert told["outcome"] == "processing"
    before = sandbox.told()
    assert {fact.kind for fact in before} == {FactKind.PROCESSING, FactKind.SESSION_COMPLETED_UNPAID}
    processing = {fact.object_ref for fact in before if fact.kind is FactKind.PROCESSING}
    assert len(processing) == 1, "charge.pending and payment_intent.processing name the same try"
    sandbox.control(f"settle/{told['payment_intent']}")
    after = [fact for fact in sandbox.told() if fact.kind is FactKind.SUCCEEDED]
    assert keys(after) == {(FactKind.SUCCEEDED, told["payment_intent"], 12345)}
    assert len(after) == 3
    assert "sepa_debit" in {fact.method for fact in after}


def test_a_returned_debit_ends_its_try_and_its_payment(sandbox: Sandbox) -> None:
    checkout = sandbox.gateway.open_checkout(an_order(methods=("sepa_debit",)))
    told = sandbox.pay(checkout.session_id, "FR1420041010050500013M02606")
    sandbox.control(f"settle/{told['payment_intent']}", decline="insufficient_funds")
    facts = sandbox.told()
    tries = {fact.object_ref for fact in facts if fact.kind is FactKind.PROCESSING}
    failed = {fact.object_ref for fact in facts if fact.kind is FactKind.FAILED}
    assert failed == tries | {told["payment_intent"]}
    assert FactKind.SUCCEEDED not in {fact.kind for fact in facts}


def test_duplicated_and_shuffled_deliveries_tell_the_same_facts(sandbox: Sandbox) -> None:
    sandbox.fault("shuffle", times=4, size=4)
    sandbox.fault("duplicate", times=2, copies=3)
    payment = paid(sandbox)
    sandbox.gateway.refund(payment, Money(2345), "refund-1")
    types = [json.loads(body)["type"] for body in sandbox.delivered()]
    ids = [json.loads(body)["id"] for body in sandbox.delivered()]
    assert len(ids) > len(set(ids)), "the duplicates came"
    assert types.index("checkout.session.completed") < types.index("charge.succeeded"), "out of order"
    facts = sandbox.told()
    assert {fact.kind for fact in facts} == {FactKind.SUCCEEDED, FactKind.REFUNDED}
    assert keys(facts) == keys(sandbox.gateway.facts_since(clock.now() - timedelta(minutes=5)))


def test_partial_and_full_refunds_are_one_fact_each(sandbox: Sandbox) -> None:
    order = an_order()
    checkout = sandbox.gateway.open_checkout(order)
    payment = sandbox.pay(checkout.session_id)["payment_intent"]
    first = sandbox.gateway.refund(payment, Money(2345), "refund-1")
    second = sandbox.gateway.refund(payment, Money(10000), "refund-2")
    refunds = [fact for fact in sandbox.told() if fact.kind is FactKind.REFUNDED]
    assert keys(refunds) == {(FactKind.REFUNDED, first, 2345), (FactKind.REFUNDED, second, 10000)}
    assert {(fact.payment_ref, fact.supplier_id, fact.attempt_id) for fact in refunds} == {
        (payment, order.supplier_id, order.attempt_id)
    }
    assert keys(sandbox.gateway.fetch_payment(payment)) == keys(refunds) | {(FactKind.SUCCEEDED, payment, 12345)}
    with pytest.raises(GatewayRefusedError, match="already been refunded"):
        sandbox.gateway.refund(payment, Money(1), "refund-3")


def test_the_same_refund_key_refunds_once_and_another_amount_is_refused(sandbox: Sandbox) -> None:
    payment = paid(sandbox)
    assert sandbox.gateway.refund(payment, Money(100), "k") == sandbox.gateway.refund(payment, Money(100), "k")
    assert sum(fact.kind is FactKind.REFUNDED for fact in sandbox.gateway.fetch_payment(payment)) == 1
    with pytest.raises(GatewayRefusedError) as refused:
        sandbox.gateway.refund(payment, Money(200), "k")
    assert refused.value.code == "gateway.key_reused"


def test_a_refund_in_another_currency_is_refused(sandbox: Sandbox) -> None:
    with pytest.raises(GatewayRefusedError, match="own currency"):
        sandbox.gateway.refund(paid(sandbox), Money(100, "USD"), "k")


def test_a_refund_made_by_hand_tells_the_payment_and_fetching_it_tells_the_supplier(sandbox: Sandbox) -> None:
    order = an_order()
    payment = sandbox.pay(sandbox.gateway.open_checkout(order).session_id)["payment_intent"]
    sandbox.http.post("/v1/refunds", data={"payment_intent": payment})
    (told,) = {fact for fact in sandbox.told() if fact.kind is FactKind.REFUNDED}
    assert (told.payment_ref, told.supplier_id) == (payment, None)
    (fetched,) = (fact for fact in sandbox.gateway.fetch_payment(payment) if fact.kind is FactKind.REFUNDED)
    assert (fetched.object_ref, fetched.supplier_id) == (told.object_ref, order.supplier_id)


def test_a_refund_that_comes_back_is_told_by_the_same_object(sandbox: Sandbox) -> None:
    payment = paid(sandbox)
    refund = sandbox.gateway.refund(payment, Money(500), "k")
    sandbox.control(f"refunds/{refund}/fail")
    facts = [fact for fact in sandbox.told() if fact.object_ref == refund]
    assert {fact.kind for fact in facts} == {FactKind.REFUNDED, FactKind.REFUND_FAILED}
    assert {fact.failure_code for fact in facts} == {None, "expired_or_canceled_card"}


def test_a_lost_dispute_is_told(sandbox: Sandbox) -> None:
    payment = paid(sandbox)
    dispute = sandbox.control(f"disputes/{payment}")["id"]
    assert {fact.kind for fact in sandbox.told()} == {FactKind.SUCCEEDED, FactKind.DISPUTED}
    sandbox.control(f"disputes/{dispute}", won=False)
    lost = [fact for fact in sandbox.told() if fact.kind is FactKind.DISPUTE_LOST]
    assert keys(lost) == {(FactKind.DISPUTE_LOST, dispute, 12345)}
    assert FactKind.DISPUTE_LOST in {fact.kind for fact in sandbox.gateway.fetch_payment(payment)}


def test_the_same_attempt_opens_one_checkout_only(sandbox: Sandbox) -> None:
    order = an_order()
    first, again = sandbox.gateway.open_checkout(order), sandbox.gateway.open_checkout(order)
    assert first == again
    with pytest.raises(GatewayRefusedError) as refused:
        sandbox.gateway.open_checkout(replace(order, amount=Money(1)))
    assert refused.value.code == "gateway.key_reused"


def test_a_lost_answer_is_in_doubt_and_the_checkout_is_found(sandbox: Sandbox) -> None:
    impatient = sandbox.new_gateway(timeout_s=0.4)
    order = an_order()
    assert impatient.find_checkout(order.attempt_id) is None
    sandbox.fault("timeout_after_effect", method="POST", path="/v1/checkout", seconds=1.0)
    with pytest.raises(GatewayInDoubtError) as doubt:
        impatient.open_checkout(order)
    assert doubt.value.code == "gateway.in_doubt"
    found = impatient.find_checkout(order.attempt_id)
    assert found is not None
    assert found == impatient.open_checkout(order), "repeating it is safe"
    sessions = sandbox.http.get("/v1/checkout/sessions", params={"limit": 100}).json()["data"]
    assert len(sessions) == 1


def test_a_keyed_request_heals_itself_when_retries_are_allowed(sandbox: Sandbox) -> None:
    sandbox.fault("timeout_after_effect", method="POST", path="/v1/checkout", seconds=1.0)
    checkout = sandbox.new_gateway(timeout_s=0.4, network_retries=1).open_checkout(an_order())
    sessions = sandbox.http.get("/v1/checkout/sessions").json()["data"]
    assert [session["id"] for session in sessions] == [checkout.session_id]


def test_a_try_in_doubt_stays_in_doubt_when_the_next_one_is_turned_away(sandbox: Sandbox) -> None:
    order = an_order()
    sandbox.fault("timeout_after_effect", method="POST", path="/v1/checkout", seconds=1.0)
    sandbox.fault("http_429", method="POST", path="/v1/checkout")
    with pytest.raises(GatewayInDoubtError):
        sandbox.new_gateway(timeout_s=0.4, network_retries=1).open_checkout(order)
    assert sandbox.gateway.find_checkout(order.attempt_id) is not None


def test_a_refund_in_doubt_is_repeated_with_its_key_and_made_once(sandbox: Sandbox) -> None:
    payment = paid(sandbox)
    sandbox.fault("timeout_after_effect", method="POST", path="/v1/refunds", seconds=1.0)
    with pytest.raises(GatewayInDoubtError):
        sandbox.new_gateway(timeout_s=0.4).refund(payment, Money(100), "k")
    refund = sandbox.gateway.refund(payment, Money(100), "k")
    told = [fact for fact in sandbox.gateway.fetch_payment(payment) if fact.kind is FactKind.REFUNDED]
    assert keys(told) == {(FactKind.REFUNDED, refund, 100)}
    assert len(told) == 1


def test_a_checkout_is_found_behind_more_than_a_page_of_others(sandbox: Sandbox) -> None:
    order = an_order()
    opened = sandbox.gateway.open_checkout(order)
    for _ in range(101):
        sandbox.gateway.open_checkout(an_order())
    assert sandbox.gateway.find_checkout(order.attempt_id) == opened


def test_an_error_of_the_provider_while_reading_is_unreachable_and_while_changing_in_doubt(sandbox: Sandbox) -> None:
    sandbox.fault("http_500", times=2)
    with pytest.raises(GatewayInDoubtError):
        sandbox.gateway.open_checkout(an_order())
    with pytest.raises(GatewayUnreachableError):
        sandbox.gateway.fetch_payment("pi_any")
    sandbox.fault("http_429", times=1)
    with pytest.raises(GatewayUnreachableError):
        sandbox.gateway.open_checkout(an_order())


def test_a_provider_that_does_not_listen_is_unreachable_not_in_doubt() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{free.getsockname()[1]}"
        with pytest.raises(GatewayUnreachableError):
            StripeGateway(KEY, api_url=address, network_retries=0).open_checkout(an_order())


def test_a_wrong_key_is_refused(sandbox: Sandbox) -> None:
    with pytest.raises(GatewayRefusedError):
        StripeGateway("sk_test_other", api_url=sandbox.url).open_checkout(an_order())


def test_a_declined_payment_by_api_is_declined(sandbox: Sandbox) -> None:
    import stripe  # noqa: PLC0415 - only to raise the library's own error through our translation

    from payments.gateways.stripe.calls import asking  # noqa: PLC0415 - same

    client = stripe.StripeClient(KEY, base_addresses={"api": sandbox.url})
    with pytest.raises(GatewayDeclinedError), asking("confirm", changes=True):
        client.v1.payment_intents.create(
            params={"amount": 500, "currency": "eur", "confirm": True, "payment_method": "pm_card_chargeDeclined"}
        )


def test_an_expired_checkout_tells_so_and_can_be_expired_again(sandbox: Sandbox) -> None:
    order = an_order()
    checkout = sandbox.gateway.open_checkout(order)
    sandbox.pay(checkout.session_id, "4000000000000002")
    sandbox.gateway.expire_checkout(checkout.session_id)
    sandbox.gateway.expire_checkout(checkout.session_id)
    told = {fact.kind: fact for fact in sandbox.told()}
    assert set(told) == {FactKind.FAILED, FactKind.CANCELED, FactKind.SESSION_EXPIRED}
    assert told[FactKind.SESSION_EXPIRED].attempt_id == order.attempt_id
    found = sandbox.gateway.find_checkout(order.attempt_id)
    assert found is not None
    assert found.url == ""


def test_time_expires_a_checkout(sandbox: Sandbox) -> None:
    checkout = sandbox.gateway.open_checkout(an_order())
    sandbox.control("clock", advance_s=3601)
    assert {fact.kind for fact in sandbox.told()} == {FactKind.SESSION_EXPIRED}
    answer = sandbox.http.post(f"/_sandbox/pay/{checkout.session_id}", json={})
    assert answer.json()["error"]["code"] == "checkout_not_open"


def test_a_paid_checkout_cannot_be_expired(sandbox: Sandbox) -> None:
    checkout = sandbox.gateway.open_checkout(an_order())
    sandbox.pay(checkout.session_id)
    with pytest.raises(GatewayRefusedError) as refused:
        sandbox.gateway.expire_checkout(checkout.session_id)
    assert refused.value.code == "gateway.checkout_complete"


def test_pulling_recovers_every_dropped_webhook(sandbox: Sandbox) -> None:
    started = clock.now()
    heard = paid(sandbox)
    assert {fact.payment_ref for fact in sandbox.told()} == {heard}
    sandbox.fault("drop", times=100)
    missed = paid(sandbox)
    refund = sandbox.gateway.refund(heard, Money(99), "k")
    sandbox.gateway.expire_checkout(sandbox.gateway.open_checkout(an_order()).session_id)
    assert {fact.payment_ref for fact in sandbox.told()} == {heard}, "nothing more was heard"
    pulled = keys(sandbox.gateway.facts_since(started - timedelta(seconds=1)))
    assert {
        (FactKind.SUCCEEDED, heard, 12345),
        (FactKind.SUCCEEDED, missed, 12345),
        (FactKind.REFUNDED, refund, 99),
    } < pulled
    assert FactKind.SESSION_EXPIRED in {kind for kind, _, _ in pulled}


def test_pulling_reads_more_than_one_page(sandbox: Sandbox) -> None:
    payments = {paid(sandbox) for _ in range(40)}
    pulled = list(sandbox.gateway.facts_since(clock.now() - timedelta(minutes=5)))
    assert len(pulled) == 120
    assert {fact.payment_ref for fact in pulled} == payments


def test_pulling_past_the_retention_of_events_reads_the_objects(sandbox: Sandbox) -> None:
    order = an_order()
    payment = sandbox.pay(sandbox.gateway.open_checkout(order).session_id)["payment_intent"]
    refund = sandbox.gateway.refund(payment, Money(1), "k")
    facts = list(sandbox.gateway.facts_since(clock.now() - timedelta(days=40)))
    with_fee = [fact for fact in facts if fact.fee is not None and fact.fee.minor]
    assert keys(with_fee) == {(FactKind.SUCCEEDED, payment, 12345)}, "only the object tells the fee"
    assert keys(facts) == {(FactKind.SUCCEEDED, payment, 12345), (FactKind.REFUNDED, refund, 1)}


def test_test_and_live_money_never_mix(sandbox: Sandbox) -> None:
    paid(sandbox)
    body = sandbox.delivered()[0]
    live = StripeGateway("sk_live_any")
    for gateway, event in ((live, body), (sandbox.gateway, body.replace(b'"livemode": false', b'"livemode": true'))):
        with pytest.raises(GatewayRefusedError) as refused:
            gateway.facts_of(event)
        assert refused.value.code == "gateway.mode_mixed"
    with pytest.raises(GatewayRefusedError, match="https"):
        StripeGateway("sk_live_any", api_url=sandbox.url)
    with pytest.raises(GatewayRefusedError, match="begin with"):
        StripeGateway("pk_test_any")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff\xfe",
        b"[]",
        b"{}",
        b'{"object": "event"}',
        b"[" * 100_000,
        b'{"object": "event", "livemode": false, "type": "payment_intent.succeeded", "created": 1, "data": {}}',
        b'{"object": "event", "livemode": false, "type": "charge.failed", "created": 1e400, "data": {"object": 3}}',
    ],
)
def test_a_body_that_is_no_event_is_refused(body: bytes) -> None:
    with pytest.raises(GatewayRefusedError):
        StripeGateway(KEY).facts_of(body)


def test_an_event_that_says_nothing_about_money_has_no_facts() -> None:
    event = {"object": "event", "livemode": False, "type": "customer.created", "created": 1, "data": {"object": {}}}
    assert StripeGateway(KEY).facts_of(json.dumps(event).encode()) == ()


def test_another_programs_payment_in_a_strange_currency_is_left_aside_but_ours_is_refused(sandbox: Sandbox) -> None:
    paid(sandbox)
    body = next(body for body in sandbox.delivered() if b'"payment_intent.succeeded"' in body)
    ours = body.replace(b'"currency": "eur"', b'"currency": "isk"')
    with pytest.raises(GatewayRefusedError) as refused:
        sandbox.gateway.facts_of(ours)
    assert refused.value.code == "gateway.currency_unknown"
    assert sandbox.gateway.facts_of(ours.replace(b'"supplier_id"', b'"shop"')) == ()


def test_metadata_of_another_program_is_no_supplier(sandbox: Sandbox) -> None:
    paid(sandbox)
    event = json.loads(next(body for body in sandbox.delivered() if b'"charge.succeeded"' in body))
    event["data"]["object"]["metadata"] = {"supplier_id": "not-an-id", "attempt_id": ""}
    (fact,) = sandbox.gateway.facts_of(json.dumps(event).encode())
    assert (fact.supplier_id, fact.attempt_id) == (None, None)


@pytest.mark.parametrize(
    ("address", "sent"),
    [("compta@boulangerie.example", True), ("voir site web", False), ("a@b", False), ("é@x.example", False)],
)
def test_an_address_that_is_none_does_not_stop_the_payer(sandbox: Sandbox, address: str, sent: bool) -> None:  # noqa: FBT001 -- the table of cases hands it over
    """Stripe refuses a checkout whose customer_email is no address; a finished invoice may hold anything there."""
    opened = sandbox.gateway.open_checkout(replace(an_order(), payer_email=address))
    session = sandbox.http.get(f"/v1/checkout/sessions/{opened.session_id}").json()
    assert session["customer_email"] == (address if sent else None)
