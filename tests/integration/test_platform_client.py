"""The platform client against the sandbox, over real HTTP, with the real rules."""

from __future__ import annotations

import socket
import threading
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any, TypeVar

import pytest
import requests
from hand_written_invoices import CII, UBL, changed
from shared_material import shared
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

from config import safe_xml
from config.clock import now
from einvoice.document import Address, Identifier, Party
from einvoice.formats.pdf_reader import extract_invoice_xml
from einvoice.lifecycle.cdar import read_cdar, write_cdar
from einvoice.lifecycle.collected import CollectedInvoice, collected_message
from einvoice.platform.answers import Answer, retry_after_s
from einvoice.platform.client import AfnorPlatform
from einvoice.platform.port import (
    AckStatus,
    Direction,
    DocType,
    Flow,
    FlowState,
    Platform,
    PlatformBusyError,
    PlatformRefusedError,
    PlatformUnauthorisedError,
    PlatformUnreachableError,
    ProcessingRule,
    Profile,
    Syntax,
    tracking_id_for,
)
from einvoice.platform.session import MAX_JSON_BYTES, WAITS_S, PlatformSession
from einvoice.platform.settings import KNOWN_DRIVERS, PlatformDriver, PlatformSettings
from einvoice.platform.transport import MAX_SMALL_BYTES
from portal.sandboxes.platform import PlatformSandboxOptions, create_platform_sandbox
from receivables.domain.money import Money

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from einvoice.lifecycle.message import StatusMessage
    from einvoice.validation.check import Validator

SELLER = Party("Chauffage Lemaire SARL", Address("FR"), legal_id=Identifier("732829320", "0002"))
BUYER = Party(
    "Imprimerie du Port SAS",
    Address("FR"),
    legal_id=Identifier("100000009", "0002"),
    endpoint=Identifier("100000009", "0225"),
)
T = TypeVar("T")
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


class Sandbox:
    """A sandbox that listens on a port of its own."""

    def __init__(self, validator: Validator, options: PlatformSandboxOptions) -> None:
        self.app = create_platform_sandbox(
            check_invoice=validator.check_invoice,
            check_cdar=validator.check_cdar,
            extract_xml=lambda pdf: extract_invoice_xml(pdf).xml,
            options=options,
        )
        self._server = make_server("127.0.0.1", 0, self.app, threaded=True)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.app.extensions["platform_sandbox"].close()
        self._server.shutdown()
        self._server.server_close()

    def arm(self, kind: str, **more: Any) -> None:
        assert requests.post(f"{self.url}/_sandbox/faults", json={"kind": kind, **more}, timeout=5).status_code == 204

    def flows(self) -> list[dict[str, Any]]:
        told: list[dict[str, Any]] = requests.get(f"{self.url}/_sandbox/flows", timeout=5).json()
        return told

    def client(self, **changes: Any) -> AfnorPlatform:
        driver = PlatformDriver("sandbox", self.url, f"{self.url}/oauth2/token")
        settings = PlatformSettings(driver, "sandbox", "sandbox-secret", read_timeout_s=10)
        return AfnorPlatform(replace(settings, **changes))


@pytest.fixture
def sandbox(validator: Validator) -> Iterator[Sandbox]:
    running = Sandbox(validator, PlatformSandboxOptions(acknowledge_after_s=0.05))
    yield running
    running.close()


@pytest.fixture
def platform(sandbox: Sandbox) -> AfnorPlatform:
    return sandbox.client()


def invoice_flow(number: str = "2026-0001", content: bytes | None = None) -> Flow:
    xml = content or CII.replace("2026-0001", number).encode()
    return Flow(tracking_id_for("invoice", number), f"{number}.xml", Syntax.CII, xml, ProcessingRule.B2B, Profile.CIUS)


def receipt(number: str, cents: int, sequence: int, *, rate: str = "20", comment: str | None = None) -> StatusMessage:
    at = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
    return collected_message(
        seller=SELLER,
        buyer=BUYER,
        invoice=CollectedInvoice(number, "380", date(2026, 11, 2)),
        split=[(Decimal(rate), Money(cents))],
        sequence=sequence,
        collected_at=at,
        made_at=at,
        comment=comment,
    )


