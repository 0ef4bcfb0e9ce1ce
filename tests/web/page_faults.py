"""Everything that is asked of a page in a real browser, in one visit.

No accessibility fault on a phone by day and on a desk by night, no sideways scroll at 320 pixels, little weight,
nothing foreign, no complaint of its own policy.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from axe_playwright_python.sync_playwright import Axe
from browser_pages import DESKTOP, NARROWEST, PHONE, addresses, look

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page, Response
    from portal_house import House

MOST_BYTES = 100 * 1024
RULES = ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "best-practice"]
VIEWS = (("phone", PHONE, "light"), ("desk", DESKTOP, "dark"))
"""Pages take turns in them: a phone shows what a desk shows but the row of the menu, and day and night have the same
elements in other colours. ``make pages`` looks at every page in all of them."""
ALL_VIEWS = tuple(
    (f"{name}, {scheme}", size, scheme)
    for name, size in (("phone", PHONE), ("desk", DESKTOP))
    for scheme in ("light", "dark")
)
CUT_OFF = """() => [...document.querySelectorAll("main .card, main .tile, main .notice")]
  .filter((each) => each.scrollWidth > each.clientWidth + 1 && each.clientWidth > 0)
  .map((each) => each.textContent.trim().replace(/\\s+/g, " ").slice(0, 80))"""
"""What is wider than the card that it stands in."""
SAID_NO = ("404", "409", "410", "422")
"""What the console says of pages that say no."""


def faults_of_pages(browser: Browser, served: tuple[House, str], mine: tuple[str, ...]) -> list[tuple[object, ...]]:
    """Every fault of the pages of ``mine`` (how their names begin); ``QUITTANCE_EVERY_VIEW``: each in every view."""
    house, base = served
    every = bool(os.environ.get("QUITTANCE_EVERY_VIEW"))
    faults: list[tuple[object, ...]] = []
    pages = {name: each for name, each in addresses(house).items() if name.startswith(mine)}
    assert pages
    for caller in dict.fromkeys(who for who, _ in pages.values()):
        with look(browser, served, caller, PHONE) as context:
            for turn, (name, (who, path)) in enumerate(pages.items()):
                if who == caller:
                    page = context.new_page()
                    faults += [(name, *each) for each in _load(page, base, path)]
                    for view in ALL_VIEWS if every else (VIEWS[turn % len(VIEWS)],):
                        faults += [(name, *each) for each in _see(page, *view)]
                    faults += [(name, *each) for each in _narrow(page)]
                    page.close()
    return faults


def _load(page: Page, base: str, path: str) -> Iterator[tuple[object, ...]]:
    complaints: list[str] = []
    answers: list[Response] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("response", lambda response: answers.append(response))  # noqa: PLW0108 -- it marks what it is given
    page.goto(base + path)
    weight = sum(each.request.sizes()["responseBodySize"] for each in answers)
    if weight >= MOST_BYTES:
        yield "weighs", weight
    yield from (("foreign", each.url) for each in answers if not each.url.startswith(base))
    yield from (("complains", each) for each in complaints if not any(code in each for code in SAID_NO))


def _see(page: Page, view: str, size: tuple[int, int], scheme: str) -> Iterator[tuple[object, ...]]:
    page.set_viewport_size({"width": size[0], "height": size[1]})
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    yield from ((view, "cut off", each) for each in page.evaluate(CUT_OFF))
    found = Axe().run(page, options={"runOnly": RULES})
    for each in found.response["violations"]:
        for node in each["nodes"]:
            yield view, each["id"], node["html"][:120], node["failureSummary"][:200]


def _narrow(page: Page) -> Iterator[tuple[object, ...]]:
    page.set_viewport_size({"width": NARROWEST[0], "height": NARROWEST[1]})
    excess = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    if excess > 0:
        yield "scrolls sideways", excess
