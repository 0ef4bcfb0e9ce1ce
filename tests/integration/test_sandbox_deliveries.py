"""The platform sandbox between its clients: invoices delivered, statuses passed on, scenarios, purchases, reports."""

from __future__ import annotations

import io
import json
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from hand_written_invoices import CII
from stdnum import luhn

from config import safe_xml
from config.clock import new_id, now
from einvoice.document import Identifier
from einvoice.formats.pdf_reader import extract_invoice_xml
from einvoice.lifecycle.cdar import read_cdar, write_cdar
from einvoice.lifecycle.message import (
    BUYER,
    SELLER,
    Datum,
    Detail,
    InvoiceReference,
    Note,
    Reason,
    StatusMessage,
    StatusParty,
    compose,
)
from einvoice.validation.check import Validator
from portal.sandboxes.platform import PlatformSandboxOptions, create_platform_sandbox
from portal.sandboxes.platform.directory.book import seeded_companies
from portal.sandboxes.platform.directory.entries import is_siren
from portal.sandboxes.platform.scenarios import shipped_scenarios

if TYPE_CHECKING:
    from collections.abc import Iterator

    from werkzeug.test import TestResponse

    from einvoice.validation.schematron import SchematronEngine

FACTOR = "DL"
SELLER_SIREN, BUYER_SIREN = "732829320", "100000009"
SELLER_PARTY = StatusParty(SELLER, (Identifier(SELLER_SIREN, "0002"),), "Chauffage Lemaire SARL")
BUYER_PARTY = StatusParty(BUYER, (Identifier(BUYER_SIREN, "0002"),), "Imprimerie du Port SAS")


class Platform:
    """A sandbox in process with two clients, ``seller`` and the buyer's SIREN, and the real rules."""

    def __init__(self, validator: Validator, **options: Any) -> None:
        clients = {"seller": "s", BUYER_SIREN: "s"}
        self.app = create_platform_sandbox(
            check_invoice=validator.check_invoice,
            check_cdar=validator.check_cdar,
            check_report=validator.check_flux10,
            extract_xml=lambda pdf: extract_invoice_xml(pdf).xml,
            options=PlatformSandboxOptions(**({"clients": clients, "acknowledge_after_s": 0} | options)),
        )
        self.http = self.app.test_client()

    def close(self) -> None:
        self.app.extensions["platform_sandbox"].close()

    def headers(self, client: str = "seller") -> dict[str, str]:
        form = {"grant_type": "client_credentials", "client_id": client, "client_secret": "s"}
        return {"Authorization": f"Bearer {self.http.post('/oauth2/token', data=form).get_json()['access_token']}"}

    def send(self, content: bytes, syntax: str = "CII", client: str = "seller", **info: str) -> dict[str, Any]:
        """Send a file and wait for its acknowledgement."""
        told = {"name": "file.xml", "flowSyntax": syntax, "trackingId": str(new_id())} | info
        form = {"flowInfo": json.dumps(told), "file": (io.BytesIO(content), "file.xml")}
        sent = self.http.post("/v1/flows", data=form, headers=self.headers(client))
        assert sent.status_code == 202, sent.get_data(as_text=True)
        self.skip(0)
        flow: dict[str, Any] = self.http.get(
            f"/v1/flows/{sent.get_json()['flowId']}", headers=self.headers(client)
        ).get_json()
        return flow

    def skip(self, seconds: float) -> None:
        answer = self.http.post("/_sandbox/clock", json={"skip_s": seconds}).get_json()
        assert answer["done"], answer

    def inbox(self, client: str, *flow_types: str) -> list[dict[str, Any]]:
        """What came in for a client, in order."""
        where: dict[str, Any] = {"flowDirection": ["In"]} | ({"flowType": list(flow_types)} if flow_types else {})
        answer = self.http.post("/v1/flows/search", json={"where": where}, headers=self.headers(client))
        found: list[dict[str, Any]] = answer.get_json()["results"]
        return found

    def file(self, client: str, flow: dict[str, Any], doc_type: str = "Original") -> TestResponse:
        return self.http.get(f"/v1/flows/{flow['flowId']}?docType={doc_type}", headers=self.headers(client))

    def messages(self, client: str, *flow_types: str) -> list[StatusMessage]:
        flows = self.inbox(client, *(flow_types or ("CustomerInvoiceLC", "SupplierInvoiceLC")))
        return [read_cdar(safe_xml.parse(self.file(client, flow).data)) for flow in flows]

    def invoice(self, number: str = "2026-0001") -> dict[str, Any]:
        held: list[dict[str, Any]] = self.http.get("/_sandbox/invoices").get_json()
        return next(invoice for invoice in held if invoice["number"] == number)


