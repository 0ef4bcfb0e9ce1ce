"""Every role walks its house: no dead link, no button that is not theirs, no code where words belong."""

from __future__ import annotations

import html
import re
from collections import Counter, deque
from typing import TYPE_CHECKING

import pytest
from werkzeug.exceptions import HTTPException

from config.clock import new_id
from portal.access.people import add_membership, add_person, memberships_of
from portal.access.principals import lets_in
from portal.access.roles import Door, Role, access_of
from portal.access.sessions import open_session
from receivables.store.register import create_supplier

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Flask
    from flask.testing import FlaskClient
    from portal_house import House
    from werkzeug.routing import MapAdapter

    from portal.access.people import Membership
    from portal.wiring import Services

STAFF_ROLES = tuple(role for role in Role if role is not Role.CUSTOMER)
ONCE, THRICE = 1, 3
NOT_OPENED = {
    "flows.held": "asks the platform",
    "staff.evidence": "a zip of everything",
    "fec.download": "a file",
    "bank.original": "a file, which statements of builders do not have",
}
"""What is only looked up, not opened: whether the role may is known without."""
SAYS_NAMES = re.compile(r"^(reference|validation|audit_trail|programs|platform\.ask_)")
"""Pages that name fields on purpose: what a program sends, a rule refuses, the trail keeps, a platform hands out."""
ELSEWHERE = ("/api/v1/", "/demo/")
"""Addresses that an app with every blueprint serves."""
LINK = re.compile(r'<a [^>]*?href="([^"]*)"')
FORM = re.compile(r"<form([^>]*)>(.*?)</form>", re.DOTALL)
SENT = re.compile(r"<button(?![^>]*\bdisabled)[^>]*>|<input[^>]*type=\"submit\"")
TABLE = re.compile(r"<table.*?</table>", re.DOTALL)
UNSAID = re.compile(
    r"<(script|style|code|pre|textarea|option|datalist)\b.*?</\1>|<[^>]*class=\"[^\"]*\bmono\b[^>]*>[^<]*<", re.DOTALL
)
RAW = {
    "a name of a field": re.compile(r"(?<![\w/.@-])[a-z]+(?:_[a-z]+)+(?![\w/@.-])"),
    "a code of an error or event": re.compile(r"(?<![\w/.@-])[a-z]+(?:_[a-z]+)*\.[a-z]+_[a-z_]+(?![\w/@-])"),
    "a value of the program": re.compile(r"\b(?:None|True|False|Undefined)\b|\{\{|%\(\w"),
    "a code before the name of a status": re.compile(r"(?<![\w-])2(?:0\d|1[0-3]|2[0-8]) [A-ZÉ][a-zé]"),
    "a term of the standard": re.compile(r"\bB[TG]-\d"),
}


