"""The GoCardless sandbox itself: its page in a browser's words, its clock, its faults, its refusals."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from gocardless_sandbox import KEY, running_gocardless
from payment_sandbox import an_order

from payments.gateways.port import FactKind
from portal.sandboxes.gocardless import GoCardlessSandboxSettings
from receivables.domain.money import Money

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gocardless_sandbox import GoCardlessSandbox

IBAN = "FR14 2004 1010 0505 0001 3M02 606"


@pytest.fixture(scope="module")
def running() -> Iterator[GoCardlessSandbox]:
    with running_gocardless(instant_after_s=60.0, debit_after_s=5 * 86400.0) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running: GoCardlessSandbox) -> GoCardlessSandbox:
    running.delivered()
    running.receiver.received.clear()
    running.http.delete("/_sandbox/faults")
    return running


def pay_on_page(url: str, **fields: str) -> httpx.Response:
    return httpx.post(url, data={"holder": "Camille Martin", "iban": IBAN, "outcome": "Successful", **fields})


def pass_time(sandbox: GoCardlessSandbox, seconds: int) -> None:
    sandbox.control("clock", advance_s=seconds)


def received(sandbox: GoCardlessSandbox, kind: FactKind) -> list[str]:
    return [fact.payment_ref for fact in sandbox.told() if fact.kind is kind]


def test_a_payer_chooses_a_bank_types_an_iban_and_comes_back_paid_after_a_minute(sandbox: GoCardlessSandbox) -> None:
    order = an_order(methods=("instant",), success_url="https://portal.example/p/token?back=1")
    opened = sandbox.gateway.open_checkout(order)
    page = httpx.get(opened.url)
    assert page.status_code == 200
    assert "123,45" in page.text
    assert "Votre banque" in page.text
    assert "Your bank" in httpx.get(f"{opened.url}?lang=en").text
    assert pay_on_page(opened.url, iban="FR00").status_code == 422
    back = pay_on_page(opened.url, bank="1")
    assert (back.status_code, back.headers["Location"]) == (303, order.success_url)
    assert received(sandbox, FactKind.SUCCEEDED) == []
    pass_time(sandbox, 61)
    assert len(received(sandbox, FactKind.SUCCEEDED)) == 1
    assert "C'est fait" in httpx.get(opened.url).text.replace("&#39;", "'")


@pytest.mark.parametrize(
    ("outcome", "kinds"),
    [
        ("Penniless", {FactKind.FAILED}),
        ("Late", {FactKind.SUCCEEDED, FactKind.DISPUTE_LOST}),
        ("Fickle", {FactKind.SUCCEEDED, FactKind.DISPUTE_LOST}),
    ],
)
def test_the_payers_name_decides_what_becomes_of_the_payment(
    sandbox: GoCardlessSandbox, outcome: str, kinds: set[FactKind]
) -> None:
    opened = sandbox.gateway.open_checkout(an_order(methods=("instant",)))
    pay_on_page(opened.url, outcome=outcome, bank="1")
    pass_time(sandbox, 61)
    payment = sandbox.http.get(f"/billing_requests/{opened.session_id}").json()["billing_requests"]["links"]
    ref = payment["payment_request_payment"]
    told = {fact.kind for fact in sandbox.told() if fact.payment_ref == ref}
    assert kinds <= told
    assert (FactKind.SUCCEEDED in told) == (FactKind.SUCCEEDED in kinds)


def test_a_bank_that_cannot_pay_at_once_falls_back_to_a_debit_that_takes_days(sandbox: GoCardlessSandbox) -> None:
    opened = sandbox.gateway.open_checkout(an_order(methods=("instant", "sepa_debit")))
    pay_on_page(opened.url, bank="none")
    pass_time(sandbox, 3600)
    assert received(sandbox, FactKind.SUCCEEDED) == []
    pass_time(sandbox, 5 * 86400)
    done = [fact for fact in sandbox.told() if fact.kind is FactKind.SUCCEEDED]
    assert {fact.method for fact in done} == {"sepa_debit"}


def test_webhooks_are_repeated_duplicated_delayed_and_dropped_on_demand(sandbox: GoCardlessSandbox) -> None:
    def pay() -> str:
        return str(sandbox.pay(sandbox.gateway.open_checkout(an_order(methods=("instant",))).session_id)["id"])

    sandbox.receiver.refuse = 2
    pay()
    assert sandbox.events(), "a refused webhook comes again"
    sandbox.receiver.received.clear()
    sandbox.fault("duplicate", types=["payments.created"], copies=3)
    pay()
    created = [
        json.loads(body)["id"] for _, body in sandbox.events() if json.loads(body)["resource_type"] == "payments"
    ]
    assert len(created) == 3
    assert len(set(created)) == 1
    sandbox.receiver.received.clear()
    sandbox.fault("drop", types=["payments.created"])
    sandbox.fault("delay", types=["billing_requests.fulfilled"], seconds=0.2)
    pay()
    kinds = [json.loads(body)["resource_type"] for _, body in sandbox.events()]
    assert "payments" not in kinds
    assert "billing_requests" in kinds


@pytest.mark.parametrize(
    "body",
    [
        {"payment_request": {"amount": 1.5, "currency": "EUR"}},
        {"payment_request": {"amount": 100, "currency": "JPY"}},
        {"payment_request": {"amount": 100, "currency": "EUR", "surprise": 1}},
        {"metadata": {"a": "1", "b": "2", "c": "3", "d": "4"}},
        {"metadata": {"a": "x" * 501}},
        {"metadata": {"a": 1}},
    ],
)
def test_what_the_provider_would_refuse_is_refused(sandbox: GoCardlessSandbox, body: dict[str, Any]) -> None:
    answer = sandbox.http.post("/billing_requests", json={"billing_requests": body})
    assert answer.status_code == 422
    assert answer.json()["error"]["type"] == "validation_failed"


def test_nobody_gets_in_without_the_token_and_no_live_token_exists(sandbox: GoCardlessSandbox) -> None:
    for path in ("/billing_requests", "/events", "/_sandbox/log"):
        assert httpx.get(f"{sandbox.url}{path}").status_code == 401
        assert httpx.get(f"{sandbox.url}{path}", headers={"Authorization": f"Bearer {KEY}x"}).status_code == 401
    with pytest.raises(ValueError, match="sandbox_"):
        GoCardlessSandboxSettings(key="live_abc")


def test_lists_are_paged_by_cursor_and_the_client_reads_all_of_them(sandbox: GoCardlessSandbox) -> None:
    made = {sandbox.gateway.open_checkout(an_order(amount=Money(100 + n))).session_id for n in range(5)}
    first = sandbox.http.get("/billing_requests", params={"limit": 2}).json()
    assert len(first["billing_requests"]) == 2
    seen, after = set(), None
    while True:
        params = {"limit": 2, **({"after": after} if after else {})}
        page = sandbox.http.get("/billing_requests", params=params).json()
        seen |= {each["id"] for each in page["billing_requests"]}
        after = page["meta"]["cursors"]["after"]
        if after is None:
            break
    assert made <= seen
