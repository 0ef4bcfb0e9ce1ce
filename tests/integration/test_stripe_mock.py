"""What our adapter sends, judged by the provider's published API description (its own stripe-mock, if installed)."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import stripe
from payment_sandbox import an_order, running_sandbox

from config import clock
from payments.gateways.port import CustomerAtProvider, DisputeEvidence, FactKind, GatewayRefusedError, SavedCharge
from payments.gateways.stripe import StripeGateway
from payments.gateways.stripe.checkouts import session_params
from receivables.domain.money import Money

if TYPE_CHECKING:
    from collections.abc import Iterator

NEWER_THAN_MOCK = "allowed_payment_method_types"
"""The one parameter that we send and an API description before 2026-09-30 does not have: it replaced
payment_method_types in the version that the pinned library speaks."""

KEY = "sk_test_123"  # the mock wants letters and digits only

RETIRED = {"refunds", "source", "_links"}
"""Fields of the mock's examples that the API only sends when asked, or to old integrations."""


def _binary() -> str | None:
    folders = [os.environ.get("GOBIN"), str(Path(os.environ.get("GOPATH", "~/go")).expanduser() / "bin")]
    named = os.environ.get("QUITTANCE_STRIPE_MOCK")
    return (
        named or shutil.which("stripe-mock") or shutil.which("stripe-mock", path=os.pathsep.join(filter(None, folders)))
    )


