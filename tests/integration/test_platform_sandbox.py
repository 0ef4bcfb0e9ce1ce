"""The platform sandbox alone: it speaks the published API, checks at once what can be, and shows what it did."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import io
import json
import queue
import re
import threading
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from hand_written_invoices import CII, UBL
from shared_material import shared
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

from config import safe_xml
from config.clock import new_id, now
from einvoice.platform.signature import is_signed, signing_key_bytes
from einvoice.validation.verdict import Finding, Layer, LayerResult, Report, Severity, Verdict
from portal.sandboxes.platform import PlatformSandboxOptions, create_platform_sandbox
from portal.sandboxes.platform.invoice_facts import UnreadableInvoiceError, read_facts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Flask
    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

VALID = Report((LayerResult(Layer.XSD, Verdict.VALID),), ())


def say_valid(_: bytes) -> Report:
    """The rules have their own tests; here the platform around them is tested."""
    return VALID


def no_pdf(_: bytes) -> bytes:
    raise ValueError("no invoice inside")


def build(**changes: Any) -> Flask:
    parts: dict[str, Any] = {"check_invoice": say_valid, "check_cdar": say_valid, "extract_xml": no_pdf}
    options = PlatformSandboxOptions(acknowledge_after_s=0, max_file_bytes=50_000)
    return create_platform_sandbox(**({**parts, "options": options} | changes))


@pytest.fixture
def app() -> Iterator[Flask]:
    built = build()
    yield built
    built.extensions["platform_sandbox"].close()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


def bearer(client: FlaskClient) -> dict[str, str]:
    answer = client.post("/oauth2/token", data={"grant_type": "client_credentials"}, auth=("sandbox", "sandbox-secret"))
    assert answer.status_code == 200
    return {"Authorization": f"Bearer {answer.get_json()['access_token']}", "Request-Id": str(new_id())}


def post_flow(client: FlaskClient, content: bytes = CII.encode(), **info: str) -> TestResponse:
    announced = {"name": "invoice.xml", "flowSyntax": "CII", "trackingId": str(new_id())} | info
    form = {"flowInfo": json.dumps(announced), "file": (io.BytesIO(content), "invoice.xml")}
    return client.post("/v1/flows", data=form, headers=bearer(client))


def settled(client: FlaskClient, flow_id: str) -> dict[str, Any]:
    deadline = now() + timedelta(seconds=20)
    while True:
        flow: dict[str, Any] = client.get(f"/v1/flows/{flow_id}", headers=bearer(client)).get_json()
        if flow["acknowledgement"]["status"] != "Pending":
            return flow
        assert now() < deadline, flow
        threading.Event().wait(0.02)


def settle(client: FlaskClient, content: bytes = CII.encode(), **info: str) -> dict[str, Any]:
    return settled(client, post_flow(client, content, **info).get_json()["flowId"])


def search(client: FlaskClient, **body: Any) -> TestResponse:
    return client.post("/v1/flows/search", json=body, headers=bearer(client))


# --- the published API -----------------------------------------------------------------------------------------------


class PublishedApi:
    """The norm's OpenAPI file, and whether a value fits one of its schemas."""

    def __init__(self) -> None:
        self.document = json.loads(shared("standards/afnor-openapi/Flow_Service-1.3.0.json").read_text())

    def resolve(self, node: dict[str, Any]) -> dict[str, Any]:
        while "$ref" in node:
            found: Any = self.document
            for step in node["$ref"].removeprefix("#/").split("/"):
                found = found[step]
            node = found
        return node

    def check(self, value: Any, schema: dict[str, Any], where: str = "$") -> None:
        schema = self.resolve(schema)
        required, properties = self.fields(schema)
        if properties:
            assert isinstance(value, dict), where
            assert required <= value.keys(), f"{where} lacks {required - value.keys()}"
            assert value.keys() <= properties.keys(), f"{where} has more: {value.keys() - properties.keys()}"
            for name, content in value.items():
                self.check(content, properties[name], f"{where}.{name}")
            return
        for part in schema.get("allOf", []):
            self.check(value, part, where)
        kinds = {"string": str, "integer": int, "array": list, "object": dict}
        if "type" in schema:
            assert isinstance(value, kinds[schema["type"]]), f"{where}: {value!r}"
        if "enum" in schema:
            assert value in schema["enum"], f"{where}: {value!r}"
        if schema.get("format") == "date-time":
            assert datetime.fromisoformat(value).tzinfo, where
        assert "pattern" not in schema or re.search(schema["pattern"], value), where
        assert len(str(value)) <= schema.get("maxLength", 10**9), where
        for item in value if schema.get("type") == "array" else ():
            self.check(item, schema["items"], f"{where}[]")

    def fields(self, schema: dict[str, Any]) -> tuple[set[str], dict[str, Any]]:
        """Required names and all properties, through ``allOf``."""
        schema = self.resolve(schema)
        required, properties = set(schema.get("required", [])), dict(schema.get("properties", {}))
        for part in schema.get("allOf", []):
            more_required, more_properties = self.fields(part)
            required |= more_required
            properties |= more_properties
        return required, properties

    def answer(self, path: str, method: str, answer: TestResponse) -> None:
        """Check an answer against what the norm says of this call and this HTTP status."""
        responses = self.document["paths"][path][method]["responses"]
        assert str(answer.status_code) in responses, f"{method} {path} never answers {answer.status_code}"
        content = self.resolve(responses[str(answer.status_code)]).get("content", {})
        if "application/json" in content and answer.is_json:
            self.check(answer.get_json(), content["application/json"]["schema"])


