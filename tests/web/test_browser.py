"""What people do in a real browser: pay, sign in, move by keyboard; and that its checks find what was planted."""

from __future__ import annotations

import time
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from browser_pages import CHROMIUM, DESKTOP, PHONE, WITHOUT_BROWSER, chromium, look, serving_house
from ledger_builders import issue
from page_faults import MOST_BYTES, VIEWS, Visit

from config.clock import now, today
from payments.accounts import account_at
from payments.reactions import record_told
from receivables.domain.settlement.terms import Instalment

if TYPE_CHECKING:
    from collections.abc import Iterator

    from page_faults import View
    from playwright.sync_api import Browser, Page, Route
    from portal_house import House

    from portal.wiring import Services

ZOOMED = (640, 400)
pytestmark = pytest.mark.skipif(not CHROMIUM.exists(), reason=WITHOUT_BROWSER)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as opened:
        yield opened


@pytest.fixture(scope="module")
def served(services: Services) -> Iterator[tuple[House, str]]:
    with serving_house(services) as house:
        yield house


FOREIGN = "http://foreign.example/seen.png"
PLANTED = f"""<p style="color: #ddd; background: #fff">pale</p>
<div class="card" style="width: 9rem; overflow: hidden"><p style="width: 19rem">cut off</p></div>
<p style="width: 99rem">wide</p><img src="{FOREIGN}" alt=""><!--{"x" * MOST_BYTES}-->"""
AS_FOUND = {"color-contrast", "cut off", "scrolls sideways", "foreign", "weighs"}


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view[0])
def test_the_check_for_faults_finds_planted_ones_and_forgets_them_on_the_next_page(
    browser: Browser, served: tuple[House, str], view: View
) -> None:
    house, base = served
    due, paid = house.links["due"], house.links["paid"]
    with look(browser, served, None, PHONE) as context:
        page = context.new_page()
        page.route(FOREIGN, lambda route: route.fulfill(content_type="image/png", body=b""))
        visit = Visit(page, base)
        for planted, policy, wanted in ((PLANTED, "", AS_FOUND), ("<script>alert(1)</script>", None, {"complains"})):
            page.route(base + paid, partial(_plant, planted, policy))
            assert wanted <= {word for each in visit.faults_of(paid, [view]) for word in each}
            page.unroute(base + paid)
            assert list(visit.faults_of(due, [view])) == []


def _plant(what: str, policy: str | None, route: Route) -> None:
    """Answer with ``what`` in the page; ``policy`` in the place of our own, which blocks styles of elements."""
    answer = route.fetch()
    headers = answer.headers if policy is None else {**answer.headers, "content-security-policy": policy}
    route.fulfill(response=answer, headers=headers, body=answer.text().replace("</h1>", f"</h1>{what}", 1))


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
        page.locator("summary", has_text=house.people["customer"].name).click()
        page.get_by_role("button", name="Se déconnecter").click()
        page.wait_for_url("**/sign-in")


FOCUS = """() => { const at = document.activeElement, box = at.getBoundingClientRect(), style = getComputedStyle(at);
return {tag: at.tagName, type: at.type,
    name: (["INPUT", "SELECT", "TEXTAREA"].includes(at.tagName) ? at.name : at.innerText).trim(),
    seen: box.width > 0 && box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth,
    ring: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2 || style.boxShadow !== "none",
    top: Math.round(box.top + scrollY)}; }"""
"""Where the focus is, whether it is on the screen, and whether it shows."""
MOST_STEPS = 60


def _tab_to(page: Page, wanted: str) -> list[dict[str, Any]]:
    """Press Tab until the focus is on what is named so; every step on the way is seen and shows where it is."""
    steps: list[dict[str, Any]] = []
    for _ in range(MOST_STEPS):
        page.keyboard.press("Tab")
        at = page.evaluate(FOCUS)
        assert at["seen"], at
        assert at["ring"], at
        steps.append(at)
        if at["name"].startswith(wanted):
            return steps
    raise AssertionError(f"{wanted} is never reached: {[each['name'] for each in steps]}")


