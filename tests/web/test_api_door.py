"""The door of the API: scopes, tokens of three sorts, one effect for one key, rates, and answers that were held."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from ledger_builders import customer_facts, issue

from config.clock import now
from portal.access.people import add_membership, add_person
from portal.access.roles import Role
from portal.api.blueprints import API_BLUEPRINTS
from portal.api.clients import create_client, revoke_client, rotate_secret
from portal.api.door import RATES
from portal.api.rates import Rates
from portal.api.tokens import create_token
from portal.app import create_app

if TYPE_CHECKING:
    from flask import Flask
    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

    from portal.wiring import Services
    from receivables.store.register import Supplier

CUSTOMER = {
    "name": "Boulangerie Martin",
    "siren": "732829320",
    "address": {"line1": "1 rue du Four", "postcode": "75006", "city": "Paris"},
}


@pytest.fixture(scope="module")
def api(services: Services) -> Flask:
    return create_app(services, API_BLUEPRINTS)


@pytest.fixture
def client(api: Flask, services: Services) -> FlaskClient:
    api.extensions[RATES] = Rates(services.counts, 600)
    return api.test_client()


def token_with(services: Services, supplier: Supplier, *scopes: str, **rest: Any) -> dict[str, str]:
    with services.works.begin(supplier.supplier_id) as work:
        made = create_token(work, "test", scopes=scopes or None, **rest)
    return {"Authorization": f"Bearer {made}"}


def ask_token(client: FlaskClient, public_id: str, secret: str, **form: str) -> TestResponse:
    return client.post("/oauth/token", data={"grant_type": "client_credentials", **form}, auth=(public_id, secret))


def test_a_token_does_what_its_scopes_say_and_nothing_else(
    client: FlaskClient, services: Services, supplier: Supplier
) -> None:
    reader = token_with(services, supplier, "customers:read")
    assert client.get("/api/v1/customers", headers=reader).status_code == 200
    refused = client.post("/api/v1/customers", json=CUSTOMER, headers=reader)
    assert (refused.status_code, refused.json["code"]) == (403, "api.scope_missing")
    assert "customers:write" in refused.headers["WWW-Authenticate"]
    assert client.get("/api/v1/invoices", headers=reader).status_code == 403
    assert client.post("/api/v1/customers", json=CUSTOMER, headers=token_with(services, supplier)).status_code == 201


def test_an_expired_token_and_one_of_somebody_who_left_open_nothing(
    client: FlaskClient, services: Services, supplier: Supplier
) -> None:
    late = token_with(services, supplier, expires_at=now() - timedelta(seconds=1))
    assert client.get("/api/v1/customers", headers=late).status_code == 401
    person = add_person(services.database, f"{supplier.reference}@parti.example", "Parti")
    theirs = token_with(services, supplier, "customers:read", person_id=person.person_id)
    assert client.get("/api/v1/customers", headers=theirs).status_code == 401
    add_membership(services.database, person.person_id, supplier.supplier_id, Role.SALES)
    assert client.get("/api/v1/customers", headers=theirs).status_code == 200


def test_a_persons_token_may_do_no_more_than_the_person(
    client: FlaskClient, services: Services, supplier: Supplier
) -> None:
    person = add_person(services.database, f"{supplier.reference}@vente.example", "Vente")
    add_membership(services.database, person.person_id, supplier.supplier_id, Role.SALES)
    wished = token_with(
        services, supplier, "customers:read", "customers:write", "bank:read", person_id=person.person_id
    )
    assert client.get("/api/v1/customers", headers=wished).status_code == 200
    assert client.post("/api/v1/customers", json=CUSTOMER, headers=wished).status_code == 403
    partial = add_person(services.database, f"{supplier.reference}@part.example", "Part")
    add_membership(services.database, partial.person_id, supplier.supplier_id, Role.COLLECTOR, portfolio=True)
    theirs = token_with(services, supplier, "customers:read", person_id=partial.person_id)
    assert client.get("/api/v1/customers", headers=theirs).status_code == 401, "it would see every customer"


def test_a_program_exchanges_its_secret_for_a_token_of_an_hour(
    client: FlaskClient, services: Services, supplier: Supplier
) -> None:
    with services.works.begin(supplier.supplier_id) as work:
        program, secret = create_client(work, "ERP", ["customers:read", "customers:write"], "test")
    given = ask_token(client, program.public_id, secret)
    assert (given.status_code, given.json["expires_in"], given.json["token_type"]) == (200, 3600, "Bearer")
    assert given.json["scope"] == "customers:read customers:write"
    headers = {"Authorization": f"Bearer {given.json['access_token']}"}
    opened = client.post("/api/v1/customers", json=CUSTOMER, headers=headers)
    assert opened.status_code == 201
    with services.works.begin(supplier.supplier_id) as work:
        assert work.scalar(
            "SELECT actor FROM audit_rows WHERE supplier_id = :supplier AND act = 'customer.opened'"
        ) == ("api: ERP")
    narrow = ask_token(client, program.public_id, secret, scope="customers:read invoices:read").json
    assert narrow["scope"] == "customers:read", "no more than the program may"
    in_form = {"client_id": program.public_id, "client_secret": secret, "grant_type": "client_credentials"}
    assert client.post("/oauth/token", data=in_form).status_code == 200
    client.post("/oauth/revoke", data={"token": given.json["access_token"]}, auth=(program.public_id, secret))
    assert client.get("/api/v1/customers", headers=headers).status_code == 401


@pytest.mark.parametrize(
    ("change", "status", "error"),
    [
        ({"secret": "qs_wrong"}, 401, "invalid_client"),
        ({"public_id": "qc_wrong"}, 401, "invalid_client"),
        ({"scope": "bank:write"}, 400, "invalid_scope"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
    ],
    ids=["wrong-secret", "unknown-client", "foreign-scope", "other-grant"],
)
def test_who_does_not_prove_itself_gets_no_token(  # noqa: PLR0917 -- three fixtures and a case
    client: FlaskClient, services: Services, supplier: Supplier, change: dict[str, str], status: int, error: str
) -> None:
    with services.works.begin(supplier.supplier_id) as work:
        program, secret = create_client(work, "ERP", ["customers:read"], "test")
    given = {"public_id": program.public_id, "secret": secret} | change
    answer = ask_token(client, **given)
    assert (answer.status_code, answer.json["error"]) == (status, error)


def test_a_new_secret_leaves_the_old_one_a_day_and_an_ended_program_none(
    client: FlaskClient, services: Services, supplier: Supplier
) -> None:
    with services.works.begin(supplier.supplier_id) as work:
        program, first = create_client(work, "ERP", ["customers:read"], "test")
        second = rotate_secret(work, program.client_id, "test")
    held = ask_token(client, program.public_id, first)
    assert held.status_code == ask_token(client, program.public_id, second).status_code == 200
    with services.works.begin(supplier.supplier_id) as work:
        work.execute("UPDATE api_clients SET previous_until = :at WHERE supplier_id = :supplier", at=now())
    assert ask_token(client, program.public_id, first).status_code == 401
    with services.works.begin(supplier.supplier_id) as work:
        revoke_client(work, program.client_id, "test")
    assert ask_token(client, program.public_id, second).status_code == 401
    headers = {"Authorization": f"Bearer {held.json['access_token']}"}
    assert client.get("/api/v1/customers", headers=headers).status_code == 401


def test_one_key_has_one_effect_and_one_answer_to_the_byte(
    client: FlaskClient, services: Services, supplier: Supplier
) -> None:
    headers = token_with(services, supplier) | {"Idempotency-Key": "customer-1"}
    first = client.post("/api/v1/customers", json=CUSTOMER, headers=headers)
    again = client.post("/api/v1/customers", json=CUSTOMER, headers=headers)
    assert (again.status_code, again.data) == (201, first.data)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.headers["Location"] == first.headers["Location"]
    other = client.post("/api/v1/customers", json=CUSTOMER | {"name": "Autre"}, headers=headers)
    assert (other.status_code, other.json["code"]) == (409, "request.key_reused")
    elsewhere = client.post("/api/v1/orders", json=CUSTOMER, headers=headers)
    assert elsewhere.status_code in {400, 409}, "the same body at another address is another call"


def test_a_refused_call_leaves_its_key_to_the_corrected_one(
    client: FlaskClient, services: Services, supplier: Supplier
) -> None:
    headers = token_with(services, supplier) | {"Idempotency-Key": "k"}
    wrong = client.post("/api/v1/customers", json=CUSTOMER | {"siren": "732829321"}, headers=headers)
    assert (wrong.status_code, wrong.json["code"]) == (422, "party.bad_siren")
    assert client.post("/api/v1/customers", json=CUSTOMER, headers=headers).status_code == 201
    bill = headers | {"Idempotency-Key": "b"}
    assert client.post("/api/v1/invoices", data=b"{", headers=bill).status_code == 422
    assert client.post("/api/v1/invoices", data=b"<a/>", headers=bill).json["code"] == "invoice.not_an_invoice"


def test_calls_at_once_with_one_key_have_one_effect(api: Flask, services: Services, supplier: Supplier) -> None:
    headers = token_with(services, supplier) | {"Idempotency-Key": "race"}
    with services.works.begin(supplier.supplier_id) as work:
        invoice = issue(work, customer=customer_facts("Course SARL", siren=None))
    body = {"customer": str(invoice.customer_id), "said": "Bonjour"}
    answers: list[tuple[int, bytes]] = []

    def call() -> None:
        answer = api.test_client().post("/api/v1/messages", json=body, headers=headers)
        answers.append((answer.status_code, answer.data))

    racers = [threading.Thread(target=call) for _ in range(4)]
    for each in racers:
        each.start()
    for each in racers:
        each.join()
    assert len(set(answers)) == 1
    assert answers[0][0] == 201
    with services.works.begin(supplier.supplier_id) as work:
        assert work.scalar("SELECT count(*) FROM messages WHERE supplier_id = :supplier") == 1
    apart = headers | {"Idempotency-Key": "another"}
    api.test_client().post("/api/v1/messages", json=body, headers=apart)
    with services.works.begin(supplier.supplier_id) as work:
        assert work.scalar("SELECT count(*) FROM messages WHERE supplier_id = :supplier") == 2, "another key, another"


def test_a_caller_is_told_what_is_left_and_stopped_where_nothing_is(
    api: Flask, client: FlaskClient, services: Services, supplier: Supplier
) -> None:
    headers, other = token_with(services, supplier), token_with(services, supplier)
    api.extensions[RATES] = Rates(services.counts, 3, failures=2)
    left = [client.get("/api/v1/customers", headers=headers).headers["RateLimit-Remaining"] for _ in range(3)]
    assert left == ["2", "1", "0"]
    stopped = client.get("/api/v1/customers", headers=headers)
    assert (stopped.status_code, stopped.json["code"]) == (429, "http.429")
    assert int(stopped.headers["Retry-After"]) > 0
    assert stopped.json["detail_fr"].startswith("Plus de 3 appels")
    assert client.get("/api/v1/customers", headers=other).status_code == 200, "others are not stopped"
    guesses = [client.get("/api/v1/customers", headers={"Authorization": "Bearer qt_"}).status_code for _ in range(3)]
    assert guesses == [401, 401, 429]


def test_what_the_caller_holds_already_is_not_sent_again(
    client: FlaskClient, services: Services, supplier: Supplier
) -> None:
    headers = token_with(services, supplier)
    first = client.get("/api/v1/customers", headers=headers)
    held = client.get("/api/v1/customers", headers=headers | {"If-None-Match": first.headers["ETag"]})
    assert (held.status_code, held.data) == (304, b"")
    client.post("/api/v1/customers", json=CUSTOMER, headers=headers)
    changed = client.get("/api/v1/customers", headers=headers | {"If-None-Match": first.headers["ETag"]})
    assert changed.status_code == 200


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"[]", "request.bad_json"),
        (b'{"name": "\\ud800"}', "request.bad_text"),
        (b'{"\\ud800": 1, "name": "A"}', "request.bad_text"),
        (b'{"name": NaN}', "request.bad_json"),
        (b'{"name": "A", "name": "B"}', "request.repeated_field"),
        (b'{"name": "A", "colour": "red"}', "request.unknown_field"),
        (b'{"name": "a\\u0000b"}', "request.bad_text"),
        (b'{"name": "A", "kind": "friend"}', "request.unknown_value"),
        (b'{"name": "A", "terms": {"days": 400}}', "request.bad_number"),
        (b"{}", "request.missing_field"),
    ],
    ids=["list", "half-character", "half-name", "nan", "twice", "unknown", "unreadable", "choice", "bounds", "missing"],
)
def test_what_is_wrong_in_a_body_is_named_in_both_languages(
    client: FlaskClient, services: Services, supplier: Supplier, body: bytes, code: str
) -> None:
    answer = client.post("/api/v1/customers", data=body, headers=token_with(services, supplier))
    assert (answer.status_code, answer.json["code"]) == (400, code)
    assert answer.json["detail"] != answer.json["detail_fr"]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("limit=0", "request.bad_number"),
        ("after=x", "request.bad_id"),
        ("show=some", "request.unknown_value"),
        ("colour=red", "request.unknown_parameter"),
        ("limit=1&limit=2", "request.repeated_parameter"),
        ("q=%07", "request.bad_text"),
    ],
)
def test_what_is_wrong_in_an_address_is_named(
    client: FlaskClient, services: Services, supplier: Supplier, query: str, code: str
) -> None:
    answer = client.get(f"/api/v1/invoices?{query}", headers=token_with(services, supplier))
    assert (answer.status_code, answer.json["code"]) == (400, code)


def test_another_suppliers_things_are_not_there(
    client: FlaskClient, services: Services, supplier: Supplier, house: Any
) -> None:
    headers, missing = token_with(services, supplier), "01900000-0000-7000-8000-000000000000"

    def told(path: str) -> tuple[int, str]:
        answer = client.get(path, headers=headers)
        return answer.status_code, answer.json["code"]

    for path, foreign in (
        ("/api/v1/disputes/{}", house.dispute_id),
        ("/api/v1/documents/{}", house.document_id),
        ("/api/v1/customers/{}", house.customer_id),
        ("/api/v1/customers/{}/statement", house.customer_id),
    ):
        assert told(path.format(foreign)) == told(path.format(missing)) == (404, told(path.format(missing))[1])


def test_every_page_of_a_list_comes_once(client: FlaskClient, services: Services, supplier: Supplier) -> None:
    with services.works.begin(supplier.supplier_id) as work:
        issued = {issue(work).invoice_id for _ in range(5)}
    headers, seen, address = token_with(services, supplier), [], "/api/v1/invoices?limit=2"
    while address:
        answer = client.get(address, headers=headers)
        seen += [each["invoice_id"] for each in answer.json["invoices"]]
        address = answer.headers.get("Link", "").partition(">")[0].removeprefix("<")
    assert sorted(seen) == sorted(map(str, issued))
