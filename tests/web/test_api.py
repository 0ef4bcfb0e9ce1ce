"""The API issues, answers the same for the same key, and refuses in both languages with a stable code."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from ledger_builders import customer_facts, issue

from config.clock import today
from einvoice.archive import Archive
from einvoice.composing.seller import SellerProfile
from einvoice.document import Address
from einvoice.formats.payment_reference import group_reference, rf_reference
from einvoice.validation.check import Validator
from einvoice.validation.schematron import SchematronEngine
from portal.api.customers import customers
from portal.api.invoices import api
from portal.api.tokens import create_token
from portal.app import create_app
from portal.documents.issuing import save_profile
from portal.wiring import Services, build_services
from receivables.services.settlement.paying import RecordPayment, record_payment

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

    from config.database import Database
    from config.settings import Settings
    from receivables.store.register import Supplier

BUYER = {
    "name": "Boulangerie Martin",
    "siren": "732829320",
    "address": {"line1": "1 rue du Four", "postcode": "75006", "city": "Paris", "country": "FR"},
}
INVOICE: dict[str, Any] = {
    "buyer": BUYER,
    "lines": [{"name": "Journée de conseil", "quantity": "2", "net_price": "500.00", "vat_rate": "20"}],
}


@pytest.fixture(scope="module")
def house(settings: Settings, database: Database) -> Iterator[Services]:
    services = build_services(settings, database_of=lambda _: database)
    yield services
    services.engine.close()


@pytest.fixture(scope="module")
def client(house: Services) -> FlaskClient:
    return create_app(house, [api]).test_client()


@pytest.fixture
def token(house: Services, supplier: Supplier) -> str:
    profile = SellerProfile(
        name=supplier.name,
        siren="812345015",
        address=Address("FR", "12 quai de la Fosse", postcode="44000", city="Nantes"),
        vat_id="FR73812345015",
        iban="FR7630004000010008123450115",
    )
    with house.works.begin(supplier.supplier_id) as work:
        save_profile(work, profile)
        return create_token(work, "test")


def post(client: FlaskClient, token: str, body: object, path: str = "/api/v1/invoices", **headers: str) -> TestResponse:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return client.post(path, data=data, headers={"Authorization": f"Bearer {token}", **headers})


def test_an_invoice_is_issued_with_its_files_and_its_payment_link(client: FlaskClient, token: str) -> None:
    answer = post(client, token, INVOICE)
    assert answer.status_code == 201, answer.text
    told = answer.json
    assert told["amount_due"] == "1200.00"
    assert told["number"].endswith("-00001")
    assert {each["form"] for each in told["files"]} == {"facturx", "cii", "ubl"}
    assert "/p/" in told["pay_url"]
    year = told["issue_date"][:4]
    shown = client.get(f"/api/v1/invoices/{year}/{told['number']}", headers={"Authorization": f"Bearer {token}"})
    assert shown.json["state"] == "due"
    pdf = client.get(
        f"/api/v1/invoices/{year}/{told['number']}/files/facturx", headers={"Authorization": f"Bearer {token}"}
    )
    assert pdf.data.startswith(b"%PDF")
    page = client.get(told["pay_url"].partition("//")[2].partition("/")[2].join(["/", ""]))
    assert page.status_code == 200
    assert told["number"] in page.text


def test_the_pay_page_names_the_account_and_the_reference_of_the_invoice(client: FlaskClient, token: str) -> None:
    """An invoice may name another account than the profile's: the page, its code and the PDF must agree."""
    told = post(client, token, {**INVOICE, "payment": {"iban": "FR7630006000011234567890189"}}).json
    page = client.get("/" + told["pay_url"].split("/", 3)[3]).text
    assert "FR76 3000 6000 0112 3456 7890 189" in page
    assert "FR76 3000 4000 0100" not in page
    assert group_reference(rf_reference(told["number"])) in page
    assert 'class="qr" viewBox="0 0 ' in page


def test_the_same_key_and_input_issue_once(client: FlaskClient, token: str) -> None:
    first = post(client, token, INVOICE, **{"Idempotency-Key": "order-42"})
    again = post(client, token, INVOICE, **{"Idempotency-Key": "order-42"})
    assert again.json == first.json
    other = post(client, token, {**INVOICE, "buyer_reference": "other"}, **{"Idempotency-Key": "order-42"})
    assert (other.status_code, other.json["code"]) == (409, "request.key_reused")


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 422, "file.empty"),
        (b"GIF89a", 422, "file.unknown_kind"),
        (b"{", 422, "request.not_json"),
        (b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", 422, "xml.doctype"),
        (b"<a/>", 422, "invoice.not_an_invoice"),
        (b"%PDF-1.7 nothing", 422, "pdf.damaged"),
        ({"buyer": BUYER}, 422, "request.invalid"),
        ({**INVOICE, "totals": {"with_vat": "1200.01"}}, 422, "invoice.wrong_total"),
    ],
)
def test_bad_input_gets_a_code_and_a_sentence_in_both_languages(
    client: FlaskClient, token: str, body: object, status: int, code: str
) -> None:
    answer = post(client, token, body)
    assert (answer.status_code, answer.json["code"]) == (status, code)
    assert answer.mimetype == "application/problem+json"
    assert answer.json["detail"]
    assert answer.json["detail_fr"]
    next_one = post(client, token, INVOICE)
    assert next_one.json["number"].endswith("-00001"), "a refusal takes no number"