@pytest.fixture
def api() -> PublishedApi:
    return PublishedApi()


def test_every_published_call_exists_and_no_other(app: Flask, api: PublishedApi) -> None:
    ours = {
        (re.sub(r"<(?:\w+:)?(\w+)>", "{}", rule.rule), method.lower())
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if rule.rule.startswith("/v1/")
    }
    published = {
        (re.sub(r"\{\w+\}", "{}", path), method) for path, calls in api.document["paths"].items() for method in calls
    }
    assert ours == published


def test_answers_have_the_published_form(client: FlaskClient, api: PublishedApi) -> None:
    sent = post_flow(client, processingRule="B2B", flowProfile="CIUS")
    api.answer("/v1/flows", "post", sent)
    settled(client, sent.get_json()["flowId"])
    refused = settle(client, b"<broken")
    api.answer("/v1/flows/search", "post", search(client, where={"updatedAfter": "2020-01-01T00:00:00Z"}, limit=2))
    for flow_id in (sent.get_json()["flowId"], refused["flowId"], "unknown"):
        api.answer("/v1/flows/{flowId}", "get", client.get(f"/v1/flows/{flow_id}", headers=bearer(client)))
    api.answer("/v1/flows", "post", post_flow(client, flowSyntax="EDIFACT"))
    api.answer("/v1/flows", "post", client.post("/v1/flows"))
    api.answer("/v1/healthcheck", "get", client.get("/v1/healthcheck"))
    hook = client.post("/v1/webhooks", json={"callbackUrl": "http://127.0.0.1:9/"}, headers=bearer(client))
    api.answer("/v1/webhooks", "post", hook)
    path = f"/v1/webhooks/{hook.get_json()['webhookId']}"
    for _ in range(2):
        api.answer("/v1/webhooks/{webhookUid}", "delete", client.delete(path, headers=bearer(client)))
    for kind in ("error_500", "busy"):
        client.post("/_sandbox/faults", json={"kind": kind, "operation": "search"})
        api.answer("/v1/flows/search", "post", search(client, where={"trackingId": "x"}))


def test_the_checker_of_answers_notices_a_missing_field(client: FlaskClient, api: PublishedApi) -> None:
    """The counter-proof of the test above."""
    flow = settle(client)
    schema = api.document["components"]["schemas"]["Flow"]
    api.check(flow, schema)
    with pytest.raises(AssertionError, match="updatedAt"):
        api.check({name: value for name, value in flow.items() if name != "updatedAt"}, schema)
    with pytest.raises(AssertionError, match="Sideways"):
        api.check(flow | {"flowDirection": "Sideways"}, schema)