@pytest.fixture(scope="module")
def validator(shared_engine: SchematronEngine) -> Validator:
    return Validator(shared_engine)


@pytest.fixture
def platform(validator: Validator) -> Iterator[Platform]:
    built = Platform(validator)
    yield built
    built.close()


def say(status: str, *, by: StatusParty, sequence: int = 1, **more: Any) -> bytes:
    """A status of one party towards the other, as XML."""
    to = SELLER_PARTY if by is BUYER_PARTY else BUYER_PARTY
    if status == "226":
        to = StatusParty(FACTOR, to.identifiers, "Affacturage du Port")
    address = Identifier(to.siren or "", "0225")
    message = compose(
        status,
        message_id=f"2026-0001_{status}_{sequence}_{by.role}",
        invoice=InvoiceReference("2026-0001", "380", date(2026, 11, 2), SELLER_PARTY),
        issuer=by,
        recipients=(StatusParty(to.role, to.identifiers, to.name, address),),
        made_at=now(),
        set_at=now(),
        details=more.get("details", ()),
    )
    return write_cdar(message)


def collected(amount: str) -> tuple[Detail, ...]:
    return (Detail(1, data=(Datum("MEN", Decimal(amount), "EUR", Decimal(20)),)),)


def disputed() -> tuple[Detail, ...]:
    return (Detail(1, Reason("QTE_ERR"), (Note("Il manque une heure."),)),)


def reasons(flow: dict[str, Any]) -> list[str]:
    return [each["reasonCode"] for each in flow["acknowledgement"].get("details", []) if each["level"] == "Error"]


# --- from client to client -------------------------------------------------------------------------------------------


def test_an_invoice_to_another_client_arrives_to_the_byte(platform: Platform) -> None:
    sent = platform.send(CII.encode())
    (received,) = platform.inbox(BUYER_SIREN)
    assert (received["flowType"], received["flowDirection"]) == ("SupplierInvoice", "In")
    assert (received["flowSyntax"], received["processingRule"], received["flowProfile"]) == ("CII", "B2B", "CIUS")
    assert "trackingId" not in received, "it is the seller's own"
    assert platform.file(BUYER_SIREN, received).data == CII.encode()
    assert [message.status for message in platform.messages("seller")] == ["200", "202", "203"]
    assert platform.http.get(f"/v1/flows/{sent['flowId']}", headers=platform.headers(BUYER_SIREN)).status_code == 404


def test_what_the_buyer_says_comes_to_the_seller_and_what_the_seller_says_to_the_buyer(platform: Platform) -> None:
    platform.send(CII.encode())
    said = say("207", by=BUYER_PARTY, details=disputed())
    assert platform.send(said, "CDAR", BUYER_SIREN)["flowType"] == "SupplierInvoiceLC"
    told = platform.inbox("seller", "CustomerInvoiceLC")[-1]
    assert platform.file("seller", told).data == said
    receipt = say("212", by=SELLER_PARTY, details=collected("100.00"))
    assert platform.send(receipt, "CDAR")["acknowledgement"]["status"] == "Ok"
    (heard,) = platform.inbox(BUYER_SIREN, "SupplierInvoiceLC")
    assert platform.file(BUYER_SIREN, heard).data == receipt
    assert platform.invoice()["statuses"] == ["200", "202", "203", "207", "212"]
    assert platform.invoice()["collected"] == "100.00"