def status_flow(message: StatusMessage, content: bytes | None = None) -> Flow:
    tracking_id = tracking_id_for("212", message.message_id)
    return Flow(tracking_id, f"{message.status}.xml", Syntax.CDAR, content or write_cdar(message))


def wait_until(ask: Callable[[], T | None]) -> T:
    """What ``ask`` says once it says something true; at most 90 s, for a cold engine under load."""
    deadline = now() + timedelta(seconds=90)
    while not (answer := ask()):
        assert now() < deadline, "nothing happened in time"
        threading.Event().wait(0.05)
    return answer


def acknowledged(platform: Platform, flow_id: str) -> FlowState:
    def settled() -> FlowState | None:
        state = platform.flow_state(flow_id)
        return state if state.status is not AckStatus.PENDING else None

    return wait_until(settled)


def send_and_wait(platform: Platform, flow: Flow) -> FlowState:
    return acknowledged(platform, platform.send_flow(flow).flow_id)


def inbound(platform: Platform, count: int) -> list[FlowState]:
    def come_back() -> list[FlowState] | None:
        flows = list(platform.search(LONG_AGO, direction=Direction.IN).flows)
        return flows if len(flows) >= count else None

    return wait_until(come_back)


# --- the good road ---------------------------------------------------------------------------------------------------


def test_an_accepted_invoice_comes_back_as_deposited_received_and_made_available(
    platform: AfnorPlatform, validator: Validator
) -> None:
    flow = invoice_flow()
    assert platform.find_flow(flow.tracking_id) is None
    sent = platform.send_flow(flow)
    state = acknowledged(platform, sent.flow_id)
    assert (state.status, state.details) == (AckStatus.OK, ())
    assert (state.flow_type, state.direction, state.tracking_id) == ("CustomerInvoice", "Out", flow.tracking_id)
    assert (state.processing_rule, state.profile, state.submitted_at) == ("B2B", "CIUS", sent.submitted_at)
    assert platform.find_flow(flow.tracking_id) == state
    statuses = inbound(platform, 3)
    assert {status.flow_type for status in statuses} == {"CustomerInvoiceLC"}
    messages = []
    for status in statuses:
        xml = platform.fetch(status.flow_id, DocType.ORIGINAL)
        assert not validator.check_cdar(xml).findings
        messages.append(read_cdar(safe_xml.parse(xml)))
    assert [message.status for message in messages] == ["200", "202", "203"]
    assert {message.invoice.number for message in messages} == {"2026-0001"}
    assert messages[0].recipients[0].siren == SELLER.siren
    assert len({message.message_id for message in messages}) == 3


def test_a_ubl_invoice_and_a_published_sample_are_accepted_too(platform: AfnorPlatform) -> None:
    ubl = Flow("ubl-1", "ubl.xml", Syntax.UBL, UBL.encode())
    assert send_and_wait(platform, ubl).status is AckStatus.OK
    sample = shared("samples/cii/UC4_F202500006_00-INV_20250701_CII_EN16931.xml").read_bytes()
    state = send_and_wait(platform, Flow("sample-1", "UC4.xml", Syntax.CII, sample))
    assert (state.status, state.details) == (AckStatus.OK, ())


def test_a_factur_x_file_is_opened_and_judged_by_its_xml(platform: AfnorPlatform) -> None:
    pdf = shared("samples/facturx/UC1_2023020_BASIC.pdf").read_bytes()
    state = send_and_wait(platform, Flow("fx-1", "UC1.pdf", Syntax.FACTUR_X, pdf))
    assert (state.status, [detail for detail in state.details if detail.level == "Error"]) == (AckStatus.OK, [])
    assert platform.fetch(state.flow_id) == pdf


