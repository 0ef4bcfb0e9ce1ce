"""The payment sandbox's control page: people press its buttons, strangers' pages cannot."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from payment_sandbox import running_sandbox
from sandbox_flows import CARD, DEBIT, Flows

if TYPE_CHECKING:
    from collections.abc import Iterator

CHROMIUM = Path("/usr/bin/chromium")
CHROMIUM_ARGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]


@pytest.fixture
def flows() -> Iterator[Flows]:
    with running_sandbox(merchant="Menuiserie Dubois") as sandbox:
        yield Flows(sandbox)


class Person:
    """Somebody at the control page: no key, only a browser."""

    def __init__(self, flows: Flows) -> None:
        self.http = httpx.Client(base_url=flows.sandbox.url, headers={"Accept-Language": "fr"})

    def page(self, **asked: str) -> str:
        answer = self.http.get("/control", params=asked)
        assert answer.status_code == 200
        return answer.text

    def press(self, act: str, headers: dict[str, str] | None = None, **told: Any) -> httpx.Response:
        token = re.search(r'name="token" value="(\w+)"', self.page())
        assert token is not None
        return self.http.post("/control", data={"act": act, "token": token[1], **told}, headers=headers)


def test_every_button_does_what_it_says(flows: Flows) -> None:
    person, v1 = Person(flows), flows.v1
    debits = [str(flows.sandbox.pay(flows.session(5_000, ("sepa_debit",)).id, DEBIT)["payment_intent"]) for _ in "ab"]
    card = flows.paid(10_000, CARD)
    assert person.press("accept", id=debits[0]).status_code == 303
    person.press("reject", id=debits[1])
    assert [v1.payment_intents.retrieve(one).status for one in debits] == ["succeeded", "requires_payment_method"]
    person.press("return", id=debits[0], code="AM04")
    person.press("dispute", id=card)
    disputes = v1.disputes.list().data
    assert [(one.status, one.network_reason_code) for one in disputes] == [("needs_response", "10.4"), ("lost", "AM04")]
    person.press("win", id=disputes[0].id)
    assert v1.disputes.retrieve(disputes[0].id).status == "won"
    person.press("payout")
    payout = v1.payouts.list().data[0]
    person.press("arrive", id=payout.id)
    assert v1.payouts.retrieve(payout.id).status == "paid"
    assert str(payout.id) in person.page()
    person.press("fail", id=payout.id)
    assert v1.payouts.retrieve(payout.id).status == "failed"


def test_a_transfer_is_made_with_the_amount_that_is_missing_filled_in(flows: Flows) -> None:
    person, customer = Person(flows), flows.customer()
    asked = flows.claim(customer, 12_345)
    page = person.page()
    assert 'value="123,45"' in page
    reference = asked.id[-12:].upper()
    assert f'value="{reference}"' in page
    person.press("transfer", id=customer, amount="123,45", reference=reference)
    assert flows.v1.payment_intents.retrieve(asked.id).status == "succeeded"
    wrong = person.press("transfer", id=customer, amount="beaucoup")
    assert (wrong.status_code, "must be euros" in wrong.text) == (400, True)


def test_days_pass_and_refunds_arrive_or_come_back(flows: Flows) -> None:
    person = Person(flows)
    payment = flows.paid(5_000, DEBIT)
    ids = [
        flows.sandbox.http.post("/v1/refunds", data={"payment_intent": payment, "amount": "10"}).json()["id"]
        for _ in range(3)
    ]
    person.press("refunded", id=ids[0])
    person.press("unrefunded", id=ids[1])
    person.press("advance", days="30")
    assert [flows.v1.refunds.retrieve(one).status for one in ids] == ["succeeded", "failed", "succeeded"]
    assert flows.v1.payouts.list().data
    assert person.press("advance", days="9999").status_code == 400


def test_a_button_without_the_pages_token_or_from_a_foreign_page_does_nothing(flows: Flows) -> None:
    person = Person(flows)
    payment = flows.paid(5_000)
    told = {"act": "dispute", "id": payment}
    assert person.http.post("/control", data=told).status_code == 403
    assert person.press(headers={"Sec-Fetch-Site": "cross-site"}, **told).status_code == 403
    rebound = {"Host": "evil.example", "User-Agent": "Mozilla/5.0"}
    assert person.http.get("/control", headers=rebound).status_code == 403
    assert flows.v1.disputes.list().data == []
    assert "<script" not in person.page()


def test_accounts_are_shown_one_at_a_time_in_both_languages(flows: Flows) -> None:
    account = flows.sandbox.control("accounts", name="Garage Lefèvre")["account"]
    flows.customer("Visible ici")
    person = Person(flows)
    assert "Visible ici" in person.page()
    other = person.page(account=account, lang="en")
    assert ("Visible ici" in other, "Provider controls · Garage Lefèvre" in other) == (False, True)


@pytest.mark.skipif(not CHROMIUM.exists(), reason="Chromium is not installed")
@pytest.mark.parametrize("width", [390, 1280])
def test_the_pages_are_accessible_and_fit_in_a_real_browser(flows: Flows, width: int) -> None:
    from axe_playwright_python.sync_playwright import Axe  # noqa: PLC0415 - slow to import, one test
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - same

    customer = flows.customer()
    flows.paid(5_000, DEBIT)
    flows.paid(5_000, "4000000000000259")
    asked = flows.session(8_000, ("customer_balance",), customer=customer)
    flows.sandbox.pay(asked.id, "transfer")
    flows.sandbox.control("payouts", pending=True)
    flows.sandbox.control("accounts", name="Garage Lefèvre")
    everything = flows.session(9_000, ("card", "sepa_debit", "customer_balance", "paypal", "link"), customer=customer)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=str(CHROMIUM), args=CHROMIUM_ARGS)
        for scheme in ("light", "dark"):
            # axe is injected as a script, which the pages' own policy rightly forbids
            context = chromium.new_context(
                viewport={"width": width, "height": 800}, color_scheme=scheme, bypass_csp=True
            )
            page = context.new_page()
            for path in ("/control?lang=fr", f"/pay/{asked.id}", f"/pay/{everything.id}", "/"):
                page.goto(flows.sandbox.url + path)
                found = Axe().run(page).response["violations"]
                assert [(one["id"], [node["target"] for node in one["nodes"]]) for one in found] == []
                assert page.evaluate("document.documentElement.scrollWidth") == width
        page.goto(f"{flows.sandbox.url}/control?lang=fr")
        page.get_by_role("button", name="Retourner").first.click()
        assert page.get_by_text("MD06 · perdu").is_visible()
        chromium.close()
