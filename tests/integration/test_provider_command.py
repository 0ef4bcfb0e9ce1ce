"""The commands about payment providers: connecting, two live secrets, and the comparison with the books."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import httpx
import pytest
from payment_sandbox import KEY, serving
from story_builders import a_siren
from test_cli import flat, house, run  # noqa: F401 -- a fixture

from payments.accounts import active_account
from portal.sandboxes.payments import PaymentSandboxSettings, create_payment_sandbox
from receivables.store.register import create_supplier, find_supplier

if TYPE_CHECKING:
    from collections.abc import Iterator

    from portal.wiring import Services


@pytest.fixture
def provider() -> Iterator[str]:
    """A provider that answers."""
    with serving(create_payment_sandbox(PaymentSandboxSettings(key=KEY))) as url:
        yield url


@pytest.fixture
def siren(house: Services) -> str:  # noqa: F811 -- the fixture
    """A supplier without a provider."""
    number = a_siren()
    create_supplier(house.database, number, "Atelier Lumière")
    return number


def connect(siren: str, url: str, *more: str, signed: str = "whsec_one", key: str = KEY) -> str:
    result = run("connect-provider", siren, "--key", key, "--webhook-secret", signed, "--api-url", url, *more)
    return f"{result.exit_code} {flat(result)}"


def test_connecting_prints_where_messages_go_and_never_the_key(siren: str, provider: str) -> None:
    told = connect(siren, provider, "--restricted")
    assert re.search(r"0 Atelier Lumière is paid through stripe \(test\)\. .*/hooks/stripe/", told)
    assert KEY not in told


def test_gocardless_is_another_provider(siren: str, provider: str) -> None:
    told = connect(siren, provider, "--provider", "gocardless", signed="a-secret-of-theirs", key="sandbox_x")
    assert "is paid through gocardless" in told
    assert "/hooks/gocardless/" in told


def test_what_cannot_be_is_refused_in_a_sentence(siren: str, provider: str) -> None:
    assert connect(siren, provider, signed="wrong").startswith("1 gateway.bad_secret")
    assert connect(siren, "ftp://here").startswith("1 gateway.bad_address")
    assert "payment.no_provider" in flat(run("provider", "rotate-secret", siren, "--webhook-secret", "whsec_two"))


def test_two_webhook_secrets_live_until_the_former_is_forgotten(siren: str, provider: str) -> None:
    connect(siren, provider)
    assert "Both webhook secrets are good" in flat(
        run("provider", "rotate-secret", siren, "--webhook-secret", "whsec_two")
    )
    third = run("provider", "rotate-secret", siren, "--webhook-secret", "whsec_three")
    assert third.exit_code == 1
    assert "account.secret_rotating" in flat(third)
    assert "is forgotten" in flat(run("provider", "forget-secret", siren))
    assert "one webhook secret only" in flat(run("provider", "forget-secret", siren))


def test_the_comparison_is_made_on_demand(siren: str, provider: str) -> None:
    assert "No provider to compare." in flat(run("provider", "compare", siren))
    connect(siren, provider)
    compared = run("provider", "compare", siren)
    assert compared.exit_code == 0, flat(compared)


def test_a_platforms_key_acts_for_a_connected_account_that_answers(siren: str, provider: str, house: Services) -> None:  # noqa: F811 -- the fixture
    connect(siren, provider)
    made = httpx.post(
        f"{provider}/_sandbox/accounts", headers={"Authorization": f"Bearer {KEY}"}, json={"name": "Garage Lefèvre"}
    )
    account = made.json()["account"]
    told = run("provider", "connect-account", siren, account)
    assert f"is paid through the connected account {account}" in flat(told)
    supplier = find_supplier(house.database, siren)
    assert supplier
    with house.works.begin(supplier.supplier_id) as work:
        assert active_account(work, house.keyring).connect_account == account
    unknown = run("provider", "connect-account", siren, "acct_unknown")
    assert unknown.exit_code == 1
    assert "gateway." in flat(unknown)
    for wrong in ((), ("customer_1",), (account, "--own")):
        assert run("provider", "connect-account", siren, *wrong).exit_code == 1
    with house.works.begin(supplier.supplier_id) as work:
        assert active_account(work, house.keyring).connect_account == account
    assert "through its own account" in flat(run("provider", "connect-account", siren, "--own"))
    with house.works.begin(supplier.supplier_id) as work:
        assert active_account(work, house.keyring).connect_account is None
