"""The container layer on our own Factur-X file, spoilt in one place after the other, and on files of others."""

from __future__ import annotations

import io
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pikepdf
import pytest
from hand_written_invoices import CII, UBL
from page_documents import an_invoice
from shared_material import shared

from einvoice.formats.cii import write_cii
from einvoice.formats.facturx import write_facturx
from einvoice.formats.page import render_page
from einvoice.formats.pdf_reader import readers_of
from einvoice.validation import container
from einvoice.validation.file_report import FileKind
from einvoice.validation.file_rules import FILE_RULES
from einvoice.validation.verdict import Layer, Severity, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable

    from einvoice.validation.check import Validator
    from einvoice.validation.file_report import FileReport

ROOT = Path(__file__).resolve().parents[2]
XRECHNUNG = "urn:cen.eu:en16931:2017#compliant#urn:xeinkauf.de:kosit:xrechnung_3.0"


@pytest.fixture(scope="module")
def good() -> bytes:
    document = an_invoice(2)
    return write_facturx(document, write_cii(document))


def spoilt(pdf: bytes, change: Callable[[pikepdf.Pdf], None], **saving: Any) -> bytes:
    with pikepdf.open(io.BytesIO(pdf)) as opened:
        change(opened)
        output = io.BytesIO()
        opened.save(output, fix_metadata_version=False, **saving)
    return output.getvalue()


def in_container(report: FileReport) -> dict[str, Severity]:
    return {each.rule: each.severity for each in report.report.findings if each.layer is Layer.CONTAINER}


def specification(pdf: pikepdf.Pdf) -> pikepdf.Object:
    return pdf.Root.AF[0]


def xmp(old: str, new: str) -> Callable[[pikepdf.Pdf], None]:
    def change(pdf: pikepdf.Pdf) -> None:
        text = pdf.Root.Metadata.read_bytes().decode()
        assert old in text, old
        pdf.Root.Metadata.write(text.replace(old, new).encode())

    return change


def without_xmp_property(name: str) -> Callable[[pikepdf.Pdf], None]:
    def change(pdf: pikepdf.Pdf) -> None:
        text = pdf.Root.Metadata.read_bytes().decode()
        start, end = text.index(f"<fx:{name}>"), text.index(f"</fx:{name}>") + len(f"</fx:{name}>")
        pdf.Root.Metadata.write((text[:start] + text[end:]).encode())

    return change


def attach(name: str, content: bytes) -> Callable[[pikepdf.Pdf], None]:
    def change(pdf: pikepdf.Pdf) -> None:
        pdf.attachments[name] = pikepdf.AttachedFileSpec(pdf, content, filename=name)

    return change


def rename(name: str) -> Callable[[pikepdf.Pdf], None]:
    def change(pdf: pikepdf.Pdf) -> None:
        specification(pdf).F = specification(pdf).UF = pikepdf.String(name)

    return change


def set_on_root(key: str, value: Callable[[pikepdf.Pdf], Any]) -> Callable[[pikepdf.Pdf], None]:
    return lambda pdf: pdf.Root.__setitem__(key, value(pdf))


def script(_: pikepdf.Pdf) -> pikepdf.Dictionary:
    return pikepdf.Dictionary(S=pikepdf.Name.JavaScript, JS=pikepdf.String("app.alert(1)"))


def launching_page(pdf: pikepdf.Pdf) -> None:
    action = pikepdf.Dictionary(S=pikepdf.Name.Launch, F=pikepdf.String("calc.exe"))
    annotation = pikepdf.Dictionary(
        Type=pikepdf.Name.Annot, Subtype=pikepdf.Name.Link, Rect=[0, 0, 9, 9], A=pikepdf.Dictionary(S=pikepdf.Name.GoTo)
    )
    annotation.A.Next = pikepdf.Array([action])
    pdf.pages[0].Annots = pikepdf.Array([pdf.make_indirect(annotation)])


def script_of_page(pdf: pikepdf.Pdf) -> None:
    pdf.pages[0].AA = pikepdf.Dictionary(O=script(pdf))


def named_script(pdf: pikepdf.Pdf) -> None:
    pdf.Root.Names.JavaScript = pikepdf.Dictionary(Names=["x", script(pdf)])


def other_content(pdf: pikepdf.Pdf) -> None:
    stream = specification(pdf).EF.F
    stream.Params.CheckSum = pikepdf.String(b"0123456789abcdef")