def test_a_confidential_factoring_never_reaches_the_buyer(platform: Platform) -> None:
    platform.send(CII.encode())
    for status in ("225", "226", "227", "228"):
        said = say(status, by=SELLER_PARTY).replace(b">DL<", b">BY<")  # addressed to the buyer by mistake
        assert platform.send(said, "CDAR")["acknowledgement"]["status"] == "Ok"
    assert [message.status for message in platform.messages(BUYER_SIREN)] == ["225", "227", "228"]
    names = [flow["name"] for flow in platform.http.get("/_sandbox/flows").get_json() if flow["owner"] != "seller/"]
    assert not any("226" in name for name in names)


@pytest.mark.parametrize(
    ("said", "client", "reason"),
    [
        (("212", SELLER_PARTY, collected("288.01")), "seller", "InvoiceLCAmountError"),
        (("212", SELLER_PARTY, collected("-1.00")), "seller", "InvoiceLCAmountError"),
        (("212", BUYER_PARTY, collected("1.00")), BUYER_SIREN, "InvoiceLCAccessDenied"),
        (("205", SELLER_PARTY, ()), "seller", "InvoiceLCAccessDenied"),
        (("205", BUYER_PARTY, ()), "seller", "InvoiceLCRuleError"),
        (("209", SELLER_PARTY, ()), "seller", "InvoiceLCInvalidStatus"),
        (("207", BUYER_PARTY, ()), BUYER_SIREN, "BR-FR-CDV-15/MDT-113"),
    ],
)
def test_a_status_that_does_not_fit_is_refused_and_goes_no_further(
    platform: Platform, said: tuple[str, StatusParty, tuple[Detail, ...]], client: str, reason: str
) -> None:
    platform.send(CII.encode())
    flow = platform.send(say(said[0], by=said[1], details=said[2]), "CDAR", client)
    assert flow["acknowledgement"]["status"] == "Error"
    assert any(each.startswith(reason.partition("/")[0]) for each in reasons(flow)), reasons(flow)
    assert platform.invoice()["statuses"] == ["200", "202", "203"]
    assert platform.messages(BUYER_SIREN) == []


def test_nothing_is_said_before_the_deposit_nor_after_the_end(platform: Platform) -> None:
    early = platform.send(say("212", by=SELLER_PARTY, details=collected("1.00")), "CDAR")
    assert reasons(early) == ["InvoiceLCRuleError"]
    platform.send(CII.encode())
    refusal = (Detail(1, Reason("TRANSAC_INC"), (Note("Rien commandé."),)),)
    assert not reasons(platform.send(say("210", by=BUYER_PARTY, details=refusal), "CDAR", BUYER_SIREN))
    for content, client in (
        (say("212", by=SELLER_PARTY, sequence=2, details=collected("1.00")), "seller"),
        (say("205", by=BUYER_PARTY), BUYER_SIREN),
    ):
        assert reasons(platform.send(content, "CDAR", client)) == ["InvoiceLCInvalidStatus"]


def test_the_same_message_twice_is_taken_once(platform: Platform) -> None:
    platform.send(CII.encode())
    said = say("212", by=SELLER_PARTY, details=collected("10.00"))
    assert not reasons(platform.send(said, "CDAR"))
    assert reasons(platform.send(said, "CDAR")) == ["AlreadyExistingFlow"]
    assert platform.invoice()["collected"] == "10.00"


def test_one_client_may_stand_for_several_companies(platform: Platform) -> None:
    as_buyer = {**platform.headers(), "Organization-Id": "910000371"}
    platform.http.delete("/_sandbox/companies")
    fresh = _siren(5_000_001)
    mine = {**platform.headers(), "Organization-Id": fresh}
    assert platform.http.get("/v1/webhooks", headers=mine).status_code == 200
    assert platform.http.get("/v1/webhooks", headers=as_buyer).status_code == 200
    owners = {each["siren"]: each["owner"] for each in platform.http.get("/_sandbox/companies").get_json()}
    assert owners[fresh] == f"seller/{fresh}"
    assert owners["910000371"] is None, "nobody becomes one of the invented companies"
    platform.send(CII.replace(BUYER_SIREN, fresh).encode())
    search = {"where": {"flowType": ["SupplierInvoice"]}}
    assert len(platform.http.post("/v1/flows/search", json=search, headers=mine).get_json()["results"]) == 1
    others = platform.http.post("/v1/flows/search", json=search, headers=platform.headers()).get_json()
    assert others["results"] == []