def test_receipts_in_two_parts_and_one_given_back_are_accepted(platform: AfnorPlatform, sandbox: Sandbox) -> None:
    send_and_wait(platform, invoice_flow())
    for message in (
        receipt("2026-0001", 10_000, 1),
        receipt("2026-0001", 18_800, 2),
        receipt("2026-0001", -18_800, 3, comment="Prélèvement rejeté"),
    ):
        state = send_and_wait(platform, status_flow(message))
        assert (state.status, state.details) == (AckStatus.OK, ()), message
    held = requests.get(f"{sandbox.url}/_sandbox/invoices", timeout=5).json()[0]
    assert Decimal(held["collected"]) == Decimal(100)
    assert held["statuses"] == ["200", "202", "203", "212", "212", "212"]


def test_the_buyer_can_be_played_and_his_words_arrive(
    platform: AfnorPlatform, sandbox: Sandbox, validator: Validator
) -> None:
    send_and_wait(platform, invoice_flow())
    inbound(platform, 3)
    play = f"{sandbox.url}/_sandbox/invoices/2026-0001/statuses"
    body = {"status": "207", "reason": "QTE_ERR", "comment": "Deux heures, pas trois"}
    assert requests.post(play, json=body, timeout=5).status_code == 201
    assert requests.post(play, json={"status": "211", "amount": "288.00"}, timeout=5).status_code == 201
    flows = inbound(platform, 5)
    files = [platform.fetch(flow.flow_id) for flow in flows[-2:]]
    assert [validator.check_cdar(file).findings for file in files] == [(), ()]
    dispute, payment = (read_cdar(safe_xml.parse(file)) for file in files)
    assert (dispute.status, dispute.reasons[0].code, dispute.note) == ("207", "QTE_ERR", "Deux heures, pas trois")
    assert dispute.issuer.siren == BUYER.siren
    assert (payment.status, payment.amounts[0].kind, payment.amounts[0].amount) == ("211", "MPA", Decimal(288))


# --- refusals --------------------------------------------------------------------------------------------------------


def test_an_invoice_that_breaks_a_rule_is_refused_by_its_id_and_sends_no_status(platform: AfnorPlatform) -> None:
    wrong = changed(CII, ("<ram:DuePayableAmount>288.00", "<ram:DuePayableAmount>289.00"))
    state = send_and_wait(platform, invoice_flow(content=wrong))
    assert state.status is AckStatus.ERROR
    assert "BR-CO-16" in {detail.reason for detail in state.details}
    assert platform.search(LONG_AGO, direction=Direction.IN).flows == ()


def test_the_same_invoice_under_another_tracking_id_is_a_duplicate(platform: AfnorPlatform) -> None:
    send_and_wait(platform, invoice_flow())
    again = send_and_wait(platform, replace(invoice_flow(), tracking_id="another"))
    assert again.status is AckStatus.ERROR
    assert [detail.reason for detail in again.details] == ["AlreadyExistingFlow"]


def test_a_212_without_amounts_is_refused_by_its_rule(platform: AfnorPlatform) -> None:
    send_and_wait(platform, invoice_flow())
    message = receipt("2026-0001", 28_800, 1)
    empty = replace(message, details=(replace(message.details[0], data=()),))
    state = send_and_wait(platform, status_flow(message, write_cdar(empty)))
    assert state.status is AckStatus.ERROR
    assert any(detail.reason.startswith("BR-FR-CDV-14") for detail in state.details)


@pytest.mark.parametrize(
    ("messages", "reason"),
    [
        ([receipt("2026-9999", 100, 1)], "InvoiceLCRuleError"),
        ([receipt("2026-0001", 100, 1, rate="10")], "InvoiceLCAmountError"),
        ([receipt("2026-0001", 28_800, 1), receipt("2026-0001", 28_800, 2)], "InvoiceLCAmountError"),
        ([receipt("2026-0001", -1, 1, comment="Remboursement")], "InvoiceLCAmountError"),
        ([receipt("2026-0001", 100, 1), replace(receipt("2026-0001", 100, 1), name="again")], "AlreadyExistingFlow"),
    ],
    ids=["unknown invoice", "rate not on the invoice", "paid twice", "given back before received", "same message id"],
)
def test_a_212_that_the_books_contradict_is_refused(
    platform: AfnorPlatform, messages: list[StatusMessage], reason: str
) -> None:
    send_and_wait(platform, invoice_flow())
    for number, message in enumerate(messages):
        state = send_and_wait(platform, replace(status_flow(message), tracking_id=f"receipt-{number}"))
        last = message is messages[-1]
        assert [detail.reason for detail in state.details] == ([reason] if last else [])


