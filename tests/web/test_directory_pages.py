"""The directory's pages: one customer, a file of them, the progress of its check, and the invoice's road."""

from __future__ import annotations

import csv
import io
from io import BytesIO
from typing import TYPE_CHECKING, Any

import pytest
from directory_builders import OPEN, SILENT, TOWN, TOWN_HALL
from portal_house import form_token

from portal.api.directory import directory
from portal.api.tokens import create_token
from portal.app import create_app
from portal.staff.directory import pages

if TYPE_CHECKING:
    from flask.testing import FlaskClient
    from portal_house import House
    from werkzeug.test import TestResponse

    from portal.wiring import Services


@pytest.fixture
def staff(client: FlaskClient, house: House) -> FlaskClient:
    house.sign_in(client, "collector")
    return client


def hand_in(client: FlaskClient, content: bytes, name: str = "clients.csv") -> TestResponse:
    fields: dict[str, Any] = {"form_token": form_token(client), "file": (BytesIO(content), name)}
    return client.post("/s/directory/checks", data=fields, headers={"Sec-Fetch-Site": "same-origin"})


def test_a_number_of_any_kind_leads_to_its_company(staff: FlaskClient) -> None:
    assert staff.get("/s/directory?number=552 100 554").location == f"/s/directory/companies/{OPEN}"
    by_siret = staff.get(f"/s/directory?number={TOWN_HALL}")
    assert by_siret.location == f"/s/directory/companies/{TOWN}?siret={TOWN_HALL}"


@pytest.mark.parametrize(("typed", "said"), [("12", "ni un SIREN"), ("BE0403170701", "pas français")])
def test_a_wrong_number_is_told_beside_its_field(staff: FlaskClient, typed: str, said: str) -> None:
    answer = staff.get(f"/s/directory?number={typed}")
    assert answer.status_code == 422
    assert said in answer.text
    assert f'value="{typed}"' in answer.text


def test_a_reachable_company_shows_its_lines_its_date_and_the_address_chosen(staff: FlaskClient) -> None:
    page = staff.get(f"/s/directory/companies/{OPEN}").text
    assert "Garage du Port" in page
    assert "Joignable" in page
    assert f"{OPEN}_STATUTS" in page
    assert "Réponse de l'annuaire du" in page.replace("&#39;", "'")
    assert "adresse générale de l" in page


def test_a_company_on_no_platform_says_why_and_what_to_do(staff: FlaskClient) -> None:
    page = staff.get(f"/s/directory/companies/{SILENT}").text
    assert "désigné aucune plateforme" in page
    assert "Demandez à votre client" in page
    assert "Sans plateforme" in page
    english = staff.get(f"/s/directory/companies/{SILENT}?lang=en").text
    assert "has named no platform" in english
    assert "Ask your customer" in english


def test_a_public_buyer_shows_what_it_demands(staff: FlaskClient) -> None:
    page = staff.get(f"/s/directory/companies/{TOWN}").text
    assert "acheteur public" in page
    assert "code service, numéro d" in page


def test_an_address_in_use_that_is_not_active_is_told_with_the_right_one(staff: FlaskClient) -> None:
    page = staff.get(f"/s/directory/companies/{OPEN}?to={OPEN}_OLD").text
    assert "pas active dans l" in page
    assert f"Adresses actives\N{NO-BREAK SPACE}: {OPEN}" in page


def test_an_unknown_company_of_a_silent_directory_is_not_called_reachable(staff: FlaskClient) -> None:
    page = staff.get("/s/directory/companies/732829320").text
    assert "Sans réponse" in page
    assert "pas répondu" in page


def test_no_company_has_a_wrong_number(staff: FlaskClient) -> None:
    assert staff.get("/s/directory/companies/552100555").status_code == 404


