"""A platform, a buyer or a caller that means harm: nothing hangs, nothing leaks, no page breaks, no money moves."""

from __future__ import annotations

import json
import socket
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest
from dispute_builders import claim, receive, status_message
from receiving_builders import said, sold_to
from story_builders import Story
from test_platform_hooks import Caller

from config.clock import new_id, now, today
from config.outgoing import Reach
from einvoice import following, reception
from einvoice.lifecycle.cdar import read_cdar
from einvoice.lifecycle.history import note_status
from einvoice.lifecycle.message import BUYER, Datum, Detail, Reason
from einvoice.platform.accounts import close_account
from einvoice.platform.chorus import ChorusPlatform
from einvoice.platform.client import AfnorPlatform
from einvoice.platform.directory import DirectoryClient
from einvoice.platform.driver import PlatformDriver
from einvoice.platform.port import AckStatus, FlowPage, FlowState, PlatformError, PlatformUnreachableError
from einvoice.platform.session import PlatformSession
from einvoice.platform.settings import PlatformSettings
from einvoice.platform.signature import sign
from einvoice.receiving.examination import _cut
from einvoice.reception import OVERLAP, SOURCE, Poller
from portal.customer.downloads import send_bytes
from portal.sandboxes.chorus.app import create_chorus_stub
from portal.sandboxes.platform import create_platform_sandbox
from portal.telling.timeline import tell
from receivables.errors import ReceivablesError
from receivables.services.collecting.chasing import chase_state
from receivables.services.conversations.contesting import MAX_CLAIMS_A_DAY
from receivables.services.invoicing.dues import due_on_invoice
from receivables.store.conversations.disputes import MOST_PAUSE, disputes_on, longest_pauses
from receivables.store.customer_file.happenings import life_of_invoice
from receivables.store.inbox import accept

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from flask import Flask
    from story_builders import PlatformHouse

    from portal.wiring import Services
    from receivables.domain.invoicing.invoices import Invoice

SINCE = datetime(2026, 11, 1, tzinfo=UTC)
SOON_S = 3.0
"""Nothing that a stranger writes may take longer than this."""


# --- calls from platforms --------------------------------------------------------------------------------------------


def test_a_time_stamp_of_five_thousand_digits_is_a_wrong_signature_and_no_fault_of_ours(story: Story) -> None:
    caller = Caller(story)
    caller.subscribe()
    status, told = caller.call(signature="x", HTTP_AFNOR_SIGNATURE_TIMESTAMP="1" * 5000)
    assert (status, told["code"]) == (400, "hook.bad_signature")
    for stamp in ("", "-1", "\uff11\uff12", "1e9", " 1", "1" * 13):
        assert caller.call(signature="x", HTTP_AFNOR_SIGNATURE_TIMESTAMP=stamp)[0] == HTTPStatus.BAD_REQUEST, stamp
    assert caller.hints() == []


def test_the_key_of_one_supplier_opens_nothing_at_another(
    story: Story, services: Services, platform_house: PlatformHouse
) -> None:
    mine, theirs = Caller(story), Caller(Story(services, platform_house))
    for each in (mine, theirs):
        each.subscribe()
    body, stamp = b"{}", int(now().timestamp())
    my_signature = sign(mine.keys()[0], body, stamp)
    assert theirs.call(body, signature=my_signature, at=stamp)[0] == HTTPStatus.BAD_REQUEST
    assert theirs.call(body, signature=my_signature, at=stamp, account=mine.account)[0] == HTTPStatus.NOT_FOUND
    assert (mine.hints(), theirs.hints()) == ([], [])


# --- a hostile server where a platform should be ---------------------------------------------------------------------


