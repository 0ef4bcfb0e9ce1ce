"""The payment sandbox itself: the API it speaks, the page it hosts, the faults it plays."""

from __future__ import annotations

import json
import re
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import stripe
from payment_sandbox import KEY, an_order, running_sandbox

from config import clock
from payments.gateways.signatures import verify
from portal.sandboxes.payments import PaymentSandboxSettings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from payment_sandbox import Sandbox

CHROMIUM = Path("/usr/bin/chromium")
CHROMIUM_ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with running_sandbox(merchant="Menuiserie Dubois") as running:
        yield running


@pytest.fixture
def browser(sandbox: Sandbox) -> Iterator[httpx.Client]:
    """A payer: no key, follows nothing by itself."""
    with httpx.Client(base_url=sandbox.url, headers={"Accept-Language": "en"}) as client:
        yield client


def client_of(sandbox: Sandbox) -> stripe.StripeClient:
    return stripe.StripeClient(KEY, base_addresses={"api": sandbox.url})


def session_form(**more: str) -> dict[str, str]:
    return {
        "mode": "payment",
        "success_url": "https://shop.example/ok",
        "line_items[0][quantity]": "2",
        "line_items[0][price_data][currency]": "eur",
        "line_items[0][price_data][unit_amount]": "150",
        "line_items[0][price_data][product_data][name]": "Planche",
        **more,
    }


def error_of(answer: httpx.Response, status: int) -> Any:
    assert answer.status_code == status, answer.text
    assert answer.headers["Request-Id"].startswith("req_")
    return answer.json()["error"]


def test_the_providers_own_client_reads_every_resource(sandbox: Sandbox) -> None:
    client = client_of(sandbox)
    checkout = sandbox.gateway.open_checkout(an_order())
    payment = sandbox.pay(checkout.session_id)["payment_intent"]
    refund = sandbox.http.post("/v1/refunds", data={"payment_intent": payment, "amount": "45"}).json()["id"]
    read = client.v1.payment_intents.retrieve(payment, params={"expand": ["latest_charge.balance_transaction"]})
    charge = read.latest_charge
    assert isinstance(charge, stripe.Charge)
    assert isinstance(charge.balance_transaction, stripe.BalanceTransaction)
    assert charge.balance_transaction.net == 12345 - 210
    assert charge.amount_refunded == 45
    assert [item.id for item in client.v1.refunds.list(params={"payment_intent": payment}).data] == [refund]
    lines = client.v1.checkout.sessions.line_items.list(checkout.session_id).data
    assert [(line.description, line.amount_total) for line in lines] == [("F-2026-0042", 12345)]
    session = client.v1.checkout.sessions.list(params={"payment_intent": payment}).data[0]
    assert (session.id, session.status, session.payment_status) == (checkout.session_id, "complete", "paid")
    moves = client.v1.balance_transactions.list().data
    assert sorted(move.amount for move in moves) == [-45, 12345]


def test_a_customer_is_kept(sandbox: Sandbox) -> None:
    client = client_of(sandbox)
    made = client.v1.customers.create(params={"name": "Dupont", "email": "d@example.fr", "metadata": {"a": "1"}})
    assert client.v1.customers.retrieve(made.id).to_dict() == made.to_dict()
    assert [found.id for found in client.v1.customers.list(params={"email": "d@example.fr"}).data] == [made.id]


@pytest.mark.parametrize(
    ("more", "code", "param"),
    [
        ({"colour": "red"}, "parameter_unknown", "colour"),
        ({"payment_intent_data[colour]": "red"}, "parameter_unknown", "payment_intent_data[colour]"),
        ({"payment_method_types[0]": "card"}, "payment_method_types_no_longer_supported", "payment_method_types"),
        ({"expires_at": "soon"}, "parameter_invalid_integer", "expires_at"),
        ({"expires_at": "1"}, None, "expires_at"),
        ({"success_url": "shop"}, "url_invalid", "success_url"),
        ({"line_items[0][price_data][unit_amount]": "1"}, "amount_too_small", "amount"),
        ({"client_reference_id": ""}, "parameter_invalid_empty", "client_reference_id"),
        ({"metadata[note]": "x" * 501}, None, "metadata[note]"),
        ({"expand[0]": "colour"}, None, "expand"),
    ],
)
def test_a_wrong_parameter_is_refused_by_name(
    sandbox: Sandbox, more: dict[str, str], code: str | None, param: str
) -> None:
    error = error_of(sandbox.http.post("/v1/checkout/sessions", data=session_form(**more)), 400)
    assert (error["type"], error.get("code"), error["param"]) == ("invalid_request_error", code, param)