FAULTS: dict[str, tuple[Callable[[pikepdf.Pdf], None], str]] = {
    "no PDF/A part": (xmp("<pdfaid:part>3</pdfaid:part>", ""), "QT-PDF-A"),
    "PDF/A-2": (xmp("<pdfaid:part>3</pdfaid:part>", "<pdfaid:part>2</pdfaid:part>"), "QT-PDF-A"),
    "no metadata": (lambda pdf: pdf.Root.__delitem__("/Metadata"), "QT-PDF-XMP"),
    "broken metadata": (lambda pdf: pdf.Root.Metadata.write(b"<x:xmpmeta"), "QT-PDF-XMP"),
    "several invoices": (attach("xrechnung.xml", b"<a/>"), "QT-PDF-SEVERAL"),
    "an old name": (rename("zugferd-invoice.xml"), "QT-PDF-NAME"),
    "an unknown name": (rename("invoice.xml"), "QT-PDF-ATTACHED"),
    "an order": (rename("order-x.xml"), "QT-PDF-ORDER"),
    "not in the tree": (lambda pdf: pdf.Root.Names.__delitem__("/EmbeddedFiles"), "QT-PDF-TREE"),
    "not associated": (lambda pdf: pdf.Root.__delitem__("/AF"), "QT-PDF-AF"),
    "no relationship": (lambda pdf: specification(pdf).__delitem__("/AFRelationship"), "QT-PDF-RELATION"),
    "another relationship": (
        lambda pdf: specification(pdf).__setitem__("/AFRelationship", pikepdf.Name.Supplement),
        "QT-PDF-RELATION-KIND",
    ),
    "Data between French parties": (
        lambda pdf: specification(pdf).__setitem__("/AFRelationship", pikepdf.Name.Data),
        "QT-PDF-RELATION-KIND",
    ),
    "no type": (lambda pdf: specification(pdf).EF.F.__delitem__("/Subtype"), "QT-PDF-MIME"),
    "another type": (
        lambda pdf: specification(pdf).EF.F.__setitem__("/Subtype", pikepdf.Name("/application/xml")),
        "QT-PDF-MIME-KIND",
    ),
    "no date": (lambda pdf: specification(pdf).EF.F.Params.__delitem__("/ModDate"), "QT-PDF-DATE"),
    "another checksum": (other_content, "QT-PDF-CHECKSUM"),
    "no document type": (without_xmp_property("DocumentType"), "QT-PDF-FX"),
    "no file name": (without_xmp_property("DocumentFileName"), "QT-PDF-FX"),
    "no version": (without_xmp_property("Version"), "QT-PDF-FX"),
    "no level": (without_xmp_property("ConformanceLevel"), "QT-PDF-FX"),
    "an order's type": (xmp(">INVOICE<", ">ORDER<"), "QT-PDF-TYPE"),
    "another name": (xmp("<fx:DocumentFileName>factur-x", "<fx:DocumentFileName>facture"), "QT-PDF-DECLARED-NAME"),
    "another version": (xmp("<fx:Version>1.0", "<fx:Version>2p1"), "QT-PDF-VERSION"),
    "no such level": (xmp(">EN 16931<", ">EN16931<"), "QT-PDF-LEVEL"),
    "another level": (xmp(">EN 16931<", ">EXTENDED<"), "QT-PDF-LEVEL-DIFFERS"),
    "a German level": (xmp(">EN 16931<", ">XRECHNUNG<"), "QT-PDF-XRECHNUNG"),
    "no description": (xmp("CrossIndustryDocument:invoice:1p0#</pdfaSchema", "x#</pdfaSchema"), "QT-PDF-EXTENSION"),
    "a script at opening": (set_on_root("/OpenAction", script), "QT-PDF-ACTION"),
    "a script by name": (named_script, "QT-PDF-ACTION"),
    "a script of a page": (script_of_page, "QT-PDF-ACTION"),
    "a program to launch": (launching_page, "QT-PDF-ACTION"),
}


def test_our_own_file_has_a_clean_container_and_says_what_was_not_judged(validator: Validator, good: bytes) -> None:
    report = validator.check_file(good, "facture.pdf")
    assert (report.kind, report.verdict) == (FileKind.FACTURX, Verdict.VALID)
    assert in_container(report) == {}
    layer = report.report.layers[0]
    assert (layer.layer, layer.outcome) == (Layer.CONTAINER, Verdict.VALID)
    assert "veraPDF" in (layer.reason or "")
    assert "veraPDF" in (layer.reason_fr or "")
    assert layer.rule_set is not None
    assert len(layer.rule_set.sha256) == 64
    assert [each.layer for each in report.report.layers[1:]] == [Layer.XSD, Layer.EN16931, Layer.BR_FR, Layer.HOUSE]


def test_saving_the_file_again_is_no_fault_by_itself(validator: Validator, good: bytes) -> None:
    """The control of every fault below: they are made by saving too."""
    assert in_container(validator.check_file(spoilt(good, lambda _: None), "f.pdf")) == {}


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_of_the_container_is_named(validator: Validator, good: bytes, fault: str) -> None:
    change, rule = FAULTS[fault]
    report = validator.check_file(spoilt(good, change), "f.pdf")
    found = in_container(report)
    assert rule in found, found
    assert found[rule] is FILE_RULES[rule].severity
    fatal = Severity.FATAL in found.values()
    assert report.report.layers[0].outcome is (Verdict.INVALID if fatal else Verdict.VALID)
    assert report.verdict is (Verdict.INVALID if fatal else Verdict.VALID)
    finding = next(each for each in report.report.findings if each.rule == rule)
    for text in (finding.message, finding.message_fr):
        assert text
        assert "{" not in text