class Hostile:
    """A server that answers by path: what it is told to, drop by drop where it is told how fast."""

    def __init__(self) -> None:
        self.token = b'{"access_token": "t", "token_type": "Bearer", "expires_in": 300}'
        self.answers: dict[str, bytes] = {}
        self.drop_s: float | None = None
        self.slow_at = ""
        self.with_length = True
        told = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                kind = next((each for each in told.answers if each in self.path), "")
                told._answer(self, told.answers[kind] if kind else told.token)

            do_GET = do_POST  # noqa: N815 -- the library's name

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def _answer(self, handler: BaseHTTPRequestHandler, body: bytes) -> None:
        head = b"HTTP/1.1 200 OK\r\nConnection: close\r\n"
        head += b"Content-Length: %d\r\n\r\n" % len(body) if self.with_length else b"\r\n"
        handler.close_connection = True
        if self.drop_s is None or self.slow_at not in handler.path:
            handler.wfile.write(head + body)
            return
        try:
            handler.wfile.write(head)
            for position in range(len(body)):
                handler.wfile.write(body[position : position + 1])
                time.sleep(self.drop_s)
        except OSError:
            pass  # the caller has had enough

    def settings(self, **changes: Any) -> PlatformSettings:
        driver = PlatformDriver("hostile", self.url, f"{self.url}/token", directory_url=self.url)
        return PlatformSettings(driver, "client", "secret", **changes)

    def client(self, **changes: Any) -> AfnorPlatform:
        return AfnorPlatform(self.settings(**changes), Reach.LOOPBACK)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def hostile() -> Iterator[Hostile]:
    running = Hostile()
    running.answers["flows/search"] = b'{"results": []}'
    yield running
    running.close()


@pytest.mark.parametrize(
    "token",
    [
        b'{"access_token": "t", "expires_in": 1e400}',
        b'{"access_token": "t", "expires_in": [1]}',
        b'{"access_token": "t", "expires_at": -1e400}',
        b'{"access_token": "t\\r\\nX-Evil: 1", "token_type": "Bearer"}',
        b'{"access_token": "\\u20ac", "token_type": "Bearer"}',
        b'{"access_token": ["t"], "token_type": "Bearer"}',
        b'{"access_token": "t", "token_type": ["Bearer"]}',
        b'{"access_token": "t", "token_type": 5}',
        b'{"access_token": "", "token_type": "Bearer"}',
        b"[" * 100_000,
        b"[]",
        b"",
    ],
)
def test_a_token_that_is_none_is_told_as_such(hostile: Hostile, token: bytes) -> None:
    hostile.token = token
    platform = hostile.client()
    for _ in range(2):
        with pytest.raises(PlatformError):
            platform.search(SINCE)
    hostile.token = b'{"access_token": "t", "token_type": "Bearer", "expires_in": 300}'
    assert platform.search(SINCE).flows == (), "a bad token is not kept"


def test_an_error_word_without_end_is_cut(hostile: Hostile) -> None:
    hostile.token = json.dumps({"error": "x" * 500_000}).encode()
    with pytest.raises(PlatformError) as caught:
        hostile.client().authenticate()
    assert len(str(caught.value)) < 1000


@pytest.mark.parametrize("slow_at", ["token", "flows"])
@pytest.mark.parametrize("length", ["told", "untold"])
def test_an_answer_that_comes_drop_by_drop_is_cut_and_never_taken_for_a_whole_one(
    hostile: Hostile, slow_at: str, length: str
) -> None:
    hostile.drop_s, hostile.slow_at, hostile.with_length = 0.05, slow_at, length == "told"
    hostile.answers["flows/search"] = b'{"results": []}' + b" " * 5000
    hostile.token += b" " * 5000
    session = PlatformSession(hostile.settings(read_timeout_s=0.25), Reach.LOOPBACK)
    began = time.monotonic()
    with pytest.raises(PlatformUnreachableError):
        session.call("POST", "/v1/flows/search", patient=False)
    assert time.monotonic() - began < SOON_S


@pytest.mark.parametrize(
    "line",
    [
        b'{"addressingIdentifier": "a", "directoryLineStatus": ["x"]}',
        b'{"addressingIdentifier": {"a": 1}}',
        b'{"addressingIdentifier": "a", "facility": {"siret": ["x"], "address": 5}, "legalUnit": {"siren": {}}}',
        b'{"addressingIdentifier": "a\\u0000b\\ud800"}',
        b'{"addressingIdentifier": "%s"}' % (b"x" * 1_000_000),
    ],
)
def test_an_odd_line_of_a_directory_is_read_or_refused_and_can_be_kept(hostile: Hostile, line: bytes) -> None:
    hostile.answers["directory-line"] = b'{"results": [%s], "totalNumberOfResults": 1}' % line
    try:
        found = DirectoryClient(hostile.settings(), Reach.LOOPBACK).lines_of("123456782")
    except PlatformError:
        return
    for each in found.results:
        assert "\0" not in each.address
        assert len(each.address.encode()) <= 8000