def test_the_list_of_webhooks_has_what_the_norm_requires_and_what_it_defines(client: FlaskClient) -> None:
    """The published schema contradicts itself: it requires ``webhookIds`` and defines ``webhooks``."""
    params = {"callbackUrl": "http://127.0.0.1:9/", "flowTypes": ["CustomerInvoiceLC"], "ackStatus": "Ok"}
    made = client.post("/v1/webhooks", json=params, headers=bearer(client)).get_json()
    listed = client.get("/v1/webhooks", headers=bearer(client)).get_json()
    assert (listed["count"], listed["webhookIds"]) == (1, [made["webhookId"]])
    assert params.items() <= listed["webhooks"][0].items()
    assert "signingKey" not in listed["webhooks"][0]


# --- who may call ----------------------------------------------------------------------------------------------------


def test_every_call_but_the_health_check_needs_a_token(client: FlaskClient) -> None:
    for method, path in (
        ("POST", "/v1/flows"),
        ("POST", "/v1/flows/search"),
        ("GET", "/v1/flows/x"),
        ("GET", "/v1/webhooks"),
        ("POST", "/v1/webhooks"),
        ("DELETE", "/v1/webhooks/x"),
    ):
        for headers in ({}, {"Authorization": "Bearer guessed"}, {"Authorization": "Basic c2FuZGJveA=="}):
            answer = client.open(path, method=method, headers=headers)
            assert (answer.status_code, answer.get_json()["errorCode"]) == (401, "INVALID_TOKEN")
    assert client.get("/v1/healthcheck").status_code == 200


@pytest.mark.parametrize("auth", [("sandbox", "wrong"), ("unknown", "sandbox-secret"), ("unknown", ""), ("", "")])
def test_wrong_credentials_get_no_token(client: FlaskClient, auth: tuple[str, str]) -> None:
    answer = client.post("/oauth2/token", data={"grant_type": "client_credentials"}, auth=auth)
    assert (answer.status_code, answer.get_json()) == (401, {"error": "invalid_client"})


def test_only_client_credentials_are_granted(client: FlaskClient) -> None:
    answer = client.post("/oauth2/token", data={"grant_type": "password"}, auth=("sandbox", "sandbox-secret"))
    assert answer.get_json() == {"error": "unsupported_grant_type"}


def test_a_token_ends() -> None:
    short = build(options=PlatformSandboxOptions(token_lifetime_s=0)).test_client()
    assert short.get("/v1/webhooks", headers=bearer(short)).status_code == 401


def test_a_page_of_another_site_cannot_play_with_the_sandbox(client: FlaskClient) -> None:
    crossing = {"Sec-Fetch-Site": "cross-site"}
    assert client.post("/_sandbox/faults", json={"kind": "busy"}, headers=crossing).status_code == 403
    assert client.get("/_sandbox/faults").get_json() == []


# --- what is checked at once -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "info", "status", "error_code"),
    [
        (b"", {}, 422, "EmptyFlow"),
        (b"x" * 50_001, {}, 413, "FILE_SIZE_EXCEEDED"),
        (b"<a/>", {"sha256": "0" * 64}, 422, "ChecksumMismatch"),
        (b"<a/>", {"name": ""}, 400, "INVALID_FIELD"),
        (b"<a/>", {"name": "x" * 256}, 400, "INVALID_FIELD"),
        (b"<a/>", {"trackingId": "x" * 65}, 400, "INVALID_FIELD"),
        (b"<a/>", {"flowSyntax": "EDIFACT"}, 400, "INVALID_FIELD"),
        (b"<a/>", {"processingRule": "B2X"}, 400, "INVALID_FIELD"),
        (b"<a/>", {"flowProfile": "Huge"}, 400, "INVALID_FIELD"),
    ],
)
def test_a_wrong_sending_is_refused_at_once(
    client: FlaskClient, content: bytes, info: dict[str, str], status: int, error_code: str
) -> None:
    answer = post_flow(client, content, **info)
    assert (answer.status_code, answer.get_json()["errorCode"]) == (status, error_code)
    assert client.get("/_sandbox/flows").get_json() == []


