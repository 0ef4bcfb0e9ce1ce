"""The pages of e-reporting: figures that agree with the books, drilled down to invoices, and what to do."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING

import pytest
from declarant_builders import Declarer
from lxml import etree
from portal_house import form_token, press

from config.clock import now
from einvoice.lifecycle.message import Detail, InvoiceReference, Reason, StatusMessage
from einvoice.platform.accounts import connect_platform
from einvoice.platform.settings import PlatformSettings
from einvoice.reporting.answers import receive_report_answer
from einvoice.reporting.preparing import Reporter
from portal.access.people import add_membership, add_person
from portal.access.roles import Role
from portal.access.sessions import open_session
from receivables.store.register import create_supplier

if TYPE_CHECKING:
    from flask.testing import FlaskClient
    from portal_house import House

    from einvoice.reporting.store import Declaration
    from portal.wiring import Services

OCTOBER = date(2026, 10, 5)


@dataclass
class Bureau:
    """A supplier that declares, with its newest declaration of October's receipts."""

    services: Services
    declarer: Declarer
    made: list[Declaration]

    def sign_in(self, client: FlaskClient, role: Role = Role.ACCOUNTANT) -> None:
        database = self.services.database
        person = add_person(database, f"{role}-{self.declarer.supplier.siren}@bureau.example", "Camille Renard")
        add_membership(database, person.person_id, self.declarer.id, role)
        client.set_cookie("session", open_session(database, self.services.settings, person.person_id))

    def connect(self, reporting: str) -> None:
        settings = PlatformSettings(self.declarer.driver, "client", "secret", reporting=reporting)  # type: ignore[arg-type]
        with self.services.works.begin(self.declarer.id) as work:
            connect_platform(work, self.services.keyring, "Plateforme d'essai", settings)


@pytest.fixture
def bureau(services: Services) -> Bureau:
    siren = f"{now().timestamp() * 10**6:.0f}"[-9:]
    supplier = create_supplier(services.database, siren, "Atelier Lumière")
    declarer = Declarer(services.works, supplier, services.archive, services.validator.check_flux10)
    with services.works.begin(declarer.id) as work:
        work.execute("UPDATE platform_accounts SET active = false WHERE supplier_id = :supplier")
    found = Bureau(services, declarer, [])
    found.connect("own")
    payment = declarer.receive(declarer.sell(), OCTOBER)
    declarer.give_back(payment, OCTOBER, 2500)
    reporter = Reporter(
        services.works, services.archive, services.validator.check_flux10, services.reporter.account_for
    )
    found.made = reporter.prepare_due(declarer.id, date(2026, 11, 1))
    return found


def words(page: str) -> str:
    return re.sub(r"[\s\u00a0\u202f]+", " ", re.sub(r"<[^>]+>", " ", page)).replace("&#39;", "'")


def test_a_version_shows_its_totals_and_drills_down_to_invoices(client: FlaskClient, bureau: Bureau) -> None:
    bureau.sign_in(client)
    made = next(each for each in bureau.made if each.period.kind == "payments")
    page = client.get(f"/s/reports/{made.report_id}").text
    assert made.number in page
    assert re.search(r"Encaissements de particuliers 10\.4 · 2 opérations 20 % \S \S 45,01 €", words(page))
    assert page.count('href="/s/invoices/') == 4
    assert "La déclaration est en route" in page


def test_the_file_is_the_one_that_was_archived_and_its_fetch_is_noted(client: FlaskClient, bureau: Bureau) -> None:
    bureau.sign_in(client)
    made = bureau.made[0]
    answer = client.get(f"/s/reports/{made.report_id}/file")
    assert etree.fromstring(answer.data).findtext("ReportDocument/Id") == made.number
    assert f'filename="{made.number}.xml"' in answer.headers["Content-Disposition"]
    with bureau.services.works.begin(bureau.declarer.id) as work:
        assert work.scalar("SELECT count(*) FROM audit_rows WHERE supplier_id = :supplier AND act = 'document.fetched'")


