"""The pages by which files come in: drop, look, take; what was open before is opened and undone in front of people."""

from __future__ import annotations

import re
from io import BytesIO
from typing import TYPE_CHECKING

import pytest
from import_builders import OPEN_ITEMS, csv_of, import_things, row
from portal_house import build_house, form_token, press

from config.clock import new_id
from portal.jobs.kinds import KINDS
from portal.jobs.running import run_jobs
from receivables.services.accounting.checks import run_checks
from receivables.store.invoicing.invoices import find_by_number

if TYPE_CHECKING:
    from flask.testing import FlaskClient
    from portal_house import House
    from werkzeug.test import TestResponse

    from portal.wiring import Services


@pytest.fixture(scope="module")
def house(services: Services) -> House:
    """A house of these tests' own: what they take in stays there."""
    return build_house(services, "Atelier des Reprises")


def drop(client: FlaskClient, path: str, content: bytes, name: str) -> TestResponse:
    """Send a file by the form of a page."""
    data = {"form_token": form_token(client), "file": (BytesIO(content), name)}
    return client.post(path, data=data, headers={"Sec-Fetch-Site": "same-origin"})


def work_off(house: House) -> None:
    """What the worker does."""
    run_jobs(house.services, house.supplier.supplier_id, KINDS)


def gaps(house: House) -> dict[str, int]:
    """What the invariants find in this house, whose past was written by hand."""
    with house.services.works.begin(house.supplier.supplier_id) as work:
        return {each.code: each.gap for each in run_checks(work) if each.gap}


def test_a_file_is_read_first_and_taken_in_on_demand_with_a_report_of_every_line(
    client: FlaskClient, house: House
) -> None:
    house.sign_in(client, "accountant")
    reference = f"P-{new_id().hex[-6:]}"
    dropped = drop(client, "/s/imports", csv_of(row(reference), row("P-2", TVA="vingt")), "novembre.csv")
    assert dropped.status_code == 303
    review = client.get(dropped.location)
    assert "Émettre 1 facture" in review.text, "what is refused already is not counted"
    assert "vingt" in review.text
    started = press(client, dropped.location)
    assert started.status_code == 303
    running = client.get(started.location)
    assert running.headers["Refresh"] == "3"
    assert "Refresh" not in client.get(started.location.partition("?")[0]).headers
    work_off(house)
    job = client.get(started.location)
    assert "Refresh" not in job.headers
    assert "cell.bad_number" in job.text
    returned = client.get(started.location.partition("?")[0] + "/refused")
    assert returned.mimetype == "text/csv"
    assert "vingt" in returned.get_data(as_text=True)
    again = client.get(dropped.location)
    assert "déjà été importé" in again.text


def test_a_table_whose_columns_nobody_knows_is_asked_about_once(client: FlaskClient, house: House) -> None:
    house.sign_in(client, "accountant")
    headings = ("Clef", "Chez", "Quoi", "Combien", "Impôt")
    content = csv_of(["Q-1", "Boulangerie Martin", "Conseil", "10", "20"], headings=headings)
    dropped = drop(client, "/s/imports", content, "bizarre.csv")
    review = client.get(dropped.location)
    assert "Dites ce que sont ces colonnes" in review.text
    assert press(client, dropped.location).status_code == 422
    answers = {"reference": "1", "buyer_name": "2", "name": "3", "net_price": "4", "vat_rate": "5"}
    looked = press(client, dropped.location, mapped="yes", **answers)
    assert looked.status_code == 200, "columns that nobody saw the outcome of are shown first, nothing is issued"
    assert "Émettre 1 facture" in looked.text
    seen = re.search(r'name="seen" value="([^"]+)"', looked.text)
    assert seen
    changed = press(client, dropped.location, mapped="yes", seen=seen[1], **answers | {"name": "1"})
    assert changed.status_code == 200, "nor are those that were changed since"
    started = press(client, dropped.location, mapped="yes", seen=seen[1], **answers)
    assert started.status_code == 303
    next_month = drop(client, "/s/imports", content.replace(b"Q-1", b"Q-2"), "bizarre2.csv")
    assert "Dites ce que sont ces colonnes" not in client.get(next_month.location).text


def test_a_file_that_is_nothing_says_so_beside_the_form(client: FlaskClient, house: House) -> None:
    house.sign_in(client, "owner")
    for path in ("/s/imports", "/s/opening"):
        answer = drop(client, path, b"", "vide.csv")
        assert answer.status_code == 422
        assert "Le fichier est vide" in answer.text


def test_an_opening_is_tried_booked_and_undone_and_its_invoices_have_pages(client: FlaskClient, house: House) -> None:
    house.sign_in(client, "accountant")
    before = gaps(house)
    content = OPEN_ITEMS.replace(b"FA-", b"FX-").replace(b"Librairie Le Goff", b"Librairie du Coin")
    dropped = drop(client, "/s/opening", content, "balance.csv")
    trial = client.get(f"{dropped.location}?opened_on=2026-10-01&stated=1450,01")
    assert "empêche la reprise" in trial.text
    refused = press(client, dropped.location, opened_on="2026-10-01", stated="1450,01")
    assert refused.status_code == 422
    started = press(client, dropped.location, opened_on="2026-10-01", stated="1 450,00")
    assert started.status_code == 303
    work_off(house)
    job = client.get(started.location)
    shown = re.search(r"/s/opening/[0-9a-f-]{36}", job.text)
    assert shown is not None
    page = client.get(shown[0])
    assert page.status_code == 200
    with house.services.works.begin(house.supplier.supplier_id) as work:
        invoice = find_by_number(work, "FX-101", 2026)
        assert invoice is not None
        link = house.services.pay_link(work, invoice.invoice_id, "mail").removeprefix(
            house.services.settings.public_url
        )
    assert "Réglé avant la reprise" in client.get(f"/s/invoices/{invoice.invoice_id}").text
    assert "900,00" in client.get(link).text
    assert client.get(f"/s/customers/{invoice.customer_id}").status_code == 200
    assert press(client, f"{shown[0]}/undo", reason="essai").status_code == 303
    assert "Reprise annulée" in client.get(shown[0]).text
    assert client.get(f"/s/invoices/{invoice.invoice_id}").status_code == 200
    assert "Annulée, remplacée" in client.get(f"/s/customers/{invoice.customer_id}").text
    assert "0,00" in client.get(link).text
    assert gaps(house) == before


def test_a_series_is_continued_from_the_page(client: FlaskClient, house: House) -> None:
    house.sign_in(client, "owner")
    assert press(client, "/s/opening/series", series="D", last="41").status_code == 303
    assert "00042" in client.get("/s/opening").text
    assert press(client, "/s/opening/series", series="D", last="50").status_code == 422


@pytest.mark.parametrize("name", ["brought", "job", "trial", "opening"])
def test_what_another_supplier_brought_is_not_found(
    client: FlaskClient, house: House, neighbour: House, name: str
) -> None:
    house.sign_in(client, "owner")
    root = {"brought": "imports/files", "job": "jobs", "trial": "opening/files", "opening": "opening"}[name]
    assert client.get(f"/s/{root}/{import_things(neighbour)[name]}").status_code == 404
