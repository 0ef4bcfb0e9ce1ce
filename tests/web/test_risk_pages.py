"""Scores, credit insurance and factoring as pages; and what a debtor sees of a claim that a factor has."""

from __future__ import annotations

import io
from datetime import timedelta
from html import unescape
from typing import TYPE_CHECKING

import pytest
from bureau_server import bureau_server
from factor_builders import FACTOR_IBAN, MENTION
from ledger_builders import customer_facts, issue
from portal_house import build_house, form_token, press
from risk_builders import risk_links, risk_things

from config.clock import today
from payments.errors import PaymentError
from payments.paying.plans import AimsPlan, customer_of
from portal.access.people import add_membership, add_person
from portal.access.roles import Role
from receivables.services.invoicing.dues import due_on_invoice
from receivables.services.settlement.paying import RecordPayment, record_payment
from receivables.store.accounting.factors import list_assignments, positions, standing_assignments
from receivables.store.risk.insurance import policies

if TYPE_CHECKING:
    from uuid import UUID

    from flask.testing import FlaskClient
    from portal_house import House
    from werkzeug.test import TestResponse

    from portal.wiring import Services
    from receivables.domain.invoicing.invoices import Invoice

PRINTED = " ".join(FACTOR_IBAN[i : i + 4] for i in range(0, len(FACTOR_IBAN), 4))


@pytest.fixture(scope="module")
def house(services: Services) -> House:
    """A house of these tests' own."""
    return build_house(services, "Atelier des Risques")


@pytest.fixture
def owner(client: FlaskClient, house: House) -> FlaskClient:
    """A browser of the owner's."""
    house.sign_in(client, "owner")
    return client


def billed(house: House) -> Invoice:
    """An open invoice that nobody else uses."""
    with house.services.works.begin(house.supplier.supplier_id) as work:
        return issue(work, customer=customer_facts("Garage du Port", "552100554"), due_on=today())


def upload(client: FlaskClient, path: str, content: str, **fields: str) -> TestResponse:
    """Send a form with a file."""
    data = {"form_token": form_token(client), "file": (io.BytesIO(content.encode()), "f.csv"), **fields}
    headers = {"Sec-Fetch-Site": "same-origin"}
    return client.post(path, data=data, headers=headers, content_type="multipart/form-data")


def test_the_debtor_of_an_assigned_claim_sees_the_factors_account_alone(client: FlaskClient, house: House) -> None:
    page = client.get(risk_links(house)["assigned"]).text
    assert "Payer Facto SA par virement" in page
    assert PRINTED in page
    assert MENTION in page
    assert "Payer 100,00" not in page
    assert '/pay"' not in page
    assert "Vérifier notre IBAN" not in page
    assert "Facture réglée" not in page


def test_a_pay_button_kept_open_on_an_assigned_claim_pays_nothing(house: House) -> None:
    things = risk_things(house)
    with house.services.works.begin(house.supplier.supplier_id) as work:
        with pytest.raises(PaymentError) as caught:
            customer_of(work, AimsPlan({things["assigned"]: 10_000}))
        assert customer_of(work, AimsPlan({things["quiet"]: 10_000})) == things["debtor"]
    assert caught.value.code == "payment.assigned"


def test_the_debtor_of_a_confidential_assignment_sees_what_anybody_sees(client: FlaskClient, house: House) -> None:
    page = client.get(risk_links(house)["quiet"]).text
    assert "ffactur" not in page
    assert "Facto SA" not in page
    assert "cession" not in page.lower()
    assert PRINTED not in page


def test_a_signed_in_debtor_sees_the_payee_of_the_one_and_nothing_of_the_other(
    client: FlaskClient, house: House
) -> None:
    things = risk_things(house)
    database = house.services.database
    person = add_person(database, "debtor@chevalier.example", "Ana")
    add_membership(database, person.person_id, house.supplier.supplier_id, Role.CUSTOMER, things["debtor"])
    house.people["debtor"] = person
    house.sign_in(client, "debtor")
    told = client.get(f"/c/invoices/{things['assigned']}").text
    assert "Payer Facto SA par virement" in told
    assert "À payer à l'affactureur" in unescape(client.get("/c/invoices").text)
    for path in (f"/c/invoices/{things['quiet']}", "/c/receipts"):
        page = client.get(path).text
        assert "Facto SA" not in page
        assert "226" not in page


