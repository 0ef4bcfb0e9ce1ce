"""``Validator.check_file``: the kind is read from the file, every layer accounted for, and no crash makes it valid."""

from __future__ import annotations

import json
import os
import signal
import threading
from contextlib import suppress

import pytest
from hand_written_invoices import CII, UBL, changed
from shared_material import shared

from einvoice.validation.check import Validator
from einvoice.validation.file_report import FileKind
from einvoice.validation.lines import element_at
from einvoice.validation.schematron import SchematronEngine
from einvoice.validation.verdict import Layer, Report, Verdict
from portal.validation.samples import sample

WRONG = changed(CII, ("<ram:GrandTotalAmount>288.00<", "<ram:GrandTotalAmount>289.00<"))
NO_BUYER_SIREN = (
    '<ram:SpecifiedLegalOrganization><ram:ID schemeID="0002">100000009</ram:ID></ram:SpecifiedLegalOrganization>',
    "",
)


def with_bar(value: str) -> bytes:
    note = "<ram:IncludedNote><ram:Content>{}</ram:Content><ram:SubjectCode>BAR</ram:SubjectCode></ram:IncludedNote>"
    return changed(CII, NO_BUYER_SIREN, ("  </rsm:ExchangedDocument>", note.format(value) + "</rsm:ExchangedDocument>"))


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("samples/cii/UC2_F202500004_00-INV_20250701_CII_EN16931.xml", FileKind.CII),
        ("samples/ubl/UC2_F202500004_00-INV_20250701_UBL_EN16931.xml", FileKind.UBL_INVOICE),
        ("samples/cdar/UC2_F202500004_02-CDV-213_Rejetee.xml", FileKind.CDAR),
        ("samples/facturx/F20260024_EN16931.pdf", FileKind.FACTURX),
    ],
)
def test_the_kind_is_read_from_the_file_and_not_from_its_name(validator: Validator, path: str, kind: FileKind) -> None:
    report = validator.check_file(shared(path).read_bytes(), "anything.txt")
    assert (report.kind, report.verdict) == (kind, Verdict.VALID)


def test_every_e_reporting_sample_is_known_as_one(validator: Validator) -> None:
    samples = sorted(shared("standards/examples-own").glob("flux10*.xml"))
    assert samples
    for path in samples:
        report = validator.check_file(path.read_bytes(), path.name)
        assert (report.kind, report.verdict) == (FileKind.FLUX10, Verdict.VALID), path.name


@pytest.mark.parametrize("document", [CII, UBL], ids=["CII", "UBL"])
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_byte_order_marks_hide_no_invoice(validator: Validator, document: str, encoding: str) -> None:
    text = document.replace('encoding="UTF-8"', 'encoding="UTF-16"') if encoding == "utf-16" else document
    assert validator.check_file(text.encode(encoding), "f.xml").verdict is Verdict.VALID


def test_a_long_name_is_not_thrown_back(validator: Validator) -> None:
    """Found by fuzzing."""
    report = validator.check_file(f'<a xmlns="{"x" * 5000}"/>'.encode(), "a.xml").report
    assert [each.rule for each in report.findings] == ["QT-ROOT"]
    assert len(report.findings[0].message) < 500


def test_an_xml_that_speaks_of_pdf_is_no_pdf(validator: Validator) -> None:
    spoken = CII.replace("?>", "?><!-- %PDF-1.7 -->", 1).encode()
    assert validator.check_file(spoken, "f.xml").kind is FileKind.CII


def test_an_invoice_that_says_it_is_for_a_consumer_escapes_the_french_rules_and_one_that_does_not_does_not(
    validator: Validator,
) -> None:
    consumer = validator.check_file(with_bar("B2C"), "f.xml")
    assert (consumer.verdict, consumer.french) == (Verdict.VALID, False)
    business = validator.check_file(with_bar("B2B"), "f.xml")
    assert (business.verdict, business.french) == (Verdict.INVALID, True)


def test_a_finding_of_the_rules_has_the_line_that_the_eye_finds(validator: Validator) -> None:
    spoilt = changed(CII, ("<ram:RateApplicablePercent>20.00", "<ram:RateApplicablePercent>19.00"))
    report = validator.check_file(spoilt, "f.xml")
    lines = spoilt.decode().splitlines()
    placed = [each for each in report.report.findings if each.layer in {Layer.EN16931, Layer.BR_FR}]
    assert placed
    for finding in placed:
        assert finding.line is not None
        assert finding.location is not None
        last = finding.location.rstrip("]").rpartition("/")[2].partition("[")[0]
        assert f":{last}" in lines[finding.line - 1]


def test_a_path_that_leads_nowhere_has_no_line() -> None:
    from config.safe_xml import parse  # noqa: PLC0415 -- of this test alone

    root = parse(b"<a xmlns='urn:x'><b/><!-- b --><b c='1'/></a>")
    assert element_at(root, "/a/b[2]/@c") is root[2]
    for wrong in ("", "/", "/z", "/a/b[3]", "/a/b[0]", "/a/*", "/a/b[2]/c"):
        assert element_at(root, wrong) is None


def test_reports_of_the_first_version_are_still_read(validator: Validator) -> None:
    report = validator.check_file(WRONG, "f.xml").report
    content = json.loads(report.to_json())
    for layer in content["layers"]:
        del layer["reason_fr"]
    assert Report.from_json(json.dumps(content)) == report


def test_workers_killed_under_eight_threads_never_make_a_wrong_file_valid_or_a_right_one_invalid() -> None:
    files = {CII.encode(): Verdict.VALID, WRONG: Verdict.INVALID, sample(faulty=True): Verdict.INVALID}
    wrong: list[tuple[Verdict, Verdict]] = []
    told: list[Verdict] = []
    done = threading.Event()

    with SchematronEngine(workers=2) as engine:
        validator = Validator(engine)
        for content, expected in files.items():
            assert validator.check_file(content, "f").verdict is expected

        def kill() -> None:
            while not done.wait(0.15):
                for pid in engine.worker_pids[:1]:
                    with suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)

        def ask(content: bytes, expected: Verdict) -> None:
            for _ in range(4):
                verdict = validator.check_file(content, "f").verdict
                told.append(verdict)
                if verdict not in {expected, Verdict.NOT_CHECKED}:
                    wrong.append((expected, verdict))

        killer = threading.Thread(target=kill)
        killer.start()
        threads = [threading.Thread(target=ask, args=list(files.items())[n % 3]) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        done.set()
        killer.join()
        assert wrong == []
        assert len(told) == 32
        assert validator.check_file(CII.encode(), "f").verdict is Verdict.VALID, "and it recovers"