@pytest.mark.parametrize(
    "url",
    [
        "https://:secret@platform.example",
        "https://a@platform.example",
        "https://@platform.example",
        "https://platform.example:99999",
        "https://platform.example:x",
        "https://[::1",
        "https://plat form.example",
        "https://platform.example/\r\nX: y",
        "https://platform.example\\@127.0.0.1",
        "https://platform.example?x=1",
        "http://platform.example",
        "http://127.0.0.1.platform.example",
        "ftp://platform.example",
        "file:///etc/passwd",
    ],
)
def test_an_address_with_more_than_a_host_and_a_path_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="cannot be used"):
        PlatformDriver("other", url, "https://platform.example/token")


def test_an_organisation_that_no_header_can_carry_is_refused() -> None:
    driver = PlatformDriver("other", "https://platform.example", "https://platform.example/token")
    for odd in ("société", "1\r\nX: y", "1\t2"):
        with pytest.raises(ValueError, match="Organization-Id"):
            PlatformSettings(driver, "c", "s", organization_id=odd)


@pytest.mark.parametrize("host", ["127.0.0.1", "2130706433", "0x7f000001", "127.1", "[::1]", "[::ffff:127.0.0.1]", "0"])
def test_a_house_that_is_open_to_the_internet_never_calls_itself_however_it_is_written(host: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        url = f"https://{host}:{port}"
        client = AfnorPlatform(PlatformSettings(PlatformDriver("x", url, f"{url}/token"), "c", "s"), Reach.PUBLIC)
        with pytest.raises(PlatformError) as caught:
            client.search(SINCE)
        assert "127.0.0.1" not in str(caught.value).removeprefix(f"x gives no answer ({host}"), "where it leads is ours"
        listening.settimeout(0.2)
        with pytest.raises(TimeoutError):
            listening.accept()


@pytest.mark.parametrize(
    "body",
    [
        b'{"codeRetour": 0, "listeFactures": 5}',
        b'{"codeRetour": 0, "listeFactures": [], "parametresRetour": {"pages": 1e400}}',
        b'{"codeRetour": 0, "listeFactures": [], "parametresRetour": ["x"]}',
        b'{"codeRetour": 20000, "libelle": ["%s"]}' % (b"x" * 100_000),
    ],
)
def test_an_odd_answer_of_chorus_pro_is_a_platform_that_failed(hostile: Hostile, body: bytes) -> None:
    hostile.answers = {"cpro": body}
    driver = PlatformDriver("chorus", hostile.url, f"{hostile.url}/token", kind="chorus_pro")
    settings = PlatformSettings(driver, "c", "s", serves="public", technical_account="a:b")
    with pytest.raises(PlatformError) as caught:
        ChorusPlatform(settings, Reach.LOOPBACK).search(SINCE)
    assert len(str(caught.value)) < 3000


@pytest.mark.parametrize(
    "odd",
    [
        {"flowId": "\U0001f600" * 2000},
        {"flowId": "x" * 10_000},
        {"submittedAt": "9999-12-31T23:59:59Z"},
        {"submittedAt": "0001-01-01T00:00:00Z"},
        {"updatedAt": "9999-12-31T23:59:59-12:00"},
    ],
)
def test_a_flow_that_no_index_and_no_page_could_hold_is_refused(hostile: Hostile, odd: dict[str, str]) -> None:
    flow = {"flowId": "1", "submittedAt": "2026-11-01T00:00:00Z", **odd}
    hostile.answers["flows/search"] = json.dumps({"results": [flow]}).encode()
    with pytest.raises(PlatformUnreachableError):
        hostile.client().search(SINCE)


def test_files_are_handed_out_under_names_that_hide_nothing_and_are_never_shown() -> None:
    answer = send_bytes(b"<html>", "application/xml", 'a\u202efdp.exe\r\nX-Evil: "1"/../../b.html')
    told = answer.headers["Content-Disposition"]
    assert "%E2%80%AE" not in told
    assert not set("\r\n") & set(told)
    assert "%0D" not in told
    assert told.startswith('attachment; filename="')
    assert "/" not in told.partition("filename*")[0]
    assert "X-Evil" not in answer.headers
    assert answer.headers["Content-Security-Policy"].startswith("sandbox")


def test_what_names_a_received_invoice_in_a_list_hides_nothing() -> None:
    assert _cut(" F-\u202e2026\u200b\x00-1\n ") == "F-2026-1"
    assert len(_cut("x" * 1_000_000) or "") == 200


def test_a_platform_that_judges_slowly_is_left_for_the_next_turn(
    plain_story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "LONGEST_LOOK_S", -1.0)
    asked: list[object] = []
    follower = following.FlowFollower(plain_story.services.works, lambda *_: asked)  # type: ignore[arg-type, return-value]
    assert follower._follow_account(plain_story.id, new_id(), [{}]) == 0  # type: ignore[list-item]


# --- searches without end --------------------------------------------------------------------------------------------


class Endless:
    """A platform that always has one more page, or a page for each flow that there is."""

    def __init__(self, pages: int | None) -> None:
        self.pages = pages
        self.asked: list[datetime] = []
        self.calls = 0

    def search(self, after: datetime, cursor: str | None = None, **_: Any) -> FlowPage:
        if cursor is None:
            self.asked.append(after)
        self.calls += 1
        at = after + timedelta(minutes=1) if cursor is None else datetime.fromisoformat(cursor) + timedelta(minutes=1)
        last = self.pages is not None and self.calls >= self.pages
        flow = FlowState(
            f"flow {at.isoformat()}", None, "CustomerInvoiceLC", "CDAR", "In", AckStatus.OK, (), at, at, "x.xml"
        )  # type: ignore[arg-type]
        return FlowPage((flow,), None if last else at.isoformat())

    def fetch(self, flow_id: str, *_: Any) -> bytes:
        return f"<{flow_id}>".encode()


def test_a_list_without_end_is_left_and_gone_on_with_at_the_next_look(
    story: Story, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reception, "MOST_PAGES", 7)
    platform = Endless(None)
    with services.works.begin(story.id) as work:
        account = services.platform_for(work)
    assert account is not None
    poller = Poller(services.works, services.archive, lambda _: [account[0]], lambda _work, _id: platform)  # type: ignore[arg-type, return-value]
    assert poller.poll(story.id) == 7
    assert poller.poll(story.id) == 7, "the next look goes on where the first was left"
    assert platform.asked[1] == platform.asked[0] + timedelta(minutes=7)
    platform.pages = platform.calls + 3
    poller.poll(story.id)
    poller.poll(story.id)
    assert (
        platform.asked[3] == platform.asked[2] + timedelta(minutes=3) - OVERLAP
        or platform.asked[3] >= platform.asked[2]
    )


def test_a_list_whose_pages_are_slow_ends_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reception, "LONGEST_LOOK_S", 0.0)
    flows, more = reception._incoming(Endless(None), SINCE)  # type: ignore[arg-type]
    assert (len(flows), more) == (1, True)


