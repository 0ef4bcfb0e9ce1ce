"""Exports too long for a request: offered, made by the worker, told by mail, fetched by whoever asked alone."""

from __future__ import annotations

import csv
import io
import zipfile
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

import pytest
from exports_builders import french_supplier, small_year
from portal_house import build_house, press
from treasury_till import words as text_of

from config.clock import now, today
from portal import tables
from portal.access.people import add_membership, add_person
from portal.access.roles import Role
from portal.access.sessions import open_session
from portal.exports import kept, kinds
from portal.exports.kept import end_exports, get_export
from portal.jobs import jobs
from portal.jobs.kinds import KINDS
from portal.jobs.running import run_jobs
from receivables.store.work_to_do import EXPORTS_TO_END, suppliers_with

if TYPE_CHECKING:
    from flask import Flask
    from flask.testing import FlaskClient
    from portal_house import House

    from portal.wiring import Services
    from receivables.store.register import Supplier

JOURNAL = "/s/exports/journal.csv?since=2020-01-01"


@pytest.fixture(autouse=True)
def nothing_is_small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two lines, or one file, are too long for a request; pieces of a kilobyte."""
    monkeypatch.setattr(kinds, "AT_ONCE_LINES", 2)
    monkeypatch.setattr(kinds, "AT_ONCE_FILES", 0)
    monkeypatch.setattr(kept, "PIECE_BYTES", 1024)


@pytest.fixture(scope="module")
def supplier(services: Services) -> Supplier:
    """A supplier with a small year of books."""
    made = french_supplier(services.database)
    with services.works.begin(made.supplier_id) as work:
        small_year(work)
    return made


@pytest.fixture(scope="module")
def customers(services: Services) -> House:
    """A house with a customer who has invoices and files."""
    return build_house(services, "Exports Apart")


def enter(app: Flask, services: Services, supplier: Supplier, role: Role, name: str = "") -> FlaskClient:
    person = add_person(services.database, f"{name or role}@{supplier.siren}.example", name or role.title())
    add_membership(services.database, person.person_id, supplier.supplier_id, role)
    client = app.test_client()
    client.environ_base["HTTP_ACCEPT_LANGUAGE"] = "fr"
    client.set_cookie("session", open_session(services.database, services.settings, person.person_id))
    return client


def asked(client: FlaskClient, **form: str) -> str:
    """Press the button of the offer; the address of the export."""
    answer = press(client, "/s/jobs/files", **form)
    assert answer.status_code == 303, text_of(answer.text)
    return answer.location.partition("?")[0]


def journal_wish() -> dict[str, str]:
    return {"kind": "journal", "o.since": "2020-01-01", "o.until": today().isoformat(), "o.as": "csv"}


def test_a_long_journal_is_offered_made_by_the_worker_told_and_fetched(
    app: Flask, services: Services, supplier: Supplier
) -> None:
    client = enter(app, services, supplier, Role.ACCOUNTANT)
    offer = client.get(JOURNAL)
    assert offer.mimetype == "text/html"
    assert "Ce fichier se prépare à part" in text_of(offer.text)
    path = asked(client, **journal_wish())
    assert asked(client, **journal_wish()) == path, "the same one is not made twice"
    waiting = client.get(f"{path}?follow=yes")
    assert waiting.headers["Refresh"] == "3"
    assert client.get(f"{path}/file").status_code == 404

    run_jobs(services, supplier.supplier_id, KINDS)
    page = text_of(client.get(path).text)
    assert "Votre fichier est prêt" in page
    file = client.get(f"{path}/file")
    assert file.mimetype == "text/csv"
    rows = list(csv.DictReader(io.StringIO(file.data.decode("utf-8-sig")), delimiter=";"))
    assert len(rows) > 5
    assert sum(int(row["Débit"].replace(",", "")) for row in rows) == sum(
        int(row["Crédit"].replace(",", "")) for row in rows
    )
    with services.works.begin(supplier.supplier_id) as work:
        mail = work.row(
            "SELECT recipient, subject, text_body FROM mails WHERE supplier_id = :supplier AND kind = 'export_ready'"
        )
        acts = work.rows("SELECT act FROM audit_rows WHERE supplier_id = :supplier AND act LIKE 'export.%'")
    assert mail is not None
    assert mail["recipient"] == f"accountant@{supplier.siren}.example"
    assert path in mail["text_body"]
    assert sorted(row["act"] for row in acts) == ["export.asked", "export.fetched", "export.made"]
    listed = text_of(client.get("/s/jobs").text)
    assert "Export : Journal des écritures" in listed
    assert "Terminé" in listed


def test_nobody_else_sees_or_fetches_it_and_whoever_lost_the_right_does_not_either(
    app: Flask, services: Services, supplier: Supplier
) -> None:
    auditor = enter(app, services, supplier, Role.AUDITOR, "lea")
    path = asked(auditor, **journal_wish())
    run_jobs(services, supplier.supplier_id, KINDS)
    assert auditor.get(f"{path}/file").status_code == 200
    owner = enter(app, services, supplier, Role.OWNER, "chef")
    assert (owner.get(path).status_code, owner.get(f"{path}/file").status_code) == (404, 404)
    assert path not in owner.get("/s/jobs").text
    assert "Journal des écritures" in owner.get("/s/jobs").text, "the house's job is listed all the same"
    with services.database.register() as connection:
        connection.exec_driver_sql(
            "UPDATE memberships SET role = 'collector' WHERE member_of = %s AND role = 'auditor'",
            (supplier.supplier_id,),
        )
    assert auditor.get(f"{path}/file").status_code == 404, "the right was taken away meanwhile"


def test_a_role_that_may_not_have_it_cannot_ask_for_it(app: Flask, services: Services, supplier: Supplier) -> None:
    collector = enter(app, services, supplier, Role.COLLECTOR)
    assert press(collector, "/s/jobs/files", **journal_wish()).status_code == 404
    assert press(collector, "/s/jobs/files", kind="customer_data").status_code == 422
    assert press(collector, "/s/jobs/files", kind="nothing").status_code == 422
    assert press(collector, "/s/jobs/files", **(journal_wish() | {"kind": "open", "o.until": "x"})).status_code == 404
    assert asked(collector, **{"kind": "open", "o.until": "2026-01-31"})


def test_after_seven_days_the_file_is_gone_and_its_bytes_as_well(
    app: Flask, services: Services, supplier: Supplier, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = enter(app, services, supplier, Role.OWNER, "tard")
    path = asked(client, **(journal_wish() | {"o.form": "raw"}))
    run_jobs(services, supplier.supplier_id, KINDS)
    assert client.get(f"{path}/file").text.startswith("journal,number,booked_on"), "written for programs"
    later = now() + timedelta(days=7, seconds=1)
    monkeypatch.setattr(kept, "now", lambda: later)
    assert client.get(f"{path}/file").status_code == 404
    assert "n'est plus gardé" in text_of(client.get(path).text)
    with services.works.begin(supplier.supplier_id) as work:
        assert end_exports(work) >= 1
        left = work.scalar(
            "SELECT sum(length(content)) FROM export_pieces WHERE supplier_id = :supplier AND export_id = :id",
            id=path.rpartition("/")[2],
        )
        work.execute("UPDATE jobs SET state = 'finished' WHERE supplier_id = :supplier AND state = 'running'")
    assert left == 0
    assert supplier.supplier_id not in suppliers_with(services.database, EXPORTS_TO_END)


def test_a_fec_is_made_as_the_page_makes_it(app: Flask, services: Services, supplier: Supplier) -> None:
    client = enter(app, services, supplier, Role.ACCOUNTANT, "fec")
    year = client.get("/s/exports").text.partition("/s/exports/fec/")[2][:10]
    assert "Ce fichier se prépare à part" in text_of(client.get(f"/s/exports/fec/{year}.zip").text)
    path = asked(client, **{"kind": "fec", "o.year": year, "o.encoding": "utf-8"})
    run_jobs(services, supplier.supplier_id, KINDS)
    names = zipfile.ZipFile(io.BytesIO(client.get(f"{path}/file").data)).namelist()
    assert f"{supplier.siren}FEC{year.replace('-', '')}.txt" in names


def test_what_cannot_be_made_says_why_on_its_page(
    app: Flask, services: Services, supplier: Supplier, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = enter(app, services, supplier, Role.ACCOUNTANT, "xlsx")
    monkeypatch.setattr(tables, "MOST_XLSX_ROWS", 1)
    path = asked(client, **(journal_wish() | {"o.as": "xlsx"}))
    run_jobs(services, supplier.supplier_id, KINDS)
    assert "demandez le CSV" in text_of(client.get(path).text)
    assert client.get(f"{path}/file").status_code == 404
    assert "Des lignes refusées" in text_of(client.get("/s/jobs").text)


def test_one_person_has_at_most_five_waiting(app: Flask, services: Services, supplier: Supplier) -> None:
    client = enter(app, services, supplier, Role.ACCOUNTANT, "pressee")
    for day in range(1, 6):
        asked(client, **(journal_wish() | {"o.until": f"2026-01-0{day}"}))
    sixth = press(client, "/s/jobs/files", **(journal_wish() | {"o.until": "2026-01-06"}))
    assert sixth.status_code == 422
    assert "attendez le premier" in text_of(sixth.text)


def test_a_customer_takes_their_own_data_made_apart_and_nobody_elses(
    client: FlaskClient, customers: House, services: Services
) -> None:
    customers.sign_in(client, "customer")
    offer = client.get("/c/export/file.zip?from=2020-01-01&to=2035-01-01")
    assert "Ce fichier se prépare à part" in text_of(offer.text)
    other = press(client, "/c/export", kind="litigation")
    assert other.status_code == 404, "what is the supplier's is not theirs to ask for"
    answer = press(
        client, "/c/export", **{"kind": "customer_data", "o.from": "2020-01-01", "o.to": "2035-01-01",
                                "customer": str(customers.other_customer_id)}
    )  # fmt: skip
    path = answer.location.partition("?")[0]
    run_jobs(services, customers.supplier.supplier_id, KINDS)
    assert path.rpartition("/")[2] in client.get("/c/export").text
    archive = zipfile.ZipFile(io.BytesIO(client.get(f"{path}/file").data))
    told = archive.read("invoices.csv").decode("utf-8-sig").splitlines()
    header, first = told[0].split(";"), told[1].split(";")
    assert "," in first[header.index("total")], "as a French spreadsheet reads an amount"
    with services.works.begin(customers.supplier.supplier_id) as work:
        export = get_export(work, UUID(path.rpartition("/")[2]))
        own = work.scalar(
            "SELECT count(*) FROM invoices WHERE supplier_id = :supplier AND customer_id = :id",
            id=customers.customer_id,
        )
    assert export.customer_id == customers.customer_id, "whatever the form says"
    assert len(told) == own + 1
    customers.sign_in(client, "owner")
    assert client.get(f"/s/jobs/files/{export.export_id}/file").status_code == 404


def test_the_proofs_of_an_invoice_are_made_apart_where_they_are_many(
    client: FlaskClient, customers: House, services: Services
) -> None:
    customers.sign_in(client, "owner")
    with services.works.begin(customers.supplier.supplier_id) as work:
        invoice_id = work.scalar(
            "SELECT invoice_id FROM documents WHERE supplier_id = :supplier AND invoice_id IS NOT NULL LIMIT 1"
        )
    assert "Préparer ce fichier" in text_of(client.get(f"/s/invoices/{invoice_id}/evidence").text)
    path = asked(client, **{"kind": "evidence", "o.invoice": str(invoice_id)})
    run_jobs(services, customers.supplier.supplier_id, KINDS)
    assert "manifest.json" in zipfile.ZipFile(io.BytesIO(client.get(f"{path}/file").data)).namelist()


def test_the_list_of_jobs_has_pages_and_a_way_in(
    app: Flask, services: Services, supplier: Supplier, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = enter(app, services, supplier, Role.OWNER, "liste")
    monkeypatch.setattr(jobs, "PAGE_JOBS", 1)
    for day in (8, 9):
        asked(client, **(journal_wish() | {"o.until": f"2026-01-0{day}"}))
    page = client.get("/s/jobs").text
    assert "2026-01-09" in page
    assert "2026-01-08" not in page
    older = page.partition('href="?after=')[2].partition('"')[0]
    assert "2026-01-08" in client.get(f"/s/jobs?after={older}").text
    assert 'href="/s/jobs"' in client.get("/s/problems").text, "in the menu"
    assert client.get("/s/jobs?after=x").status_code == 200
    export_id = UUID(page.partition("/s/jobs/files/")[2][:36])
    with services.works.begin(supplier.supplier_id) as work:
        job_id = get_export(work, export_id).job_id
    assert client.get(f"/s/jobs/{job_id}").location.startswith("/s/jobs/files/")