def test_a_score_is_shown_with_every_part_and_at_a_past_day(owner: FlaskClient, house: House) -> None:
    risk_things(house)
    base = f"/s/scores/customers/{house.customer_id}"
    page = owner.get(base).text
    for part in (
        "Retards de paiement",
        "Tendance",
        "Prélèvements et cartes",
        "Promesses non tenues",
        "Litiges rejetés",
    ):
        assert part in page
    assert "article 22" in page
    before = owner.get(f"{base}?on={(today() - timedelta(days=1)).isoformat()}")
    assert before.status_code == 404  # nobody knew this customer yesterday
    assert "Atelier" in owner.get("/s/scores").text
    assert owner.get("/s/scores?class=A&q=zzz&after=x_y").status_code == 200


def test_a_customer_is_blocked_with_a_reason_and_shown_in_class_e(owner: FlaskClient, house: House) -> None:
    customer_id = billed(house).customer_id
    path = f"/s/scores/customers/{customer_id}"
    assert press(owner, f"{path}/block", blocked="1", reason=" ").status_code == 422
    assert press(owner, f"{path}/block", blocked="1", reason="Chèques volés").status_code == 303
    page = owner.get(path).text
    assert "Classe E" in page
    assert "Chèques volés" in page
    assert press(owner, f"{path}/block", blocked="0", reason="Erreur").status_code == 303


def test_a_file_of_an_agency_stands_beside_our_score_with_the_gap(owner: FlaskClient, house: House) -> None:
    customer_id = billed(house).customer_id
    content = (
        "siren;reported_on;score;trend;advised_exposure;currency;legal_events\n552100554;2026-11-02;40;;5000;EUR;\n"
    )
    answer = upload(owner, "/s/scores/agencies/files", content, agency="general")
    assert answer.status_code == 303
    assert "1 avis nouveaux" in owner.get(answer.location).text
    assert "40 sur 100" in owner.get(f"/s/scores/customers/{customer_id}").text
    wrong = upload(owner, "/s/scores/agencies/files", "a;b\n", agency="general")
    assert (wrong.status_code, "Il manque au fichier" in wrong.text) == (422, True)


def test_an_agency_is_connected_asked_and_left(owner: FlaskClient, house: House) -> None:
    customer_id = billed(house).customer_id
    with bureau_server() as bureau:
        bureau.answers["GET /companies/552100554/report"] = (200, {"score": 71, "reported_on": "2026-11-03"})
        form = {"agency": "general", "url": bureau.url, "key": "k3y"}
        assert press(owner, "/s/scores/agencies/accounts", **form).status_code == 303
        assert "k3y" not in owner.get("/s/scores/agencies").text
        assert press(owner, f"/s/scores/customers/{customer_id}/ask", agency="general").status_code == 303
        assert "71 sur 100" in owner.get(f"/s/scores/customers/{customer_id}").text
        bureau.answers.clear()
        gone = press(owner, f"/s/scores/customers/{customer_id}/ask", agency="general")
        assert (gone.status_code, "ne connaît pas" in gone.text) == (422, True)
    assert press(owner, "/s/scores/agencies/accounts", agency="general", leave="1").status_code == 303
    assert press(owner, f"/s/scores/customers/{customer_id}/ask", agency="general").status_code == 422


def test_a_policy_is_noted_and_a_limit_asked_for_and_read(owner: FlaskClient, house: House) -> None:
    customer_id = billed(house).customer_id
    form = {
        "insurer": "coface",
        "number": "CF-1",
        "starts_on": "2026-01-01",
        "coverage_percent": "90",
        "unnamed_minor": "5 000",
    }
    assert press(owner, "/s/insurance/policies", **form).status_code == 303
    assert press(owner, "/s/insurance/policies", **form).status_code == 422
    assert press(owner, "/s/insurance/policies", **{**form, "number": "X", "coverage_percent": "x"}).status_code == 422
    with house.services.works.begin(house.supplier.supplier_id) as work:
        policy = next(each for each in policies(work) if each.policy_number == "CF-1")
    assert policy.terms.unnamed_minor == 500_000
    asked = {"policy": str(policy.policy_id), "customer": str(customer_id)}
    assert press(owner, "/s/insurance/requests", **asked, amount="12 000").status_code == 303
    assert press(owner, "/s/insurance/requests", **asked, amount="beaucoup").status_code == 422
    content = (
        "SIREN;Nature;Décision;Montant;Date de décision;Date d'effet;Date de fin;Référence\n"
        "552100554;permanente;accordée;12 000,00;02/11/2026;02/11/2026;;CF-77\n"
    )
    assert upload(owner, "/s/insurance/decisions", content, policy=str(policy.policy_id)).status_code == 303
    page = owner.get("/s/insurance/decisions").text
    assert "CF-77" in page
    assert "Accordée" in page
    assert "Garage du Port" in owner.get("/s/insurance").text


