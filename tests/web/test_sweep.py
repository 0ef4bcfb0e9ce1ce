"""Everything that one supplier's people see, asked for by others: it must look exactly like what does not exist."""

from __future__ import annotations

import re
from collections import deque
from typing import TYPE_CHECKING

import pytest
from portal_house import build_house, form_token, press
from test_access import MATRIX, address

from config.clock import new_id
from portal.app import create_app

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Flask
    from flask.testing import FlaskClient
    from portal_house import House
    from werkzeug.test import TestResponse

    from portal.wiring import Services

ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
LINK = re.compile(r'(?:href|action)="(/[cs]/[^"#]*)"')
MOST_PAGES = 400
"""Pages that a crawl of one person opens: every kind of page several times."""


@pytest.fixture(scope="module")
def secret(services: Services) -> House:
    return build_house(services, "Atelier des Secrets")


@pytest.fixture(scope="module")
def stranger(services: Services) -> House:
    return build_house(services, "Atelier d'En Face")


def signed_in(app: Flask, house: House, who: str) -> FlaskClient:
    client = app.test_client()
    house.sign_in(client, who)
    return client


def crawl(client: FlaskClient, begin: str) -> tuple[set[str], set[str]]:
    """Addresses that a person comes to by links and forms, and those of them that they can open; none is pressed."""
    seen, opened = {begin}, set()
    waiting = deque([begin])
    while waiting and len(opened) < MOST_PAGES:
        path = waiting.popleft()
        answer = client.get(path)
        if answer.status_code != 200:
            continue
        opened.add(path)
        if answer.mimetype != "text/html":
            continue
        for found in LINK.findall(answer.text.replace("&amp;", "&")):
            if found not in seen:
                seen.add(found)
                waiting.append(found)
    return seen, opened


def without_ids(path: str) -> str:
    """The same address with ids that belong to nobody."""
    return ID.sub(lambda _: str(new_id()), path)


def told(answer: TestResponse) -> tuple[int, str, str]:
    """What an answer tells: its status, where it leads, its body; less the ids asked for and the form's token."""
    body = re.sub(r'name="form_token" value="[^"]*"', "", answer.get_data().decode("latin-1"))
    return answer.status_code, ID.sub("", answer.headers.get("Location", "")), ID.sub("", body)


class Asker:
    """Somebody who asks for one address after the other, in one session; what is told does not end it."""

    def __init__(self, app: Flask, house: House, who: str) -> None:
        self.client = signed_in(app, house, who)
        self.token = form_token(self.client)

    def ask(self, path: str, *, pressing: bool) -> tuple[int, str, str]:
        if pressing:
            return told(press(self.client, path, form_token=self.token))
        return told(self.client.get(path))


def addresses_of(app: Flask, house: House) -> Iterator[tuple[str, bool]]:
    """Every address with an id that the house's owner or customer comes to, and whether it is pressed."""
    methods: dict[str, set[str]] = {}
    for rule in app.url_map.iter_rules():
        methods.setdefault(rule.endpoint, set()).update(rule.methods or ())
    for endpoint, (pattern, _) in MATRIX.items():
        path = address(pattern, house)
        if ID.search(path) and path.startswith(("/s/", "/c/")):
            yield path, "GET" not in methods[endpoint]
    for who, begin in (("owner", "/s/"), ("customer", "/c/")):
        for path in crawl(signed_in(app, house, who), begin)[0]:
            if ID.search(path):
                yield path, False


@pytest.fixture(scope="module")
def swept(services: Services, secret: House) -> list[tuple[str, bool]]:
    """Every address of the house, in order."""
    return sorted(set(addresses_of(create_app(services), secret)))


def test_what_others_see_looks_to_a_stranger_like_what_does_not_exist(
    app: Flask, swept: list[tuple[str, bool]], stranger: House
) -> None:
    differences = []
    askers = {"/s/": Asker(app, stranger, "owner"), "/c/": Asker(app, stranger, "customer")}
    for path, pressing in swept:
        theirs = askers[path[:3]].ask(path, pressing=pressing)
        missing = askers[path[:3]].ask(without_ids(path), pressing=pressing)
        if theirs != missing:
            differences.append((path, pressing, theirs[:2], missing[:2]))
    assert len(swept) > 150
    assert differences == []


def test_what_a_customer_sees_looks_to_another_of_the_same_supplier_like_what_does_not_exist(
    app: Flask, secret: House, swept: list[tuple[str, bool]]
) -> None:
    differences, asker = [], Asker(app, secret, "other_customer")
    theirs_only = [each for each in swept if each[0].startswith("/c/")]
    for path, pressing in theirs_only:
        theirs = asker.ask(path, pressing=pressing)
        missing = asker.ask(without_ids(path), pressing=pressing)
        if theirs != missing:
            differences.append((path, pressing, theirs[:2], missing[:2]))
    assert len(theirs_only) > 15
    assert differences == []


def test_the_sweep_finds_a_page_that_shows_what_is_not_the_readers(app: Flask, secret: House, stranger: House) -> None:
    view = app.view_functions["staff.invoice"]

    def planted(invoice_id: object) -> object:
        with secret.services.works.begin(secret.supplier.supplier_id) as work:
            number = work.scalar(
                "SELECT number FROM invoices WHERE supplier_id = :supplier AND invoice_id = :id", id=invoice_id
            )
        return f"Invoice {number}"

    planted.__dict__.update(view.__dict__)
    app.view_functions["staff.invoice"] = planted
    path = f"/s/invoices/{secret.invoices['paid'].invoice_id}"
    asker = Asker(app, stranger, "owner")
    assert asker.ask(path, pressing=False) != asker.ask(without_ids(path), pressing=False)