def test_the_list_shows_running_and_declared_periods(client: FlaskClient, bureau: Bureau) -> None:
    bureau.sign_in(client, Role.AUDITOR)
    shown = words(client.get("/s/reports").text)
    for expected in ("Période en cours", "réel normal trimestriel", *(each.number for each in bureau.made)):
        assert expected in shown
    assert "Totals by part" not in shown
    english = words(client.get("/s/reports?lang=en").text)
    assert "Running and last periods" in english


def test_a_late_receipt_shows_what_will_be_rectified(client: FlaskClient, bureau: Bureau) -> None:
    bureau.sign_in(client)
    bureau.declarer.receive(bureau.declarer.sell(date(2026, 11, 2)), OCTOBER, 100)
    shown = words(client.get("/s/reports/payments/2026-10-01").text)
    assert "une déclaration rectificative remplacera toute la période" in shown
    assert "Ajouté" in shown


def test_a_refused_declaration_says_why_and_is_prepared_again_by_hand(client: FlaskClient, bureau: Bureau) -> None:
    bureau.sign_in(client)
    made = bureau.made[0]
    message = StatusMessage(
        "m",
        "301",
        now(),
        InvoiceReference(made.number),
        details=(Detail(reason=Reason("REJ_PER", "Période")),),
    )
    with bureau.services.works.begin(bureau.declarer.id) as work:
        assert receive_report_answer(work, message) is None
    shown = words(client.get(f"/s/reports/{made.report_id}").text)
    assert "REJ_PER Période" in shown
    assert "comparez ses dates avec votre régime de TVA" in shown
    assert made.number in words(client.get("/s/problems").text)
    path = f"/s/reports/{made.period.kind}/{made.period.starts_on}/prepare"
    answer = press(client, path)
    assert answer.status_code == 303
    assert made.number.replace("-01", "-02") in client.get(answer.location).text.replace("-01-02", "-02")
    again = press(client, path)
    assert again.status_code == 409
    assert "est encore en route vers la plateforme" in words(again.text)


def test_where_the_platform_declares_the_page_is_a_comparison(client: FlaskClient, bureau: Bureau) -> None:
    bureau.connect("platform")
    bureau.sign_in(client)
    shown = words(client.get("/s/reports").text)
    assert "La plateforme déclare pour vous" in shown
    assert "Ce que la plateforme devrait déclarer" in shown
    page = client.get("/s/reports/payments/2026-10-01").text
    assert "Préparer" not in page


def test_a_house_without_profile_or_platform_is_told_so(
    client: FlaskClient, services: Services, bureau: Bureau
) -> None:
    with services.works.begin(bureau.declarer.id) as work:
        work.execute("UPDATE platform_accounts SET active = false WHERE supplier_id = :supplier")
    bureau.sign_in(client)
    assert "Aucune plateforme agréée n'est connectée" in words(client.get("/s/reports").text)


@pytest.mark.parametrize("path", ["/s/reports/payments/2020-01-01", "/s/reports/payments/soon", "/s/reports/sales/x"])
def test_a_period_that_is_none_is_not_found(client: FlaskClient, bureau: Bureau, path: str) -> None:
    bureau.sign_in(client)
    assert client.get(path).status_code == 404


def test_a_collector_may_look_and_not_prepare(client: FlaskClient, bureau: Bureau) -> None:
    bureau.sign_in(client, Role.COLLECTOR)
    assert "Préparer" not in client.get("/s/reports/payments/2026-10-01").text
    assert press(client, "/s/reports/payments/2026-10-01/prepare").status_code == 404


def test_a_neighbours_declaration_is_not_found(client: FlaskClient, bureau: Bureau, house: House) -> None:
    house.sign_in(client, "owner")
    assert form_token(client)
    assert client.get(f"/s/reports/{bureau.made[0].report_id}").status_code == 404
    assert client.get(f"/s/reports/{bureau.made[0].report_id}/file").status_code == 404
    assert replace(bureau.made[0], version=2).version == 2