# --- life-cycle messages that mean harm ------------------------------------------------------------------------------


def cdar(story: Story, invoice: Invoice, code: str, **told: Any) -> bytes:
    """A message of the buyer about an invoice of ours."""
    document = replace(sold_to("100000009", invoice.number), issued_on=invoice.issued_on)
    seller = replace(document.seller, legal_id=replace(document.seller.legal_id, value=story.siren))  # type: ignore[type-var]
    return said(replace(document, seller=seller), code, by=BUYER, **told)


def take_in(story: Story, content: bytes) -> tuple[str, str]:
    """Put a message into the inbox and have the worker post it; how it ended, and why."""
    key = f"threat-{time.monotonic_ns()}"
    with story.services.works.begin(story.id) as work:
        accept(work, SOURCE, [(key, content)])
    began = time.monotonic()
    story.worker.drain_inbox_of(story.id)
    assert time.monotonic() - began < SOON_S, "one message held the inbox up"
    (row,) = story.rows("SELECT state, reason FROM inbox WHERE supplier_id = :supplier AND external_id = :key", key=key)
    return row["state"], row["reason"] or ""


def pages_open(story: Story, invoice: Invoice) -> str:
    """Everything that both sides' pages tell of an invoice, as text."""
    with story.services.works.begin(story.id) as work:
        told = [tell(life_of_invoice(work, invoice.invoice_id, internal=each)) for each in (True, False)]
    return " ".join(f"{each.title} {each.detail}" for lines in told for each in lines)


