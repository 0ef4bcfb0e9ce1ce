"""Everything that is asked of a page in a real browser, in one visit.

No accessibility fault on a phone by day and on a desk by night, no sideways scroll at 320 pixels, little weight,
nothing foreign, no complaint of its own policy.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from axe_playwright_python.base import AXE_SCRIPT
from browser_pages import DESKTOP, NARROWEST, PHONE, addresses, look
from pydantic_core import from_json

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from playwright.sync_api import Browser, Page, Response
    from portal_house import House

    View = tuple[str, tuple[int, int], str]
    """Its name, width and height in pixels, colour scheme."""

MOST_BYTES = 100 * 1024
RULES = ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "best-practice"]
VIOLATIONS = """(rules) => axe.run({runOnly: rules, resultTypes: ["violations"]})
  .then((results) => JSON.stringify(results.violations))"""
"""What is right is neither described nor handed over: that takes longer than looking at it."""
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
            visit = Visit(context.new_page(), base)
            for turn, (name, (who, path)) in enumerate(pages.items()):
                if who == caller:
                    views = ALL_VIEWS if every else (VIEWS[turn % len(VIEWS)],)
                    faults += [(name, *each) for each in visit.faults_of(path, views)]
    return faults


class Visit:
    """One tab in which one caller opens page after page: a tab each would be a process each."""

    def __init__(self, page: Page, base: str) -> None:
        self._page = page
        self._base = base
        self._complaints: list[str] = []
        self._answers: list[Response] = []
        page.on("console", lambda message: self._complaints.append(message.text))
        page.on("response", lambda response: self._answers.append(response))  # noqa: PLW0108 -- it marks what it is given

    def faults_of(self, path: str, views: Sequence[View]) -> Iterator[tuple[object, ...]]:
        """What is wrong with one page, opened in the first of the views."""
        for number, (view, size, scheme) in enumerate(views):
            self._change_to(size, scheme)
            if number == 0:
                yield from self._load(path)
            yield from self._see(view)
        yield from self._narrow()

    def _change_to(self, size: tuple[int, int], scheme: str) -> None:
        self._page.set_viewport_size({"width": size[0], "height": size[1]})
        self._page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]

    def _load(self, path: str) -> Iterator[tuple[object, ...]]:
        self._complaints.clear()
        self._answers.clear()
        self._page.goto(self._base + path)
        weight = sum(each.request.sizes()["responseBodySize"] for each in self._answers)
        if weight >= MOST_BYTES:
            yield "weighs", weight
        yield from (("foreign", each.url) for each in self._answers if not each.url.startswith(self._base))
        yield from (("complains", each) for each in self._complaints if not any(code in each for code in SAID_NO))

    def _see(self, view: str) -> Iterator[tuple[object, ...]]:
        yield from ((view, "cut off", each) for each in self._page.evaluate(CUT_OFF))
        self._page.evaluate(AXE_SCRIPT)
        for each in from_json(self._page.evaluate(VIOLATIONS, RULES)):
            for node in each["nodes"]:
                yield view, each["id"], node["html"][:120], node["failureSummary"][:200]

    def _narrow(self) -> Iterator[tuple[object, ...]]:
        self._page.set_viewport_size({"width": NARROWEST[0], "height": NARROWEST[1]})
        excess = self._page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        if excess > 0:
            yield "scrolls sideways", excess