def test_without_a_valid_token_nothing_opens(client: FlaskClient, token: str) -> None:
    for wrong in ("", "qt_", token[:-2] + "xx", "qt_é", "a" * 500):
        answer = post(client, wrong, INVOICE)
        assert (answer.status_code, answer.json["code"]) == (401, "api.unauthorised")


def test_a_token_sees_its_own_supplier_alone(client: FlaskClient, house: Services, token: str) -> None:
    told = post(client, token, INVOICE).json
    from receivables.store.register import create_supplier  # noqa: PLC0415 -- one use

    other = create_supplier(house.database, "552100554", "Autre fournisseur")
    with house.works.begin(other.supplier_id) as work:
        foreign = create_token(work, "foreign")
    path = f"/api/v1/invoices/{told['issue_date'][:4]}/{told['number']}"
    answer = client.get(path, headers={"Authorization": f"Bearer {foreign}"})
    assert (answer.status_code, answer.json["code"]) == (404, "invoice.not_found")


def test_an_unknown_format_is_named(client: FlaskClient, token: str) -> None:
    answer = post(client, token, INVOICE, path="/api/v1/invoices?format=docx")
    assert (answer.status_code, answer.json["code"]) == (400, "request.unknown_format")


def test_without_the_judge_nothing_is_issued(settings: Settings, database: Database, token: str) -> None:
    deaf = SchematronEngine(command=["/bin/false"])
    services = build_services(settings, database_of=lambda _: database)
    services.engine.close()
    services.validator = Validator(deaf)
    services.archive = Archive(settings.data_dir / "archive")
    answer = post(create_app(services, [api]).test_client(), token, INVOICE)
    deaf.close()
    assert (answer.status_code, answer.json["code"]) == (503, "invoice.not_checked")


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "nothing", 404), ("DELETE", "invoices", 405)])
def test_even_a_wrong_address_is_refused_in_both_languages(
    client: FlaskClient, method: str, path: str, status: int
) -> None:
    told = client.open(f"/api/v1/{path}", method=method).json
    assert told["code"] == f"http.{status}"
    assert "address" in told["detail"]
    assert "adresse" in told["detail_fr"]


def test_an_invoice_whose_files_cannot_be_made_is_said_to_be_issued(
    client: FlaskClient, house: Services, supplier: Supplier, token: str
) -> None:
    with house.works.begin(supplier.supplier_id) as work:
        work.execute(
            'UPDATE supplier_profiles SET profile = profile || \'{"colour": "red"}\' WHERE supplier_id = :supplier'
        )
    answer = post(client, token, INVOICE)
    assert answer.status_code == 500
    assert answer.json["code"] == "invoice.files_pending"
    assert "-00001 is issued: do not issue it again" in answer.json["detail"]


def test_an_invoice_of_the_future_is_refused_with_its_term(client: FlaskClient, token: str) -> None:
    answer = post(client, token, {**INVOICE, "issue_date": "2099-01-01"})
    assert (answer.status_code, answer.json["code"], answer.json["term"]) == (422, "invoice.issued_in_future", "BT-2")


def test_complaint_8_what_is_overpaid_is_open_below_zero_and_a_credit_of_the_customer(
    house: Services, supplier: Supplier
) -> None:
    client = create_app(house, [api, customers]).test_client()
    with house.works.begin(supplier.supplier_id) as work:
        headers = {"Authorization": f"Bearer {create_token(work, 'credits')}"}
        invoice = issue(work, customer=customer_facts("Trop Payeur SARL", siren=None))
        record_payment(
            work,
            RecordPayment(
                "overpaid", invoice.customer_id, 12_500, "EUR", today(), "transfer", "bank", "bank",
                {invoice.invoice_id: 12_500}, "test",
            ),
        )  # fmt: skip
    told = client.get(f"/api/v1/invoices/{invoice.issued_on.year}/{invoice.number}", headers=headers).json
    assert (told["amount_due"], told["open"], told["state"]) == ("0.00", "-25.00", "paid")
    path = f"/api/v1/customers/{told['customer']['account_code']}"
    shown = client.get(path, headers=headers).json
    assert shown["open"] == {"EUR": "-25.00"}
    assert [(each["kind"], each["reference"], each["open"]) for each in shown["credits"]] == [
        ("receipt", "overpaid", "25.00")
    ]
    assert client.get(path).status_code == 401
    assert client.get("/api/v1/customers/C99999", headers=headers).status_code == 404
