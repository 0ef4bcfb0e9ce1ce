"""What the platform sends back lands on its invoice once, or is kept for a human with the reason."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from catalogue import superuser
from receiving_builders import deliver_invoice, received, received_codes, said, sold_to
from shared_material import shared
from story_builders import Story

from config.clock import new_id, now
from einvoice.kept import issued_document
from einvoice.lifecycle.message import BUYER, Datum, Detail, Note, Reason
from einvoice.platform.port import PlatformError
from receivables.store.inbox import accept

if TYPE_CHECKING:
    from story_builders import PlatformHouse

    from config.embedded import EmbeddedPostgres

WRONG = (Detail(1, Reason("NON_CONFORME", "Mention légale manquante"), (Note("Il manque une mention"),)),)


def inbox(story: Story) -> list[tuple[str, str | None]]:
    return [
        (row["state"], row["reason"])
        for row in story.rows("SELECT state, reason FROM inbox WHERE supplier_id = :supplier ORDER BY inbox_id")
    ]


def test_the_life_of_an_invoice_comes_in_through_the_inbox(story: Story, platform_house: PlatformHouse) -> None:
    issued = story.issue()
    story.until(lambda: "200" in story.codes())
    platform_house.play(issued.invoice.number, story.siren, status="204")
    platform_house.play(issued.invoice.number, story.siren, status="205")
    story.until(lambda: "205" in story.codes())
    assert {"200", "202", "203", "204", "205"} <= set(story.codes())
    assert {state for state, _ in inbox(story)} == {"done"}
    assert len(inbox(story)) == len(story.codes())


def test_a_dispute_comes_with_its_reason(story: Story, platform_house: PlatformHouse) -> None:
    issued = story.issue()
    story.until(lambda: "200" in story.codes())
    platform_house.play(issued.invoice.number, story.siren, status="207", reason="QTE_ERR", comment="Deux manquent")
    story.until(lambda: "207" in story.codes())
    (row,) = story.rows("SELECT reasons, note FROM statuses WHERE supplier_id = :supplier AND code = '207'")
    assert [reason["code"] for reason in row["reasons"]] == ["QTE_ERR"]


def test_asking_again_brings_nothing_twice(story: Story) -> None:
    story.issue()
    story.until(lambda: "203" in story.codes())
    before = (story.codes(), inbox(story))
    for _ in range(3):
        assert story.services.poller.poll(story.id) == 0
        story.step()
    assert (story.codes(), inbox(story)) == before


def test_a_status_told_twice_stands_once(story: Story, platform_house: PlatformHouse) -> None:
    platform_house.arm("duplicate", times=1)
    story.issue()
    story.until(lambda: "203" in story.codes())
    for _ in range(3):
        story.step()
    assert len(story.codes()) == len(set(story.codes()))
    assert len(inbox(story)) == len(story.codes()) + 1, "it came as two flows"


def test_a_platform_that_fails_while_it_is_asked_loses_nothing(story: Story, platform_house: PlatformHouse) -> None:
    issued = story.issue()
    story.until(lambda: "203" in story.codes())
    platform_house.play(issued.invoice.number, story.siren, status="204")
    platform_house.arm("error_500", operation="fetch", times=3)  # a read is tried again twice
    with pytest.raises(PlatformError):
        story.services.poller.poll(story.id)
    assert "204" not in story.codes()
    story.until(lambda: "204" in story.codes())


def put(story: Story, *bodies: bytes) -> None:
    """Messages that came in, looked at once."""
    with story.services.works.begin(story.id) as work:
        accept(work, "platform", [(new_id().hex, body) for body in bodies])
    story.worker.drain_inbox_of(story.id)


def test_a_status_of_an_invoice_that_nobody_knows_waits_and_is_then_kept_for_a_human(
    story: Story, postgres: EmbeddedPostgres
) -> None:
    foreign = shared("samples/cdar/UC3_F202500005_04-CDV-210_Refusee.xml").read_bytes()
    put(story, foreign.replace(b"100000009", story.siren.encode()), foreign, b"<html/>", b"<!DOCTYPE x><x/>")
    assert [state for state, _ in inbox(story)] == ["waiting", "buried", "buried", "buried"]
    reasons = [str(reason) for _, reason in inbox(story)]
    assert reasons[0].startswith("status.unknown_invoice: status 210 for ")
    assert reasons[1].startswith("status.other_seller: ")
    assert reasons[2].startswith("cdar.not_cdar: ")
    assert reasons[3].startswith("xml.doctype: ")
    with superuser(postgres) as connection:
        connection.execute(
            "UPDATE inbox SET received_at = received_at - interval '1 day', next_try_at = now() "
            "WHERE supplier_id = %s AND state = 'waiting'",
            (story.id,),
        )
    story.worker.drain_inbox_of(story.id)
    assert inbox(story)[0][0] == "buried"


def test_a_status_that_comes_before_its_invoice_finds_it_later(story: Story, platform_house: PlatformHouse) -> None:
    document = sold_to(story.siren)
    put(story, said(document, "227"))
    assert [state for state, _ in inbox(story)] == ["waiting"]
    deliver_invoice(platform_house, story, document)
    for _ in range(2):
        story.step()
    assert received_codes(story) == ["227"]
    assert {state for state, _ in inbox(story)} == {"done"}


def test_a_status_set_after_a_refusal_is_shown_and_becomes_a_task(story: Story) -> None:
    document = issued_document(story.issue().invoice)
    early = now() - timedelta(minutes=5)
    put(story, said(document, "205", by=BUYER), said(document, "210", by=BUYER, details=WRONG, set_at=early))
    assert story.codes() == ["210", "205"], "both are there"
    assert [state for state, _ in inbox(story)] == ["done", "buried"]
    assert str(inbox(story)[1][1]).startswith("status.out_of_order: 205 Approved of ")


def test_a_status_in_time_that_only_arrives_late_is_no_fault(story: Story) -> None:
    document = issued_document(story.issue().invoice)
    early = now() - timedelta(minutes=5)
    put(story, said(document, "210", by=BUYER, details=WRONG), said(document, "204", by=BUYER, set_at=early))
    assert story.codes() == ["204", "210"]
    assert {state for state, _ in inbox(story)} == {"done"}


def test_a_message_that_breaks_the_grammar_is_shown_does_nothing_and_becomes_a_task(story: Story) -> None:
    document = issued_document(story.issue().invoice)
    right = said(document, "207", by=BUYER, details=(Detail(1, Reason("QTE_ERR", "Quantité")),))
    wrong = right.replace(b"<ram:SequenceNumeric>", b"<ram:Odd/><ram:SequenceNumeric>")
    assert wrong != right
    put(story, wrong)
    assert story.codes() == ["207"], "what could be read is there"
    ((state, reason),) = inbox(story)
    assert state == "buried"
    assert str(reason).startswith("cdar.breaks_xsd: 1 fault(s) of grammar")
    assert story.rows("SELECT 1 FROM disputes WHERE supplier_id = :supplier") == []


def test_a_right_dispute_opens_one(story: Story) -> None:
    document = issued_document(story.issue().invoice)
    put(story, said(document, "207", by=BUYER, details=(Detail(1, Reason("QTE_ERR", "Quantité")),)))
    assert len(story.rows("SELECT 1 FROM disputes WHERE supplier_id = :supplier")) == 1


def test_an_unknown_code_is_kept_and_shown(story: Story) -> None:
    document = issued_document(story.issue().invoice)
    put(story, said(document, "204", by=BUYER).replace(b">204</ram:ProcessCond", b">299</ram:ProcessCond"))
    assert story.codes() == ["299"]
    assert [state for state, _ in inbox(story)] == ["done"]


def test_a_receipt_that_we_never_told_is_shown_and_becomes_a_task(story: Story) -> None:
    document = issued_document(story.issue().invoice)
    paid = (Detail(1, data=(Datum("MEN", Decimal("120.00"), "EUR", Decimal(20)),)),)
    put(story, said(document, "212", details=paid))
    assert story.codes() == ["212"]
    ((state, reason),) = inbox(story)
    assert (state, str(reason).partition(":")[0]) == ("buried", "status.unexplained_212")


def test_our_own_receipt_that_comes_back_is_no_news(story: Story) -> None:
    issued = story.issue()
    story.until(lambda: "200" in story.codes())
    story.pay(issued.invoice)
    story.until(lambda: story.codes("out") == ["212"])
    story.settle()
    before = story.codes()
    (row,) = story.rows(
        "SELECT sha256 FROM documents WHERE supplier_id = :supplier AND form = 'cdar' AND invoice_id = :id",
        id=issued.invoice.invoice_id,
    )
    content = story.services.archive.get(row["sha256"])
    put(story, content)
    assert story.codes() == before, "the same message"
    put(story, content.replace(b"_212_", b"_212_PA_"))
    assert sorted(story.codes()) == sorted([*before, "212"]), "shown under the platform's own id"
    assert {state for state, _ in inbox(story)} == {"done"}, "its amounts are ours"


def test_two_statuses_under_one_message_id_are_two(story: Story) -> None:
    document = issued_document(story.issue().invoice)
    half = (Detail(1, data=(Datum("MPA", Decimal("60.00"), "EUR"),)),)
    rest = (Detail(1, data=(Datum("MPA", Decimal("20.00"), "EUR"),)),)
    at = now()
    one = said(document, "211", by=BUYER, details=half, message_id="SAME", set_at=at)
    two = said(document, "211", by=BUYER, details=rest, message_id="SAME", set_at=at)
    put(story, one, two, one, two)
    amounts = story.rows("SELECT amounts FROM statuses WHERE supplier_id = :supplier AND code = '211'")
    assert sorted(row["amounts"][0]["amount"] for row in amounts) == ["20.00", "60.00"]


def test_an_answer_about_a_declaration_goes_to_the_declarations(story: Story) -> None:
    document = sold_to(story.siren)
    put(story, said(document, "204", by=BUYER).replace(b"CDV:invoice", b"CDV:ereportingF10"))
    ((state, reason),) = inbox(story)
    assert state == "buried"
    assert str(reason).startswith("report."), reason


def test_every_account_that_is_followed_is_asked_and_a_shared_flow_id_is_no_clash(
    story: Story, platform_house: PlatformHouse
) -> None:
    first = deliver_invoice(platform_house, story, sold_to(story.siren, "F2026-0001"))
    story.step()
    story.connect(platform_house)  # another account, of the same platform here
    with story.services.works.begin(story.id) as work:
        assert len(work.rows("SELECT 1 FROM platform_accounts WHERE supplier_id = :supplier")) == 2
    story.services.poller.poll(story.id)
    story.worker.drain_inbox_of(story.id)
    assert [row["flow_ref"] for row in received(story)] == [first.flow_id]
    marks = story.rows("SELECT name FROM watermarks WHERE supplier_id = :supplier AND name LIKE 'platform.search/%'")
    assert len(marks) == 2


def test_the_watermark_of_before_is_read_once(story: Story, platform_house: PlatformHouse) -> None:
    old = deliver_invoice(platform_house, story, sold_to(story.siren, "F2026-0001"))
    old.updated_at -= timedelta(days=3)
    with story.services.works.begin(story.id) as work:
        work.execute(
            "INSERT INTO watermarks (supplier_id, name, reached_at) VALUES (:supplier, 'platform.search', :at)",
            at=now(),
        )
    deliver_invoice(platform_house, story, sold_to(story.siren, "F2026-0002"))
    story.step()
    assert [row["number"] for row in received(story)] == ["F2026-0002"], "the search began where the other ended"


def test_one_supplier_s_statuses_never_reach_another(story: Story, platform_house: PlatformHouse) -> None:
    other = Story(story.services, platform_house)
    story.issue()
    story.until(lambda: "203" in story.codes())
    assert other.services.poller.poll(other.id) == 0
    assert inbox(other) == []