# --- the directory and the way of an invoice -------------------------------------------------------------------------


def _siren(stem: int) -> str:
    text = f"{stem:08d}"
    return text + luhn.calc_check_digit(text)


def test_every_invented_company_has_right_keys() -> None:
    for company in seeded_companies():
        assert is_siren(company.siren), company.name
        for facility in company.facilities:
            assert luhn.is_valid(facility.siret), facility
            assert facility.siret.startswith(company.siren)
        assert all(line.address.startswith(company.siren) for line in company.lines)
        assert company.scenario is None or company.scenario in shipped_scenarios()


def to(siren: str, address: str = "", order: str = "") -> bytes:
    """The hand-written invoice to another buyer, at an address of its own, with an order reference."""
    text = CII.replace(f'schemeID="0225">{BUYER_SIREN}', f'schemeID="0225">{address or siren}')
    text = (
        text.replace(BUYER_SIREN, siren) if address in {"", siren} else text.replace(f">{BUYER_SIREN}<", f">{siren}<")
    )
    if order:
        inner = f"<ram:IssuerAssignedID>{order}</ram:IssuerAssignedID>"
        reference = f"<ram:BuyerOrderReferencedDocument>{inner}</ram:BuyerOrderReferencedDocument>"
        text = text.replace("</ram:BuyerTradeParty>", f"</ram:BuyerTradeParty>{reference}")
    return text.encode()


@pytest.mark.parametrize(
    ("siren", "address", "statuses", "reason"),
    [
        ("910000371", "910000371_STATUTS", ["200", "202", "203"], None),
        ("910002229", "910002229", ["200", "202", "203"], None),
        ("910000744", "910000744", ["200", "213"], "REJ_ADR"),
        ("910001114", "910001114", ["200"], "NON_TRANSMISE"),
        ("910001486", "910001486", ["200"], "NON_TRANSMISE"),
        ("910001858", "910001858", ["200"], "NON_TRANSMISE"),
        ("910002591", "910002591", ["200"], "NON_TRANSMISE"),
    ],
    ids=["suffix", "no status told", "unknown address", "upcoming", "disabled", "platform 9998", "closed"],
)
def test_the_directory_decides_how_far_an_invoice_gets(
    platform: Platform, siren: str, address: str, statuses: list[str], reason: str | None
) -> None:
    assert platform.send(to(siren, address))["acknowledgement"]["status"] == "Ok"
    told = platform.messages("seller")
    assert [message.status for message in told] == statuses
    assert [each.code for message in told for each in message.reasons] == ([reason] if reason else [])


def test_a_public_buyer_rejects_an_invoice_without_what_it_asks_for(platform: Platform) -> None:
    address = "910003334_91000333400018"
    platform.send(to("910003334", address))
    assert [message.status for message in platform.messages("seller")] == ["200", "213"]
    assert [each.code for message in platform.messages("seller") for each in message.reasons] == ["REJ_CONT_B2G"]
    flow = platform.send(to("910003334", address, "EJ-4711").replace(b"2026-0001", b"2026-0002"))
    assert flow["processingRule"] == "B2G"
    assert platform.invoice("2026-0002")["statuses"] == ["200", "202", "203"]


def test_a_strict_platform_rejects_a_buyer_that_it_does_not_know(validator: Validator) -> None:
    strict = Platform(validator, unknown_buyer="rejected")
    strict.send(to(_siren(5_000_002)))
    assert [message.reasons[0].code for message in strict.messages("seller") if message.reasons] == ["DEST_INC"]
    strict.close()


