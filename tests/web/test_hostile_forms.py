"""Forms of staff and customers sent as no page of ours sends them: whatever comes, an answer and never a 500.

Fields are those that the code of each route reads; each is sent as a file, beyond its length, with control signs, as a
day that is none, as an amount below zero, and every file as a text.
"""

from __future__ import annotations

import inspect
import io
import re
import sys
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from customer_builders import add_lesser_people
from portal_house import build_house, form_token
from risk_builders import risk_things
from test_access import MATRIX, address

from config.clock import today
from portal.access.roles import Door, Role, access_of
from receivables.services.accounting.closing import close_period

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Flask
    from portal_house import House

    from portal.wiring import Services

READ = re.compile(r"""form(?:\.get|\.getlist|\.pop)?[(\[]["'](\w[\w.-]*)["']|["'](\w[\w.-]*)["'] in request\.form""")
FILES = re.compile(r"""files\.(?:get|getlist)\(["'](\w+)["']""")
TYPED = re.compile(r"""(?:text|day|amount|typed|_day|_text|_amount|_uuid|_id|_minor)\(\w*,? ?["'](\w+)["']""")
USUAL = ("reason", "amount", "name", "until", "file", "note", "email", "said", "currency", "number")
ODD = ("\0", "9" * 5_000, "-12,50", "2026-02-30", "\ud7ff\u202e'\"<")
MOST_FIELDS = 40
ENDING = frozenset({"sign_in.leave", "sign_in.sign_out"})
BROKEN = 500


@pytest.fixture(scope="module")
def house(services: Services) -> House:
    """A house of these tests' own: half of it is broken at their end."""
    built = build_house(services, "Atelier des Assauts")
    add_lesser_people(built)
    return built


def fields_of(view: object) -> list[str]:
    """Names of what the module of a view reads of forms, the usual ones where it reads through helpers."""
    module = sys.modules[inspect.unwrap(view).__module__]  # type: ignore[arg-type]
    source = inspect.getsource(module)
    named = [name for pair in READ.findall(source) for name in pair if name]
    return list(dict.fromkeys([*named, *FILES.findall(source), *TYPED.findall(source), *USUAL]))[:MOST_FIELDS]


def forms(names: list[str]) -> Iterator[dict[str, Any]]:
    """The hostile forms: files where texts are read; odd texts, each field another, in files' fields as well."""
    yield {name: (io.BytesIO(b"\0\xff=1"), f"{name}\u202e.csv") for name in names}
    yield {name: ODD[(place + len(names)) % len(ODD)] for place, name in enumerate(names)}


@pytest.mark.parametrize("who", ["owner", "customer"])
def test_no_form_breaks_a_page_whatever_is_sent(app: Flask, house: House, who: str) -> None:
    client, broken, sent = app.test_client(), [], 0
    own = Role.CUSTOMER if who == "customer" else Role.OWNER
    token = form_token(client)
    for rule in app.url_map.iter_rules():
        view = app.view_functions[rule.endpoint]
        access = access_of(view)
        if "POST" not in (rule.methods or ()) or access is None or access.door is not Door.SESSION:
            continue
        if own not in access.roles or rule.endpoint in ENDING:
            continue
        path = address(MATRIX[rule.endpoint][0], house)
        for form in forms(fields_of(view)):
            if client.get_cookie("session") is None:
                house.sign_in(client, who)
                token = form_token(client)
            answer = client.post(path, data={"form_token": token, **form}, headers={"Sec-Fetch-Site": "same-origin"})
            sent += 1
            if answer.status_code == BROKEN:
                value = str(next(iter(form.values())))[:20]
                broken.append((rule.endpoint, value))
    assert sorted(set(broken)) == []
    assert sent > (60 if who == "customer" else 250), "the routes were found"


def test_the_forms_that_once_broke_do_not_where_they_have_something_to_do(app: Flask, house: House) -> None:
    """Closed books to reopen, a policy to hear about, terms to keep: what the loop above may find empty."""
    client = app.test_client()
    house.sign_in(client, "owner")
    with house.services.works.begin(house.supplier.supplier_id) as work:
        policy = risk_things(house)["policy"]
        close_period(work, today().replace(day=1) - timedelta(days=1), "test")
    token = form_token(client)

    def send(path: str, **form: Any) -> int:
        data = {"form_token": token, **form}
        return client.post(path, data=data, headers={"Sec-Fetch-Site": "same-origin"}).status_code

    terms = fields_of(app.view_functions["identity.save_terms"])
    told = []
    for odd in (*ODD, ""):
        told.append(send("/s/exports/reopen", reason=odd))
        told.append(send("/s/insurance/decisions", policy=str(policy), file=odd))
        told += [send("/s/company/terms", **dict.fromkeys(terms, odd))]
        content = odd.encode() + b";" + b"\xff" * 9
        told.append(send("/s/insurance/decisions", policy=str(policy), file=(io.BytesIO(content), f"{odd[:9]}.csv")))
    told.append(send("/s/exports/reopen", reason=(io.BytesIO(b"x"), "x.txt")))
    told.append(send("/s/insurance/decisions", policy=(io.BytesIO(b"x"), "x.txt")))
    assert max(told) < BROKEN, told