@pytest.mark.parametrize("form", [{}, {"flowInfo": "{}"}, {"flowInfo": "[", "file": (io.BytesIO(b"x"), "x")}])
def test_a_sending_without_its_parts_is_refused(client: FlaskClient, form: dict[str, Any]) -> None:
    answer = client.post("/v1/flows", data=form, headers=bearer(client), content_type="multipart/form-data")
    assert answer.status_code == 400


@pytest.mark.parametrize(
    "body", [{}, {"where": {}}, {"where": {"colour": "red"}}, {"where": {"trackingId": "x"}, "limit": 101}, []]
)
def test_a_search_without_a_criterion_or_with_too_wide_a_page_is_refused(client: FlaskClient, body: Any) -> None:
    answer = client.post("/v1/flows/search", json=body, headers=bearer(client))
    assert answer.status_code == 400


@pytest.mark.parametrize("cursor", ["x", "AAAA", "//8="])
def test_a_forged_cursor_is_refused(client: FlaskClient, cursor: str) -> None:
    assert search(client, where={"trackingId": "x"}, cursor=cursor).status_code == 400


def test_a_search_combines_its_criteria(client: FlaskClient) -> None:
    flow = settle(client, trackingId="mine", processingRule="B2B")
    for where, count in (
        ({"trackingId": "mine"}, 1),
        ({"trackingId": "mine", "ackStatus": "Ok", "flowType": ["CustomerInvoice"], "processingRule": ["B2B"]}, 1),
        ({"trackingId": "mine", "ackStatus": "Error"}, 0),
        ({"trackingId": "mine", "flowDirection": ["In"]}, 0),
        ({"trackingId": "mine", "updatedAfter": flow["updatedAt"]}, 0),
        ({"trackingId": "mine", "updatedBefore": flow["updatedAt"]}, 0),
        ({"trackingId": "other"}, 0),
    ):
        assert len(search(client, where=where).get_json()["results"]) == count, where


# --- what is checked later -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "syntax", "reason"),
    [
        (b"<broken", "CII", "InvalidSchema"),
        (b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", "CII", "InvalidSchema"),
        (b"<a/>", "CII", "InvalidSchema"),
        (UBL.encode(), "CII", "FlowTypeError"),
        (CII.encode(), "Factur-X", "FlowTypeError"),
        (b"%PDF-1.7", "CII", "FlowTypeError"),
        (b"%PDF-1.7", "Factur-X", "AttachmentTypeError"),
        (CII.encode(), "CDAR", "InvalidSchema"),
        (CII.encode(), "FRR", "FlowTypeError"),
    ],
)
def test_a_file_that_is_not_what_it_says_is_acknowledged_as_an_error(
    client: FlaskClient, content: bytes, syntax: str, reason: str
) -> None:
    flow = settle(client, content, flowSyntax=syntax)
    assert flow["acknowledgement"]["status"] == "Error"
    assert reason in {detail["reasonCode"] for detail in flow["acknowledgement"]["details"]}


def test_what_could_not_be_checked_is_never_accepted() -> None:
    def not_checked(_: bytes) -> Report:
        return Report((LayerResult(Layer.BR_FR, Verdict.NOT_CHECKED, reason="no engine"),), ())

    def breaks(_: bytes) -> Report:
        raise RuntimeError("engine gone")

    for check in (not_checked, breaks):
        flow = settle(build(check_invoice=check).test_client())
        assert flow["acknowledgement"]["status"] == "Error"
        assert flow["acknowledgement"]["details"][0]["reasonCode"] == "OtherTechnicalError"


