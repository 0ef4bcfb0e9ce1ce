"""An invoice for a known customer in a real browser: how many acts and seconds from the list to issued, and no more."""

from __future__ import annotations

import os
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import pytest
from browser_pages import CHROMIUM, DESKTOP, PHONE, WITHOUT_BROWSER, chromium
from invoicing_builders import Writer
from werkzeug.serving import make_server

from portal.access.sessions import open_session
from portal.app import create_app

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page, Route

    from portal.wiring import Services

pytestmark = pytest.mark.skipif(not CHROMIUM.exists(), reason=WITHOUT_BROWSER)

MOST_ACTS, MOST_AGAIN_ACTS = 6, 4
MOST_S = 15.0
"""Seconds of a journey by a machine that types at once: what a person waits for, with another test beside it."""


@dataclass
class Journey:
    """Counts what a person does, and takes pictures where ``QUITTANCE_PICTURES`` names a folder."""

    page: Page
    name: str
    acts: int = 0
    began: float = field(default_factory=time.monotonic)

    def click(self, role: Literal["button", "link"], name: str, *, first: bool = False) -> None:
        found = self.page.get_by_role(role, name=name)
        (found.first if first else found).click()
        self.acts += 1
        self.page.wait_for_load_state()

    def write(self, label: str, text: str) -> None:
        self.page.get_by_label(label, exact=True).fill(text)
        self.acts += 1

    def picture(self, step: str) -> None:
        folder = os.environ.get("QUITTANCE_PICTURES")
        if folder:
            self.page.screenshot(path=f"{folder}/{self.name}-{step}.png", full_page=True)

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.began


@pytest.fixture(scope="module")
def served(services: Services) -> Iterator[tuple[Writer, str]]:
    """A supplier with one invoice, behind a real server."""
    server = make_server("127.0.0.1", 0, lambda *_: [b""], threaded=True)
    base = f"http://127.0.0.1:{server.server_port}"
    writer = Writer(services)
    writer.issue()
    server.app = create_app(services)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield writer, base
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser for the module."""
    with chromium() as opened:
        yield opened


def open_list(browser: Browser, served: tuple[Writer, str], size: tuple[int, int], **options: bool) -> Page:
    """The list of invoices, signed in."""
    writer, base = served
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]}, locale="fr-FR", java_script_enabled=options.get("script", True)
    )
    token = open_session(writer.services.database, writer.services.settings, writer.person.person_id)
    context.add_cookies([{"name": "session", "value": token, "url": base}])
    page = context.new_page()
    page.goto(f"{base}/s/invoices")
    return page


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desk", "phone"])
def test_from_the_list_to_an_issued_invoice_in_six_acts(
    browser: Browser, served: tuple[Writer, str], size: tuple[int, int]
) -> None:
    page = open_list(browser, served, size)
    journey = Journey(page, f"new-{size[0]}")
    journey.click("link", "Nouvelle facture")
    journey.picture("1-who")
    journey.click("button", "Facturer Boulangerie Moreau", first=True)
    journey.picture("2-empty")
    journey.write("Ce que vous facturez", "Pose de luminaires")
    journey.write("Prix hors taxes", "1 250,50")
    page.get_by_text("Prête à émettre").wait_for()
    page.locator("#look img").wait_for()
    journey.picture("3-written")
    journey.click("button", "Relire avant d'émettre")
    journey.picture("4-review")
    journey.click("button", "Émettre la facture")
    assert page.get_by_text("1 500,60 €").count()
    journey.picture("5-issued")
    print(f"{journey.name}: {journey.acts} acts, {journey.seconds:.1f} s")
    assert "/s/invoices/" in page.url
    assert page.locator("h1").inner_text().startswith("Facture F2")
    assert journey.acts <= MOST_ACTS
    assert journey.seconds < MOST_S
    page.context.close()


def test_the_same_as_last_time_in_four_acts_without_any_script(browser: Browser, served: tuple[Writer, str]) -> None:
    page = open_list(browser, served, DESKTOP, script=False)
    journey = Journey(page, "again")
    journey.click("link", "Nouvelle facture")
    journey.click("button", "Comme la dernière", first=True)
    journey.picture("2-form")
    journey.click("button", "Relire avant d'émettre")
    journey.click("button", "Émettre la facture")
    print(f"{journey.name}: {journey.acts} acts, {journey.seconds:.1f} s")
    assert "/s/invoices/" in page.url
    assert journey.acts <= MOST_AGAIN_ACTS
    assert journey.seconds < MOST_S
    page.context.close()


def test_the_page_and_the_verdict_follow_the_writer(browser: Browser, served: tuple[Writer, str]) -> None:
    page = open_list(browser, served, DESKTOP)
    journey = Journey(page, "look")
    journey.click("link", "Nouvelle facture")
    journey.click("button", "Facturer Boulangerie Moreau", first=True)
    journey.write("Ce que vous facturez", "Pose")
    journey.write("Prix hors taxes", "douze")
    page.get_by_text("« douze » : écrivez un nombre").first.wait_for()
    assert page.get_by_label("Prix hors taxes", exact=True).get_attribute("aria-invalid") == "true"
    began = time.monotonic()
    journey.write("Prix hors taxes", "12")
    page.get_by_text("Prête à émettre").wait_for()
    page.wait_for_function("document.querySelector('#look img')?.complete")
    print(f"look: {time.monotonic() - began:.2f} s from a key to the page and the verdict")
    page.reload()
    assert page.get_by_label("Prix hors taxes", exact=True).input_value() == "12"
    page.context.close()


def test_a_press_before_what_is_kept_answered_is_not_taken_for_another_window(
    browser: Browser, served: tuple[Writer, str]
) -> None:
    page = open_list(browser, served, DESKTOP)
    journey = Journey(page, "press")
    journey.click("link", "Nouvelle facture")
    journey.click("button", "Facturer Boulangerie Moreau", first=True)
    journey.write("Prix hors taxes", "40")
    page.get_by_text("Encore une chose à remplir").wait_for()
    held = []

    def hold(route: Route) -> None:
        held.append((route, route.fetch()))

    page.route("**/look", hold)
    with page.expect_request("**/look"):
        journey.write("Ce que vous facturez", "Pose")
    journey.write("Ce que vous facturez", "Pose de fenêtres")
    page.get_by_label("Prix hors taxes", exact=True).focus()
    page.get_by_role("button", name="Relire avant d'émettre").click(no_wait_after=True)
    page.wait_for_timeout(200)
    for route, answer in held:
        route.fulfill(response=answer)
    page.wait_for_url("**/review")
    page.goto(page.url.removesuffix("/review"))
    kept = page.get_by_label("Ce que vous facturez", exact=True).input_value()
    assert kept == "Pose de fenêtres", "nor does it write over what was typed since"
    page.context.close()