@pytest.fixture(scope="module")
def mock_url() -> Iterator[str]:
    binary = _binary()
    if binary is None:
        pytest.skip("stripe-mock is not installed: go install github.com/stripe/stripe-mock@latest")
    addresses = ["-http-addr", "127.0.0.1:", "-https-addr", "127.0.0.1:"]
    with subprocess.Popen([binary, *addresses], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        found = next(filter(None, (re.search(r"HTTP at address: (\S+)", line) for line in process.stdout)), None)
        assert found is not None, "stripe-mock did not start"
        yield f"http://{found[1]}"
        process.terminate()


@pytest.fixture
def gateway(mock_url: str) -> StripeGateway:
    return StripeGateway(KEY, api_url=mock_url, network_retries=0)


def test_the_checkout_we_open_fits_the_published_api(gateway: StripeGateway) -> None:
    opened = gateway.open_checkout(an_order(methods=()))
    assert opened.session_id.startswith("cs_")
    assert opened.url.startswith("https://checkout.stripe.com/")


def test_the_methods_we_ask_for_are_the_only_parameter_newer_than_the_mock(
    mock_url: str, gateway: StripeGateway
) -> None:
    if _knows(mock_url, NEWER_THAN_MOCK + "[0]"):
        assert gateway.open_checkout(an_order(methods=("card",))).session_id
    else:  # the same order without methods is accepted above, so this parameter alone makes the difference
        with pytest.raises(GatewayRefusedError, match="additional properties"):
            gateway.open_checkout(an_order(methods=("card",)))


@pytest.mark.parametrize(
    "methods", [("card",), ("sepa_debit",), ("transfer",), ("card", "sepa_debit", "transfer", "paypal", "link")]
)
def test_a_checkout_of_every_method_with_a_customer_and_a_method_to_keep_fits_but_for_that_parameter(
    mock_url: str, methods: tuple[str, ...]
) -> None:
    params = session_params(an_order(methods=methods, customer_ref="cus_any", save_method=True))
    del params["allowed_payment_method_types"]
    client = stripe.StripeClient(KEY, base_addresses={"api": mock_url})
    assert client.v1.checkout.sessions.create(params).id.startswith("cs_")


def test_customers_and_their_account_number_fit_the_published_api(gateway: StripeGateway) -> None:
    customer = CustomerAtProvider(clock.new_id(), clock.new_id(), "Boulangerie Martin", "compta@martin.example")
    assert gateway.open_customer(customer).startswith("cus_")
    with pytest.raises(GatewayRefusedError) as refused:
        gateway.transfer_account("cus_any")
    assert refused.value.code == "gateway.not_offered", "asked for and answered: the mock's example has no address"
    assert set(gateway.cash_of("cus_any")) <= {"EUR", "USD"}


def test_charging_and_forgetting_a_saved_method_fit_the_published_api(gateway: StripeGateway) -> None:
    charge = SavedCharge(clock.new_id(), clock.new_id(), "cus_any", "pm_any", "F-1", Money(100))
    assert gateway.charge_saved(charge).startswith("pi_")
    gateway.end_method("pm_any")


def test_claiming_cash_fits_the_published_api(gateway: StripeGateway) -> None:
    with pytest.raises(GatewayRefusedError) as refused:
        gateway.claim_cash(clock.new_id(), "cus_any", clock.new_id(), Money(100))
    assert refused.value.code == "gateway.no_cash", "the mock's payment is never paid, and was given up"


def test_payouts_movements_and_the_balance_fit_the_published_api(gateway: StripeGateway) -> None:
    since = clock.now() - timedelta(days=1)
    (payout,) = gateway.payouts_since(since)
    assert payout.payout_ref.startswith("po_")
    assert payout.state in {"on_its_way", "paid", "failed"}
    assert [movement.movement_ref[:4] for movement in gateway.movements_since(since)] == ["txn_"]
    assert len(list(gateway.movements_of(payout.payout_ref))) <= 1
    assert set(gateway.balance()) == {"USD"}


def test_answering_a_dispute_fits_the_published_api(gateway: StripeGateway) -> None:
    evidence = DisputeEvidence("La livraison est signée.", "preuves.pdf", b"%PDF-1.7")
    gateway.answer_dispute("dp_any", evidence)


def test_asking_for_rights_fits_the_published_api(gateway: StripeGateway) -> None:
    assert gateway.missing_rights() == ()


def test_the_judge_refuses_a_parameter_that_does_not_exist(mock_url: str) -> None:
    assert _knows(mock_url, "customer_email")
    assert not _knows(mock_url, "colour")


def _knows(mock_url: str, parameter: str) -> bool:
    """Whether the mock's description of Checkout has ``parameter``."""
    headers = {"Authorization": f"Bearer {KEY}"}
    answer = httpx.post(f"{mock_url}/v1/checkout/sessions", data={parameter: "card"}, headers=headers)
    assert answer.status_code in {200, 400}, answer.text
    return answer.status_code == 200


def test_looking_for_and_expiring_a_checkout_fit_the_published_api(gateway: StripeGateway) -> None:
    assert gateway.find_checkout(clock.new_id()) is None, "the mock's only session is not ours"
    gateway.expire_checkout("cs_test_any")


def test_refunding_and_fetching_fit_the_published_api(gateway: StripeGateway) -> None:
    assert gateway.refund("pi_any", Money(100, "USD"), "key").startswith("re_")
    kinds = {fact.kind for fact in gateway.fetch_payment("pi_any")}
    assert FactKind.REFUNDED in kinds


def test_pulling_facts_fits_the_published_api(gateway: StripeGateway) -> None:
    assert list(gateway.facts_since(clock.now() - timedelta(days=1))) == []
    old = {fact.kind for fact in gateway.facts_since(clock.now() - timedelta(days=40))}
    assert FactKind.REFUNDED in old


@pytest.mark.parametrize(
    ("kind", "path"),
    [
        ("cs", "/v1/checkout/sessions/cs_x"),
        ("pi", "/v1/payment_intents/pi_x"),
        ("ch", "/v1/charges/ch_x"),
        ("re", "/v1/refunds/re_x"),
        ("txn", "/v1/balance_transactions/txn_x"),
        ("evt", "/v1/events/evt_x"),
    ],
)
def test_our_sandboxs_objects_have_the_published_fields(mock_url: str, kind: str, path: str) -> None:
    headers = {"Authorization": f"Bearer {KEY}"}
    published = set(httpx.get(mock_url + path, headers=headers).json()) - RETIRED
    ours = _own_objects()[kind]
    assert published - set(ours) == set()


def _own_objects() -> dict[str, dict[str, Any]]:
    """One object of each kind, as our sandbox answers it."""
    with running_sandbox() as sandbox:
        checkout = sandbox.gateway.open_checkout(an_order())
        payment = sandbox.pay(checkout.session_id)["payment_intent"]
        sandbox.gateway.refund(payment, Money(1), "k")
        lists = {
            "cs": "checkout/sessions",
            "pi": "payment_intents",
            "ch": "charges",
            "re": "refunds",
            "txn": "balance_transactions",
            "evt": "events",
        }
        return {kind: sandbox.http.get(f"/v1/{path}").json()["data"][0] for kind, path in lists.items()}