DETAIL = (Detail(1, Reason("QTE_ERR")),)
HARMS: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "endless sequence": (
        lambda xml: xml.replace(b"<ram:SequenceNumeric>1<", b"<ram:SequenceNumeric>1E9999999<"),
        "cdar.unreadable_number",
    ),
    "day one": (lambda xml: xml.replace(YEAR, b">00010101"), "cdar.unreadable_date"),
    "last day": (lambda xml: xml.replace(YEAR, b">99991231"), "cdar.unreadable_date"),
    "endless name": (lambda xml: xml.replace(b"_207_", b"_" + b"9" * 5000), "cdar.unreadable_name"),
    "endless code": (
        lambda xml: xml.replace(b"ProcessConditionCode>207<", b"ProcessConditionCode>" + b"2" * 100_000 + b"<"),
        "cdar.unreadable_name",
    ),
    "doctype": (lambda xml: b'<!DOCTYPE x [<!ENTITY a "b">]>' + xml.partition(b"?>")[2], "xml."),
}
YEAR = f">{today():%Y%m%d}".encode()


@pytest.mark.parametrize("harm", HARMS)
def test_a_message_that_means_harm_is_a_task_at_once_and_holds_nothing_up(plain_story: Story, harm: str) -> None:
    invoice = plain_story.issue().invoice
    wrong, code = HARMS[harm]
    good = cdar(plain_story, invoice, "207", details=DETAIL)
    bad = wrong(good)
    assert bad != good
    state, reason = take_in(plain_story, bad)
    assert state == "buried"
    assert reason.startswith(code)
    assert len(reason) < 1000
    assert take_in(plain_story, good) == ("done", ""), "what comes after it is posted"
    assert "207" in pages_open(plain_story, invoice)


@pytest.mark.parametrize(
    "datum",
    [
        b'<ram:ValueAmount currencyID="EUR">10.005</ram:ValueAmount>',
        b"<ram:ValueAmount>10.00</ram:ValueAmount>",
        b'<ram:ValueAmount currencyID="XQX">10.00</ram:ValueAmount>',
        b'<ram:ValueAmount currencyID="EUR">99999999999999999999999999</ram:ValueAmount>',
        b'<ram:ValueAmount currencyID="&lt;script&gt;">-10.00</ram:ValueAmount>',
    ],
)
def test_a_collected_amount_that_is_none_breaks_no_page_and_pays_nothing(plain_story: Story, datum: bytes) -> None:
    invoice = plain_story.issue().invoice
    details = (Detail(1, None, (), (Datum("MEN", Decimal(10), "EUR", Decimal(20)),)),)
    xml = cdar(plain_story, invoice, "212", details=details)
    start = xml.index(b"<ram:ValueAmount")
    end = xml.index(b"</ram:ValueAmount>") + len(b"</ram:ValueAmount>")
    state, reason = take_in(plain_story, xml[:start] + datum + xml[end:])
    assert (state, reason.partition(":")[0]) in {("buried", "status.unexplained_212"), ("buried", "cdar.breaks_xsd")}
    assert "212" in pages_open(plain_story, invoice)
    with plain_story.services.works.begin(plain_story.id) as work:
        assert due_on_invoice(work, invoice.invoice_id).open_minor == invoice.payable_minor


def test_a_reason_that_asks_and_says_nothing_breaks_no_page(plain_story: Story) -> None:
    invoice = plain_story.issue().invoice
    with plain_story.services.works.begin(plain_story.id) as work:
        message = status_message(invoice, "207")
        receive(work, invoice, replace(message, details=(Detail(1, Reason(action="NOA")),)))
    assert "207" in pages_open(plain_story, invoice)


def test_a_message_of_a_thousand_reasons_opens_few_disputes(plain_story: Story) -> None:
    invoice = plain_story.issue().invoice
    with plain_story.services.works.begin(plain_story.id) as work:
        began = time.monotonic()
        receive(work, invoice, status_message(invoice, "207", *(f"REASON_{n}" for n in range(1000)), "X" * 100_000))
        assert time.monotonic() - began < SOON_S
        reasons = [each.reason for each in disputes_on(work, invoice.invoice_id)]
    assert len(reasons) <= 21
    assert max(map(len, reasons)) <= 64


