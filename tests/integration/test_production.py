"""After the number: every form written, judged again, archived; the same invoice gives the same bytes."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from typing import TYPE_CHECKING, Any

import pikepdf
import pytest
from builders import buyer, line
from hand_written_invoices import CII

from einvoice.archive import ArchiveError
from einvoice.intake import read_finished
from einvoice.production import ProductionError
from einvoice.validation.verdict import Finding, Layer, LayerResult, Report, Severity, Verdict
from portal.documents.issuing import save_profile
from portal.wiring import branding_of

if TYPE_CHECKING:
    from story_builders import Story

    from portal.documents.issuing import Issued


def produced(story: Story) -> list[tuple[str, str, str]]:
    rows = story.rows(
        "SELECT form, filename, sha256 FROM documents WHERE supplier_id = :supplier AND form <> 'cdar' ORDER BY form"
    )
    return [(row["form"], row["filename"], row["sha256"]) for row in rows]


def test_an_own_invoice_is_produced_in_every_form_valid_and_with_its_link(plain_story: Story) -> None:
    issued = plain_story.issue()
    assert [each.form for each in issued.files] == ["facturx", "cii", "ubl"]
    for each in issued.files:
        assert each.report.verdict is Verdict.VALID
        assert plain_story.services.archive.get(each.file.sha256) == each.file.content
        found = read_finished(each.file.content)
        assert found is not None
        assert found[0].number == issued.invoice.number
        assert [file.url for file in found[0].attachments] == [issued.pay_url]
    assert len(produced(plain_story)) == 3


def test_producing_again_gives_the_same_bytes_and_no_second_row(plain_story: Story) -> None:
    issued = plain_story.issue()
    before = produced(plain_story)
    with ThreadPoolExecutor(2) as pool:
        again = list(
            pool.map(
                lambda _: plain_story.services.producer.produce(plain_story.id, issued.invoice.invoice_id), range(2)
            )
        )
    assert [each.file.sha256 for each in issued.files] == [each.file.sha256 for each in again[0]]
    assert [each.file.sha256 for each in again[0]] == [each.file.sha256 for each in again[1]]
    assert produced(plain_story) == before


def test_a_finished_file_is_archived_as_it_came(plain_story: Story) -> None:
    content = CII.replace("732829320", plain_story.siren).encode()
    plain_story.issue_bytes(content, "theirs.xml")
    original = [row for row in produced(plain_story) if row[0] == "original"]
    assert original[0][1] == "theirs.xml"
    assert plain_story.services.archive.get(original[0][2]) == content


def test_the_pdf_shows_the_link_and_holds_the_xml(plain_story: Story) -> None:
    issued = plain_story.issue()
    with pikepdf.open(BytesIO(issued.files[0].file.content)) as pdf:
        links = [
            str(note.A.URI)
            for page in pdf.pages
            for note in page.get("/Annots", [])
            if "/A" in note and "/URI" in note.A
        ]
        assert issued.pay_url in links
        assert pdf.attachments["factur-x.xml"].get_file().read_bytes() == issued.files[1].file.content


def test_a_credit_note_asks_nobody_to_pay(plain_story: Story) -> None:
    first = plain_story.issue()
    note = plain_story.issue(
        type_code="381",
        preceding_invoices=[{"number": first.invoice.number, "issue_date": first.invoice.issued_on.isoformat()}],
    )
    with pikepdf.open(BytesIO(note.files[0].file.content)) as pdf:
        targets = [
            str(each.A.URI)
            for page in pdf.pages
            for each in page.get("/Annots", [])
            if "/A" in each and "/URI" in each.A
        ]
    assert note.pay_url not in targets


def test_a_consumer_s_invoice_carries_no_recovery_costs(plain_story: Story) -> None:
    issued = plain_story.issue(
        buyer={
            "name": "Anne Roy",
            "consumer": True,
            "address": {"line1": "3 quai Nord", "postcode": "13002", "city": "Marseille"},
        }
    )
    found = read_finished(issued.files[0].file.content)
    assert found is not None
    assert not {"PMT", "PMD", "AAB"} & {note.subject for note in found[0].notes}


def test_the_supplier_s_colour_is_on_its_page_and_changes_the_page_alone(plain_story: Story) -> None:
    with plain_story.services.works.begin(plain_story.id) as work:
        save_profile(work, plain_story.profile, {"colour": "#b00020"})
        assert branding_of(work).colour == "#b00020"
    issued = plain_story.issue()
    found = read_finished(issued.files[0].file.content)
    assert found is not None
    assert found[0].payment is not None


class Verdicts:
    """A judge that answers as told, after the number was given."""

    def __init__(self, verdict: Verdict) -> None:
        finding = Finding("QT-TEST", Severity.FATAL, "A planted fault.", Layer.HOUSE)
        fatal = (finding,) if verdict is Verdict.INVALID else ()
        self.report = Report((LayerResult(Layer.HOUSE, verdict),), fatal)

    def check_invoice(self, _: bytes, *, french: bool | None = None) -> Report:  # noqa: ARG002 -- as the real one
        return self.report


@pytest.mark.parametrize(
    ("verdict", "code"),
    [
        (Verdict.INVALID, "production.invalid_after_numbering"),
        (Verdict.NOT_CHECKED, "production.not_checked"),
    ],
)
def test_a_failure_after_the_number_is_an_alarm_and_no_file(plain_story: Story, verdict: Verdict, code: str) -> None:
    issued = plain_story.issue()
    with plain_story.services.works.begin(plain_story.id) as work:
        invoice = issued.invoice
        assert work.scalar("SELECT count(*) FROM documents WHERE supplier_id = :supplier") == 3
    producer = plain_story.services.producer
    judged: Any = type(producer)(
        producer.works,
        producer.archive,
        Verdicts(verdict),  # type: ignore[arg-type]
        producer.pay_link_for,
        producer.branding_of,
    )
    with pytest.raises(ProductionError, match=invoice.number) as alarm:
        judged.produce(plain_story.id, invoice.invoice_id)
    assert alarm.value.code == code


def test_a_crash_between_number_and_file_is_made_good_by_the_worker(
    plain_story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    class KilledError(BaseException):
        """The process ends here."""

    def die(*_: object) -> None:
        raise KilledError

    with monkeypatch.context() as patch:
        patch.setattr("einvoice.production.Producer.produce", die)
        with pytest.raises(KilledError):
            plain_story.issue()
    assert produced(plain_story) == []
    plain_story.settle()
    assert [form for form, _, _ in produced(plain_story)] == ["cii", "facturx", "ubl"]


def test_a_lost_archive_is_an_error_and_no_silent_file(plain_story: Story) -> None:
    content = CII.replace("732829320", plain_story.siren).encode()
    issued: Issued = plain_story.issue_bytes(content, "theirs.xml")
    assert issued.invoice.source_sha256
    path = next(plain_story.services.archive._root.rglob(issued.invoice.source_sha256))
    path.chmod(0o600)
    path.write_bytes(b"something else")
    with pytest.raises(ArchiveError):
        plain_story.services.producer.produce(plain_story.id, issued.invoice.invoice_id)


def test_two_hundred_lines_are_one_invoice(plain_story: Story) -> None:
    issued = plain_story.issue(*(line(name=f"Poste {number}", net_price="1.01") for number in range(200)))
    assert issued.invoice.payable_minor == 48480
    assert json.loads(json.dumps(issued.invoice.document))
    assert buyer()["name"] in str(issued.invoice.document)