def test_an_added_company_is_found_and_a_wrong_one_refused(platform: Platform) -> None:
    siren = _siren(5_000_003)
    body = {"siren": siren, "name": "Atelier Neuf", "lines": [{"address": f"{siren}_X", "suffix": "X"}]}
    assert platform.http.post("/_sandbox/companies", json=body).status_code == 204
    found = platform.http.get(f"/directory-service/v1/directory-line/code:{siren}_X", headers=platform.headers())
    assert found.get_json()["addressingSuffix"] == "X"
    for wrong in (
        {},
        {"siren": "123456789", "name": "x"},
        {"siren": siren},
        {"siren": siren, "name": "x", "lines": [{"address": "910000371"}]},
        {"siren": siren, "name": "x", "lines": [{"colour": "red"}]},
        {"siren": siren, "name": "x", "scenario": "none"},
    ):
        assert platform.http.post("/_sandbox/companies", json=wrong).status_code in {400, 404}, wrong


def test_a_search_of_the_directory_filters_sorts_chooses_and_turns_pages(platform: Platform) -> None:
    def search(kind: str, body: dict[str, Any]) -> dict[str, Any]:
        path = f"/directory-service/v1/{kind}/search"
        found: dict[str, Any] = platform.http.post(path, json=body, headers=platform.headers()).get_json()
        return found

    named = search("siren", {"filters": {"businessName": {"op": "contains", "value": "HOSPITALIER"}}})
    assert [each["siren"] for each in named["results"]] == ["910003334"]
    starting = search("siren", {"filters": {"businessName": {"op": "startWith", "value": "uni"}}})
    assert [each["siren"] for each in starting["results"]] == ["910003706"]
    strict = search("siren", {"filters": {"businessName": {"op": "strict", "value": "uni"}}})
    assert (strict["totalNumberOfResults"], strict["results"]) == (0, [])
    public = {"filters": {"entityType": {"value": "Public"}}, "fields": ["siren"]}
    order = [{"field": "businessName", "order": "descending"}]
    first = search("siren", public | {"sorting": order, "limit": 2})
    assert first["totalNumberOfResults"] == 3
    assert first["results"] == [{"siren": "910003706"}, {"siren": "910002963"}]
    assert search("siren", public | {"sorting": order, "limit": 2, "ignore": 2})["results"] == [{"siren": "910003334"}]
    lines = search("directory-line", {"filters": {"siren": {"value": "910000371"}}, "include": ["routingCode"]})
    assert [line.get("routingCode", {}).get("routingCodeName") for line in lines["results"]] == [
        None,
        None,
        "Service achats",
        None,
    ]
    assert all("facility" not in line for line in lines["results"])
    untold = search("directory-line", {"filters": {"siren": {"value": "910002229"}}})["results"][0]
    assert "directoryLineStatus" not in untold


def test_an_empty_answer_of_the_directory_may_be_204(validator: Validator) -> None:
    built = Platform(validator, empty_directory_is_204=True)
    body = {"filters": {"siren": {"value": "999999999"}}}
    answer = built.http.post("/directory-service/v1/siren/search", json=body, headers=built.headers())
    built.close()
    assert (answer.status_code, answer.data) == (204, b"")


# --- scenarios -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "statuses"),
    [
        ("approve", ["200", "202", "203", "204", "205"]),
        ("dispute-then-approve", ["200", "202", "203", "204", "207", "205"]),
        ("dispute-then-pay", ["200", "202", "203", "207", "205", "211"]),
        ("suspend", ["200", "202", "203", "208"]),
        ("refuse", ["200", "202", "203", "210"]),
        ("pay", ["200", "202", "203", "205", "211"]),
        ("reject", ["200", "213"]),
        ("unreachable", ["200"]),
        ("slow", ["200", "202", "203", "204"]),
    ],
)
def test_a_scenario_named_in_the_order_reference_plays_to_its_end(
    platform: Platform, validator: Validator, name: str, statuses: list[str]
) -> None:
    buyer = _siren(5_000_004)
    platform.send(to(buyer, order=f"SCENARIO:{name}"))
    platform.skip(3600)
    assert [message.status for message in platform.messages("seller")] == statuses
    for flow in platform.inbox("seller"):
        report = validator.check_cdar(platform.file("seller", flow).data)
        assert not report.fatal, (flow["name"], [each.rule for each in report.fatal])