def test_a_comment_without_end_is_shown_cut(plain_story: Story) -> None:
    invoice = plain_story.issue().invoice
    with plain_story.services.works.begin(plain_story.id) as work:
        receive(work, invoice, status_message(invoice, "207", "QTE_ERR", said="x" * 1_000_000))
    assert len(pages_open(plain_story, invoice)) < 50_000


def test_a_buyers_message_under_an_id_of_ours_is_not_taken_for_our_own(plain_story: Story) -> None:
    invoice = plain_story.issue().invoice
    ours = read_cdar_of(cdar(plain_story, invoice, "212", details=(), message_id="SAME"))
    with plain_story.services.works.begin(plain_story.id) as work:
        note_status(work, invoice.invoice_id, ours, direction="out", flow_ref=None)
    assert take_in(plain_story, cdar(plain_story, invoice, "207", details=DETAIL, message_id="SAME"))[0] == "done"
    assert plain_story.codes() == ["207"]


def read_cdar_of(xml: bytes) -> Any:
    from config import safe_xml  # noqa: PLC0415 -- of this helper alone

    return read_cdar(safe_xml.parse(xml))


# --- money and dunning -----------------------------------------------------------------------------------------------


def test_a_payment_announced_again_and_again_stops_dunning_for_weeks_and_not_for_ever(plain_story: Story) -> None:
    invoice = plain_story.issue().invoice
    with plain_story.services.works.begin(plain_story.id) as work:
        for day in range(0, 3000, 7):
            receive(work, invoice, status_message(invoice, "211", at=now() + timedelta(days=day)))
        until, _ = longest_pauses(work, [invoice.invoice_id], today())[invoice.invoice_id]
        assert until == today() + MOST_PAUSE
        held = chase_state(work, invoice.invoice_id, today())
        freed = chase_state(work, invoice.invoice_id, today() + MOST_PAUSE)
        due = due_on_invoice(work, invoice.invoice_id)
    assert (held.chaseable_minor, held.holds[0].until) == (0, until)
    assert freed.chaseable_minor == invoice.payable_minor
    assert due.open_minor == invoice.payable_minor, "announced is not paid"


@pytest.mark.parametrize("code", ["200", "205", "207", "208", "210", "211", "212", "213", "220", "225", "501", "999"])
def test_no_status_moves_money_that_was_paid_or_pays_what_was_not(plain_story: Story, code: str) -> None:
    paid, open_ = plain_story.issue().invoice, plain_story.issue().invoice
    plain_story.pay(paid)
    before = plain_story.rows("SELECT count(*) AS n FROM postings WHERE supplier_id = :supplier")[0]["n"]
    for each in (paid, open_):
        with plain_story.services.works.begin(plain_story.id) as work:
            receive(work, each, status_message(each, code, "QTE_ERR", amount="120.00", kind="MEN", at=now()))
    with plain_story.services.works.begin(plain_story.id) as work:
        assert due_on_invoice(work, paid.invoice_id).open_minor == 0
        assert due_on_invoice(work, open_.invoice_id).open_minor == open_.payable_minor
    assert plain_story.rows("SELECT count(*) AS n FROM postings WHERE supplier_id = :supplier")[0]["n"] == before


def test_a_status_that_comes_through_one_supplier_never_reaches_anothers_invoice(
    plain_story: Story, services: Services
) -> None:
    other = Story(services)
    invoice = other.issue().invoice
    state, reason = take_in(plain_story, cdar(other, invoice, "210", details=DETAIL))
    assert (state, reason.partition(":")[0]) == ("buried", "status.other_seller")
    assert other.codes() == []


def test_a_link_that_was_passed_on_cannot_flood_the_house(plain_story: Story) -> None:
    invoice = plain_story.issue().invoice
    with plain_story.services.works.begin(plain_story.id) as work:
        for _ in range(MAX_CLAIMS_A_DAY):
            claim(work, invoice)
        with pytest.raises(ReceivablesError) as caught:
            claim(work, invoice)
    assert caught.value.code == "dispute.too_many"


def test_an_assignment_in_confidence_is_in_nothing_that_the_buyer_sees(plain_story: Story) -> None:
    invoice = plain_story.issue().invoice
    with plain_story.services.works.begin(plain_story.id) as work:
        note_status(work, invoice.invoice_id, status_message(invoice, "226"), direction="out", flow_ref=None)
        shared = life_of_invoice(work, invoice.invoice_id, internal=False)
        inside = life_of_invoice(work, invoice.invoice_id, internal=True)
    assert not any(each.facts.get("code") == "226" for each in shared)
    assert any(each.facts.get("code") == "226" for each in inside)