def test_nothing_is_taken_after_the_buyer_refused(platform: AfnorPlatform, sandbox: Sandbox) -> None:
    send_and_wait(platform, invoice_flow())
    inbound(platform, 3)
    play = f"{sandbox.url}/_sandbox/invoices/2026-0001/statuses"
    assert requests.post(play, json={"status": "210"}, timeout=5).status_code == 422
    assert requests.post(play, json={"status": "210", "reason": "DOUBLON"}, timeout=5).status_code == 201
    state = send_and_wait(platform, status_flow(receipt("2026-0001", 28_800, 1)))
    assert [detail.reason for detail in state.details] == ["InvoiceLCInvalidStatus"]
    assert requests.post(play, json={"status": "205"}, timeout=5).status_code == 422


def test_the_same_tracking_id_is_refused_with_the_norms_code(platform: AfnorPlatform) -> None:
    platform.send_flow(invoice_flow())
    with pytest.raises(PlatformRefusedError) as refused:
        platform.send_flow(invoice_flow())
    assert (refused.value.code, refused.value.error_code) == ("platform.refused", "AlreadyExistingFlow")
    assert not refused.value.in_doubt


def test_an_unknown_flow_is_refused_as_missing(platform: AfnorPlatform) -> None:
    with pytest.raises(PlatformRefusedError) as refused:
        platform.flow_state("no such flow")
    assert (refused.value.error_code, refused.value.http_status) == ("MISSING_RESOURCE", 404)


def test_what_the_norm_forbids_is_refused_before_the_upload(sandbox: Sandbox) -> None:
    small = sandbox.client(max_file_bytes=10)
    with pytest.raises(PlatformRefusedError) as refused:
        small.send_flow(invoice_flow())
    assert refused.value.error_code == "FILE_SIZE_EXCEEDED"
    with pytest.raises(PlatformRefusedError):
        sandbox.client().send_flow(replace(invoice_flow(), tracking_id="x" * 65))
    assert sandbox.flows() == []


def test_a_platform_that_computes_the_rule_is_not_sent_one(validator: Validator) -> None:
    strict = Sandbox(validator, PlatformSandboxOptions(refuse_processing_rule=True))
    try:
        with pytest.raises(PlatformRefusedError):
            strict.client().send_flow(invoice_flow())
        driver = PlatformDriver("own", strict.url, f"{strict.url}/oauth2/token", omit_processing_rule=True)
        client = strict.client(driver=driver)
        state = client.flow_state(client.send_flow(invoice_flow()).flow_id)
        assert state.processing_rule == "Undefined"
    finally:
        strict.close()


# --- bad days --------------------------------------------------------------------------------------------------------


def test_a_timeout_after_the_effect_is_in_doubt_and_settled_by_asking(sandbox: Sandbox) -> None:
    impatient = sandbox.client(read_timeout_s=0.5)
    sandbox.arm("timeout_after_effect", hold_s=1.5)
    flow = invoice_flow()
    with pytest.raises(PlatformUnreachableError) as lost:
        impatient.send_flow(flow)
    assert (lost.value.code, lost.value.in_doubt) == ("platform.unreachable", True)
    found = impatient.find_flow(flow.tracking_id)
    assert found is not None
    assert acknowledged(sandbox.client(), found.flow_id).status is AckStatus.OK
    assert sum(told["flowDirection"] == "Out" for told in sandbox.flows()) == 1