def test_a_warning_is_told_and_accepted() -> None:
    def warns(_: bytes) -> Report:
        return Report(VALID.layers, (Finding("BR-FR-X", Severity.WARNING, "take care", Layer.BR_FR, "/Invoice"),))

    acknowledgement = settle(build(check_invoice=warns).test_client())["acknowledgement"]
    assert acknowledgement["status"] == "Ok"
    assert acknowledgement["details"] == [
        {"level": "Warning", "item": "/Invoice", "reasonCode": "BR-FR-X", "reasonMessage": "take care"}
    ]


@pytest.mark.parametrize("name", ["flux10-payments-10.2-10.4.xml", "flux10-transactions-10.3.xml"])
def test_a_report_is_taken_and_named_by_its_kind(client: FlaskClient, name: str) -> None:
    flow = settle(client, shared(f"standards/examples-own/{name}").read_bytes(), flowSyntax="FRR")
    assert flow["acknowledgement"]["status"] == "Ok"
    assert flow["flowType"] == ("MultiFlowReport" if "10.4" in name else "AggregatedCustomerTransactionReport")


def test_a_full_sandbox_says_so_and_can_be_emptied() -> None:
    small = build(options=PlatformSandboxOptions(max_flows=1, acknowledge_after_s=60)).test_client()
    assert post_flow(small).status_code == 202
    assert (post_flow(small).status_code, small.delete("/_sandbox/flows").status_code) == (503, 204)
    assert post_flow(small).status_code == 202


