"""Invoices and their 212 at a real platform: once each, whatever fails, with the amounts of the books."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from builders import line
from hand_written_invoices import CII
from ledger_builders import MORNING
from story_builders import Story

from config import safe_xml
from config.clock import now
from einvoice.declarants import is_platforms
from einvoice.lifecycle.cdar import read_cdar
from einvoice.platform.port import Flow, PlatformRefusedError, ProcessingRule, Syntax, tracking_id_for
from einvoice.resending import CannotResendError, send_again
from einvoice.submission import NotAcceptedYetError
from portal.background import duties
from portal.background.worker import NotYetError
from receivables.services.accounting.checks import run_checks
from receivables.store.outbox import Announcement

if TYPE_CHECKING:
    from uuid import UUID

    from story_builders import PlatformHouse

    from einvoice.lifecycle.message import StatusMessage
    from einvoice.platform.port import FlowState
    from portal.documents.issuing import Issued
    from portal.wiring import Services

TWO_RATES = (
    line(name="Réparation", quantity=1, net_price="50.01", vat_rate="20"),
    line(name="Travaux", quantity=1, net_price="37.91", vat_rate="5.5"),
)
"""60.01 at 20 % and 40.00 at 5.5 %, VAT included."""


class KilledError(BaseException):
    """The process ends here."""


def accepted(story: Story, *lines: dict[str, Any], **changes: Any) -> Issued:
    """An invoice that the platform has accepted and deposited."""
    issued = story.issue(*lines, **changes)
    story.until(lambda: "200" in story.codes())
    return issued


def cdars(story: Story) -> list[StatusMessage]:
    """The messages that we wrote, by file name."""
    rows = story.rows("SELECT sha256 FROM documents WHERE supplier_id = :supplier AND form = 'cdar' ORDER BY filename")
    return [read_cdar(safe_xml.parse(story.services.archive.get(row["sha256"]))) for row in rows]


def assert_books(story: Story) -> None:
    with story.services.works.begin(story.id) as work:
        assert [finding for finding in run_checks(work) if finding.gap] == []


def test_an_issued_invoice_is_sent_once_and_its_statuses_come_in(story: Story) -> None:
    issued = accepted(story)
    story.settle()
    assert story.flows() == [("invoice", "accepted", 1)]
    (flow,) = story.at_platform()
    assert flow["name"] == issued.files[0].file.filename
    assert flow["invoice"] == {"number": issued.invoice.number, "total": "120.00"}
    assert (flow["flowSyntax"], flow["processingRule"]) == ("Factur-X", "B2B")
    story.until(lambda: story.codes() == ["200", "202", "203"])


@pytest.mark.parametrize(
    ("specification", "profile"),
    [
        ("urn:cen.eu:en16931:2017", "CIUS"),
        ("urn:cen.eu:en16931:2017#conformant#urn.cpro.gouv.fr:1p0:extended-ctc-fr", "Extended-CTC-FR"),
    ],
)
def test_a_flow_names_the_profile_of_its_invoice(story: Story, specification: str, profile: str) -> None:
    content = CII.replace("732829320", story.siren).replace(
        "<ram:ID>urn:cen.eu:en16931:2017<", f"<ram:ID>{specification}<"
    )
    story.issue_bytes(content.encode(), "theirs.xml")
    story.until(lambda: story.flows() == [("invoice", "accepted", 1)])
    assert [flow["flowProfile"] for flow in story.at_platform()] == [profile]


def test_a_payment_is_told_once_with_its_amounts_by_rate(story: Story) -> None:
    issued = accepted(story, *TWO_RATES)
    story.pay(issued.invoice)
    story.settle()
    assert story.collected_at_platform() == [{"20": "60.01", "5.5": "40.00"}]
    assert story.flows()[1:] == [("status", "accepted", 1)]
    assert story.codes("out") == ["212"]
    assert_books(story)


def test_a_refund_is_told_with_the_same_amounts_negative_and_why(story: Story) -> None:
    issued = accepted(story, *TWO_RATES)
    payment = story.pay(issued.invoice)
    story.give_back(payment, 10001)
    story.settle()
    assert story.collected_at_platform() == [{"20": "60.01", "5.5": "40.00"}, {"20": "-60.01", "5.5": "-40.00"}]
    notes = [
        row["note"]
        for row in story.rows("SELECT note FROM statuses WHERE supplier_id = :supplier AND direction = 'out'")
    ]
    assert cdars(story)[1].note == f"Remboursement au client (encaissement du {MORNING:%d/%m/%Y}, 100,01 EUR)"
    assert len(notes) == 2
    assert_books(story)


def test_seven_instalments_declare_the_invoice_to_the_cent(story: Story) -> None:
    issued = accepted(story, *TWO_RATES)
    for number, amount in enumerate([1429] * 6 + [1427]):
        story.pay(issued.invoice, amount, minutes=number)
    story.settle()
    told = story.collected_at_platform()
    assert len(told) == 7
    sums = {rate: sum(Decimal(each.get(rate, "0")) for each in told) for rate in ("20", "5.5")}
    assert sums == {"20": Decimal("60.01"), "5.5": Decimal("40.00")}
    assert_books(story)


def test_an_invoice_that_deducts_at_one_rate_is_told_and_accepted(story: Story) -> None:
    issued = accepted(
        story,
        line(name="Vente", quantity=1, net_price="80.00", vat_rate="20"),
        line(name="Reprise", quantity=-1, net_price="10.00", vat_rate="5.5"),
    )
    story.pay(issued.invoice, 5000)
    story.pay(issued.invoice, issued.invoice.payable_minor - 5000, minutes=1)
    story.settle()
    told = story.collected_at_platform()
    assert {rate: sum(Decimal(each.get(rate, "0")) for each in told) for rate in ("20", "5.5")} == {
        "20": Decimal("96.00"),
        "5.5": Decimal("-10.55"),
    }


def test_an_invoice_with_vat_due_at_once_tells_no_receipt(story: Story) -> None:
    issued = accepted(story, line(nature="goods"))
    assert not issued.invoice.vat_on_collection
    story.pay(issued.invoice)
    story.settle()
    assert story.collected_at_platform() == []
    assert story.codes("out") == []


def test_a_deposit_on_goods_tells_its_receipt(story: Story) -> None:
    issued = accepted(story, line(nature="goods"), type_code="386")
    story.pay(issued.invoice)
    story.settle()
    assert story.collected_at_platform() == [{"20": "120.00"}]


def test_a_self_billed_invoice_is_not_sent_again_but_its_payment_is_told(story: Story) -> None:
    """Its buyer drew it up and sent it (CGI 289, I-2); that the seller was paid, the seller alone knows."""
    content = CII.replace("732829320", story.siren).replace("<ram:TypeCode>380<", "<ram:TypeCode>389<", 1)
    issued = story.issue_bytes(content.encode(), "theirs.xml")
    assert issued.invoice.vat_on_collection
    story.pay(issued.invoice)
    story.settle()
    assert [kind for kind, _, _ in story.flows()] == ["status"], "the platform has it from the buyer, or refuses"
    assert story.codes("out") == ["212"]


def test_a_deposit_without_vat_tells_nothing(story: Story) -> None:
    """CGI 290 A: nothing falls due with the money."""
    issued = accepted(story, line(vat_category="AE", vat_rate=None), type_code="386")
    story.pay(issued.invoice)
    story.settle()
    assert story.collected_at_platform() == []


ABROAD = {
    "name": "Brasserie du Nord",
    "vat_id": "BE0403170701",
    "address": {"line1": "1 Grote Markt", "postcode": "1000", "city": "Brussel", "country": "BE"},
}


def test_a_platform_that_declares_gets_the_sale_abroad_and_its_receipt(story: Story) -> None:
    """It makes Flux 10 of the invoice and of its 212, which no buyer hears of."""
    issued = story.issue(buyer=ABROAD)
    assert issued.invoice.routing == "b2b_international"
    story.pay(issued.invoice)
    story.until(lambda: [state for _, state, _ in story.flows()] == ["accepted", "accepted"])
    assert story.at_platform()[0]["processingRule"] == "B2BInt"
    (message,) = cdars(story)
    assert [each.role for each in message.recipients] == ["WK"]
    with story.services.works.begin(story.id) as work:
        assert is_platforms(work, issued.invoice)


def test_a_supplier_who_declares_for_itself_sends_neither(services: Services, platform_house: PlatformHouse) -> None:
    story = Story(services)
    story.connect(platform_house, reporting="own")
    issued = story.issue(buyer=ABROAD)
    story.pay(issued.invoice)
    story.settle()
    assert story.at_platform() == []
    with services.works.begin(story.id) as work:
        assert not is_platforms(work, issued.invoice)
    domestic = accepted(story)
    assert domestic.invoice.routing == "b2b"


def test_an_answer_lost_after_the_effect_is_asked_for_and_not_sent_again(
    story: Story, platform_house: PlatformHouse
) -> None:
    story.step()
    story.hurry(read_timeout_s=0.6)
    platform_house.arm("timeout_after_effect", hold_s=1.2)
    story.issue()
    story.step()
    assert [state for _, state, _ in story.flows()] == ["in_doubt"]
    story.hurry(read_timeout_s=10)
    story.settle()
    assert story.flows() == [("invoice", "accepted", 1)]
    assert len(story.at_platform()) == 1


@pytest.mark.parametrize("kind", ["error_500", "unavailable", "busy"])
def test_a_platform_that_is_down_makes_the_fact_wait_and_nothing_is_lost(
    story: Story, platform_house: PlatformHouse, kind: str
) -> None:
    platform_house.arm(kind, times=None)
    story.issue()
    for _ in range(3):
        story.worker.drain_outbox_of(story.id)
    (fact,) = (fact for fact in story.outbox() if fact[0] == "flow.planned")
    assert fact[1] == "new"
    assert fact[2]
    assert story.at_platform() == []
    platform_house.lift()
    story.settle()
    assert len(story.at_platform()) == 1


def test_a_refused_invoice_says_why_and_tells_no_receipt(story: Story) -> None:
    """The platform has an invoice of this number already."""
    issued = story.issue()
    pdf = issued.files[0].file
    with story.services.works.begin(story.id) as work:
        found = story.services.platform_for(work)
    assert found is not None
    found[1].send_flow(Flow("by another road", pdf.filename, Syntax.FACTUR_X, pdf.content, ProcessingRule.B2B))
    story.until(lambda: ("invoice", "refused", 1) in story.flows())
    (row,) = story.rows("SELECT refusal FROM platform_flows WHERE supplier_id = :supplier")
    assert [detail["reason"] for detail in row["refusal"] if detail["level"] == "Error"] == ["AlreadyExistingFlow"]
    assert all(detail["message"] for detail in row["refusal"])
    story.pay(issued.invoice)
    story.settle()
    assert story.collected_at_platform() == []
    assert story.codes("out") == []


def test_a_receipt_before_the_platform_has_the_invoice_waits_for_it(
    story: Story, platform_house: PlatformHouse
) -> None:
    platform_house.arm("unavailable", times=None)
    issued = story.issue()
    story.pay(issued.invoice)
    story.worker.drain_outbox_of(story.id)
    with pytest.raises(NotAcceptedYetError) as pending:
        story.services.submitter.tell_collected(story.id, issued.invoice.invoice_id, 1)
    assert pending.value.code == "platform.invoice_pending"
    platform_house.lift()
    story.settle()
    assert story.collected_at_platform() == [{"20": "120.00"}]


def test_a_receipt_of_an_invoice_that_no_platform_ever_got_is_not_told(
    plain_story: Story, platform_house: PlatformHouse
) -> None:
    """The supplier was connected after the invoice had gone out by other roads."""
    issued = plain_story.issue()
    plain_story.settle()
    plain_story.connect(platform_house)
    plain_story.pay(issued.invoice)
    plain_story.settle()
    assert plain_story.at_platform() == []


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_crash_around_the_sending_sends_nothing_twice(
    story: Story, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    """The process dies just before, or just after, the platform took the file."""
    issued = story.issue()
    story.services.submitter.submit_invoice(story.id, issued.invoice.invoice_id)
    tracking_id = story.rows("SELECT tracking_id FROM platform_flows WHERE supplier_id = :supplier")[0]["tracking_id"]
    with story.services.works.begin(story.id) as work:
        found = story.services.platform_for(work)
    assert found is not None
    send = found[1].send_flow

    def die(flow: Any) -> Any:
        if when == "after":
            send(flow)
        raise KilledError

    for _ in range(2):
        with monkeypatch.context() as patch:
            patch.setattr(found[1], "send_flow", die)
            with pytest.raises(KilledError):
                story.services.sender.send(story.id, tracking_id)
            if when == "after":
                break
    story.settle()
    assert len(story.at_platform()) == 1
    assert story.flows()[0][:2] == ("invoice", "accepted")


def test_a_crash_after_telling_a_receipt_tells_it_once(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    issued = accepted(story)
    story.settle()
    story.pay(issued.invoice)
    with story.services.works.begin(story.id) as work:
        found = story.services.platform_for(work)
    assert found is not None
    send = found[1].send_flow

    def die(flow: Any) -> Any:
        send(flow)
        raise KilledError

    story.services.submitter.tell_collected(story.id, issued.invoice.invoice_id, 1)
    (row,) = story.rows("SELECT tracking_id FROM platform_flows WHERE supplier_id = :supplier AND kind = 'status'")
    with monkeypatch.context() as patch:
        patch.setattr(found[1], "send_flow", die)
        with pytest.raises(KilledError):
            story.services.sender.send(story.id, row["tracking_id"])
    story.settle()
    assert story.collected_at_platform() == [{"20": "120.00"}]
    assert story.codes("out") == ["212"]
    assert_books(story)


def test_telling_again_what_was_told_changes_nothing(story: Story) -> None:
    issued = accepted(story)
    story.pay(issued.invoice)
    story.settle()
    before = (story.flows(), story.codes("out"), len(story.at_platform()))
    for _ in range(2):
        story.services.submitter.submit_invoice(story.id, issued.invoice.invoice_id)
        story.services.submitter.tell_collected(story.id, issued.invoice.invoice_id, 1)
    assert (story.flows(), story.codes("out"), len(story.at_platform())) == before


def test_a_chargeback_names_itself(story: Story) -> None:
    issued = accepted(story)
    payment = story.pay(issued.invoice)
    story.give_back(payment, issued.invoice.payable_minor, "chargeback")
    story.settle()
    assert story.collected_at_platform() == [{"20": "120.00"}, {"20": "-120.00"}]


def test_a_receipt_of_an_invoice_that_the_buyer_refused_is_not_told(
    story: Story, platform_house: PlatformHouse
) -> None:
    """210 closes an invoice for the State; the books still hold the money."""
    issued = accepted(story)
    platform_house.play(issued.invoice.number, story.siren, status="210", reason="DOUBLE_FACT", comment="Déjà payée")
    story.until(lambda: "210" in story.codes())
    story.pay(issued.invoice)
    story.settle()
    assert story.collected_at_platform() == []
    assert [state for kind, state, _ in story.flows() if kind == "status"] == []
    assert_books(story)


def test_one_flow_that_the_platform_does_not_know_hides_no_other(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(2):
        story.issue()
    story.until(lambda: [state for _, state, _ in story.flows()] == ["accepted"] * 2)
    with story.services.works.begin(story.id) as work:
        found = story.services.platform_for(work)
        work.execute("UPDATE platform_flows SET state = 'sent', ask_at = now() WHERE supplier_id = :supplier")
        first = work.scalar("SELECT flow_ref FROM platform_flows WHERE supplier_id = :supplier ORDER BY created_at")
    assert found is not None
    ask = found[1].flow_state

    def forgetful(flow_id: str) -> FlowState:
        if flow_id == first:
            raise PlatformRefusedError("gone", "disparu", error_code="NOT_FOUND", http_status=404)
        return ask(flow_id)

    monkeypatch.setattr(found[1], "flow_state", forgetful)
    monkeypatch.setattr(found[1], "find_flow", lambda *_: None)
    with pytest.raises(PlatformRefusedError, match="gone"):
        story.services.follower.follow(story.id)
    assert [state for _, state, _ in story.flows()] == ["sent", "accepted"]


def test_a_fact_that_waits_for_the_platform_is_looked_at_less_and_less() -> None:
    def wait_after(age: timedelta) -> float | None:
        fact = Announcement(1, "cash.collected", "1/1", {}, frozenset(), 1, now() - age)
        with pytest.raises(NotYetError) as told, duties._patience(fact):
            raise NotAcceptedYetError("platform.invoice_pending", "not yet", "pas encore")
        return told.value.wait_s

    assert wait_after(timedelta(seconds=2)) == 1.0
    assert wait_after(timedelta(seconds=100)) == pytest.approx(25, abs=1)
    assert wait_after(timedelta(days=2)) == 60.0


def test_cash_of_an_invoice_that_was_refused_first_is_told_once_it_is_accepted(story: Story) -> None:
    """No platform had it when the money came and went; the next attempt brings all of it, in order, once."""
    issued = story.issue(*TWO_RATES)
    story.worker.drain_outbox_of(story.id)
    account = refuse(story)
    payment = story.pay(issued.invoice)
    story.give_back(payment, 1000)
    story.settle()
    assert story.codes("out") == [], "it is told to nobody that the platform never took"
    with story.services.works.begin(story.id) as work:
        send_again(work, tracking_id_for(str(story.id), "invoice", str(issued.invoice.invoice_id)), account)
    story.settle()
    assert story.flows()[1:] == [("invoice", "accepted", 1), ("status", "accepted", 1), ("status", "accepted", 1)]
    assert story.collected_at_platform() == [{"20": "60.01", "5.5": "40.00"}, {"20": "-6.00", "5.5": "-4.00"}]
    assert_books(story)


def test_what_an_internal_credit_note_ended_is_not_sent_again(story: Story) -> None:
    issued = story.issue(*TWO_RATES)
    story.worker.drain_outbox_of(story.id)
    account = refuse(story)
    named = [{"number": issued.invoice.number, "issue_date": issued.invoice.issued_on.isoformat()}]
    story.issue(*TWO_RATES, type_code="381", preceding_invoices=named)
    story.settle()
    assert (story.flows(), story.codes("out")) == ([("invoice", "refused", 0)], []), "no platform hears of either"
    first = tracking_id_for(str(story.id), "invoice", str(issued.invoice.invoice_id))
    with story.services.works.begin(story.id) as work, pytest.raises(CannotResendError) as refused:
        send_again(work, first, account)
    assert refused.value.code == "flow.invoice_credited"


def refuse(story: Story) -> UUID:
    """The platform refuses the invoice's flow before it arrives there; returns the account."""
    with story.services.works.begin(story.id) as work:
        work.execute("UPDATE platform_flows SET state = 'refused' WHERE supplier_id = :supplier AND state = 'to_send'")
        found: UUID = work.scalar("SELECT account_id FROM platform_flows WHERE supplier_id = :supplier")
    return found