def test_every_shipped_scenario_is_tested_above() -> None:
    mark = test_a_scenario_named_in_the_order_reference_plays_to_its_end.pytestmark[0]  # type: ignore[attr-defined]
    assert {each[0] for each in mark.args[1]} == shipped_scenarios().keys()


def test_a_suspended_invoice_is_approved_when_it_is_completed(platform: Platform) -> None:
    platform.http.put(f"/_sandbox/buyers/{_siren(5_000_004)}/scenario", json={"scenario": "suspend"})
    platform.send(to(_siren(5_000_004)))
    platform.skip(10)
    assert platform.invoice()["statuses"][-1] == "208"
    completed = say("209", by=SELLER_PARTY).replace(BUYER_SIREN.encode(), _siren(5_000_004).encode())
    assert not reasons(platform.send(completed, "CDAR"))
    platform.skip(10)
    assert platform.invoice()["statuses"][-3:] == ["208", "209", "205"]


def test_nothing_of_a_scenario_happens_before_its_time(platform: Platform) -> None:
    platform.send(to("910004076"))
    assert platform.invoice()["statuses"] == ["200", "202", "203"]
    platform.skip(1.5)
    assert platform.invoice()["statuses"][3:] == ["204"]
    platform.skip(2)
    assert platform.invoice()["statuses"][3:] == ["204", "205"]


def test_a_scenario_may_be_planned_before_the_invoice_comes(platform: Platform) -> None:
    path = "/_sandbox/invoices/2026-0001/scenario"
    assert platform.http.post(path, json={"scenario": "none"}).status_code == 404
    assert platform.http.post(path, json={"scenario": "refuse", "seller": "732829320"}).status_code == 202
    assert platform.http.post(path, json={"scenario": "pay", "seller": "910000371"}).status_code == 202, "of another"
    platform.send(to(_siren(5_000_004)))
    platform.skip(5)
    assert platform.invoice()["statuses"][-1] == "210"


def test_a_scenario_of_ones_own_is_played_and_a_wrong_one_refused(platform: Platform) -> None:
    steps = [{"status": "206", "reason": "PU_ERR"}, {"status": "211", "amount": "half", "after_s": 5}]
    assert platform.http.put("/_sandbox/scenarios/haggle", json={"steps": steps}).status_code == 204
    platform.send(to(_siren(5_000_004)))
    started = platform.http.post("/_sandbox/invoices/2026-0001/scenario", json={"scenario": "haggle"})
    assert started.status_code == 204
    platform.skip(10)
    last = platform.messages("seller")[-1]
    assert (last.status, [each.amount for each in last.amounts]) == ("211", [Decimal("144.00")])
    for wrong in (
        {"steps": [{"status": "212"}]},
        {"steps": [{"status": "207"}]},
        {"steps": [{"status": "204", "after_s": -1}]},
        {"steps": [{"status": "211", "amount": "much"}]},
        {"steps": [{"status": "204", "colour": "red"}]},
        {"steps": "all"},
        {"way": "lost"},
        {"way": "rejected"},
        {"french": 3},
    ):
        assert platform.http.put("/_sandbox/scenarios/wrong", json=wrong).status_code == 400, wrong
    assert platform.http.put("/_sandbox/scenarios/a b", json={}).status_code == 400