def test_an_overdue_invoice_is_declared_from_its_row(owner: FlaskClient, house: House) -> None:
    things = risk_things(house)
    late = house.invoices["late"]
    assert late.number in owner.get("/s/insurance/overdues").text
    form = {"policy": str(things["policy"]), "invoice": str(late.invoice_id)}
    assert press(owner, "/s/insurance/overdues", **form).status_code == 303
    assert "Déclarée" in owner.get("/s/insurance/overdues").text


def test_invoices_are_assigned_from_the_list_and_paid_to_the_factor(owner: FlaskClient, house: House) -> None:
    things, invoice = risk_things(house), billed(house)
    assert invoice.number in owner.get("/s/factoring/assign").text
    assert press(owner, "/s/factoring/assign", factor=str(things["factor"])).status_code == 422
    answer = press(owner, "/s/factoring/assign", factor=str(things["factor"]), invoice=str(invoice.invoice_id))
    assert answer.status_code == 303
    assert "1 factures cédées" in owner.get(answer.location).text
    claim = standing(house, invoice.invoice_id)
    path = f"/s/factoring/{claim}"
    assert press(owner, f"{path}/paid", amount="500", on=today().isoformat()).status_code == 422
    paid = press(owner, f"{path}/paid", amount="100,00", on=today().isoformat(), reference="R-1")
    assert paid.status_code == 303
    with house.services.works.begin(house.supplier.supplier_id) as work:
        assert due_on_invoice(work, invoice.invoice_id).state == "paid"
    assert "Payée à l'affactureur" in unescape(owner.get(path).text)


def standing(house: House, invoice_id: UUID) -> UUID:
    with house.services.works.begin(house.supplier.supplier_id) as work:
        return standing_assignments(work, [invoice_id])[invoice_id].assignment_id


def test_money_that_came_to_us_is_handed_over_and_a_claim_given_back(owner: FlaskClient, house: House) -> None:
    things, invoice, other = risk_things(house), billed(house), billed(house)
    chosen = {"factor": str(things["factor"])}
    for each in (invoice, other):
        press(owner, "/s/factoring/assign", **chosen, invoice=str(each.invoice_id))
    with house.services.works.begin(house.supplier.supplier_id) as work:
        attempt_id = record_payment(
            work,
            RecordPayment(
                "line-hand-over", invoice.customer_id, 10_000, "EUR", today(), "transfer", "bank", "bank",
                {invoice.invoice_id: 10_000}, "test",
            ),
        )  # fmt: skip
        owed = next(iter(positions(work).values()))["owed_minor"]
    path = f"/s/factoring/{standing(house, invoice.invoice_id)}"
    assert "line-hand-over" in owner.get(path).text
    assert press(owner, f"{path}/hand-over", payment="none").status_code == 422
    assert press(owner, f"{path}/hand-over", payment=str(attempt_id)).status_code == 303
    back = f"/s/factoring/{standing(house, other.invoice_id)}"
    assert press(owner, f"{back}/back", reason="").status_code == 422
    assert press(owner, f"{back}/back", reason="Refusée").status_code == 303
    with house.services.works.begin(house.supplier.supplier_id) as work:
        assert next(iter(positions(work).values()))["owed_minor"] == owed - 20_000
        states = {each.invoice_id: each.state for each in list_assignments(work)}
    assert (states[invoice.invoice_id], states[other.invoice_id]) == ("paid", "given_back")


def test_a_factor_is_noted_its_money_booked_and_its_account_changed(owner: FlaskClient) -> None:
    form = {"name": "Crédit Factor", "siren": "409876549", "iban": FACTOR_IBAN, "advance": "85", "recourse": "1"}
    assert press(owner, "/s/factoring/factors", **{**form, "iban": "FR00"}).status_code == 422
    assert press(owner, "/s/factoring/factors", **{**form, "advance": "200"}).status_code == 422
    assert press(owner, "/s/factoring/factors", **{**form, "siren": "12"}).status_code == 422
    assert press(owner, "/s/factoring/factors", **form).status_code == 303
    page = owner.get("/s/factoring").text
    path = "/s/factoring/factors/" + page.partition(">Crédit Factor")[0].rpartition("/s/factoring/factors/")[2].rstrip(
        '"'
    )
    move = {"kind": "advance", "amount": "850", "on": today().isoformat(), "reference": "D-1", "where": "suspense"}
    assert press(owner, f"{path}/moves", **move).status_code == 303
    assert press(owner, f"{path}/moves", **move).status_code == 422
    assert press(owner, f"{path}/moves", **{**move, "kind": "x"}).status_code == 422
    account = {"holder": "Crédit Factor", "iban": "FR7630004000031234567890143", "bic": ""}
    assert press(owner, f"{path}/account", **{**account, "iban": "FR1"}).status_code == 422
    assert press(owner, f"{path}/account", **account).status_code == 303
    assert "FR76 3000 4000" in owner.get(path).text