def test_a_missing_parameter_is_named(sandbox: Sandbox) -> None:
    form = session_form()
    del form["line_items[0][price_data][currency]"]
    error = error_of(sandbox.http.post("/v1/checkout/sessions", data=form), 400)
    assert (error["code"], error["param"]) == ("parameter_missing", "currency")


def test_sessions_cannot_be_filtered_by_our_reference_because_the_provider_cannot_either(sandbox: Sandbox) -> None:
    error = error_of(sandbox.http.get("/v1/checkout/sessions", params={"client_reference_id": "x"}), 400)
    assert error["code"] == "parameter_unknown"


def test_the_key_is_wanted_everywhere_but_on_the_page(sandbox: Sandbox, browser: httpx.Client) -> None:
    checkout = sandbox.gateway.open_checkout(an_order())
    for method, path in (("GET", "/v1/events"), ("POST", "/v1/refunds")):
        error_of(browser.request(method, path), 401)
    for method, path in (("POST", f"/_sandbox/pay/{checkout.session_id}"), ("GET", "/_sandbox/log")):
        assert browser.request(method, path).status_code == 401
    assert browser.get(f"/pay/{checkout.session_id}").status_code == 200


def test_only_a_test_key_makes_a_sandbox() -> None:
    with pytest.raises(ValueError, match="real money"):
        PaymentSandboxSettings(key="sk_live_x")


def test_the_same_idempotency_key_replays_the_same_answer(sandbox: Sandbox) -> None:
    def post(key: str, **more: str) -> httpx.Response:
        return sandbox.http.post("/v1/checkout/sessions", data=session_form(**more), headers={"Idempotency-Key": key})

    first, again = post("k1"), post("k1")
    assert first.json() == again.json()
    assert ("Idempotent-Replayed" in first.headers, again.headers["Idempotent-Replayed"]) == (False, "true")
    error = error_of(post("k1", locale="fr"), 400)
    assert error["type"] == "idempotency_error"
    assert error_of(post("k2", colour="red"), 400)["code"] == "parameter_unknown"
    assert post("k2").status_code == 200, "what was never executed is not remembered"
    sandbox.control("clock", advance_s=24 * 3600 + 1)
    assert post("k1").json()["id"] != first.json()["id"], "keys are forgotten after a day"


