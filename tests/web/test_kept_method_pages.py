"""Keep a payment method while paying, agree to be collected by it, forget it: the pages of a signed-in customer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from payment_sandbox import Sandbox, running_sandbox
from portal_house import build_house, press
from test_basket import fields_of
from test_pay_link import words

from payments.accounts import account_at, open_account
from payments.autopay.agreements import autopay_of, methods_saved
from payments.reactions import record_told

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from flask.testing import FlaskClient
    from portal_house import House
    from sqlalchemy import RowMapping

    from portal.wiring import Services

BOX = 'name="keep"'


@pytest.fixture
def provider() -> Iterator[Sandbox]:
    with running_sandbox() as running:
        yield running


@pytest.fixture
def paying(services: Services, client: FlaskClient, provider: Sandbox) -> House:
    """A customer of a supplier who is paid through the payment sandbox, signed in."""
    own = build_house(services, "Atelier Garde")
    with own.services.works.begin(own.supplier.supplier_id) as work:
        open_account(
            work,
            own.services.keyring,
            provider="stripe",
            key=provider.http.headers["Authorization"].removeprefix("Bearer "),
            webhook_secret=provider.secret,
            base_url=provider.url,
            live=False,
        )
    own.sign_in(client, "customer")
    return own


def offer(house: House, methods: str) -> None:
    with house.services.works.begin(house.supplier.supplier_id) as work:
        work.execute(
            "UPDATE gateway_accounts SET settings = CAST(:told AS jsonb) WHERE supplier_id = :supplier",
            told=f'{{"methods": {methods}}}',
        )


def kept(house: House) -> Sequence[RowMapping]:
    with house.services.works.begin(house.supplier.supplier_id) as work:
        return methods_saved(work, house.customer_id)


def pay_and_keep(client: FlaskClient, house: House, provider: Sandbox) -> None:
    late = house.invoices["late"].invoice_id
    review = client.get(f"/c/pay/review?pick={late}&a.{late}=100&currency=EUR").text
    sent = press(client, "/c/pay", **fields_of(review), keep="yes")
    provider.pay(sent.location.partition("?")[0].rpartition("/")[2], confirm=True)
    with house.services.works.begin(house.supplier.supplier_id) as work:
        record_told(work, account_at(work, "stripe"), provider.told())


def test_a_card_is_kept_agreed_to_and_forgotten_by_its_owner(
    client: FlaskClient, paying: House, provider: Sandbox
) -> None:
    pay_and_keep(client, paying, provider)
    (method,) = kept(paying)
    page = client.get("/c/autopay").text
    assert "Moyens gardés" in page
    assert method["label"] in page
    means = f"{method['account_id']}/{method['method_ref']}"
    assert press(client, "/c/autopay", means=f"method:{means}").status_code == 303
    assert method["label"] in words(client.get("/c/autopay").text)
    assert press(client, "/c/autopay/forget", method="nothing").status_code == 422
    done = press(client, "/c/autopay/forget", method=means)
    assert done.location.endswith("told=forgotten")
    assert "notre prestataire l'a effacé" in words(client.get(done.location).text)
    assert kept(paying) == []
    with paying.services.works.begin(paying.supplier.supplier_id) as work:
        assert autopay_of(work, paying.customer_id) is None
    assert provider.http.get(f"/v1/payment_methods/{method['method_ref']}").json()["customer"] is None


def test_a_provider_that_does_not_answer_is_asked_to_forget_again(
    client: FlaskClient, paying: House, provider: Sandbox
) -> None:
    pay_and_keep(client, paying, provider)
    (method,) = kept(paying)
    provider.fault("http_500", path="/v1/payment_methods/", method="POST", times=9)
    means = f"{method['account_id']}/{method['method_ref']}"
    done = press(client, "/c/autopay/forget", method=means)
    told = client.get(done.location).text
    assert "Réessayer" in told
    assert f'value="{means}"' in told
    assert kept(paying) == [], "we charge it no more, whatever the provider does"
    provider.http.delete("/_sandbox/faults")
    assert press(client, "/c/autopay/forget", method=means).location.endswith("told=forgotten")


def test_the_box_stands_only_where_something_can_be_kept(client: FlaskClient, paying: House) -> None:
    assert BOX in client.get("/c/pay/review?all=due&currency=EUR").text
    offer(paying, '["transfer", "card"]')
    page = client.get("/c/pay/review?all=due&currency=EUR").text
    assert BOX in page
    assert page.count("data-kept") == 1, "the card only"
    offer(paying, '["transfer", "paypal"]')
    assert BOX not in client.get("/c/pay/review?all=due&currency=EUR").text
    assert "cochez la case" not in client.get("/c/autopay").text


def test_a_pay_link_keeps_nothing_whatever_is_sent(client: FlaskClient, paying: House) -> None:
    link = paying.links["late"]
    assert BOX not in client.get(link).text
    assert press(client, f"{link}/pay", method="card", keep="yes", save_method="yes").status_code == 303
    with paying.services.works.begin(paying.supplier.supplier_id) as work:
        saved = work.scalar("SELECT bool_or(save_method) FROM payment_attempts WHERE supplier_id = :supplier")
    assert saved is False