class Walk:
    """Somebody who follows every link of every page that they find, each kind of page a few times at most."""

    def __init__(self, app: Flask, client: FlaskClient, who: Membership, most: int = ONCE) -> None:
        self.app, self.client, self.who, self.most = app, client, who, most
        self.routes: MapAdapter = app.url_map.bind("")
        self.opened: Counter[str] = Counter()
        self.faults: set[tuple[str, ...]] = set()

    def begin(self, path: str) -> set[tuple[str, ...]]:
        """Everything that is wrong with the pages from ``path`` on."""
        waiting = deque([path])
        seen = {path}
        while waiting:
            for link in self._open(waiting.popleft()):
                if link not in seen:
                    seen.add(link)
                    waiting.append(link)
        return self.faults

    def _open(self, path: str) -> list[str]:
        endpoint = self._endpoint(path, "GET")
        if endpoint is None or self.opened[endpoint] >= self.most or endpoint in NOT_OPENED:
            return []
        self.opened[endpoint] += 1
        answer = self.client.get(path)
        if answer.status_code >= 400:
            self.faults.add((endpoint, "does not open", path, str(answer.status_code)))
        if answer.mimetype != "text/html" or answer.status_code != 200:
            return []
        page = answer.text
        self.faults |= {
            (endpoint, *each) for each in (*self._links(page), *self._forms(page, path), *_texts(endpoint, page))
        }
        here = path.partition("?")[0]
        links = [html.unescape(each).partition("#")[0] for each in LINK.findall(page)]
        return [here + each if each.startswith("?") else each for each in links if each and each[0] in "/?"]

    def _links(self, page: str) -> Iterator[tuple[str, ...]]:
        for link in set(LINK.findall(page)):
            path = html.unescape(link).partition("#")[0].partition("?")[0]
            if path.startswith("/") and not path.startswith(ELSEWHERE) and not self._is_open(path, "GET"):
                yield "leads to what is closed", path

    def _forms(self, page: str, here: str) -> Iterator[tuple[str, ...]]:
        for attributes, inside in FORM.findall(page):
            action = re.search(r'action="([^"]*)"', attributes)
            path = html.unescape(action[1] if action else here).partition("?")[0] or here
            method = "POST" if 'method="post"' in attributes else "GET"
            if SENT.search(inside) and not self._is_open(path, method):
                yield "offers what is closed", method, path

    def _is_open(self, path: str, method: str) -> bool:
        endpoint = self._endpoint(path, method)
        access = access_of(self.app.view_functions.get(endpoint or ""))
        if access is None:
            return False
        return access.door is not Door.SESSION or lets_in(access, self.who)

    def _endpoint(self, path: str, method: str) -> str | None:
        try:
            return str(self.routes.match(path.partition("?")[0], method=method)[0])
        except HTTPException:
            return None


def _texts(endpoint: str, page: str) -> Iterator[tuple[str, ...]]:
    for table in TABLE.findall(page):
        head = table.partition("</thead>")[0]
        if "<th" not in head or re.search(r"<th[^>]*>\s*</th>", head):
            yield "a table without its headings", table[:80]
    if "<h1" not in page:
        yield ("no title",)
    if SAYS_NAMES.match(endpoint):
        return
    main = page.partition("<main")[2].partition("</main>")[0]
    said = html.unescape(re.sub(r"<[^>]+>", " ", UNSAID.sub(" <", main)))
    for name, pattern in RAW.items():
        for each in set(pattern.findall(said)):
            yield name, each


def membership_of(services: Services, person_id: object) -> Membership:
    (found,) = memberships_of(services.database, person_id)  # type: ignore[arg-type]
    return found


@pytest.mark.parametrize("role", STAFF_ROLES)
def test_no_page_leads_to_what_is_closed_or_speaks_in_codes(app: Flask, house: House, role: Role) -> None:
    client = app.test_client()
    client.environ_base["HTTP_ACCEPT_LANGUAGE"] = "fr"
    house.sign_in(client, role.value)
    walk = Walk(
        app,
        client,
        membership_of(house.services, house.people[role.value].person_id),
        THRICE if role is Role.SALES else ONCE,
    )
    if role is Role.OWNER:
        with house.services.works.begin(house.supplier.supplier_id) as work:
            work.audit("test", "person.signed_in", str(house.people["customer"].person_id))  # no page of the staff's
    assert walk.begin("/s/") == set()
    assert len(walk.opened) > (15 if role is Role.SALES else 40)


@pytest.mark.parametrize("role", [Role.OWNER, Role.SALES])
def test_a_house_without_anything_yet_has_every_page_of_its_menu(app: Flask, services: Services, role: Role) -> None:
    supplier = create_supplier(services.database, f"NEW-{new_id()}", "Maison Neuve")
    person = add_person(services.database, f"{new_id()}@maison.example", "Ada")
    add_membership(services.database, person.person_id, supplier.supplier_id, role)
    client = app.test_client()
    client.environ_base["HTTP_ACCEPT_LANGUAGE"] = "fr"
    client.set_cookie("session", open_session(services.database, services.settings, person.person_id))
    first = client.get("/s/").text
    assert "Bienvenue" in first, "the first page says how to begin"
    assert Walk(app, client, membership_of(services, person.person_id)).begin("/s/") == set()
