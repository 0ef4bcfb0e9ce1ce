"""What every page of customers and payers keeps to: one heading, one act, a title of its own, one language.

Fields can be filled in by the browser, and errors belong to their fields.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import pytest
from browser_pages import addresses
from lxml import html
from test_translations import english

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask.testing import FlaskClient
    from portal_house import House

MINE = ("pay", "customer", "dispute", "nothing", "sign-in")
TYPED = "self::input[@type='text' or @type='email' or @type='tel'] "
FILLED = (
    "//main//*[contains(concat(' ', @class, ' '), ' button ')][not(contains(concat(' ', @class, ' '), ' quiet '))]"
    "[not(contains(concat(' ', @class, ' '), ' bare '))][not(ancestor::details)]"
)


Page = tuple[str, str, html.HtmlElement]
SEEN: dict[str, list[Page]] = {}


def pages(client: FlaskClient, house: House, spoken: str) -> list[Page]:
    """Every page of customers and payers in a language: its name, its path, its content; opened once."""
    if spoken not in SEEN:
        SEEN[spoken] = list(_open(client, house, spoken))
    return SEEN[spoken]


def _open(client: FlaskClient, house: House, spoken: str) -> Iterator[Page]:
    mine = {name: each for name, each in addresses(house).items() if name.startswith(MINE)}
    assert len(mine) > 50
    signed_in: str | None = None
    for name, (who, path) in sorted(mine.items(), key=lambda each: each[1][0] or ""):
        if who and who != signed_in:
            house.sign_in(client, who)
            signed_in = who
        answer = client.get(f"{path}{'&' if '?' in path else '?'}lang={spoken}")
        assert answer.status_code in {200, 404, 409, 410}, name
        page = html.fromstring(answer.text)
        assert page.get("lang") == spoken, name
        yield name, path.partition("?")[0], page


def test_every_page_has_one_heading_one_act_and_a_title_of_its_own(client: FlaskClient, house: House) -> None:
    faults: list[tuple[str, object]] = []
    titles: dict[tuple[str, str], set[str]] = {}
    for name, path, page in pages(client, house, "fr"):
        headings = page.xpath("//h1")
        faults += [(name, ("headings", len(headings)))] if len(headings) != 1 else []
        acts = [each.text_content().strip() for each in page.xpath(FILLED)]
        faults += [(name, ("filled buttons", acts))] if len(acts) > 1 else []
        title = page.findtext(".//title") or ""
        faults += [(name, "no title")] if not title.partition(" · ")[0].strip() else []
        titles.setdefault((path.split("/")[1], title), set()).add(path)
    assert faults == []
    assert {title: paths for (area, title), paths in titles.items() if len(paths) > 1 and area != "p"} == {
        "Payer · Atelier Lumière": {"/c/pay", "/c/pay/review"}  # the basket, and the basket with its error
    }


def test_every_field_says_what_the_browser_may_fill_in_and_every_error_belongs_to_one(
    client: FlaskClient, house: House
) -> None:
    faults: list[tuple[str, str, str]] = []
    for name, _, page in pages(client, house, "fr"):
        for each in page.xpath(f"//main//*[{TYPED}]"):
            faults += [(name, "autocomplete", str(each.get("name")))] if each.get("autocomplete") is None else []
        for each in page.xpath("//*[@aria-invalid='true']"):
            told = (each.get("aria-describedby") or "").split()
            known = [page.get_element_by_id(one, None) for one in told]
            faults += [(name, "error", str(each.get("name")))] if not told or None in known else []
        for each in page.xpath("//main//input[not(@type='hidden')] | //main//select | //main//textarea"):
            wrapped = each.xpath("ancestor::label") or page.xpath(f"//label[@for='{each.get('id')}']")
            faults += [(name, "label", str(each.get("name")))] if not wrapped else []
    assert faults == []


@cache
def foreign(spoken: str) -> frozenset[str]:
    """Texts that a page in this language may not hold: those of the other one that are no text of its own."""
    pairs = [(str(one), str(other)) for one, other in english().items() if not isinstance(one, tuple)]
    french, others = {one for one, _ in pairs}, {other for _, other in pairs}
    return frozenset(french - others if spoken == "en" else others - french)


@pytest.mark.parametrize("spoken", ["fr", "en"])
def test_no_page_holds_a_text_of_the_other_language(client: FlaskClient, house: House, spoken: str) -> None:
    faults = []
    for name, _, page in pages(client, house, spoken):
        ours = f"[ancestor-or-self::*[@lang][1]/@lang = '{spoken}']"
        said = page.xpath(f"//*{ours}/text() | //*{ours}/@aria-label | //*{ours}/@placeholder | //*{ours}/@alt")
        faults += [(name, each.strip()) for each in said if each.strip() in foreign(spoken)]
    assert faults == []
