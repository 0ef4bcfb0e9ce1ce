"""The pages in a real browser: no accessibility fault, no sideways scroll, little weight, and paying works."""

from __future__ import annotations

import logging
import threading
import time
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from claim_builders import claim_of
from debit_builders import debit_things
from ledger_builders import issue
from message_builders import message_things
from payment_sandbox import KEY, serving
from portal_house import build_house
from promise_builders import agreement_things
from risk_builders import risk_links, risk_things
from test_access import a_payment, a_report, a_treasure, bank_things, waiting_line
from werkzeug.serving import make_server

from config.clock import now
from payments.accounts import account_at, open_account
from payments.reactions import record_told
from portal.access.sessions import open_session
from portal.app import create_app
from portal.sandboxes.payments import PaymentSandboxSettings, create_payment_sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, BrowserContext, Page
    from portal_house import House

    from portal.wiring import Services

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PHONE, DESKTOP, NARROWEST = (390, 844), (1280, 800), (320, 640)
MOST_BYTES = 100 * 1024

pytestmark = pytest.mark.skipif(not CHROMIUM.exists(), reason=f"No browser at {CHROMIUM}: install chromium to look.")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 -- only where there is a browser

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=str(CHROMIUM), args=list(FLAGS))
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def served(services: Services) -> Iterator[tuple[House, str]]:
    """A house behind a real server, paid through the payment sandbox behind another."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    with serving(create_payment_sandbox(PaymentSandboxSettings(key=KEY))) as provider:
        server = make_server("127.0.0.1", 0, lambda *_: [b""], threaded=True)
        base = f"http://127.0.0.1:{server.server_port}"
        settings = services.settings.model_copy(update={"public_url": base})
        fields = {name: getattr(services, name) for name in services.__dataclass_fields__ if not name.startswith("_")}
        own = type(services)(**{**fields, "settings": settings})
        house = build_house(own, "Atelier Lumière")
        with own.works.begin(house.supplier.supplier_id) as work:
            open_account(
                work,
                own.keyring,
                provider="stripe",
                key=KEY,
                webhook_secret="whsec_test",
                base_url=provider,
                live=False,
            )
            work.execute(
                "UPDATE gateway_accounts SET settings = CAST(:settings AS jsonb) WHERE supplier_id = :supplier",
                settings='{"methods": ["card", "sepa_debit", "paypal"]}',
            )
        server.app = create_app(own)
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield house, base
        server.shutdown()
        server.server_close()


def addresses(house: House) -> dict[str, tuple[str | None, str]]:
    """The pages that are looked at, each with who looks."""
    return {
        "pay, due": (None, house.links["due"]),
        "pay, late and failed": (None, house.links["late"]),
        "pay, partly on its way": (None, house.links["mixed"]),
        "pay, paid": (None, house.links["paid"]),
        "pay, credit note": (None, house.links["credit"]),
        "pay, where to transfer to": (None, f"{house.links['due']}/iban"),
        "nothing": (None, "/p/none"),
        "sign-in": (None, "/sign-in"),
        "sign-in, sent": (None, "/sign-in/sent"),
        "validation": (None, "/validate"),
        "validation, valid": (None, "/validate?demo"),
        "validation, invalid": (None, "/validate?demo=faulty"),
        "customer, home": ("customer", "/c/"),
        "customer, invoices": ("customer", "/c/invoices?show=to_pay"),
        "customer, invoice": ("customer", f"/c/invoices/{house.invoices['late'].invoice_id}"),
        "customer, receipts": ("customer", "/c/receipts"),
        "customer, statement": ("customer", "/c/statement"),
        "staff, statement": ("collector", f"/s/customers/{house.customer_id}/statement"),
        "staff, exports": ("owner", "/s/exports"),
        "staff, check of a FEC": ("auditor", "/s/exports/check"),
        "customer, basket": ("customer", "/c/pay"),
        "customer, amount that is none": ("customer", "/c/pay/review?oldest=-5"),
        "customer, preview": ("customer", "/c/pay/review?all=due"),
        "customer, one payment": ("customer", f"/c/payments/{a_payment(house)}"),
        "customer, settled by credits": ("customer", "/c/pay/done?attempt="),
        "pay, an amount of one's own": (None, f"{house.links['due']}?amount=other"),
        "pay, an amount that is none": (None, f"{house.links['due']}?amount=1.200"),
        "pay, receipt": (None, f"{house.links['paid']}/receipts/{a_payment(house)}"),
        "customer, where to transfer to": ("customer", "/c/iban"),
        "staff, bank account": ("owner", "/s/iban"),
        "staff, dashboard": ("collector", "/s/"),
        "staff, customer": ("collector", f"/s/customers/{house.customer_id}"),
        "staff, whom to call": ("collector", "/s/work?whose=all"),
        "staff, whom to remind": ("collector", f"/s/work/remind?customer={house.customer_id}"),
        "staff, search": ("collector", "/s/search?q=Boulangerie"),
        "staff, indicators": ("collector", "/s/indicators"),
        "staff, one indicator": ("auditor", "/s/indicators/figures/dso"),
        "staff, indicators by reason": ("collector", "/s/indicators/by/reason"),
        "staff, cash forecast": ("owner", "/s/indicators/forecast?week=0"),
        "staff, indicators by mail": ("collector", "/s/indicators/mailings"),
        "staff, invoices": ("collector", "/s/invoices"),
        "staff, invoice": ("collector", f"/s/invoices/{house.invoices['paid'].invoice_id}"),
        "staff, problems": ("collector", "/s/problems"),
        "staff, mails": ("collector", "/s/mails"),
        "staff, platform": ("owner", "/s/platform"),
        "staff, connect a platform": ("owner", "/s/platform/connect"),
        "staff, change the access": ("owner", f"/s/platform/accounts/{house.account_id}/access"),
        "staff, our company": ("owner", "/s/company"),
        "staff, delivery log": ("collector", "/s/platform/flows"),
        "staff, flow": ("owner", f"/s/platform/flows/{house.flow(1)}"),
        "staff, refused flow": ("owner", f"/s/platform/flows/{house.flow(2)}"),
        "staff, send again": ("owner", f"/s/platform/flows/{house.flow(2)}/again"),
        "staff, purchases": ("accountant", "/s/purchases"),
        "staff, purchase": ("accountant", f"/s/purchases/{house.purchase_id}"),
        "dispute, form": (None, f"{house.links['due']}/dispute"),
        "dispute, form of a customer": ("customer", f"/c/invoices/{house.invoices['due'].invoice_id}/dispute"),
        "staff, directory": ("collector", "/s/directory"),
        "staff, directory, wrong number": ("collector", "/s/directory?number=12"),
        "staff, company": ("collector", "/s/directory/companies/552100554?to=552100554_OLD"),
        "staff, company without platform": ("collector", "/s/directory/companies/910001486"),
        "staff, public buyer": ("collector", "/s/directory/companies/910002963"),
        "staff, customer file": ("collector", f"/s/directory/checks/{house.check_id}?still=1"),
        "staff, declarations": ("accountant", "/s/reports"),
        "staff, period to declare": ("accountant", "/s/reports/payments/2026-10-01"),
        "staff, declaration": ("accountant", f"/s/reports/{a_report(house)}"),
        "staff, debits": ("accountant", "/s/debits"),
        "staff, files of debits": ("accountant", "/s/debits/files"),
        "staff, file of debits": ("accountant", f"/s/debits/files/{debit_things(house)['batch']}"),
        "staff, debits that came back": ("collector", "/s/debits/returns"),
        "staff, settings of debits": ("owner", "/s/debits/settings"),
        "staff, mandates": ("accountant", "/s/debits/mandates"),
        "staff, mandate": ("collector", f"/s/debits/mandates/{debit_things(house)['mandate']}"),
        "staff, mandates from elsewhere": ("accountant", "/s/debits/mandates/new"),
        "customer, mandates": ("customer", "/c/mandates"),
        "customer, new mandate": ("customer", "/c/mandates/new?scheme=b2b"),
        "customer, sign": ("customer", f"/c/mandates/{debit_things(house)['drafted']}/sign"),
        "customer, other account": ("customer", f"/c/mandates/{debit_things(house)['mandate']}/account"),
        "customer, autopay": ("customer", "/c/autopay"),
        "staff, dunning": ("owner", "/s/dunning"),
        "staff, dunning of a customer": ("collector", f"/s/dunning/customers/{house.customer_id}"),
        "staff, dunning settings": ("owner", "/s/dunning/settings"),
        "staff, matching": ("collector", "/s/matching?state=all"),
        "staff, bank": ("accountant", "/s/bank"),
        "staff, bank statement": ("accountant", f"/s/bank/statements/{bank_things(house)['statement']}"),
        "staff, bank lines": ("collector", "/s/bank/lines"),
        "staff, bank line": ("accountant", f"/s/bank/lines/{waiting_line(house)['line']}"),
        "staff, cheques": ("collector", "/s/receipts"),
        "staff, cheque to write down": ("collector", f"/s/receipts/new?customer={house.customer_id}"),
        "staff, cheque": ("collector", f"/s/receipts/{bank_things(house)['receipt']}"),
        "staff, slip": ("collector", "/s/receipts/deposit"),
        "staff, line to match": ("collector", f"/s/matching/lines/{waiting_line(house)['line']}"),
        "staff, other invoices": (
            "collector",
            f"/s/matching/lines/{waiting_line(house)['line']}/choose?customer={house.customer_id}&q=a",
        ),
        "staff, known payers": ("collector", "/s/matching/payers"),
        "customer, is it yours": ("customer", f"/c/questions/{waiting_line(house)['question']}"),
        "staff, interest": ("collector", "/s/claims"),
        "staff, interest of a customer": ("collector", f"/s/claims/new/{house.customer_id}"),
        "staff, claim": ("collector", f"/s/claims/{claim_of(house)}"),
        "staff, terms of interest": ("owner", "/s/claims/terms"),
        "staff, note a dispute": ("collector", f"/s/disputes/new/{house.invoices['due'].invoice_id}"),
        "pay, a factor": (None, risk_links(house)["assigned"]),
        "staff, scores": ("collector", "/s/scores"),
        "staff, score": ("collector", f"/s/scores/customers/{house.customer_id}"),
        "staff, agencies": ("owner", "/s/scores/agencies"),
        "staff, insurance": ("owner", "/s/insurance"),
        "staff, limits of insurers": ("owner", "/s/insurance/decisions"),
        "staff, overdues to declare": ("collector", "/s/insurance/overdues"),
        "staff, factoring": ("owner", "/s/factoring"),
        "staff, factor": ("owner", f"/s/factoring/factors/{risk_things(house)['factor']}"),
        "staff, assigned claim": ("owner", f"/s/factoring/{risk_things(house)['assignment']}"),
        "staff, assign": ("owner", "/s/factoring/assign"),
        "staff, credit": ("accountant", "/s/credit?show=all"),
        "staff, credit of a customer": ("accountant", f"/s/credit/customers/{house.customer_id}"),
        "staff, lines of an exposure": ("collector", f"/s/credit/customers/{house.customer_id}/lines"),
        "staff, derogations": ("owner", "/s/credit/derogations"),
        "staff, rules of credit": ("owner", "/s/credit/policy"),
        "staff, treasury": ("accountant", "/s/treasury"),
        "staff, payments": ("collector", "/s/payments"),
        "staff, payment": ("collector", f"/s/payments/{a_treasure(house)['treasure_payment']}"),
        "staff, refund": ("collector", f"/s/payments/{a_treasure(house)['treasure_payment']}/refund?amount=1"),
        "staff, refunds": ("owner", "/s/treasury/refunds"),
        "staff, payouts": ("accountant", "/s/treasury/payouts"),
        "staff, payout": ("accountant", f"/s/treasury/payouts/{a_treasure(house)['payout']}"),
        "staff, comparisons": ("accountant", "/s/treasury/comparisons"),
        "staff, chargebacks": ("collector", "/s/treasury/disputes"),
        "staff, chargeback": ("collector", f"/s/treasury/disputes/{a_treasure(house)['contest']}"),
        "staff, providers": ("owner", "/s/treasury/accounts"),
        "staff, connect a provider": ("owner", "/s/treasury/accounts/connect"),
        "staff, switch provider": ("owner", f"/s/treasury/accounts/{a_treasure(house)['gateway']}/activate"),
        "customer, time to pay": ("customer", "/c/plans"),
        "customer, a promise": ("customer", "/c/plans/promise"),
        "customer, propose a plan": ("customer", "/c/plans/new"),
        "customer, a plan to agree to": ("customer", f"/c/plans/{agreement_things(house)['plan']}"),
        "customer, preview of a plan": (
            "customer",
            f"/c/plans/review?count=3&pick={house.invoices['due'].invoice_id}",
        ),
        "staff, promises": ("collector", "/s/promises?show=all"),
        "staff, plans": ("collector", "/s/promises/plans?show=all"),
        "staff, a plan": ("collector", f"/s/promises/plans/{agreement_things(house)['plan']}"),
        "staff, whose promise": ("collector", "/s/promises/customers"),
        "staff, note a promise": ("collector", f"/s/promises/new/{house.customer_id}"),
        "staff, offer a plan": ("collector", f"/s/promises/plans/new/{house.customer_id}"),
        "staff, policy of plans": ("owner", "/s/promises/policy"),
        "staff, messages": ("collector", f"/s/messages?show=all&said={message_things(house)['said']}"),
        "staff, conversation": ("collector", f"/s/messages/invoices/{house.invoices['paid'].invoice_id}"),
        "staff, templates of messages": ("collector", "/s/messages/templates"),
        "customer, messages": ("customer", "/c/messages"),
        "customer, conversation": ("customer", f"/c/messages/invoices/{house.invoices['paid'].invoice_id}"),
        "pay, write to the supplier": (None, f"{house.links['due']}/message"),
        "pay, confirm what was written": (None, f"{house.links['due']}/message?sent=1"),
        "staff, disputes": ("collector", "/s/disputes"),
        "staff, dispute": ("collector", f"/s/disputes/{house.dispute_id}"),
        "staff, invoice in dispute": ("collector", f"/s/invoices/{house.invoices['late'].invoice_id}"),
    }


def look(
    browser: Browser, served: tuple[House, str], who: str | None, size: tuple[int, int], scheme: str = "light"
) -> BrowserContext:
    house, base = served
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]},
        color_scheme=scheme,  # type: ignore[arg-type]
        locale="fr-FR",
        reduced_motion="reduce",
    )
    if who:
        token = open_session(house.services.database, house.services.settings, house.people[who].person_id)
        context.add_cookies([{"name": "session", "value": token, "url": base}])
    return context


def visits(
    browser: Browser, served: tuple[House, str], size: tuple[int, int], scheme: str = "light"
) -> Iterator[tuple[str, Page]]:
    """Every page in turn, opened by who may see it."""
    house, base = served
    pages = addresses(house)
    for caller in dict.fromkeys(who for who, _ in pages.values()):
        with look(browser, served, caller, size, scheme) as context:
            page = context.new_page()
            for name, (who, path) in pages.items():
                if who == caller:
                    page.goto(base + path)
                    yield name, page


@pytest.mark.parametrize(
    ("size", "scheme"),
    [
        pytest.param(PHONE, "light", id="phone"),
        pytest.param(DESKTOP, "light", id="desktop"),
        pytest.param(DESKTOP, "dark", id="dark"),  # all that a phone shows, and the row of the menu that it hides
    ],
)
def test_no_page_has_an_accessibility_fault(
    browser: Browser, served: tuple[House, str], size: tuple[int, int], scheme: str
) -> None:
    from axe_playwright_python.sync_playwright import Axe  # noqa: PLC0415 -- as above

    faults = []
    for name, page in visits(browser, served, size, scheme):
        found = Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "best-practice"]})
        faults += [
            (name, each["id"], node["html"][:120], node["failureSummary"][:200])
            for each in found.response["violations"]
            for node in each["nodes"]
        ]
    assert faults == []


def test_the_check_for_faults_finds_a_planted_one(browser: Browser, served: tuple[House, str]) -> None:
    from axe_playwright_python.sync_playwright import Axe  # noqa: PLC0415 -- as above

    house, base = served
    with look(browser, served, None, DESKTOP) as context:
        page = context.new_page()
        page.goto(base + house.links["due"])
        page.evaluate("document.querySelector('h1').style.color = '#ddd'")
        assert "color-contrast" in {each["id"] for each in Axe().run(page).response["violations"]}


def test_no_page_scrolls_sideways_at_320_pixels(browser: Browser, served: tuple[House, str]) -> None:
    wide = []
    for name, page in visits(browser, served, NARROWEST):
        excess = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        if excess > 0:
            wide.append((name, excess))
    assert wide == []


def test_pages_weigh_little_and_break_no_rule_of_their_own_policy(browser: Browser, served: tuple[House, str]) -> None:
    house, base = served
    for name, (who, path) in addresses(house).items():
        with look(browser, served, who, DESKTOP) as context:
            page = context.new_page()
            complaints: list[str] = []
            sizes: list[int] = []
            foreign: list[str] = []
            page.on("console", lambda message, into=complaints: into.append(message.text))
            page.on("response", lambda response, into=sizes: into.append(len(response.body())))
            page.on(
                "request",
                lambda request, into=foreign: into.append(request.url) if not request.url.startswith(base) else None,
            )
            page.goto(base + path)
            assert sum(sizes) < MOST_BYTES, (name, sum(sizes))
            assert foreign == [], name
            expected = ("404", "409", "422")  # pages that say no
            assert [each for each in complaints if not any(code in each for code in expected)] == [], name


def test_the_first_key_press_offers_to_skip_to_the_content(browser: Browser, served: tuple[House, str]) -> None:
    _, base = served
    with look(browser, served, "customer", DESKTOP) as context:
        page = context.new_page()
        page.goto(f"{base}/c/")
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.textContent") == "Aller au contenu"
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.id") == "content"


def test_a_payer_without_javascript_comes_to_the_providers_page(browser: Browser, served: tuple[House, str]) -> None:
    house, base = served
    context = browser.new_context(java_script_enabled=False, locale="fr-FR")
    page = context.new_page()
    page.goto(base + house.links["due"])
    page.get_by_role("button", name="Payer").click()
    page.wait_for_url("**/pay/**")
    assert not page.url.startswith(base)
    assert "200,00" in _text(page)
    page.goto(f"{base}{house.links['due']}?back=1")
    assert "Nous attendons la confirmation" in _text(page)
    context.close()


def hear(house: House) -> None:
    """Post what the provider would have told."""
    with house.services.works.begin(house.supplier.supplier_id) as work:
        told = house.services.gateway_for(work).facts_since(now() - timedelta(hours=1))
        ours = [fact for fact in told if fact.supplier_id == house.supplier.supplier_id]
        record_told(work, account_at(work, "stripe"), ours)


def test_a_phone_pays_from_the_link_in_two_taps_and_comes_back_to_the_receipt(
    browser: Browser, served: tuple[House, str]
) -> None:
    """From the link: our page, one tap; the provider's page, one tap; back on ours, paid."""
    house, _ = served
    services = house.services
    with services.works.begin(house.supplier.supplier_id) as work:
        invoice = issue(work)
        link = services.pay_link(work, invoice.invoice_id, "phone")
    taps, pages = 0, []
    with look(browser, served, None, PHONE) as context:
        page = context.new_page()
        page.on("framenavigated", lambda frame: pages.append(frame.url))
        begun = time.monotonic()
        page.goto(link)
        button = page.get_by_role("button", name="Payer")
        box = button.bounding_box()
        assert box is not None
        assert box["y"] + box["height"] < PHONE[1], "the button is seen without scrolling"
        button.click()
        taps += 1
        page.wait_for_url("**/pay/**")
        page.get_by_role("button", name="Payer").click()
        taps += 1
        page.wait_for_url("**/p/**back=1")
        hear(house)
        page.get_by_text("Facture réglée").wait_for(timeout=10_000)
        took_s = time.monotonic() - begun
        assert page.get_by_role("link", name="Reçu du").is_visible()
    assert taps == 2
    assert len({each.partition("?")[0] for each in pages}) == 2, pages
    assert took_s < 30


def test_a_person_signs_in_and_out_in_the_browser(browser: Browser, served: tuple[House, str]) -> None:
    from test_sign_in import newest_mail  # noqa: PLC0415 -- the reader of the outbox

    house, base = served
    with look(browser, served, None, PHONE) as context:
        page = context.new_page()
        page.goto(f"{base}/c/")
        page.get_by_label("Adresse électronique").fill(house.people["customer"].email)
        page.get_by_role("button", name="Recevoir le lien").click()
        page.wait_for_url("**/sign-in/sent")
        link = next(word for word in newest_mail(house).text_body.split() if "/sign-in/" in word)
        page.goto(link)
        page.get_by_role("button", name="Se connecter").click()
        page.wait_for_url("**/c/")
        assert "Boulangerie Martin" in _text(page)
        page.get_by_role("button", name="Se déconnecter").click()
        page.wait_for_url("**/sign-in")


def _text(page: Page) -> str:
    return page.locator("body").inner_text()