def test_a_file_is_taken_and_its_page_looks_again_by_itself(staff: FlaskClient) -> None:
    answer = hand_in(staff, b"nom;siren\nGarage du Port;552100554\nMartin;12\n")
    assert answer.status_code == 303
    page = staff.get(answer.location)
    assert page.headers["Refresh"] == str(pages.REFRESH_S)
    assert "Contrôle en cours" in page.text
    assert "Garage du Port" in page.text
    still = staff.get(f"{answer.location}?still=1")
    assert "Refresh" not in still.headers
    assert "clients.csv" in staff.get("/s/directory").text


def test_a_bad_file_is_refused_in_words_with_its_line(staff: FlaskClient) -> None:
    answer = hand_in(staff, b"a;b\n1;2\n")
    assert answer.status_code == 422
    assert "La ligne 1 ne nomme aucune colonne" in answer.text
    assert hand_in(staff, b"").status_code == 422


def test_a_file_too_large_is_refused_in_words(staff: FlaskClient) -> None:
    answer = hand_in(staff, b"siren\n" + b"552100554\n" * 600_000)
    assert answer.status_code in {413, 422}
    assert "octets" in answer.text or "dépasse" in answer.text


def test_a_check_shows_rows_of_every_state_and_can_be_stopped(staff: FlaskClient, house: House) -> None:
    path = f"/s/directory/checks/{house.check_id}"
    page = staff.get(path).text
    assert "VOIRIE" in page
    assert "en attente" in page
    only = staff.get(f"{path}?show=unknown").text
    assert "12 34" in only
    assert "VOIRIE" not in only
    assert staff.get(f"{path}?after=5").text.count("<tr role") == 3
    token = form_token(staff)
    answer = staff.post(f"{path}/stop", data={"form_token": token}, headers={"Sec-Fetch-Site": "same-origin"})
    assert answer.status_code == 303
    assert "Contrôle arrêté" in staff.get(path).text


def test_the_result_is_a_table_for_spreadsheets(staff: FlaskClient, house: House) -> None:
    answer = staff.get(f"/s/directory/checks/{house.check_id}/table.csv")
    assert answer.mimetype == "text/csv"
    assert "clients-2026-annuaire.csv" in answer.headers["Content-Disposition"]
    rows = list(csv.reader(io.StringIO(answer.text.removeprefix("\ufeff")), delimiter=";"))
    assert len(rows) == 7
    assert rows[3][5] == f"{TOWN}_{TOWN_HALL}_VOIRIE"


def test_an_auditor_looks_and_hands_nothing_in(client: FlaskClient, house: House) -> None:
    house.sign_in(client, "auditor")
    assert "Tout un fichier clients" not in client.get("/s/directory").text
    assert hand_in(client, b"siren\n552100554\n").status_code == 404


def test_an_invoice_says_by_which_road_it_goes_and_why(staff: FlaskClient, house: House) -> None:
    page = staff.get(f"/s/invoices/{house.invoices['paid'].invoice_id}").text
    assert "Par la plateforme agréée" in page
    assert "CGI art. 289 bis" in page
    assert f"/s/directory/companies/{OPEN}" in page
    older = staff.get(f"/s/invoices/{house.invoices['due'].invoice_id}").text
    assert "Acheminement" not in older


def test_a_program_asks_for_the_reach_and_the_address(services: Services, house: House) -> None:
    caller = create_app(services, [directory]).test_client()
    with services.works.begin(house.supplier.supplier_id) as work:
        token = {"Authorization": f"Bearer {create_token(work, 'test')}"}
    told = caller.get(f"/api/v1/directory/{OPEN}?address={OPEN}_OLD", headers=token).get_json()
    assert (told["state"], told["address"], told["right_addresses"]) == ("reachable", f"{OPEN}_OLD", [OPEN])
    assert told["address_reason"]["code"] == "stated_not_open"
    silent = caller.get(f"/api/v1/directory/{SILENT}", headers=token).get_json()
    assert (silent["state"], silent["address"]) == ("not_yet", None)
    wrong = caller.get("/api/v1/directory/12", headers=token)
    assert (wrong.status_code, wrong.get_json()["code"]) == (422, "directory.bad_number")
    assert caller.get(f"/api/v1/directory/{OPEN}").status_code == 401
