"""``POST /api/v1/validations``: the same report as the page, for programs, in both languages."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Any

import pytest
from hand_written_invoices import CII, changed

from einvoice.validation.check import Validator
from einvoice.validation.schematron import SchematronEngine
from portal.api.tokens import create_token
from portal.api.validations import validations
from portal.app import create_app
from portal.validation.desk import Desk, Queue
from portal.validation.samples import sample

if TYPE_CHECKING:
    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

    from portal.wiring import Services
    from receivables.store.register import Supplier

PATH = "/api/v1/validations"
WRONG = changed(CII, ("<ram:GrandTotalAmount>288.00<", "<ram:GrandTotalAmount>289.00<"))
RULE_FIELDS = {
    "rule",
    "severity",
    "layer",
    "term",
    "terms",
    "term_name",
    "place",
    "location",
    "line",
    "message",
    "sentence",
    "fix",
}


@pytest.fixture
def client(services: Services) -> FlaskClient:
    return create_app(services, [validations]).test_client()


@pytest.fixture
def token(services: Services, supplier: Supplier) -> str:
    with services.works.begin(supplier.supplier_id) as work:
        return create_token(work, "test")


def post(client: FlaskClient, token: str, data: Any, **headers: str) -> TestResponse:
    return client.post(PATH, data=data, headers={"Authorization": f"Bearer {token}", **headers})


def test_a_raw_body_and_a_multipart_file_get_the_same_report(client: FlaskClient, token: str) -> None:
    raw = post(client, token, WRONG, **{"Content-Type": "application/xml", "X-Filename": "../f.xml"})
    form = post(client, token, {"file": (BytesIO(WRONG), "f.xml")})
    assert raw.status_code == form.status_code == 200
    assert raw.json == form.json
    assert (raw.json["file"], raw.json["kind"], raw.json["verdict"]) == ("f.xml", "cii", "invalid")


def test_each_layer_and_rule_is_told_in_both_languages(client: FlaskClient, token: str) -> None:
    told = post(client, token, WRONG, **{"Content-Type": "application/xml"}).json
    assert [each["layer"] for each in told["layers"]] == ["xsd", "en16931", "br_fr", "house"]
    for layer in told["layers"]:
        assert set(layer["name"]) == {"fr", "en"}
        assert set(layer["rule_set"]) == {"name", "version", "sha256"}
    rule = next(each for each in told["rules"] if each["rule"] == "BR-CO-15")
    assert set(rule) == RULE_FIELDS
    assert (rule["severity"], rule["layer"], rule["term"]) == ("fatal", "en16931", "BT-112")
    for name in ("term_name", "place", "sentence", "fix"):
        assert set(rule[name]) == {"fr", "en"}
        assert rule[name]["fr"] != rule[name]["en"]
    line = 1 + next(n for n, text in enumerate(CII.splitlines()) if "SpecifiedTradeSettlementHeaderMonetary" in text)
    assert rule["line"] == line
    assert rule["location"].endswith("/SpecifiedTradeSettlementHeaderMonetarySummation[1]")
    assert "BR-CO-15" in rule["message"]


def test_a_correct_pdf_is_valid_with_its_container_first(client: FlaskClient, token: str) -> None:
    told = post(client, token, sample(faulty=False), **{"Content-Type": "application/pdf"}).json
    assert (told["kind"], told["verdict"], told["rules"]) == ("facturx", "valid", [])
    assert told["layers"][0]["layer"] == "container"
    assert "veraPDF" in told["layers"][0]["reason"]["fr"]


def test_a_body_without_a_type_is_taken_as_curl_sends_it(client: FlaskClient, token: str) -> None:
    curl = post(client, token, CII.encode(), **{"Content-Type": "application/x-www-form-urlencoded"})
    assert curl.json["verdict"] == "valid"


@pytest.mark.parametrize("body", [b"", b"PK\x03\x04", b"<a/>", b"%PDF-1.7"])
def test_what_is_no_invoice_is_answered_with_its_rule_and_its_fix(client: FlaskClient, token: str, body: bytes) -> None:
    told = post(client, token, body, **{"Content-Type": "application/octet-stream"}).json
    assert told["verdict"] == "invalid"
    assert all(each["fix"]["fr"] and each["sentence"]["fr"] for each in told["rules"])


def test_an_unplugged_engine_is_answered_as_not_checked(services: Services, token: str) -> None:
    fields = {name: getattr(services, name) for name in services.__dataclass_fields__ if not name.startswith("_")}
    with SchematronEngine(command=["/bin/false"]) as engine:
        own = type(services)(**{**fields, "engine": engine, "validator": Validator(engine)})
        answer = post(create_app(own, [validations]).test_client(), token, CII.encode())
    assert (answer.status_code, answer.json["verdict"]) == (200, "not_checked")
    unchecked = {each["layer"]: each["reason"] for each in answer.json["layers"] if each["outcome"] == "not_checked"}
    assert set(unchecked) == {"en16931", "br_fr"}
    assert all(reason["fr"] and reason["en"] for reason in unchecked.values())


@pytest.mark.parametrize("token_sent", ["", "qt_wrong", "Basic x"])
def test_no_token_no_report(client: FlaskClient, token_sent: str) -> None:
    answer = post(client, token_sent, CII.encode())
    assert (answer.status_code, answer.json["code"]) == (401, "api.unauthorised")


def test_a_type_that_is_none_of_ours_is_415(client: FlaskClient, token: str) -> None:
    answer = post(client, token, b"{}", **{"Content-Type": "application/json"})
    assert (answer.status_code, answer.json["code"]) == (415, "request.unknown_type")
    assert "application/pdf" in answer.json["detail"]
    assert "envoyez" in answer.json["detail_fr"]


@pytest.mark.parametrize("kind", ["application/xml", "multipart/form-data"])
def test_a_file_beyond_the_limit_is_413_with_the_limit(
    client: FlaskClient, token: str, services: Services, kind: str
) -> None:
    large = bytes(services.settings.max_upload_bytes + 1)
    data: Any = {"file": (BytesIO(large), "f.xml")} if kind.startswith("multipart") else large
    headers = {} if kind.startswith("multipart") else {"Content-Type": kind}
    answer = post(client, token, data, **headers)
    assert (answer.status_code, answer.json["code"]) == (413, "request.too_large")
    assert "20 Mio" in answer.json["detail_fr"]


@pytest.mark.parametrize("count", [0, 2])
def test_a_multipart_body_holds_exactly_one_file(client: FlaskClient, token: str, count: int) -> None:
    files = {f"file{n}": (BytesIO(CII.encode()), "f.xml") for n in range(count)}
    answer = client.post(
        PATH,
        data={"note": "x", **files},
        content_type="multipart/form-data",
        headers={"Authorization": f"Bearer {token}"},
    )
    assert (answer.status_code, answer.json["code"]) == (400, "request.one_file")


def test_a_full_desk_is_503(
    client: FlaskClient, token: str, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = Desk(services.validator)
    while desk._places[Queue.API].acquire(blocking=False):
        pass
    monkeypatch.setattr(services, "_desk", desk)
    answer = post(client, token, CII.encode())
    assert (answer.status_code, answer.json["code"]) == (503, "validation.busy")
    assert "Réessayez" in answer.json["detail_fr"]
