"""Exports on the pages: validate, close, fetch, check; the statement is the same for the customer and the staff."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING

import openpyxl
import pytest
from exports_builders import french_supplier, small_year
from page_reading import text_of
from portal_house import House, form_token, press

from config.clock import today
from portal.access.people import add_membership, add_person
from portal.access.roles import Role
from portal.access.sessions import open_session
from receivables.domain.accounting.fec_checking import check_fec
from receivables.services.accounting.statements import statements_of
from receivables.store.accounting.periods import closed_until

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask
    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

    from portal.wiring import Services
    from receivables.store.register import Supplier


@pytest.fixture
def owner(services: Services) -> Supplier:
    """A supplier with a small year of books, of one test alone."""
    supplier = french_supplier(services.database)
    with services.works.begin(supplier.supplier_id) as work:
        small_year(work)
    return supplier


@pytest.fixture
def enter(app: Flask, services: Services, owner: Supplier) -> Callable[[Role], FlaskClient]:
    """A browser in which somebody with a role of that supplier is signed in."""

    def sign_in(role: Role) -> FlaskClient:
        person = add_person(services.database, f"{role}@{owner.siren}.example", role.title())
        add_membership(services.database, person.person_id, owner.supplier_id, role)
        client = app.test_client()
        client.environ_base["HTTP_ACCEPT_LANGUAGE"] = "fr"
        client.set_cookie("session", open_session(services.database, services.settings, person.person_id))
        return client

    return sign_in


def give(client: FlaskClient, path: str, name: str, content: bytes) -> TestResponse:
    fields = {"form_token": form_token(client), "file": (io.BytesIO(content), name)}
    return client.post(path, data=fields, headers={"Sec-Fetch-Site": "same-origin"})


def test_an_accountant_validates_fetches_the_fec_and_our_checker_finds_nothing(
    enter: Callable[[Role], FlaskClient], owner: Supplier, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = enter(Role.ACCOUNTANT)
    assert "Valider 7 écritures" in client.get("/s/exports").text
    assert press(client, "/s/exports/validate").status_code == 303
    assert "Valider 7 écritures" not in client.get("/s/exports").text
    answer = client.get("/s/exports/fec/2025-12-31.zip")
    with zipfile.ZipFile(io.BytesIO(answer.data)) as archive:
        name = f"{owner.siren}FEC20251231.txt"
        assert archive.namelist() == [name, f"{owner.siren}FEC20251231-description.txt"]
        content = archive.read(name)
        notice = archive.read(archive.namelist()[1]).decode("iso8859-15")
    assert check_fec(name, content).counts == {}
    assert "18. Idevise (texte) : code ISO 4217" in notice
    assert "jeu de caractères : ISO 8859-15" in notice
    checked = give(client, "/s/exports/check", name, content)
    assert (checked.status_code, "Aucune règle n'est enfreinte" in checked.text) == (200, True)
    wrong = give(client, "/s/exports/check", name, content.replace(b"411000", b"X11000", 1))
    assert "Le fichier n'est pas conforme" in wrong.text
    assert "account.number" in wrong.text
    assert client.get("/s/exports/fec/2025-12-31.zip?encoding=utf-8").status_code == 200
    assert client.get("/s/exports/fec/2025-12-31.zip?encoding=utf-7").status_code == 404
    assert give(client, "/s/exports/check", "x.txt", b"").status_code == 422
    monkeypatch.setattr(
        "portal.staff.exports.pages.check_fec", lambda *file: replace(check_fec(*file), entries=12_345, lines=30_000)
    )
    assert "12\N{NARROW NO-BREAK SPACE}345 écritures" in give(client, "/s/exports/check", name, content).text


def test_a_month_is_closed_on_the_page_and_only_the_owner_opens_it_again_with_a_reason(
    enter: Callable[[Role], FlaskClient], services: Services, owner: Supplier
) -> None:
    accountant, holder = enter(Role.ACCOUNTANT), enter(Role.OWNER)
    last = today().replace(day=1) - timedelta(days=1)
    assert press(accountant, "/s/exports/close", until=last.isoformat()).status_code == 303
    assert "Livres clôturés jusqu" in accountant.get("/s/exports").text
    again = press(accountant, "/s/exports/close", until="2025-01-31")
    assert (again.status_code, "déjà clôturés" in again.text) == (422, True)
    assert press(accountant, "/s/exports/reopen", reason="oubli").status_code == 404
    assert press(holder, "/s/exports/reopen", reason=" ").status_code == 422
    assert press(holder, "/s/exports/reopen", reason="facture oubliée").status_code == 303
    with services.works.begin(owner.supplier_id) as work:
        assert closed_until(work) == last.replace(day=1) - timedelta(days=1)
    assert "facture oubliée" in accountant.get("/s/exports").text


def test_a_collector_reads_lists_and_neither_closes_nor_takes_the_journal(
    enter: Callable[[Role], FlaskClient],
) -> None:
    client = enter(Role.COLLECTOR)
    assert press(client, "/s/exports/validate").status_code == 404
    assert client.get("/s/exports/journal.csv").status_code == 404
    page = client.get("/s/exports").text
    assert "/s/exports/validate" not in page
    assert "/s/exports/journal" not in page
    assert client.get("/s/exports/open.csv").status_code == 200


def test_the_ageing_says_the_same_in_csv_json_and_xlsx(enter: Callable[[Role], FlaskClient]) -> None:
    client = enter(Role.AUDITOR)
    table = client.get("/s/exports/ageing.csv?until=2025-03-31")
    rows = list(csv.DictReader(io.StringIO(table.data.decode("utf-8-sig")), delimiter=";"))
    assert [(row["Client"][:5], row["31 à 60 jours"], row["Solde"]) for row in rows] == [
        ("Boula", "60,00", "60,00"),
        ("Łódź ", "0,00", "100,00"),
    ]
    given = json.loads(client.get("/s/exports/ageing.json?until=2025-03-31").data)
    assert [(row["to_60"], row["total"]) for row in given] == [("60.00", "60.00"), ("0.00", "100.00")]
    answer = client.get("/s/exports/ageing.xlsx?until=2025-03-31")
    sheet = openpyxl.load_workbook(io.BytesIO(answer.data)).active
    assert [row[9] for row in sheet.iter_rows(min_row=2, values_only=True)] == [60, 100]
    assert "attachment; filename=balance-agee-2025-03-31.xlsx" in answer.headers["Content-Disposition"]
    journal = client.get("/s/exports/journal.csv?since=2025-01-01&until=2025-12-31").data.decode("utf-8-sig")
    lines = list(csv.DictReader(io.StringIO(journal), delimiter=";"))
    sums = [sum(int(line[side].replace(",", "")) for line in lines) for side in ("Débit", "Crédit")]
    assert sums[0] == sums[1] > 0


def test_a_table_of_rates_is_kept_once_and_a_bad_one_refused(enter: Callable[[Role], FlaskClient]) -> None:
    client = enter(Role.ACCOUNTANT)
    assert give(client, "/s/exports/rates", "eurofxref.csv", b"Date,USD\n2025-01-10,1.0304\n").status_code == 303
    assert "1 taux connus, le dernier du 10 janvier 2025" in client.get("/s/exports").text
    refused = give(client, "/s/exports/rates", "x.csv", b"hello")
    assert (refused.status_code, "La ligne 1 de la table" in refused.text) == (422, True)


def test_the_customer_and_the_staff_see_the_same_statement_and_its_pdf_says_the_books_balance(
    app: Flask, house: House
) -> None:
    customer, staff = app.test_client(), app.test_client()
    house.sign_in(customer, "customer")
    house.sign_in(staff, "collector")
    base = f"/s/customers/{house.customer_id}/statement"
    with house.services.works.begin(house.supplier.supplier_id) as work:
        since = date(today().year, 1, 1)
        (statement,) = statements_of(work, house.customer_id, since, today())
        balance = work.scalar(
            "SELECT sum(debit_minor - credit_minor)::bigint FROM postings WHERE supplier_id = :supplier "
            "AND customer_id = :customer",
            customer=house.customer_id,
        )
    assert statement.closing_minor == balance
    files = [
        client.get(f"{path}/file.csv?lang=fr").data for client, path in ((customer, "/c/statement"), (staff, base))
    ]
    assert files[0] == files[1]
    rows = list(csv.DictReader(io.StringIO(files[0].decode("utf-8-sig")), delimiter=";"))
    assert int(rows[-1]["Solde"].replace(",", "")) == balance
    pdf = customer.get("/c/statement/file.pdf?lang=fr")
    assert pdf.data.startswith(b"%PDF-")
    said = "".join(text_of(pdf.data).split())
    whole = f"{balance / 100:,.2f}".replace(",", " ").replace(".", ",")
    assert "".join(whole.split()) in said
    for path in ("/c/statement?since=2026-13-01", "/c/statement?since=2026-03-01&until=2026-02-01"):
        assert "Dates non comprises" in customer.get(path, headers={"Accept-Language": "fr"}).text
    assert "Mouvements" in staff.get(f"{base}?lang=fr").text