def test_a_failure_before_the_effect_is_in_doubt_too_and_asking_allows_to_send(
    platform: AfnorPlatform, sandbox: Sandbox
) -> None:
    sandbox.arm("error_500", operation="send")
    flow = invoice_flow()
    with pytest.raises(PlatformUnreachableError) as lost:
        platform.send_flow(flow)
    assert lost.value.in_doubt
    assert platform.find_flow(flow.tracking_id) is None
    assert send_and_wait(platform, flow).status is AckStatus.OK


def test_a_busy_platform_says_when_to_come_back(platform: AfnorPlatform, sandbox: Sandbox) -> None:
    sandbox.arm("busy", operation="send", retry_after_s=7)
    with pytest.raises(PlatformBusyError) as busy:
        platform.send_flow(invoice_flow())
    assert (busy.value.code, busy.value.retry_after_s, busy.value.in_doubt) == ("platform.busy", 7.0, False)
    assert sandbox.flows() == []
    platform.send_flow(invoice_flow())


def test_an_unavailable_platform_is_unreachable_until_it_is_back(platform: AfnorPlatform, sandbox: Sandbox) -> None:
    sandbox.arm("unavailable", times=None)
    with pytest.raises(PlatformUnreachableError) as lost:
        platform.send_flow(invoice_flow())
    assert not lost.value.in_doubt, "the token came first: nothing was sent"
    assert not platform.health()
    requests.delete(f"{sandbox.url}/_sandbox/faults", timeout=5)
    assert platform.health()
    platform.send_flow(invoice_flow())


def test_a_closed_port_is_unreachable_and_nothing_is_in_doubt() -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{reserved.getsockname()[1]}"
    client = AfnorPlatform(PlatformSettings(PlatformDriver("gone", url, f"{url}/oauth2/token"), "id", "secret"))
    with pytest.raises(PlatformUnreachableError) as lost:
        client.send_flow(invoice_flow())
    assert not lost.value.in_doubt


def test_a_token_that_died_early_is_renewed_once(platform: AfnorPlatform, sandbox: Sandbox) -> None:
    platform.search(LONG_AGO)
    requests.delete(f"{sandbox.url}/_sandbox/tokens", timeout=5)
    assert send_and_wait(platform, invoice_flow()).status is AckStatus.OK
    assert sum(told["flowDirection"] == "Out" for told in sandbox.flows()) == 1


def test_a_wrong_secret_is_unauthorised(sandbox: Sandbox) -> None:
    with pytest.raises(PlatformUnauthorisedError) as refused:
        sandbox.client(client_secret="guessed").search(LONG_AGO)
    assert refused.value.code == "platform.unauthorised"
    assert "guessed" not in repr(PlatformSettings(KNOWN_DRIVERS["superpdp"], "id", "guessed"))


def test_a_secret_in_the_form_works_where_a_platform_wants_it_so(sandbox: Sandbox) -> None:
    driver = PlatformDriver("form", sandbox.url, f"{sandbox.url}/oauth2/token", secret_in_body=True)
    assert sandbox.client(driver=driver).search(LONG_AGO).flows == ()


def test_a_status_delivered_twice_has_two_flows_and_one_message_id(platform: AfnorPlatform, sandbox: Sandbox) -> None:
    sandbox.arm("duplicate")
    send_and_wait(platform, invoice_flow())
    flows = inbound(platform, 4)
    messages = [read_cdar(safe_xml.parse(platform.fetch(flow.flow_id))) for flow in flows]
    assert len({flow.flow_id for flow in flows}) == 4
    assert len({message.message_id for message in messages}) == 3


# --- search ----------------------------------------------------------------------------------------------------------


def test_pages_hold_every_flow_once_and_the_date_is_strict(sandbox: Sandbox) -> None:
    platform = sandbox.client(page_limit=2)
    for number in range(3):
        send_and_wait(platform, invoice_flow(f"2026-100{number}"))
    inbound(sandbox.client(), 9)
    seen: list[FlowState] = []
    cursor = None
    while True:
        page = platform.search(LONG_AGO, cursor)
        assert len(page.flows) <= 2
        seen += page.flows
        cursor = page.next_cursor
        if cursor is None:
            break
    assert len(seen) == len({flow.flow_id for flow in seen}) == 12
    assert [flow.updated_at for flow in seen] == sorted(flow.updated_at for flow in seen)
    assert sandbox.client().search(seen[-1].updated_at).flows == ()
    assert sandbox.client().search(seen[-1].updated_at - timedelta(milliseconds=1)).flows


