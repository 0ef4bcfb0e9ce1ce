"""Chorus Pro behind the port of platforms, over HTTP against the stub of its published calls."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import requests
from bad_files import CII
from builders import buyer
from werkzeug.serving import make_server

from config import safe_xml
from config.clock import now
from einvoice.formats.pdf_reader import extract_invoice_xml
from einvoice.lifecycle.cdar import read_cdar, write_cdar
from einvoice.platform.accounts import active_platform, connect_platform
from einvoice.platform.chorus import ChorusPlatform
from einvoice.platform.chorus_statuses import STATUSES, ChorusInvoice, ChorusStatus, as_message
from einvoice.platform.driver import KNOWN_DRIVERS
from einvoice.platform.port import AckStatus, Direction, Flow, PlatformError, PlatformRefusedError, Syntax
from einvoice.platform.settings import PlatformSettings
from portal.sandboxes.chorus import create_chorus_stub
from portal.sandboxes.chorus.deposits import WORDS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from story_builders import Story

    from receivables.domain.invoicing.invoices import Invoice

ACCOUNT = "TECH_SANDBOX@cpro.example:sandbox-password"


@pytest.fixture(scope="module")
def stub() -> Iterator[str]:
    """A stub on a port of its own; its address."""
    app = create_chorus_stub(lambda pdf: extract_invoice_xml(pdf).xml)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()


def settings_for(address: str, **changes: Any) -> PlatformSettings:
    driver = replace(KNOWN_DRIVERS["chorus-pro"], name="stub", base_url=address, token_url=f"{address}/api/oauth/token")
    return replace(
        PlatformSettings(driver, "sandbox", "sandbox-secret", serves="public", technical_account=ACCOUNT), **changes
    )


@pytest.fixture
def platform(stub: str) -> ChorusPlatform:
    return ChorusPlatform(settings_for(stub))


@pytest.fixture
def public(story: Story, stub: str) -> Story:
    """A supplier whose invoices to public buyers go to Chorus Pro, all others to its approved platform."""
    with story.services.works.begin(story.id) as work:
        connect_platform(work, story.services.keyring, "Chorus Pro", settings_for(stub))
    return story


def issue_to_public_body(story: Story) -> Invoice:
    to = buyer(siret="55210055400013", public=True, service_code="COMPTA-1", engagement="EJ 2026/0042")
    return story.issue(buyer=to).invoice


def play(stub: str, number: str, word: str, comment: str | None = None) -> None:
    told = {"statut": word, "commentaire": comment}
    answer = requests.post(f"{stub}/_sandbox/invoices/{number}", json=told, timeout=5)
    assert answer.status_code == 201, answer.text


def codes(story: Story, invoice: Invoice, direction: str) -> list[str]:
    rows = story.rows(
        "SELECT code FROM statuses WHERE supplier_id = :supplier AND invoice_id = :invoice AND direction = :direction "
        "ORDER BY set_at, code",
        invoice=invoice.invoice_id,
        direction=direction,
    )
    return [row["code"] for row in rows]


def a_flow(number: str, syntax: Syntax = Syntax.CII, content: bytes | None = None) -> Flow:
    xml = CII.replace("2026-0001", number) if content is None else content
    return Flow(f"{number}-tracking-id", f"{number}.xml", syntax, xml if isinstance(xml, bytes) else xml.encode())


def test_an_invoice_to_a_public_buyer_goes_there_and_its_life_comes_back(public: Story, stub: str) -> None:
    invoice = issue_to_public_body(public)
    public.until(lambda: "200" in codes(public, invoice, "in"))
    accounts = public.rows(
        "SELECT label, flow.state FROM platform_flows AS flow JOIN platform_accounts USING (supplier_id, account_id) "
        "WHERE supplier_id = :supplier AND invoice_id = :invoice",
        invoice=invoice.invoice_id,
    )
    assert [row["label"] for row in accounts] == ["Chorus Pro"]
    play(stub, invoice.number, "MISE_A_DISPOSITION")
    play(stub, invoice.number, "SUSPENDUE", "Il manque le bon de livraison.")
    public.until(lambda: "208" in codes(public, invoice, "in"))
    (dispute,) = public.rows(
        "SELECT state, reason FROM disputes WHERE supplier_id = :supplier AND invoice_id = :invoice",
        invoice=invoice.invoice_id,
    )
    assert (dispute["state"], dispute["reason"]) == ("info_needed", "JUSTIF_ABS")
    play(stub, invoice.number, "SERVICE_FAIT")
    play(stub, invoice.number, "MISE_EN_PAIEMENT")
    public.until(lambda: "211" in codes(public, invoice, "in"))
    assert sorted(codes(public, invoice, "in")) == ["200", "203", "204", "208", "211"]


def test_no_212_is_told_of_an_invoice_that_chorus_pro_has(public: Story) -> None:
    invoice = issue_to_public_body(public)
    public.until(lambda: "200" in codes(public, invoice, "in"))
    public.pay(invoice)
    public.settle()
    assert codes(public, invoice, "out") == []
    private = public.issue().invoice
    public.pay(private)
    public.until(lambda: codes(public, private, "out") == ["212"])


def test_a_deposit_is_found_by_its_number_and_a_second_one_is_refused_with_the_reason(platform: ChorusPlatform) -> None:
    assert platform.find_flow("any", "F-1-FIRST") is None
    sent = platform.send_flow(a_flow("F-1-FIRST"))
    found = platform.find_flow("any", "F-1-FIRST")
    assert found is not None
    assert (found.flow_id, found.status) == (sent.flow_id, AckStatus.OK)
    again = platform.flow_state(platform.send_flow(a_flow("F-1-FIRST")).flow_id)
    assert again.status is AckStatus.ERROR
    assert "existe déjà" in again.details[0].message


def test_what_is_no_invoice_is_refused_before_it_is_sent(platform: ChorusPlatform) -> None:
    with pytest.raises(PlatformRefusedError, match="takes invoices alone"):
        platform.send_flow(a_flow("F-2", Syntax.CDAR))
    unreadable = platform.flow_state(platform.send_flow(a_flow("F-3", content=b"<nothing/>")).flow_id)
    assert unreadable.status is AckStatus.ERROR


def test_every_word_of_chorus_pro_comes_as_a_message_that_we_can_read(platform: ChorusPlatform, stub: str) -> None:
    before = now()
    platform.send_flow(a_flow("F-4-WORDS"))
    for word in WORDS[1:]:
        play(stub, "F-4-WORDS", word, f"dit {word}")
    page = platform.search(before - timedelta(seconds=1), direction=Direction.IN)
    mine = [flow for flow in page.flows if flow.name.startswith("F-4-WORDS")]
    read = [read_cdar(safe_xml.parse(platform.fetch(flow.flow_id))) for flow in mine]
    assert [each.status for each in read] == [STATUSES[word] for word in WORDS]
    assert all(word in str(each.note) for word, each in zip(WORDS, read, strict=True))
    assert {each.invoice.number for each in read} == {"F-4-WORDS"}


def test_a_word_that_is_in_no_list_is_kept_and_not_guessed() -> None:
    invoice = ChorusInvoice(1, "F-5", date(2026, 10, 1), "732829320")
    message = as_message(invoice, ChorusStatus(7, "EN_ORBITE", now()))
    assert message.status == "EN_ORBITE"
    assert read_cdar(safe_xml.parse(write_cdar(message))).status == "EN_ORBITE"


@pytest.mark.parametrize(
    ("changes", "code"),
    [({"client_secret": "wrong"}, "platform.unauthorised"), ({"technical_account": "no:way"}, "platform.refused")],
)
def test_each_of_the_two_locks_must_open(stub: str, changes: dict[str, str], code: str) -> None:
    with pytest.raises(PlatformError) as refused:
        ChorusPlatform(settings_for(stub, **changes)).flow_state("CPP1")
    assert refused.value.code == code


def test_the_account_keeps_both_secrets_sealed_and_takes_public_buyers_alone(public: Story, stub: str) -> None:
    with public.services.works.begin(public.id) as work:
        kept = active_platform(work, public.services.keyring, serves="public")
    assert kept is not None
    assert (kept.settings.client_secret, kept.settings.technical_account) == ("sandbox-secret", ACCOUNT)
    (row,) = public.rows(
        "SELECT driver::text AS driver, sealed_client_secret FROM platform_accounts "
        "WHERE supplier_id = :supplier AND serves = 'public'"
    )
    assert "password" not in row["driver"]
    assert b"password" not in bytes(row["sealed_client_secret"])
    for changes in ({"serves": "all"}, {"technical_account": None}, {"technical_account": "no-colon"}):
        with pytest.raises(ValueError, match="Chorus Pro"):
            settings_for(stub, **changes)
