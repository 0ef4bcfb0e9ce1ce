"""Invoices that come in are kept to the byte, judged, read and shown, whatever they are; hostile ones harm nothing."""

from __future__ import annotations

import zlib
from datetime import timedelta
from io import BytesIO
from typing import TYPE_CHECKING

import pikepdf
import pytest
from bad_files import pdf_without_xml
from hand_written_invoices import CII
from receiving_builders import deliver, deliver_invoice, file_of, received, sold_to

from einvoice.platform.port import PlatformError, Syntax
from einvoice.receiving import invoices
from einvoice.receiving.purchases import DUPLICATE, NEW, get_purchase, list_purchases
from einvoice.validation.check import Validator
from einvoice.validation.schematron import EngineUnavailableError
from einvoice.validation.verdict import Verdict
from receivables.store.inbox import claim

if TYPE_CHECKING:
    from collections.abc import Callable

    from story_builders import PlatformHouse, Story

    from einvoice.validation.verdict import Finding


def buried(story: Story) -> list[str]:
    return [
        row["reason"]
        for row in story.rows(
            "SELECT reason FROM inbox WHERE supplier_id = :supplier AND state = 'buried' ORDER BY inbox_id"
        )
    ]


@pytest.mark.parametrize("form", ["cii", "ubl", "facturx"])
def test_an_invoice_received_is_kept_to_the_byte_judged_and_read(
    story: Story, platform_house: PlatformHouse, form: str
) -> None:
    document = sold_to(story.siren)
    flow = deliver_invoice(platform_house, story, document, form)
    story.step()
    (row,) = received(story)
    assert story.services.archive.get(row["sha256"]) == flow.content
    assert (row["form"], row["number"], row["seller_ref"], row["buyer_ref"]) == (
        form,
        "F2026-0042",
        "732829320",
        story.siren,
    )
    assert (row["total_minor"], row["payable_minor"], row["currency"]) == (12000, 12000, "EUR")
    with story.services.works.begin(story.id) as work:
        found = get_purchase(work, row["received_id"])
    assert found.line.verdict is Verdict.VALID, [each.rule for each in found.report.report.fatal]
    assert (found.line.state, found.processing_rule, found.flow_ref) == (NEW, "B2B", flow.flow_id)
    assert found.document is not None
    assert found.document.totals == document.totals
    assert found.document.lines == document.lines
    assert buried(story) == []


def test_the_same_file_by_two_flows_is_one_invoice(story: Story, platform_house: PlatformHouse) -> None:
    document = sold_to(story.siren)
    deliver_invoice(platform_house, story, document)
    deliver_invoice(platform_house, story, document)
    story.step()
    assert len(received(story)) == 1
    states = story.rows("SELECT state, reason FROM inbox WHERE supplier_id = :supplier ORDER BY inbox_id")
    assert [row["state"] for row in states] == ["done", "done"]
    assert str(states[1]["reason"]).startswith("received.same_file: ")


def test_another_file_of_the_same_number_is_shown_as_a_duplicate(story: Story, platform_house: PlatformHouse) -> None:
    deliver_invoice(platform_house, story, sold_to(story.siren))
    story.step()
    deliver_invoice(platform_house, story, sold_to(story.siren, buyer_reference="autre"))
    story.step()
    deliver_invoice(platform_house, story, sold_to(story.siren, "F2026-0043"))
    story.step()
    with story.services.works.begin(story.id) as work:
        lines = list_purchases(work)
    assert [(line.number, line.state) for line in lines] == [
        ("F2026-0043", NEW),
        ("F2026-0042", DUPLICATE),
        ("F2026-0042", NEW),
    ]
    assert lines[1].duplicate_of == lines[2].received_id


def test_a_faulty_invoice_is_shown_with_what_is_wrong(story: Story, platform_house: PlatformHouse) -> None:
    wrong = file_of(sold_to(story.siren)).replace(b">120.00</ram:GrandTotal", b">121.00</ram:GrandTotal")
    deliver(platform_house, story, wrong)
    story.step()
    (row,) = received(story)
    with story.services.works.begin(story.id) as work:
        found = get_purchase(work, row["received_id"])
    assert found.line.verdict is Verdict.INVALID
    assert "BR-CO-15" in {each.rule for each in found.report.report.fatal}
    assert found.document is not None


def bomb() -> bytes:
    """A PDF whose attachment unpacks to a gigabyte."""
    with pikepdf.new() as pdf:
        pdf.add_blank_page()
        packed = zlib.compressobj(9)
        content = b"".join(packed.compress(bytes(1024 * 1024)) for _ in range(1024)) + packed.flush()
        stream = pikepdf.Stream(pdf, b"")
        stream.write(content, filter=pikepdf.Name.FlateDecode)
        spec = pikepdf.Dictionary(
            Type=pikepdf.Name.Filespec, F="factur-x.xml", UF="factur-x.xml", EF=pikepdf.Dictionary(F=stream)
        )
        names = pikepdf.Array([pikepdf.String("factur-x.xml"), pdf.make_indirect(spec)])
        pdf.Root.Names = pikepdf.Dictionary(EmbeddedFiles=pikepdf.Dictionary(Names=names))
        out = BytesIO()
        pdf.save(out)
    return out.getvalue()