def test_organisations_of_one_client_do_not_see_each_other(sandbox: Sandbox) -> None:
    one, other = sandbox.client(organization_id="732829320"), sandbox.client(organization_id="999999998")
    sent = one.send_flow(invoice_flow())
    assert other.find_flow(invoice_flow().tracking_id) is None
    with pytest.raises(PlatformRefusedError):
        other.flow_state(sent.flow_id)


# --- answers that a platform should not give -------------------------------------------------------------------------


@pytest.fixture
def odd() -> Iterator[tuple[str, dict[str, Response]]]:
    """A server that gives a good token, and to anything else the answer that the test puts in."""
    answers: dict[str, Response] = {}

    @Request.application
    def application(request: Request) -> Response:
        token = '{"access_token": "t", "token_type": "Bearer", "expires_in": 600}'
        default = Response(token, mimetype="application/json") if request.path == "/token" else Response(status=404)
        return answers.get(request.path, answers.get("*", default) if request.path != "/token" else default)

    server = make_server("127.0.0.1", 0, application, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", answers
    server.shutdown()
    server.server_close()


def odd_client(url: str) -> AfnorPlatform:
    return AfnorPlatform(PlatformSettings(PlatformDriver("odd", url, f"{url}/token"), "id", "secret"))


@pytest.mark.parametrize(
    ("answer", "error", "in_doubt"),
    [
        (Response("<html>", 202), PlatformUnreachableError, True),
        (Response("{}", 202, mimetype="application/json"), PlatformUnreachableError, True),
        (Response('{"flowId": "1", "submittedAt": "hier"}', 202), PlatformUnreachableError, True),
        (Response("", 302, {"Location": "http://127.0.0.1:1/"}), PlatformRefusedError, False),
        (Response("<html>", 400), PlatformRefusedError, False),
        (Response("", 503, {"Retry-After": "soon"}), PlatformBusyError, True),
        (Response("", 401), PlatformUnauthorisedError, False),
    ],
    ids=["no JSON", "no id", "no time", "redirect", "no error body", "busy, no number", "token refused again"],
)
def test_an_odd_answer_to_a_sending_is_an_error_that_says_whether_to_ask(
    odd: tuple[str, dict[str, Response]], answer: Response, error: type[Exception], *, in_doubt: bool
) -> None:
    url, answers = odd
    answers["*"] = answer
    with pytest.raises(error) as caught:
        odd_client(url).send_flow(invoice_flow())
    assert caught.value.in_doubt is in_doubt  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Response("", 302, {"Location": "http://127.0.0.1:1/"}), PlatformUnauthorisedError),
        (Response("<html>", 200), PlatformUnauthorisedError),
        (Response("<html>", 429, {"Retry-After": "3"}), PlatformBusyError),
        (Response("", 500), PlatformUnreachableError),
        (Response("<html>", 403), PlatformUnauthorisedError),
    ],
    ids=["redirect", "no JSON", "busy", "failed", "forbidden"],
)
def test_an_odd_answer_of_the_token_service_is_an_error_and_never_in_doubt(
    odd: tuple[str, dict[str, Response]], answer: Response, error: type[Exception]
) -> None:
    url, answers = odd
    answers["/token"] = answer
    with pytest.raises(error) as caught:
        odd_client(url).send_flow(invoice_flow())
    assert not caught.value.in_doubt  # type: ignore[attr-defined]