def test_every_rule_of_the_container_has_a_fault_that_breaks_it() -> None:
    tried = {rule for _, rule in FAULTS.values()}
    elsewhere = {"QT-PDF-DAMAGED", "QT-PDF-SIZE", "QT-PDF-ENCRYPTED", "QT-PDF-SYNTAX"}
    assert {rule for rule in FILE_RULES if rule.startswith("QT-PDF-")} == tried | elsewhere


@pytest.mark.parametrize("kept", [0.1, 0.5, 0.9, 0.999])
def test_a_file_cut_in_transit_is_damaged_and_its_invoice_not_judged(
    validator: Validator, good: bytes, kept: float
) -> None:
    report = validator.check_file(good[: int(len(good) * kept)], "f.pdf")
    assert set(in_container(report)) == {"QT-PDF-DAMAGED"}
    assert report.verdict is Verdict.INVALID
    assert report.xml is None
    assert {each.outcome for each in report.report.layers[1:]} == {Verdict.NOT_CHECKED}


def test_an_encrypted_file_is_refused_and_still_judged_where_it_opens(validator: Validator, good: bytes) -> None:
    open_to_all = spoilt(good, lambda _: None, encryption=pikepdf.Encryption(owner="owner", user=""))
    report = validator.check_file(open_to_all, "f.pdf")
    assert "QT-PDF-ENCRYPTED" in in_container(report)
    assert any(each.layer is Layer.EN16931 and each.outcome is Verdict.VALID for each in report.report.layers)
    shut = spoilt(good, lambda _: None, encryption=pikepdf.Encryption(owner="owner", user="secret"))
    report = validator.check_file(shut, "f.pdf")
    assert set(in_container(report)) == {"QT-PDF-ENCRYPTED"}
    assert report.xml is None


def test_a_file_beyond_the_limit_is_refused_unopened(validator: Validator) -> None:
    report = validator.check_file(b"%PDF-1.7" + bytes(20 * 1024 * 1024), "f.pdf")
    assert set(in_container(report)) == {"QT-PDF-SIZE"}


def test_a_plain_page_is_a_pdf_without_an_invoice(validator: Validator) -> None:
    report = validator.check_file(render_page(an_invoice(1)), "page.pdf")
    assert (report.kind, report.verdict) == (FileKind.PDF, Verdict.INVALID)
    assert set(in_container(report)) == {"QT-PDF-ATTACHED"}


def test_another_syntax_inside_is_named_and_still_judged(validator: Validator, good: bytes) -> None:
    def put_ubl(pdf: pikepdf.Pdf) -> None:
        specification(pdf).EF.F.write(UBL.encode())
        specification(pdf).EF.F.Params = pikepdf.Dictionary(ModDate=pikepdf.String(f"D:{date(2026, 11, 2):%Y%m%d}"))

    report = validator.check_file(spoilt(good, put_ubl), "f.pdf")
    assert "QT-PDF-SYNTAX" in in_container(report)
    assert any(each.layer is Layer.EN16931 and each.outcome is Verdict.VALID for each in report.report.layers)


def test_a_broken_xml_inside_is_named_with_its_line(validator: Validator, good: bytes) -> None:
    report = validator.check_file(spoilt(good, lambda pdf: specification(pdf).EF.F.write(CII.encode()[:3000])), "f.pdf")
    broken = next(each for each in report.report.findings if each.rule == "xml.not_well_formed")
    assert broken.line is not None
    assert broken.line > 10


def test_a_checksum_written_as_text_is_understood(validator: Validator) -> None:
    """As the forum's own samples do."""
    for sample in sorted(shared("samples/facturx").glob("*.pdf")):
        assert "QT-PDF-CHECKSUM" not in in_container(validator.check_file(sample.read_bytes(), sample.name))


def test_the_containers_of_the_forums_samples_are_valid(validator: Validator) -> None:
    samples = sorted(shared("samples/facturx").glob("*.pdf"))
    assert len(samples) >= 8
    for sample in samples:
        layer = validator.check_file(sample.read_bytes(), sample.name).report.layers[0]
        assert (layer.layer, layer.outcome) == (Layer.CONTAINER, Verdict.VALID), sample.name


@pytest.mark.parametrize("module", ["json.tool", "einvoice.formats.no_such_module"])
def test_a_dead_reader_leaves_the_file_not_checked(
    validator: Validator, good: bytes, module: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    dead = readers_of(module, 1)
    monkeypatch.setattr(container, "_READERS", dead)
    report = validator.check_file(good, "f.pdf")
    dead.close()
    assert report.verdict is Verdict.NOT_CHECKED
    assert {each.outcome for each in report.report.layers} == {Verdict.NOT_CHECKED}
    assert report.report.findings == ()


def test_the_pdf_is_never_opened_in_our_own_process(good: bytes, tmp_path: Path) -> None:
    path = tmp_path / "f.pdf"
    path.write_bytes(good)
    program = (
        "import sys; from pathlib import Path\n"
        "from einvoice.validation.container import look_into\n"
        "found = look_into(Path(sys.argv[1]).read_bytes())\n"
        "print(len(found.xml) > 0, 'pikepdf' in sys.modules)\n"
    )
    told = subprocess.run(
        [sys.executable, "-c", program, str(path)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert told.stdout.split() == ["True", "False"]