def test_an_invoice_is_paid_by_keyboard_alone(browser: Browser, served: tuple[House, str]) -> None:
    house, base = served
    with house.services.works.begin(house.supplier.supplier_id) as work:
        link = house.services.pay_link(work, issue(work).invoice_id, "keyboard")
    with look(browser, served, None, DESKTOP) as context:
        page = context.new_page()
        page.goto(link)
        steps = _tab_to(page, "Payer ")
        tops = [each["top"] for each in steps if each["type"] != "radio"][1:]
        assert tops == sorted(tops), "the focus moves down the page as it is read"
        page.keyboard.press("Enter")
        page.wait_for_url("**/pay/**")
        assert not page.url.startswith(base)


def test_a_problem_is_reported_by_keyboard_alone_and_nothing_traps_the_focus(
    browser: Browser, served: tuple[House, str]
) -> None:
    house, _ = served
    with house.services.works.begin(house.supplier.supplier_id) as work:
        invoice = issue(work)
        link = house.services.pay_link(work, invoice.invoice_id, "keyboard")
    with look(browser, served, None, PHONE) as context:
        page = context.new_page()
        page.goto(link)
        _tab_to(page, "Signaler un problème")
        page.keyboard.press("Enter")
        page.wait_for_url("**/dispute")
        _tab_to(page, "reason")
        page.keyboard.press("ArrowDown")
        _tab_to(page, "said")
        page.keyboard.type("Il manque deux cartons.")
        _tab_to(page, "Envoyer")
        page.keyboard.press("Enter")
        page.locator("#disputes").wait_for(timeout=10_000)
        passed = []
        for _ in range(MOST_STEPS):
            page.keyboard.press("Tab")
            passed.append(page.evaluate(FOCUS)["tag"])
        assert "BODY" in passed, "the focus leaves the page at its end"
    with house.services.works.begin(house.supplier.supplier_id) as work:
        count = "SELECT count(*) FROM disputes WHERE supplier_id = :supplier AND invoice_id = :invoice"
        assert work.scalar(count, invoice=invoice.invoice_id) == 1


LOST = """() => [...document.querySelectorAll("main *, header *")].filter((each) => {
    const box = each.getBoundingClientRect(), clip = getComputedStyle(each);
    if (!box.width || each.closest(".hidden, details:not([open])")) return false;
    return box.right > innerWidth + 1 || box.left < -1
        || (each.children.length === 0 && clip.overflowX === "hidden" && clip.textOverflow !== "ellipsis"
            && each.scrollWidth > each.clientWidth + 1);
}).map((each) => each.tagName + " " + each.innerText.slice(0, 40))"""
TOLD = """() => [...document.querySelectorAll(
    "main a, main button, main input:not([type=hidden]), main dt, main dd, h1, h2")]
    .filter((each) => each.checkVisibility() && !each.closest(".hidden"))
    .map((each) => (each.tagName + " " + (each.innerText || each.name || "")).replace(/\\s+/g, " ").trim())"""


def test_at_200_percent_nothing_is_lost(browser: Browser, served: tuple[House, str]) -> None:
    """A window of 1280 by 800 at 200 % is one of 640 by 400 (WCAG 1.4.4, 1.4.10): the same things, none cut off."""
    house, base = served
    paths = [
        house.links["late"],
        f"{house.links['due']}/dispute",
        "/c/",
        "/c/pay",
        "/c/invoices?show=all",
        f"/c/invoices/{house.invoices['late'].invoice_id}",
    ]
    with look(browser, served, "customer", DESKTOP) as wide, look(browser, served, "customer", ZOOMED) as narrow:
        page, zoomed = wide.new_page(), narrow.new_page()
        for path in paths:
            for each in (page, zoomed):
                answer = each.goto(base + path)
                assert answer is not None
                assert answer.ok, path
            assert zoomed.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
            assert zoomed.evaluate(LOST) == [], path
            assert sorted(set(page.evaluate(TOLD)) - set(zoomed.evaluate(TOLD))) == [], path


FIRST_SCREEN = (390, 664)
"""What a phone of 390 by 844 shows between the bars of its browser."""


