"""The payment sandbox: accounts kept apart, restricted keys, faults and idempotency on every kind of call."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import stripe
from payment_sandbox import KEY, running_sandbox
from sandbox_flows import DEBIT, Flows, client_of

from config import clock
from portal.sandboxes.payments.endpoints import ENDPOINTS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from payment_sandbox import Sandbox


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with running_sandbox() as running:
        yield running


def test_a_connected_account_sees_its_own_objects_alone(sandbox: Sandbox) -> None:
    connected = sandbox.control("accounts", name="Garage Lefèvre")["account"]
    ours, theirs = Flows(sandbox), Flows(sandbox, client_of(sandbox, account=connected))
    mine, yours = ours.customer("À nous"), theirs.customer("À eux")
    assert [one.id for one in ours.v1.customers.list().data] == [mine]
    assert [one.id for one in theirs.v1.customers.list().data] == [yours]
    with pytest.raises(stripe.InvalidRequestError, match="No such customer"):
        ours.v1.customers.retrieve(yours)
    session = theirs.session(5_000)
    control = {"Stripe-Account": connected}
    paid = sandbox.http.post(f"/_sandbox/pay/{session.id}", json={}, headers=control)
    assert paid.json()["outcome"] == "succeeded"
    assert theirs.v1.balance.retrieve().pending[0].amount == 4_900
    assert ours.v1.balance.retrieve().pending[0].amount == 0
    with httpx.Client(base_url=sandbox.url) as payer:
        assert "Garage Lefèvre" in payer.get(f"/pay/{theirs.session().id}").text


def test_events_of_a_connected_account_name_it_and_reach_the_platforms_connect_endpoint(sandbox: Sandbox) -> None:
    connected = sandbox.control("accounts", name="Garage Lefèvre")["account"]
    asked = {"url": f"{sandbox.receiver_url}/hook", "enabled_events[0]": "customer.created", "connect": "true"}
    secret = sandbox.http.post("/v1/webhook_endpoints", data=asked).json()["secret"]
    Flows(sandbox, client_of(sandbox, account=connected)).customer()
    Flows(sandbox).customer()
    told = [json.loads(body) for body in sandbox.delivered_with(secret)]
    assert [(event["type"], event.get("account")) for event in told] == [("customer.created", connected)]


def test_an_account_with_its_own_key_is_nobodys_platform_and_no_platforms(sandbox: Sandbox) -> None:
    alone = sandbox.control("accounts", name="Seule", key="sk_test_alone_0001")["account"]
    Flows(sandbox, client_of(sandbox, "sk_test_alone_0001")).customer()
    assert Flows(sandbox).v1.customers.list().data == []
    for key, account in ((KEY, alone), ("sk_test_alone_0001", "acct_sandbox"), (KEY, "acct_none")):
        with pytest.raises(stripe.PermissionError) as refused:
            client_of(sandbox, key, account).v1.customers.list()
        assert refused.value.error is not None
        assert (refused.value.http_status, refused.value.error.code) == (403, "account_invalid")


def test_a_restricted_key_does_what_it_may_and_is_told_what_it_lacks(sandbox: Sandbox) -> None:
    made = sandbox.control("keys", permissions=["rak_customer_read", "rak_checkout_session_write"])
    assert made["key"].startswith("rk_test_")
    flows = Flows(sandbox, client_of(sandbox, made["key"]))
    flows.session()
    assert len(flows.v1.checkout.sessions.list().data) == 1, "who writes may read"
    assert flows.v1.customers.list().data == []
    for act, wanted in (
        (flows.customer, "rak_customer_write"),
        (flows.v1.payouts.list, "rak_payout_read"),
        (lambda: flows.v1.refunds.create(params={"payment_intent": "pi_x"}), "rak_charge_write"),
    ):
        with pytest.raises(stripe.PermissionError) as refused:
            act()
        assert refused.value.http_status == 403
        said = str(refused.value.user_message)
        assert f"Having the '{wanted}' permission would allow this request to continue." in said
        assert made["key"] not in said
    control = sandbox.http.get("/_sandbox/log", headers={"Authorization": f"Bearer {made['key']}"})
    assert control.status_code == 403, "the levers want a secret key"


def test_a_second_secret_key_works_until_it_is_dropped(sandbox: Sandbox) -> None:
    second = sandbox.control("keys")["key"]
    assert client_of(sandbox, second).v1.customers.list().data == []
    sandbox.http.delete(f"/_sandbox/keys/{second}")
    with pytest.raises(stripe.AuthenticationError):
        client_of(sandbox, second).v1.customers.list()
    assert client_of(sandbox).v1.customers.list().data == []


def test_only_test_keys_open_accounts(sandbox: Sandbox) -> None:
    for key in ("sk_live_x", "pk_test_x", KEY):
        assert sandbox.http.post("/_sandbox/accounts", json={"name": "X", "key": key}).status_code == 400


POSTS = sorted({endpoint.rule for endpoint in ENDPOINTS if endpoint.method == "POST"})


@pytest.fixture(scope="module")
def shared() -> Iterator[Sandbox]:
    with running_sandbox() as running:
        yield running


@pytest.mark.parametrize("rule", POSTS)
def test_every_call_that_changes_something_refuses_unknown_parameters_and_keeps_its_key(
    shared: Sandbox, rule: str
) -> None:
    path = rule.replace("<id>", "none_1")
    odd = shared.http.post(path, data={"colour": "red"})
    assert (odd.status_code, odd.json()["error"]["code"]) == (400, "parameter_unknown")
    first, again = (shared.http.post(path, data={}, headers={"Idempotency-Key": f"k{rule}"}) for _ in range(2))
    assert again.headers["Idempotent-Replayed"] == "true"
    assert first.json() == again.json()
    other = shared.http.post(path, data={"expand[0]": "x"}, headers={"Idempotency-Key": f"k{rule}"})
    assert other.json()["error"]["type"] == "idempotency_error"


@pytest.mark.parametrize("rule", sorted({endpoint.rule for endpoint in ENDPOINTS}))
def test_faults_strike_every_call_before_its_effect(shared: Sandbox, rule: str) -> None:
    endpoint = next(one for one in ENDPOINTS if one.rule == rule)
    path = rule.replace("<id>", "none_1").replace("<movement_id>", "none_2")
    for kind, status in (("http_500", 500), ("http_429", 429)):
        before = shared.http.get("/v1/events").json()
        shared.fault(kind, path=path, method=endpoint.method)
        assert shared.http.request(endpoint.method, path).status_code == status
        assert shared.http.get("/v1/events").json() == before
    assert shared.http.get("/_sandbox/faults").json() == []


def test_a_refund_whose_answer_was_lost_is_made_once(sandbox: Sandbox) -> None:
    flows = Flows(sandbox)
    payment = flows.paid(5_000)
    sandbox.fault("timeout_after_effect", path="/v1/refunds", method="POST", seconds=0.6)
    headers = {"Idempotency-Key": "r1", "Authorization": f"Bearer {KEY}"}
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(f"{sandbox.url}/v1/refunds", data={"payment_intent": payment}, headers=headers, timeout=0.2)
    again = sandbox.http.post("/v1/refunds", data={"payment_intent": payment}, headers={"Idempotency-Key": "r1"})
    assert again.headers["Idempotent-Replayed"] == "true"
    assert [one.id for one in flows.v1.refunds.list().data] == [again.json()["id"]]


def test_webhooks_of_new_kinds_are_lost_doubled_and_shuffled_like_all_others(sandbox: Sandbox) -> None:
    asked: dict[str, Any] = {"url": f"{sandbox.receiver_url}/hook", "enabled_events[0]": "*"}
    made = sandbox.http.post("/v1/webhook_endpoints", data=asked).json()
    flows = Flows(sandbox)
    flows.paid(5_000)
    sandbox.fault("drop", types=["payout.created"], endpoint=made["id"])
    sandbox.fault("duplicate", types=["payout.paid"], endpoint=made["id"])
    sandbox.fault(
        "shuffle", types=["payout.updated", "payout.reconciliation_completed"], size=2, times=2, endpoint=made["id"]
    )
    flows.advance(7)
    told = [json.loads(body)["type"] for body in sandbox.delivered_with(made["secret"])]
    payouts = [kind for kind in told if kind.startswith("payout.")]
    assert (payouts.count("payout.created"), payouts.count("payout.paid")) == (0, 2)
    assert payouts.index("payout.reconciliation_completed") < payouts.index("payout.updated")
    assert flows.events("payout.")[0] == "payout.created", "the list of events has what was lost"


def test_idempotency_keys_of_different_accounts_do_not_meet(sandbox: Sandbox) -> None:
    connected = sandbox.control("accounts", name="Autre")["account"]
    made = set()
    for headers in ({}, {"Stripe-Account": connected}):
        answer = sandbox.http.post("/v1/customers", data={"name": "X"}, headers={**headers, "Idempotency-Key": "same"})
        made.add(answer.json()["id"])
    assert len(made) == 2


def test_a_caller_that_does_not_know_of_the_advanced_clock_can_still_open_sessions(sandbox: Sandbox) -> None:
    flows = Flows(sandbox)
    flows.advance(10)
    in_an_hour = int(clock.now().timestamp()) + 3600
    session = flows.session(expires_at=in_an_hour)
    assert (session.status, session.expires_at) == ("open", in_an_hour)
    assert flows.v1.checkout.sessions.retrieve(session.id).status == "open"
    sandbox.control("clock", advance_s=3601)
    assert flows.v1.checkout.sessions.retrieve(session.id).status == "expired"
    with pytest.raises(stripe.InvalidRequestError, match="between 30 minutes and 24 hours"):
        flows.session(expires_at=in_an_hour + 3 * 24 * 3600)


def test_a_second_charge_of_one_debit_is_another_one(sandbox: Sandbox) -> None:
    flows = Flows(sandbox)
    customer, method = flows.saved(DEBIT)
    assert flows.charge(customer, method).id != flows.charge(customer, method).id