# --- purchases -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("form", "syntax"), [("cii", "CII"), ("ubl", "UBL"), ("facturx", "Factur-X")])
def test_a_client_receives_a_valid_purchase_invoice_and_answers_it(
    platform: Platform, validator: Validator, form: str, syntax: str
) -> None:
    (made,) = platform.http.post("/_sandbox/purchases", json={"siren": BUYER_SIREN, "form": form}).get_json()
    (received,) = platform.inbox(BUYER_SIREN, "SupplierInvoice")
    assert received["flowSyntax"] == syntax
    report = validator.check_file(platform.file(BUYER_SIREN, received).data, "invoice")
    assert not report.report.fatal, [each.rule for each in report.report.fatal]
    reference = InvoiceReference(
        made["number"],
        "380",
        _issued_on(platform, made["number"]),
        StatusParty(SELLER, (Identifier(made["seller"], "0002"),)),
    )
    to_supplier = StatusParty(
        SELLER, (Identifier(made["seller"], "0002"),), "Fournisseur", Identifier(made["seller"], "0225")
    )
    approved = compose(
        "205",
        message_id=f"{made['number']}_205",
        invoice=reference,
        issuer=BUYER_PARTY,
        recipients=(to_supplier,),
        made_at=now(),
        set_at=now(),
    )
    assert not reasons(platform.send(write_cdar(approved), "CDAR", BUYER_SIREN))
    assert platform.invoice(made["number"])["statuses"] == ["200", "202", "203", "205"]
    path = f"/_sandbox/invoices/{made['number']}/statuses"
    assert platform.http.post(path, json={"status": "212"}).status_code == 201
    (heard,) = platform.messages(BUYER_SIREN, "SupplierInvoiceLC")
    assert (heard.status, sum(each.amount for each in heard.amounts)) == ("212", Decimal(made["total"]))


def _issued_on(platform: Platform, number: str) -> date:
    store = platform.app.extensions["platform_sandbox"].store
    found: date = store.invoice(number).facts.issued_on
    return found


def test_an_uploaded_purchase_is_judged_before_it_is_delivered(platform: Platform) -> None:
    def upload(content: bytes, siren: str = BUYER_SIREN) -> TestResponse:
        form = {"siren": siren, "file": (io.BytesIO(content), "facture.xml")}
        return platform.http.post("/_sandbox/purchases", data=form)

    assert upload(CII.encode()).status_code == 201
    assert upload(CII.encode()).status_code == 422, "the same invoice twice"
    assert upload(b"<broken").status_code == 422
    assert upload(CII.encode(), "910000371").status_code == 404, "nobody receives for it"
    assert len(platform.inbox(BUYER_SIREN, "SupplierInvoice")) == 1


@pytest.mark.parametrize(
    "body",
    [
        {"siren": BUYER_SIREN, "form": "edifact"},
        {"siren": BUYER_SIREN, "count": 0},
        {"siren": BUYER_SIREN, "amount": "-"},
        {"siren": BUYER_SIREN, "supplier": "x"},
        {"siren": BUYER_SIREN, "number": "no number, but a long text that no invoice bears"},
        {"siren": "999999999"},
        [],
    ],
)
def test_a_purchase_that_cannot_be_made_is_refused(platform: Platform, body: Any) -> None:
    assert platform.http.post("/_sandbox/purchases", json=body).status_code in {400, 404, 422}
    assert platform.inbox(BUYER_SIREN) == []


def test_an_invoice_has_another_syntax_and_a_page(platform: Platform) -> None:
    flow = platform.send(CII.encode())
    converted, page = (platform.file("seller", flow, kind) for kind in ("Converted", "ReadableView"))
    assert b"urn:oasis:names:specification:ubl" in converted.data
    assert page.data.startswith(b"%PDF-")
    (status, *_) = platform.inbox("seller")
    assert platform.file("seller", status, "Converted").status_code == 404


# --- reports ---------------------------------------------------------------------------------------------------------