def test_an_endless_answer_is_cut_at_the_largest_flow(odd: tuple[str, dict[str, Response]]) -> None:
    url, answers = odd
    answers["*"] = Response(b"x" * 5000, mimetype="application/octet-stream")
    driver = PlatformDriver("odd", url, f"{url}/token")
    assert len(AfnorPlatform(PlatformSettings(driver, "id", "s", max_file_bytes=5000)).fetch("1")) == 5000
    with pytest.raises(PlatformUnreachableError):
        AfnorPlatform(PlatformSettings(driver, "id", "s", max_file_bytes=4999)).fetch("1")


def test_a_date_in_retry_after_is_read_as_seconds(odd: tuple[str, dict[str, Response]]) -> None:
    url, answers = odd
    answers["*"] = Response("", 429, {"Retry-After": format_datetime(now() + timedelta(seconds=60), usegmt=True)})
    with pytest.raises(PlatformBusyError) as busy:
        odd_client(url).search(LONG_AGO)
    assert busy.value.retry_after_s is not None
    assert 50 < busy.value.retry_after_s <= 60


def test_unknown_words_of_a_platform_are_kept_and_an_unknown_acknowledgement_stays_pending(
    odd: tuple[str, dict[str, Response]],
) -> None:
    url, answers = odd
    flow = (
        '{"flowId": "1", "submittedAt": "2026-11-20T10:00:00+01:00", "flowType": "NewKind", "flowDirection": "In",'
        '"acknowledgement": {"status": "Sleeping"}, "name": "x", "flowSyntax": "EDIFACT"}'
    )
    answers["*"] = Response(f'{{"results": [{flow}]}}', mimetype="application/json")
    state = odd_client(url).search(LONG_AGO).flows[0]
    assert (state.flow_type, state.syntax, state.status) == ("NewKind", "EDIFACT", AckStatus.PENDING)
    assert state.updated_at == state.submitted_at == datetime(2026, 11, 20, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    "url", ["http://platform.example", "ftp://x", "https://u:p@x.fr", "https://", "https://x/?a=1"]
)
def test_an_address_that_leaks_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="https"):
        PlatformDriver("bad", url, "https://x.fr/token")


# --- patience --------------------------------------------------------------------------------------------------------


def patient_session(url: str, pauses: list[float]) -> PlatformSession:
    settings = PlatformSettings(PlatformDriver("odd", url, f"{url}/token"), "id", "secret")
    return PlatformSession(settings, pause=pauses.append)


def test_a_read_is_made_again_after_a_quick_failure_and_a_sending_never(odd: tuple[str, dict[str, Response]]) -> None:
    url, answers = odd
    answers["*"] = Response("", 500)
    pauses: list[float] = []
    session = patient_session(url, pauses)
    with pytest.raises(PlatformUnreachableError):
        session.call("GET", "/v1/flows/1")
    assert len(pauses) == len(WAITS_S)
    assert all(wait_s / 2 <= paused <= wait_s for paused, wait_s in zip(pauses, WAITS_S, strict=True))
    with pytest.raises(PlatformUnreachableError) as lost:
        session.call("POST", "/v1/flows", has_effect=True)
    assert (len(pauses), lost.value.in_doubt) == (len(WAITS_S), True)


def test_a_short_pause_that_the_platform_asks_for_is_kept_and_a_long_one_told(
    odd: tuple[str, dict[str, Response]],
) -> None:
    url, answers = odd
    pauses: list[float] = []
    answers["*"] = Response("", 429, {"Retry-After": "1"})
    with pytest.raises(PlatformBusyError):
        patient_session(url, pauses).call("GET", "/v1/flows/1")
    assert pauses == [1.0, 1.0]
    answers["*"] = Response("", 503, {"Retry-After": "30"})
    with pytest.raises(PlatformBusyError) as busy:
        patient_session(url, pauses).call("GET", "/v1/flows/1")
    assert (len(pauses), busy.value.retry_after_s, busy.value.http_status) == (2, 30.0, 503)


@pytest.mark.parametrize(
    ("told", "waits"),
    [("7", 7.0), ("999999999999999999999", 3600.0), ("²", None), ("-1", None), ("", None), ("Fri, 99 Nov", None)],
)
def test_a_retry_after_that_is_none_is_none(told: str, waits: float | None) -> None:
    assert retry_after_s(Answer(429, b"", told)) == waits