def test_the_first_screen_of_a_phone_holds_supplier_amount_day_and_the_button(
    browser: Browser, served: tuple[House, str]
) -> None:
    house, base = served
    day = today()
    parts = (Instalment(day, 4000), Instalment(day + timedelta(days=30), 6000))
    with house.services.works.begin(house.supplier.supplier_id) as work:
        plain, split = (issue(work, **changes) for changes in ({}, {"due_on": day, "instalments": parts}))
        links = [house.services.pay_link(work, each.invoice_id, "first screen") for each in (plain, split)]
    with look(browser, served, None, FIRST_SCREEN) as context:
        page = context.new_page()
        for path in (*links, base + house.links["mixed"], base + house.links["part_paid"]):
            page.goto(path)
            assert page.locator(".methods .choice").count() > 1, path
            for what in (".seller p >> nth=0", ".hero", ".hero-note", ".pay-form button[type=submit]"):
                box = page.locator(what).bounding_box()
                assert box is not None, (path, what)
                assert box["y"] + box["height"] <= FIRST_SCREEN[1], (path, what, box)


def test_pressing_twice_pays_once(browser: Browser, served: tuple[House, str]) -> None:
    house, base = served
    with house.services.works.begin(house.supplier.supplier_id) as work:
        invoice = issue(work)
        link = house.services.pay_link(work, invoice.invoice_id, "twice")
    with look(browser, served, None, PHONE) as context:
        page = context.new_page()
        page.goto(link)
        page.get_by_role("button", name="Payer").dblclick()
        page.wait_for_url("**/pay/**")
        assert not page.url.startswith(base)
    with house.services.works.begin(house.supplier.supplier_id) as work:
        begun = work.scalar(
            "SELECT count(*) FROM reservations WHERE supplier_id = :supplier AND invoice_id = :invoice",
            invoice=invoice.invoice_id,
        )
    assert begun == 1


MISSED = """() => [...document.querySelectorAll("main a, main button, main summary, main input, main select, .foot a")]
    .filter((each) => each.checkVisibility() && !each.closest(".hidden") && each.type !== "hidden")
    .filter((each) => !(each.tagName === "A" && getComputedStyle(each).display === "inline"
        && [...each.parentElement.childNodes].some((beside) => beside.nodeType === 3 && beside.data.trim().length > 3)))
    .filter((each) => {
        const touched = ["checkbox", "radio"].includes(each.type) ? each.closest("label") || each : each;
        touched.scrollIntoView({ block: "center" });
        const box = touched.getBoundingClientRect(), x = box.left + box.width / 2, y = box.top + box.height / 2;
        return [-21, 21].some((off) => { const hit = document.elementFromPoint(x, y + off);
            return !hit || !(touched.contains(hit) || hit.contains(touched)); });
    }).map((each) => each.tagName + " " + (each.innerText || each.name).slice(0, 40))"""
"""What a thumb misses: 42 pixels high around its middle belong to something else. Links in sentences are exempt."""


def test_a_thumb_hits_what_it_aims_at(browser: Browser, served: tuple[House, str]) -> None:
    house, base = served
    paths = [house.links["due"], f"{house.links['due']}/dispute", "/c/", "/c/invoices?show=all", "/c/receipts"]
    paths += [f"/c/invoices/{house.invoices['paid'].invoice_id}", "/c/pay/review?all=due", "/c/iban", "/sign-in"]
    with look(browser, served, "customer", PHONE) as context:
        page = context.new_page()
        missed = []
        for path in paths:
            page.goto(base + path)
            missed += [(path, each) for each in page.evaluate(MISSED)]
    assert missed == []


def test_paper_holds_the_figures_and_nothing_to_press_and_high_contrast_keeps_the_edges(
    browser: Browser, served: tuple[House, str]
) -> None:
    house, base = served
    with look(browser, served, "customer", DESKTOP) as context:
        page = context.new_page()
        page.goto(base + house.links["paid"])
        receipt = page.get_by_role("link", name="Voir le reçu").get_attribute("href")
        invoice = f"/c/invoices/{house.invoices['late'].invoice_id}"
        page.emulate_media(media="print")
        for path, kept in ((receipt, "700,00"), ("/c/statement", "Solde"), (invoice, "3 400,00")):
            page.goto(f"{base}{path}")
            assert kept in _text(page).replace("\u202f", " ").replace("\xa0", " "), path
            assert page.locator("button:visible, .button:visible, nav:visible, form:visible").count() == 0, path
        page.emulate_media(media="screen", forced_colors="active")
        for path in (house.links["due"], invoice):
            page.goto(base + path)
            edges = "(all) => all.every((each) => getComputedStyle(each).borderTopStyle !== 'none')"
            assert page.locator(".button:visible, .badge:visible, .notice:visible").evaluate_all(edges), path


def _text(page: Page) -> str:
    return page.locator("body").inner_text()