HOSTILE: dict[str, Callable[[], bytes]] = {
    "doctype.xml": lambda: CII.replace("?>", '?><!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>', 1).encode(),
    "half.xml": lambda: CII.encode()[:2000],
    "page.html": lambda: b"<html><body>Facture</body></html>",
    "bomb.pdf": bomb,
    "no-xml.pdf": pdf_without_xml,
    "half.pdf": lambda: pdf_without_xml()[:200],
    "program.exe": lambda: b"MZ" + bytes(4096),
    "large.xml": lambda: b"<a>" + b" " * (50 * 1024 * 1024) + b"</a>",
    "report.xml": lambda: b"<Report/>",
}


def test_hostile_files_harm_nothing_each_is_kept_and_becomes_a_task(
    story: Story, platform_house: PlatformHouse
) -> None:
    sent = {name: make() for name, make in HOSTILE.items()}
    for name, content in sent.items():
        syntax = Syntax.FACTUR_X if name.endswith("pdf") else "Telegraph" if name == "program.exe" else Syntax.CII
        deliver(platform_house, story, content, name=name, syntax=syntax)
    deliver_invoice(platform_house, story, sold_to(story.siren))
    story.until(lambda: len(received(story)) == len(sent) + 1)
    rows = {row["filename"]: row for row in received(story)}
    for name, content in sent.items():
        assert story.services.archive.get(rows[name]["sha256"]) == content, name
        assert rows[name]["form"] == "unreadable", name
    assert rows["F2026-0042.xml"]["form"] == "cii", "what came with them is read all the same"
    assert len(buried(story)) == len(sent)
    assert all(reason.startswith("received.unreadable: ") for reason in buried(story))


def test_a_file_that_the_platform_does_not_give_hides_no_other(story: Story, platform_house: PlatformHouse) -> None:
    for number in range(3):
        deliver(platform_house, story, b"", name=f"vide-{number}.xml")
    deliver_invoice(platform_house, story, sold_to(story.siren))
    poller = story.services.poller
    for _ in range(2):  # two without an answer in a row may be a platform that is down: it is asked again
        with pytest.raises(PlatformError):
            poller.poll(story.id)
    story.worker.drain_inbox_of(story.id)
    assert [row["number"] for row in received(story)] == ["F2026-0042"]
    assert poller.poll(story.id) == 0, "they wait their turn, each longer than before"


def test_a_file_that_the_platform_never_gives_becomes_a_task(story: Story, platform_house: PlatformHouse) -> None:
    lost = deliver(platform_house, story, b"", name="vide.xml")
    lost.updated_at -= timedelta(days=2)
    assert story.services.poller.poll(story.id) == 1
    story.worker.drain_inbox_of(story.id)
    (reason,) = buried(story)
    assert reason.startswith(f"flow.unavailable: flow {lost.flow_id}, vide.xml (CII, SupplierInvoice)")
    assert story.services.poller.poll(story.id) == 0, "it is known from now on"


def test_names_and_amounts_out_of_all_bounds_are_kept_and_shown(story: Story, platform_house: PlatformHouse) -> None:
    plain = file_of(sold_to(story.siren))
    huge = plain.replace(b">120.00<", b">" + b"9" * 400 + b"<").replace(b"Atelier Lumi", b"X" * 5000 + b"Lumi")
    deliver(platform_house, story, huge, name="../../etc/pass\x07wd" + "x" * 500)
    story.step()
    (row,) = received(story)
    assert row["total_minor"] is None
    assert len(row["seller_name"]) == 200
    assert "/" not in row["filename"]
    assert len(row["filename"]) <= 120


def test_a_batch_ends_in_time_and_the_rest_comes_with_the_next(
    story: Story, platform_house: PlatformHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(invoices, "BATCH_S", 0.0)
    for number in range(3):
        deliver_invoice(platform_house, story, sold_to(story.siren, f"F2026-000{number}"))
    for expected in (1, 2, 3):
        story.step()
        assert len(received(story)) == expected


class NoJudge:
    """An engine that is down."""

    def check(self, *_: object, **__: object) -> tuple[Finding, ...]:
        raise EngineUnavailableError("engine.unavailable", "The engine is down.", "Le moteur est arrêté.")


def test_a_file_waits_for_rules_that_do_not_run_and_is_then_shown_as_not_checked(
    story: Story, platform_house: PlatformHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    deliver_invoice(platform_house, story, sold_to(story.siren))
    story.services.poller.poll(story.id)
    receiver = invoices.InvoiceReceiver(story.services.archive, Validator(NoJudge()))

    def look() -> list[str]:
        with story.services.works.begin(story.id) as work:
            messages = claim(work, 10)
            return [each.state for each in receiver.receive(work, messages)]

    assert look() == ["waiting"]
    assert received(story) == []
    monkeypatch.setattr(invoices, "JUDGES_MAY_RETURN", timedelta(0))
    assert look() == ["done"]
    (row,) = received(story)
    assert (row["form"], row["report"]["verdict"]) == ("cii", "not_checked")


def test_a_platform_whose_clock_is_ahead_hides_nothing_that_comes_later(
    story: Story, platform_house: PlatformHouse
) -> None:
    ahead = deliver_invoice(platform_house, story, sold_to(story.siren, "F2026-0001"))
    ahead.updated_at += timedelta(days=3650)
    story.step()
    deliver_invoice(platform_house, story, sold_to(story.siren, "F2026-0002"))
    story.step()
    assert [row["number"] for row in received(story)] == ["F2026-0001", "F2026-0002"]
