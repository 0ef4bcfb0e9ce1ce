"""A supplier's Stripe account: restricted keys and their rights, two live secrets, test and live apart, Connect."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from checkout_builders import KEYRING
from payment_sandbox import KEY, an_order, running_sandbox
from stripe_builders import Desk

from config.clock import now
from payments.accounts import active_account, change_settings, forget_previous, open_account, rotate_secret
from payments.errors import PaymentError
from payments.gateways.opening import open_gateway
from payments.gateways.port import FactKind, GatewayRefusedError, KeyRights
from payments.gateways.signatures import SignatureRefusedError, sign, verify
from payments.gateways.stripe import StripeGateway
from payments.gateways.stripe.rights import RIGHTS
from receivables.domain.money import Money

if TYPE_CHECKING:
    from collections.abc import Iterator

    from payment_sandbox import Sandbox

    from receivables.store.register import Supplier
    from receivables.store.work import Works

EVERYTHING = [f"rak_{right.name}" for right in RIGHTS]


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with running_sandbox(automatic_payouts=False) as running:
        yield running


@pytest.fixture
def desk(works: Works, supplier: Supplier, sandbox: Sandbox) -> Desk:
    sandbox.delivered()
    sandbox.receiver.received.clear()
    return Desk(works, supplier, sandbox)


def restricted(sandbox: Sandbox, permissions: list[str]) -> StripeGateway:
    key = sandbox.control("keys", permissions=permissions)["key"]
    assert key.startswith("rk_test_")
    return StripeGateway(key, api_url=sandbox.url, network_retries=0)


def test_a_restricted_key_with_every_right_lacks_nothing_and_can_be_paid_through(sandbox: Sandbox) -> None:
    gateway = restricted(sandbox, EVERYTHING)
    assert isinstance(gateway, KeyRights)
    assert gateway.missing_rights() == ()
    checkout = gateway.open_checkout(an_order())
    payment = sandbox.pay(checkout.session_id)["payment_intent"]
    assert gateway.refund(payment, Money(100), "k").startswith("re_")


@pytest.mark.parametrize("left_out", EVERYTHING)
def test_each_right_that_is_missing_is_named_in_both_languages(sandbox: Sandbox, left_out: str) -> None:
    gateway = restricted(sandbox, [each for each in EVERYTHING if each != left_out])
    (missing,) = gateway.missing_rights()
    name = left_out.removeprefix("rak_")
    assert missing.name == name
    assert name in missing.sentence
    assert name in missing.sentence_fr
    assert missing.sentence.startswith("The Stripe key may not ")
    assert missing.sentence_fr.startswith("La clé Stripe ne permet pas de ")


def test_asking_for_rights_changes_nothing(sandbox: Sandbox) -> None:
    def everything() -> list[int]:
        paths = ("checkout/sessions", "payment_intents", "customers", "refunds", "disputes", "events", "payouts")
        return [len(sandbox.http.get(f"/v1/{path}", params={"limit": 100}).json()["data"]) for path in paths]

    before = everything()
    assert StripeGateway(KEY, api_url=sandbox.url).missing_rights() == ()
    assert everything() == before


def test_a_key_that_the_provider_does_not_know_is_no_missing_right(sandbox: Sandbox) -> None:
    with pytest.raises(GatewayRefusedError):
        StripeGateway("rk_test_nobody", api_url=sandbox.url).missing_rights()


def secrets(desk: Desk) -> tuple[str, ...]:
    with desk.works.begin(desk.supplier.supplier_id) as work:
        return active_account(work, KEYRING, desk.account_id).webhook_secrets


def rotate(desk: Desk, secret: str) -> None:
    with desk.works.begin(desk.supplier.supplier_id) as work:
        rotate_secret(work, KEYRING, desk.account_id, secret)


def test_two_webhook_secrets_are_live_until_the_previous_one_is_forgotten(desk: Desk) -> None:
    old, new, body = secrets(desk)[0], "whsec_new", b"{}"
    rotate(desk, new)
    assert secrets(desk) == (new, old)
    for live in (old, new):
        verify(secrets(desk), body, sign(live, body, now()), now())
    (row,) = desk.rows("SELECT secret_rotated_at FROM gateway_accounts WHERE supplier_id = :supplier")
    assert row["secret_rotated_at"] is not None
    with desk.works.begin(desk.supplier.supplier_id) as work:
        assert forget_previous(work, desk.account_id)
        assert not forget_previous(work, desk.account_id)
    verify(secrets(desk), body, sign(new, body, now()), now())
    with pytest.raises(SignatureRefusedError):
        verify(secrets(desk), body, sign(old, body, now()), now())


@pytest.mark.parametrize("secret", ["", "  "])
def test_a_blank_secret_is_refused(desk: Desk, secret: str) -> None:
    with pytest.raises(PaymentError) as refused:
        rotate(desk, secret)
    assert refused.value.code == "account.secret_blank"


def test_the_secret_in_use_and_a_third_one_are_refused(desk: Desk) -> None:
    with pytest.raises(PaymentError) as same:
        rotate(desk, secrets(desk)[0])
    assert same.value.code == "account.secret_known"
    rotate(desk, "whsec_second")
    with pytest.raises(PaymentError) as third:
        rotate(desk, "whsec_third")
    assert third.value.code == "account.secret_rotating"


@pytest.mark.parametrize(
    ("key", "live", "base_url"),
    [
        ("sk_test_x", True, None),
        ("rk_test_x", True, None),
        ("rk_" + "live_x", False, None),
        ("sk_" + "live_x", False, "http://127.0.0.1:1"),
        ("sk_" + "live_x", True, "https://sandbox.example"),
    ],
)
def test_test_and_live_never_mix_in_an_account(desk: Desk, key: str, *, live: bool, base_url: str | None) -> None:
    with desk.works.begin(desk.supplier.supplier_id) as work, pytest.raises(PaymentError) as refused:
        open_account(work, KEYRING, provider="stripe", key=key, webhook_secret="whsec_x", base_url=base_url, live=live)
    assert refused.value.code == "account.mode_mixed"


def test_an_event_of_the_other_mode_is_buried(desk: Desk) -> None:
    desk.paid(desk.issue())
    bodies = [
        body.replace(b'"livemode":false', b'"livemode":true').replace(b'"livemode": false', b'"livemode": true')
        for body in desk.sandbox.delivered()
    ]
    desk.hear(bodies)
    assert desk.inbox() == {"buried": len(bodies)}
    assert desk.balances() == {"customers": 10000}


def test_a_platforms_key_acts_for_the_connected_account_alone(desk: Desk) -> None:
    told = desk.sandbox.control("accounts", name="Menuiserie Dubois")
    with desk.works.begin(desk.supplier.supplier_id) as work:
        change_settings(work, desk.account_id, {"connect_account": told["account"]}, "anna")
        account = active_account(work, KEYRING)
    assert account.connect_account == told["account"]
    connected = open_gateway(account, network_retries=0)
    order = an_order()
    connected.open_checkout(order)
    assert connected.find_checkout(order.attempt_id) is not None
    assert desk.gateway.find_checkout(order.attempt_id) is None, "it is not on the platform's own account"


def test_events_of_another_account_are_none_of_ours(sandbox: Sandbox) -> None:
    checkout = sandbox.gateway.open_checkout(an_order())
    sandbox.receiver.received.clear()
    sandbox.pay(checkout.session_id)
    body = next(body for body in sandbox.delivered() if b"payment_intent.succeeded" in body)
    of_another = json.dumps({**json.loads(body), "account": "acct_other"}).encode()
    assert [fact.kind for fact in sandbox.gateway.facts_of(body)] == [FactKind.SUCCEEDED]
    assert sandbox.gateway.facts_of(of_another) == ()
    assert len(StripeGateway(KEY, account="acct_other").facts_of(of_another)) == 1
    assert StripeGateway(KEY, account="acct_other").facts_of(body) == ()