# --- two at once -----------------------------------------------------------------------------------------------------


def at_once(*acts: Callable[[], object]) -> list[BaseException | None]:
    """Run all at the same moment; what each raised."""
    meet = threading.Barrier(len(acts))
    ended: list[BaseException | None] = [None] * len(acts)

    def run(position: int, act: Callable[[], object]) -> None:
        meet.wait(5)
        try:
            act()
        except Exception as error:  # noqa: BLE001 -- told to the test
            ended[position] = error

    threads = [threading.Thread(target=run, args=each) for each in enumerate(acts)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(20)
    return ended


@pytest.mark.parametrize("round_", range(4))
def test_an_account_closed_while_its_flow_is_sent_is_closed_or_not_and_the_flow_is_sent_once(
    story: Story, round_: int
) -> None:
    story.issue()
    account = story.rows("SELECT account_id FROM platform_accounts WHERE supplier_id = :supplier")[0]["account_id"]

    def close() -> None:
        with story.services.works.begin(story.id) as work:
            close_account(work, account, "race")

    at_once(close, story.step, story.step)
    story.settle()
    assert story.flows() == [("invoice", "accepted", 1)], round_
    assert len([each for each in story.at_platform() if "status" not in each]) == 1


def test_two_identical_messages_at_once_are_one_status_and_one_dispute(plain_story: Story) -> None:
    invoice = plain_story.issue().invoice
    content = cdar(plain_story, invoice, "207", details=DETAIL)
    with plain_story.services.works.begin(plain_story.id) as work:
        accept(work, SOURCE, [(f"twin-{n}", content) for n in range(4)])
    assert at_once(*[lambda: plain_story.worker.drain_inbox_of(plain_story.id)] * 3) == [None] * 3
    plain_story.worker.drain_inbox_of(plain_story.id)
    assert plain_story.codes() == ["207"]
    with plain_story.services.works.begin(plain_story.id) as work:
        assert len(disputes_on(work, invoice.invoice_id)) == 1


# --- sandboxes and browsers ------------------------------------------------------------------------------------------


@pytest.fixture(params=["platform", "chorus"])
def sandbox(request: pytest.FixtureRequest) -> Iterator[tuple[Flask, str]]:
    """A sandbox, and a call that changes it."""
    if request.param == "chorus":
        yield create_chorus_stub(lambda pdf: pdf), "/_sandbox/invoices/1"
        return
    app = create_platform_sandbox(check_invoice=None, check_cdar=None, extract_xml=lambda pdf: pdf)  # type: ignore[arg-type]
    yield app, "/_sandbox/faults"
    app.extensions["platform_sandbox"].close()


@pytest.mark.parametrize(
    ("host", "headers", "refused"),
    [
        ("127.0.0.1:8002", {"Sec-Fetch-Site": "cross-site"}, True),
        ("localhost:8002", {"Sec-Fetch-Site": "same-site"}, True),
        ("evil.example:8002", {"Origin": "http://evil.example:8002"}, True),
        ("evil.example", {"User-Agent": "Mozilla/5.0"}, True),
        ("127.0.0.1.evil.example:8002", {"User-Agent": "Mozilla/5.0"}, True),
        ("127.0.0.1:8002", {"User-Agent": "Mozilla/5.0", "Sec-Fetch-Site": "same-origin"}, False),
        ("localhost", {"Origin": "http://localhost", "Sec-Fetch-Site": "same-origin"}, False),
        ("[::1]:8002", {"User-Agent": "Mozilla/5.0"}, False),
        ("platform", {"User-Agent": "python-requests/2.34"}, False),
        ("sandbox.company.example", {"User-Agent": "python-requests/2.34"}, False),
    ],
)
def test_a_page_from_elsewhere_does_not_play_with_a_sandbox(
    sandbox: tuple[Flask, str], host: str, headers: dict[str, str], refused: object
) -> None:
    app, path = sandbox
    answer = app.test_client().post(path, json={}, headers={"Host": host, **headers})
    assert (answer.status_code == HTTPStatus.FORBIDDEN) == refused, answer.status_code
