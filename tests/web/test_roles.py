"""What sales see: pages to read, and on them no way to what they may not open."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from ledger_builders import customer_facts
from portal_house import build_house, press
from test_access import MATRIX, address
from treasury_builders import fill_some_treasury
from werkzeug.exceptions import HTTPException

from config.clock import new_id
from portal.access.people import memberships_of
from portal.access.principals import lets_in
from portal.access.roles import BOOKKEEPING, COLLECTING, CREDIT, OWNERS, READERS, STAFF, Role, access_of

if TYPE_CHECKING:
    from flask import Flask
    from flask.testing import FlaskClient
    from portal_house import House

    from portal.wiring import Services

LINK = re.compile(r'(?:href|action)="(/s/[^"#?]*)')


@pytest.fixture(scope="module")
def house(services: Services) -> House:
    """A house with a payment that its customer contests."""
    made = build_house(services, "Atelier des Ventes")
    with services.works.begin(made.supplier.supplier_id) as work:
        fill_some_treasury(work, services.keyring, new_id().hex, customer_facts())
    return made


def test_the_groups_lie_one_in_the_other() -> None:
    assert set(OWNERS) < set(BOOKKEEPING) < set(CREDIT) < set(COLLECTING) < set(STAFF) < set(READERS)
    assert set(READERS) == set(Role) - {Role.CUSTOMER}
    assert Role.AUDITOR not in COLLECTING


def test_no_page_that_sales_read_leads_to_what_they_may_not_open(app: Flask, house: House) -> None:
    client = app.test_client()
    house.sign_in(client, "sales")
    (membership,) = memberships_of(house.services.database, house.people["sales"].person_id)
    routes = app.url_map.bind("")
    closed, opened = set(), 0
    for endpoint, (pattern, allowed) in MATRIX.items():
        methods = {m for rule in app.url_map.iter_rules(endpoint) for m in rule.methods or ()}
        if "sales" not in allowed or "GET" not in methods or not pattern.startswith("/s/"):
            continue
        answer = client.get(address(pattern, house))
        if answer.status_code != 200 or answer.mimetype != "text/html":
            continue
        opened += 1
        for link in set(LINK.findall(answer.text)):
            for method in ("GET", "POST"):
                try:
                    there, _ = routes.match(link, method=method)
                except HTTPException:
                    continue
                access = access_of(app.view_functions[there])
                if access and access.roles and not lets_in(access, membership):
                    closed.add(f"{endpoint}: {link}")
                break
    assert closed == set()
    assert opened > 15


@pytest.mark.parametrize("path", ["/s/work", "/s/bank", "/s/treasury", "/s/exports", "/s/people", "/s/platform"])
def test_sales_have_no_work_bank_treasury_export_or_setting(client: FlaskClient, house: House, path: str) -> None:
    house.sign_in(client, "sales")
    assert client.get(path).status_code == 404
    assert f'href="{path}"' not in client.get("/s/invoices").text


def test_a_search_of_sales_finds_customers_and_invoices_and_no_money(client: FlaskClient, house: House) -> None:
    house.sign_in(client, "sales")
    number = house.invoices["paid"].number
    assert f"/s/invoices/{house.invoices['paid'].invoice_id}" in client.get(f"/s/search?q={number}").text
    page = client.get("/s/search?q=Boulangerie").text
    assert "/s/customers/" in page
    assert "/s/payments/" not in page
    assert "/s/bank/" not in page


def test_a_credit_manager_decides_on_credit_and_not_on_books(client: FlaskClient, house: House) -> None:
    house.sign_in(client, "credit_manager")
    granted = press(client, f"/s/credit/customers/{house.customer_id}/limits", amount="")
    assert granted.status_code not in {404, 500}
    assert press(client, "/s/exports/validate").status_code == 404
    assert press(client, "/s/iban").status_code == 404