def send_at_once(app: Flask, count: int) -> list[int]:
    """HTTP statuses of ``count`` senders of one tracking id, each slowed down between asking and storing."""
    store = app.extensions["platform_sandbox"].store
    ask = store.tracked

    def ask_slowly(owner: str, tracking_id: str) -> object:
        found = ask(owner, tracking_id)
        threading.Event().wait(0.05)
        return found

    store.tracked = ask_slowly
    statuses: queue.Queue[int] = queue.Queue()
    start = threading.Barrier(count)

    def send() -> None:
        client = app.test_client()
        start.wait()
        statuses.put(post_flow(client, trackingId="same").status_code)

    threads = [threading.Thread(target=send) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(statuses.get() for _ in threads)


def test_senders_of_one_tracking_id_at_the_same_time_are_taken_once(app: Flask) -> None:
    assert send_at_once(app, 6) == [202] + [422] * 5


def test_without_the_lock_the_same_senders_are_taken_more_than_once(app: Flask) -> None:
    """The planted bug that the test above must be able to see."""
    app.extensions["platform_sandbox"].store.lock = contextlib.nullcontext()
    assert send_at_once(app, 6).count(202) > 1


# --- reading invoices ------------------------------------------------------------------------------------------------


def test_cii_and_ubl_of_the_same_invoice_give_the_same_facts() -> None:
    cii, ubl = (read_facts(safe_xml.parse(text.encode())) for text in (CII, UBL))
    assert (cii.number, cii.type_code, cii.issued_on) == (ubl.number, ubl.type_code, ubl.issued_on)
    assert (cii.seller, cii.buyer, cii.total, cii.by_rate) == (ubl.seller, ubl.buyer, ubl.total, ubl.by_rate)
    assert cii.by_rate == {Decimal(20): Decimal(288)}
    assert cii.key == ("732829320", "2026-0001", 2026)


@pytest.mark.parametrize("change", [("<ram:ID>2026-0001</ram:ID>", ""), (">288.00</ram:Grand", ">much</ram:Grand")])
def test_an_invoice_without_what_routing_needs_is_refused(change: tuple[str, str]) -> None:
    assert change[0] in CII
    with pytest.raises(UnreadableInvoiceError):
        read_facts(safe_xml.parse(CII.replace(*change).encode()))


# --- webhooks --------------------------------------------------------------------------------------------------------


def test_a_webhook_is_called_with_the_flow_and_a_signature_that_fits(client: FlaskClient) -> None:
    calls: queue.Queue[tuple[bytes, str, str]] = queue.Queue()

    @Request.application
    def receiver(request: Request) -> Response:
        calls.put((request.data, request.headers["Afnor-Signature"], request.headers["Afnor-Signature-Timestamp"]))
        return Response("")

    server = make_server("127.0.0.1", 0, receiver)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    params = {"callbackUrl": f"http://127.0.0.1:{server.server_port}/", "flowDirection": "In"}
    key = signing_key_bytes(client.post("/v1/webhooks", json=params, headers=bearer(client)).get_json()["signingKey"])
    settle(client)
    received = [calls.get(timeout=20) for _ in range(3)]
    server.shutdown()
    server.server_close()
    assert {json.loads(body)["flowType"] for body, _, _ in received} == {"CustomerInvoiceLC"}
    body, signature, stamp = received[0]
    fingerprint = hashlib.sha256(body + b"@" + stamp.encode()).digest()
    assert signature == base64.b64encode(hmac.new(key, fingerprint, hashlib.sha256).digest()).decode()
    assert is_signed(key, body, signature, stamp, int(stamp) + 300)
    assert not is_signed(key, body + b" ", signature, stamp, int(stamp))
    assert not is_signed(key, body, signature, stamp, int(stamp) + 301)
    assert not is_signed(key, body, signature, stamp, int(stamp) - 301)
    assert not is_signed(key, body, signature, "²", int(stamp))
    assert not is_signed(key, body, "é", stamp, int(stamp))
    hexadecimal = base64.b64encode(hmac.new(key, fingerprint.hex().encode(), hashlib.sha256).digest()).decode()
    assert is_signed(key, body, hexadecimal, stamp, int(stamp)), "platforms that sign the hexadecimal text"


@pytest.mark.parametrize("params", [{}, {"callbackUrl": "file:///etc"}, {"callbackUrl": "http://x", "ackStatus": "?"}])
def test_a_webhook_that_cannot_be_called_is_refused(client: FlaskClient, params: dict[str, str]) -> None:
    assert client.post("/v1/webhooks", json=params, headers=bearer(client)).status_code == 400


# --- levers and page -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("body", [{}, {"kind": "earthquake"}, {"kind": "busy", "times": "many"}, []])
def test_a_fault_that_does_not_exist_is_refused(client: FlaskClient, body: Any) -> None:
    assert client.post("/_sandbox/faults", json=body).status_code == 400


@pytest.mark.parametrize(
    "body",
    [
        {"status": "212"},
        {"status": "207"},
        {"status": "207", "reason": "NON_TRANSMISE"},
        {"status": "204", "reason": "AUTRE"},
    ],
)
def test_the_buyer_cannot_say_what_a_buyer_may_not(client: FlaskClient, body: dict[str, str]) -> None:
    settle(client)
    assert client.post("/_sandbox/invoices/2026-0001/statuses", json=body).status_code == 422
    assert client.post("/_sandbox/invoices/none/statuses", json=body).status_code == 404


def wait_for_statuses(client: FlaskClient, count: int) -> None:
    deadline = now() + timedelta(seconds=20)
    while len(client.get("/_sandbox/invoices").get_json()[0]["statuses"]) < count:
        assert now() < deadline
        threading.Event().wait(0.02)


def test_the_page_shows_invoices_statuses_amounts_and_refusals_in_both_languages(client: FlaskClient) -> None:
    settle(client)
    settle(client, b"<broken")
    wait_for_statuses(client, 3)
    french = client.get("/", headers={"Accept-Language": "fr-FR,fr;q=0.9"}).get_data(as_text=True)
    for words in ("Plateforme d&#39;essai", "2026-0001", "288,00\xa0€", "Déposée", "Mise à disposition", "refusé"):
        assert words in french, words
    english = client.get("/?lang=en").get_data(as_text=True)
    for words in ('<html lang="en">', "€288.00", "Made available", "refused", "Chauffage Lemaire SARL"):
        assert words in english, words
    assert "<script" not in french


def test_the_buyer_can_be_played_from_the_page(client: FlaskClient) -> None:
    settle(client)
    wait_for_statuses(client, 3)
    form = {"number": "2026-0001", "seller": "732829320", "status": "210", "lang": "en"}
    missing = client.post("/play", data=form)
    assert missing.status_code == 422
    assert "needs one of these reasons" in missing.get_data(as_text=True)
    in_french = client.post("/play", data=form | {"lang": "fr"}).get_data(as_text=True)
    assert "demande l&#39;un de ces motifs" in in_french
    answer = client.post("/play", data=form | {"reason": "DOUBLON", "comment": "<b>déjà reçue</b>"})
    assert (answer.status_code, answer.location) == (303, "/?lang=en")
    page = client.get("/?lang=en").get_data(as_text=True)
    assert "Invoice closed" in page
    assert "&lt;b&gt;déjà reçue&lt;/b&gt;" in page


def test_a_file_can_be_taken_from_the_page_but_never_runs_in_it(client: FlaskClient) -> None:
    flow = settle(client, b"<html><script>alert(1)</script></html>")
    answer = client.get(f"/flows/{flow['flowId']}/file")
    assert answer.data == b"<html><script>alert(1)</script></html>"
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert client.get("/flows/none/file").status_code == 404


@pytest.mark.parametrize(
    ("page", "words"),
    [
        ("directory", ("Papeteries de la Vilaine", "upcoming", "no platform (9998)", "asks for a legal commitment")),
        ("levers", ("dispute-then-approve", "after 30 s", "when 209 comes", "Answer lost, effect done")),
        ("api", ("/openapi/flow.json", "/directory-service/v1/siren/search", "sandbox")),
    ],
)
def test_the_other_pages_show_the_directory_the_levers_and_the_api(
    client: FlaskClient, page: str, words: tuple[str, ...]
) -> None:
    answer = client.get(f"/{page}?lang=en")
    text = answer.get_data(as_text=True)
    assert answer.status_code == 200
    for word in words:
        assert word in text, word
    assert "<script" not in text
    assert "Annuaire" in client.get(f"/{page}?lang=fr").get_data(as_text=True)


def test_faults_are_armed_and_lifted_and_time_is_skipped_from_the_page(client: FlaskClient) -> None:
    assert client.post("/arm", data={"kind": "busy", "times": "2"}).location == "/levers?lang=fr"
    assert re.search(r"busy\s\S\s2<", client.get("/levers").get_data(as_text=True))
    assert client.post("/lift").status_code == 303
    assert client.get("/_sandbox/faults").get_json() == []
    assert client.post("/skip", data={"seconds": "60"}).status_code == 303
    for path, form in (
        ("/arm", {"kind": "busy", "times": "0"}),
        ("/arm", {"kind": "earthquake", "times": "1"}),
        ("/skip", {"seconds": "-1"}),
        ("/skip", {}),
    ):
        assert client.post(path, data=form).status_code == 400, (path, form)


def test_a_scenario_is_started_and_a_purchase_sent_from_the_page(client: FlaskClient) -> None:
    settle(client)
    wait_for_statuses(client, 3)
    form = {"number": "2026-0001", "seller": "732829320", "scenario": "pay"}
    assert client.post("/start-scenario", data=form).status_code == 303
    client.post("/_sandbox/clock", json={"skip_s": 10})
    assert client.get("/_sandbox/invoices").get_json()[0]["statuses"][-1] == "211"
    assert client.post("/start-scenario", data=form | {"scenario": "none"}).status_code == 404
    sent = client.post("/supply", data={"siren": "732829320", "form": "cii"})
    assert sent.status_code == 303
    page = client.get(sent.location).get_data(as_text=True)
    assert "Facture d&#39;achat envoyée : A" in page
    assert "Jouer le fournisseur" in client.get("/?lang=fr").get_data(as_text=True)
    for wrong in ({"siren": "910000371", "form": "cii"}, {"siren": "732829320", "form": "edi"}):
        assert client.post("/supply", data=wrong).status_code == 404