def test_an_upload_may_take_longer_than_a_connection(sandbox: Sandbox) -> None:
    """The time to connect bounded the whole upload once: a large file on a slow line never arrived."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}"

        def take_slowly() -> None:
            taken, _ = server.accept()
            with taken:
                threading.Event().wait(0.8)
                taken.settimeout(1)
                got = b""
                while not got.endswith(b"--\r\n"):
                    got += taken.recv(1 << 20)
                body = b'{"flowId": "1", "submittedAt": "2026-11-20T10:00:00Z"}'
                taken.sendall(b"HTTP/1.1 202 Accepted\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))

        threading.Thread(target=take_slowly, daemon=True).start()
        driver = PlatformDriver("slow", url, f"{sandbox.url}/oauth2/token")
        client = sandbox.client(driver=driver, connect_timeout_s=0.3, read_timeout_s=5)
        assert client.send_flow(invoice_flow(content=b"x" * 20_000_000)).flow_id == "1"


@pytest.mark.parametrize(
    "answer",
    [
        Response("[" * 200_000, 202, mimetype="application/json"),
        Response('{"flowId": "a\\u0000b", "submittedAt": "2026-11-20T10:00:00Z"}', 202),
        Response('{"flowId": "\\ud800", "submittedAt": "2026-11-20T10:00:00Z"}', 202),
        Response('{"flowId": "1", "submittedAt": "0001-01-01T00:00:00+14:00"}', 202),
        Response("", 202),
        Response("", 204),
        Response("x" * (MAX_JSON_BYTES + 1), 202),
    ],
    ids=["endless brackets", "NUL", "half a character", "before time", "empty", "no content", "too much"],
)
def test_an_answer_that_is_a_trap_leaves_a_sending_in_doubt(
    odd: tuple[str, dict[str, Response]], answer: Response
) -> None:
    url, answers = odd
    answers["*"] = answer
    with pytest.raises(PlatformUnreachableError) as caught:
        odd_client(url).send_flow(invoice_flow())
    assert caught.value.in_doubt


def test_a_200_with_the_ids_of_a_202_is_taken_for_one(odd: tuple[str, dict[str, Response]]) -> None:
    url, answers = odd
    answers["*"] = Response('{"flowId": "1", "submittedAt": "2026-11-20T10:00:00Z"}', 200)
    assert odd_client(url).send_flow(invoice_flow()).flow_id == "1"


def test_remarks_that_are_traps_are_kept_as_text_that_a_database_takes(odd: tuple[str, dict[str, Response]]) -> None:
    url, answers = odd
    flow = (
        '{"flowId": "1", "submittedAt": "2026-11-20T10:00:00Z", "trackingId": 7, "acknowledgement": {"status": {},'
        '"details": [{"reasonMessage": "a\\u0000b\\ud800"}, 7, {"reasonMessage": ["x"], "reasonCode": null}]}}'
    )
    answers["*"] = Response(flow, 200)
    state = odd_client(url).flow_state("1")
    assert (state.status, [each.message for each in state.details]) == (AckStatus.PENDING, ["ab?", '["x"]'])
    answers["*"] = Response(flow.replace("[{", "{").replace("null}]", "null}"), 200)
    with pytest.raises(PlatformUnreachableError):
        odd_client(url).flow_state("1")


def test_a_token_without_end_is_refused(odd: tuple[str, dict[str, Response]]) -> None:
    url, answers = odd
    answers["/token"] = Response("x" * (2 * MAX_SMALL_BYTES), 200)
    with pytest.raises(PlatformUnreachableError):
        odd_client(url).flow_state("1")


def test_an_empty_file_is_no_file(odd: tuple[str, dict[str, Response]]) -> None:
    url, answers = odd
    answers["*"] = Response("", 200)
    for doc_type in (DocType.ORIGINAL, DocType.CONVERTED, DocType.READABLE_VIEW):
        with pytest.raises(PlatformUnreachableError):
            odd_client(url).fetch("1", doc_type)