def report(
    number: str = "R-1", kind: str = "IN", period: tuple[str, str] = ("20260901", "20260930"), **changes: str
) -> bytes:
    """Payments of consumers (10.4) in a period, by hand."""
    day, rate, amount = changes.get("day", "20260915"), changes.get("rate", "20.00"), changes.get("amount", "120.00")
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<Report><ReportDocument><Id>{number}</Id>
<IssueDateTime><DateTimeString>20261005093000</DateTimeString></IssueDateTime><TypeCode>{kind}</TypeCode>
<Sender><Id schemeId="0238">1234</Id><Name>Plateforme</Name><RoleCode>WK</RoleCode></Sender>
<Issuer><Id schemeId="0002">{SELLER_SIREN}</Id><Name>Chauffage Lemaire</Name><RoleCode>SE</RoleCode></Issuer>
</ReportDocument><PaymentsReport><ReportPeriod><StartDate>{period[0]}</StartDate><EndDate>{period[1]}</EndDate>
</ReportPeriod><Transactions><Payment><Date>{day}</Date><SubTotals><TaxPercent>{rate}</TaxPercent>
<CurrencyCode>EUR</CurrencyCode><Amount>{amount}</Amount></SubTotals></Payment></Transactions></PaymentsReport></Report>
""".encode()


def answers(platform: Platform) -> list[tuple[str, str, list[str | None]]]:
    """Report, status and reasons of the State's answers."""
    told = platform.messages("seller", "StatePaymentReportLC", "StateTransactionReportLC")
    return [(each.invoice.number, each.status, [reason.code for reason in each.reasons]) for each in told]


def test_a_report_is_answered_by_the_state(platform: Platform) -> None:
    flow = platform.send(report(), "FRR")
    assert (flow["acknowledgement"]["status"], flow["flowType"]) == ("Ok", "AggregatedCustomerPaymentReport")
    assert answers(platform) == [("R-1", "300", [])]
    (message,) = platform.messages("seller", "StatePaymentReportLC")
    assert message.guideline == "urn.cpro.gouv.fr:1p0:CDV:ereportingF10"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (report("R-2", period=("20260901", "20260929")), "REJ_PER"),
        (report("R-2", day="20261001"), "REJ_PER"),
        (report("R-2", kind="RE"), "REJ_COH"),
        (report("R-2", rate="12.00"), "REJ_SEMAN"),
    ],
    ids=["no period of the law", "a day outside", "nothing to rectify", "no rate of the law"],
)
def test_the_state_rejects_with_a_reason(platform: Platform, content: bytes, reason: str) -> None:
    flow = platform.send(content, "FRR")
    if flow["acknowledgement"]["status"] == "Error":
        assert reason == "REJ_SEMAN", flow
        return
    assert answers(platform) == [("R-2", "301", [reason])]


def test_a_period_that_is_not_over_is_rejected(platform: Platform) -> None:
    last = (now().date().replace(day=1) + timedelta(days=62)).replace(day=1) - timedelta(days=1)
    first = last.replace(day=1)
    days = (f"{first:%Y%m%d}", f"{last:%Y%m%d}")
    platform.send(report("R-3", period=days, day=days[0]), "FRR")
    assert answers(platform) == [("R-3", "301", ["REJ_PER"])]


def test_a_report_is_unique_and_a_rectification_replaces(platform: Platform) -> None:
    platform.send(report(), "FRR")
    platform.send(report(amount="240.00"), "FRR")
    assert answers(platform)[-1] == ("R-1", "301", ["REJ_UNI"])
    platform.send(report("R-2", kind="RE", amount="-5.00"), "FRR")
    assert answers(platform)[-1] == ("R-2", "300", []), "a receipt below zero is the one rule that may be broken"
    (held,) = platform.http.get("/_sandbox/reports").get_json()
    assert held["reports"] == ["R-2"]


def test_an_invoice_of_a_consumer_is_only_deposited(platform: Platform) -> None:
    platform.send(CII.encode(), processingRule="B2C")
    assert [message.status for message in platform.messages("seller")] == ["200"]
    assert platform.inbox(BUYER_SIREN) == []


def test_instants_of_statuses_are_the_platforms(platform: Platform) -> None:
    platform.send(CII.encode())
    (message, *_) = platform.messages("seller")
    assert abs(message.occurred_at - now()) < timedelta(minutes=1)
    assert isinstance(message.made_at, datetime)