def test_many_callers_with_one_key_make_one_session(sandbox: Sandbox) -> None:
    found: set[str] = set()

    def post() -> None:
        answer = httpx.post(
            f"{sandbox.url}/v1/checkout/sessions",
            data=session_form(),
            headers={"Authorization": f"Bearer {KEY}", "Idempotency-Key": "one"},
        )
        found.add(answer.json()["id"])

    callers = [threading.Thread(target=post) for _ in range(8)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert len(found) == 1
    assert len(sandbox.http.get("/v1/checkout/sessions").json()["data"]) == 1


def test_lists_are_paged_newest_first_and_filtered(sandbox: Sandbox) -> None:
    made = [sandbox.http.post("/v1/customers", data={"name": f"c{n}"}).json()["id"] for n in range(5)]
    first = sandbox.http.get("/v1/customers", params={"limit": 2}).json()
    assert ([item["id"] for item in first["data"]], first["has_more"]) == ([made[4], made[3]], True)
    last = sandbox.http.get("/v1/customers", params={"limit": 3, "starting_after": made[3]}).json()
    assert ([item["id"] for item in last["data"]], last["has_more"]) == ([made[2], made[1], made[0]], False)
    before = sandbox.http.get("/v1/customers", params={"limit": 2, "ending_before": made[1]}).json()
    assert [item["id"] for item in before["data"]] == [made[3], made[2]]
    later = sandbox.http.get("/v1/customers", params={"created[gt]": int(clock.now().timestamp()) + 5}).json()
    assert later["data"] == []
    assert error_of(sandbox.http.get("/v1/customers", params={"limit": 101}), 400)["param"] == "limit"


def test_events_are_listed_by_type(sandbox: Sandbox) -> None:
    sandbox.pay(sandbox.gateway.open_checkout(an_order()).session_id)
    asked = {"types[0]": "charge.succeeded", "types[1]": "checkout.session.completed"}
    listed = sandbox.http.get("/v1/events", params=asked).json()["data"]
    assert [event["type"] for event in listed] == ["checkout.session.completed", "charge.succeeded"]
    assert listed[0]["data"]["object"]["payment_status"] == "paid"
    one = sandbox.http.get("/v1/events", params={"type": "charge.succeeded"}).json()["data"]
    assert [event["id"] for event in one] == [listed[1]["id"]]


def test_an_event_is_a_snapshot_that_later_changes_do_not_touch(sandbox: Sandbox) -> None:
    checkout = sandbox.gateway.open_checkout(an_order(methods=("sepa_debit",)))
    payment = sandbox.pay(checkout.session_id, "FR1420041010050500013M02606")["payment_intent"]
    sandbox.control(f"settle/{payment}")
    listed = sandbox.http.get("/v1/events", params={"type": "checkout.session.completed"}).json()["data"]
    assert listed[0]["data"]["object"]["payment_status"] == "unpaid"
    assert sandbox.http.get(f"/v1/checkout/sessions/{checkout.session_id}").json()["payment_status"] == "paid"


def test_an_endpoint_shows_its_secret_once_and_can_go(sandbox: Sandbox) -> None:
    assert re.fullmatch(r"whsec_\w{24}", sandbox.secret)
    listed = sandbox.http.get("/v1/webhook_endpoints").json()["data"]
    assert [(one["id"], "secret" in one) for one in listed] == [(sandbox.endpoint_id, False)]
    sandbox.http.delete(f"/v1/webhook_endpoints/{sandbox.endpoint_id}")
    sandbox.pay(sandbox.gateway.open_checkout(an_order()).session_id)
    assert sandbox.delivered() == []


def test_a_refused_delivery_is_tried_again_with_the_same_event(sandbox: Sandbox) -> None:
    sandbox.receiver.refuse = 2
    sandbox.pay(sandbox.gateway.open_checkout(an_order()).session_id)
    ids = [json.loads(body)["id"] for body in sandbox.delivered()]
    assert len(ids) == len(set(ids)) == 3
    log = sandbox.http.get("/_sandbox/log").json()["entries"]
    tries = [(entry["outcome"], entry["try"]) for entry in log if entry["what"] == "delivery"]
    assert tries.count(("refused", 1)) == 2
    assert tries.count(("delivered", 2)) == 2


def test_a_delivery_that_is_never_accepted_is_given_up(sandbox: Sandbox) -> None:
    sandbox.receiver.refuse = 100
    sandbox.gateway.expire_checkout(sandbox.gateway.open_checkout(an_order()).session_id)
    assert sandbox.delivered() == []
    log = sandbox.http.get("/_sandbox/log").json()["entries"]
    outcomes = [entry["outcome"] for entry in log if entry["what"] == "delivery"]
    assert outcomes == ["refused"] * 4 + ["given up"]


def test_a_delayed_delivery_comes_later_than_the_next_event(sandbox: Sandbox) -> None:
    sandbox.fault("delay", types=["charge.succeeded"], seconds=0.6)
    sandbox.pay(sandbox.gateway.open_checkout(an_order()).session_id)
    types = [json.loads(body)["type"] for body in sandbox.delivered()]
    assert types == ["payment_intent.succeeded", "checkout.session.completed", "charge.succeeded"]


def test_held_deliveries_are_let_go_when_too_few_come(sandbox: Sandbox) -> None:
    sandbox.fault("shuffle", times=9, size=9, seconds=0.3)
    sandbox.pay(sandbox.gateway.open_checkout(an_order()).session_id)
    types = [json.loads(body)["type"] for body in sandbox.delivered()]
    assert types == ["checkout.session.completed", "payment_intent.succeeded", "charge.succeeded"]


def test_faults_are_listed_used_up_cleared_and_checked(sandbox: Sandbox) -> None:
    sandbox.fault("http_500", times=2, path="/v1/events")
    assert error_of(sandbox.http.get("/v1/events"), 500)["type"] == "api_error"
    assert sandbox.http.get("/v1/customers").status_code == 200
    assert [fault["times"] for fault in sandbox.http.get("/_sandbox/faults").json()] == [1]
    assert sandbox.http.delete("/_sandbox/faults").json() == []
    assert sandbox.http.get("/v1/events").status_code == 200
    for wrong in (
        {"kind": "flood"},
        {"kind": "drop", "times": 0},
        {"kind": "drop", "colour": 1},
        {"kind": "delay", "seconds": 999},
    ):
        assert sandbox.http.post("/_sandbox/faults", json=wrong).status_code == 400


def test_a_delayed_payment_settles_by_itself_and_the_means_decides_how() -> None:
    with running_sandbox(settle_after_s=0.1) as sandbox:
        outcomes = {}
        for iban in ("FR1420041010050500013M02606", "FR8420041010050500013M02607"):
            checkout = sandbox.gateway.open_checkout(an_order(methods=("sepa_debit",)))
            payment = sandbox.pay(checkout.session_id, iban)["payment_intent"]
            deadline = time.monotonic() + 8
            while (read := sandbox.http.get(f"/v1/payment_intents/{payment}").json())["status"] == "processing":
                assert time.monotonic() < deadline
                time.sleep(0.05)
            outcomes[iban[-2:]] = read["status"]
        assert outcomes == {"06": "succeeded", "07": "requires_payment_method"}


def test_a_seed_makes_the_same_ids_every_time() -> None:
    runs = []
    for _ in range(2):
        with running_sandbox(seed=7) as sandbox:
            sessions = [sandbox.http.post("/v1/checkout/sessions", data=session_form()).json()["id"] for _ in range(2)]
            runs.append((sandbox.secret, *sessions))
    assert runs[0] == runs[1]
    with running_sandbox() as sandbox:
        assert sandbox.secret != runs[0][0]


def test_a_payment_by_api_needs_no_session(sandbox: Sandbox) -> None:
    client = client_of(sandbox)
    made = client.v1.payment_intents.create(
        params={"amount": 500, "currency": "eur", "confirm": True, "payment_method": "pm_card_visa"}
    )
    assert (made.status, made.amount_received) == ("succeeded", 500)
    with pytest.raises(stripe.CardError) as declined:
        client.v1.payment_intents.create(
            params={
                "amount": 500,
                "currency": "eur",
                "confirm": True,
                "payment_method": "pm_card_chargeDeclinedInsufficientFunds",
            }
        )
    assert declined.value.error is not None
    assert declined.value.error.decline_code == "insufficient_funds"
    waiting = client.v1.payment_intents.create(params={"amount": 500, "currency": "eur"})
    assert client.v1.payment_intents.cancel(waiting.id).status == "canceled"
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.payment_intents.cancel(made.id)


def test_the_page_speaks_the_orders_language_and_says_that_it_is_a_sandbox(
    sandbox: Sandbox, browser: httpx.Client
) -> None:
    checkout = sandbox.gateway.open_checkout(an_order())
    page = browser.get(f"/pay/{checkout.session_id}")
    for words in ("Bac à sable", "aucun argent ne circule", "Menuiserie Dubois", "123,45", "F-2026-0042"):
        assert words in page.text
    assert "€123.45" in browser.get(f"/pay/{checkout.session_id}?lang=en").text
    auto = sandbox.gateway.open_checkout(an_order(locale="auto"))
    assert "no money moves" in browser.get(f"/pay/{auto.session_id}").text
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert (page.headers["Referrer-Policy"], page.headers["Cache-Control"]) == ("no-referrer", "no-store")
    assert "<script" not in page.text


def test_what_a_merchant_writes_is_text_on_the_page(sandbox: Sandbox, browser: httpx.Client) -> None:
    checkout = sandbox.gateway.open_checkout(an_order(description="<script>alert(1)</script>"))
    page = browser.get(f"/pay/{checkout.session_id}").text
    assert "<script>" not in page
    assert "&lt;script&gt;" in page


def test_a_payer_is_declined_then_pays_and_goes_back_to_the_merchant(sandbox: Sandbox, browser: httpx.Client) -> None:
    checkout = sandbox.gateway.open_checkout(an_order())
    path = f"/pay/{checkout.session_id}"
    declined = browser.post(path, data={"means": "4000000000009995"})
    assert (declined.status_code, declined.headers["Location"]) == (303, path)
    assert "provision insuffisante. Rien" in browser.get(path).text
    accepted = browser.post(path, data={"means": "4242424242424242"})
    back = f"https://portal.example/p/back?session={checkout.session_id}"
    assert (accepted.status_code, accepted.headers["Location"]) == (303, back)
    done = browser.get(path)
    assert "Ce paiement est fait" in done.text
    again = browser.post(path, data={"means": "4242424242424242"})
    assert again.headers["Location"] == path
    assert len(sandbox.http.get("/v1/charges").json()["data"]) == 2, "paying twice took nothing twice"


def test_the_bank_asks_and_a_refusal_takes_nothing(sandbox: Sandbox, browser: httpx.Client) -> None:
    checkout = sandbox.gateway.open_checkout(an_order())
    path = f"/pay/{checkout.session_id}"
    assert browser.post(path, data={"means": "4000002500003155"}).headers["Location"] == f"{path}/confirm"
    assert "Confirmez-vous" in browser.get(f"{path}/confirm").text
    assert browser.post(f"{path}/confirm", data={"answer": "no"}).headers["Location"] == path
    assert "non confirmé" in browser.get(path).text
    browser.post(path, data={"means": "4000002500003155"})
    assert browser.post(f"{path}/confirm", data={"answer": "yes"}).headers["Location"].startswith("https://portal")


def test_a_page_that_is_over_says_so(sandbox: Sandbox, browser: httpx.Client) -> None:
    expired = sandbox.gateway.open_checkout(an_order())
    sandbox.gateway.expire_checkout(expired.session_id)
    page = browser.get(f"/pay/{expired.session_id}")
    assert (page.status_code, "https://portal.example/p/cancel" in page.text) == (410, True)
    slow = sandbox.gateway.open_checkout(an_order())
    assert browser.post(f"/pay/{slow.session_id}", data={"means": "delayed"}).status_code == 303
    assert "en cours" in browser.get(f"/pay/{slow.session_id}").text
    assert browser.get("/pay/cs_test_nothing").status_code == 404
    assert browser.post("/pay/cs_test_nothing", data={}).status_code == 404


def test_every_delivery_is_signed_with_its_endpoints_secret(sandbox: Sandbox) -> None:
    sandbox.pay(sandbox.gateway.open_checkout(an_order()).session_id)
    assert len(sandbox.delivered()) == 3
    for body, header in sandbox.receiver.received:
        with pytest.raises(Exception, match="No signature"):
            verify(("whsec_other",), body, header, clock.now())


@pytest.mark.skipif(not CHROMIUM.exists(), reason="Chromium is not installed")
@pytest.mark.parametrize("width", [390, 1280])
def test_the_page_is_accessible_and_fits_in_a_real_browser(sandbox: Sandbox, width: int) -> None:
    from axe_playwright_python.sync_playwright import Axe  # noqa: PLC0415 - slow to import, one test
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - same

    checkout = sandbox.gateway.open_checkout(an_order(methods=("card", "sepa_debit")))
    sandbox.pay(checkout.session_id, "4000000000000002")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=str(CHROMIUM), args=CHROMIUM_ARGS)
        for scheme in ("light", "dark"):
            # axe is injected as a script, which the page's own policy rightly forbids
            context = chromium.new_context(
                viewport={"width": width, "height": 800}, color_scheme=scheme, bypass_csp=True
            )
            page = context.new_page()
            page.goto(checkout.url)
            found = Axe().run(page).response["violations"]
            assert [(one["id"], [node["target"] for node in one["nodes"]]) for one in found] == []
            assert page.evaluate("document.documentElement.scrollWidth") == width
        page.get_by_role("radio", name="4000 0025 0000 3155").check()
        page.get_by_role("button", name="Payer").click()
        assert page.get_by_role("heading", name="Votre banque").is_visible()
        chromium.close()
