"""The Factur-X file as others see it, and the invoices taken out of files of others."""

from __future__ import annotations

import io
import zlib
from dataclasses import replace
from typing import Any

import facturx
import pikepdf
import pytest
from lxml import etree
from page_documents import PAY_URL, an_invoice, kinds_of_page
from shared_material import shared

from config.typeset import compile_pdf
from einvoice.document import Attachment
from einvoice.errors import EInvoiceError
from einvoice.formats import facturx as container
from einvoice.formats.cii import write_cii
from einvoice.formats.facturx import FacturXError, conformance_level, declare, write_facturx
from einvoice.formats.page import PageError, render_page
from einvoice.formats.pdf_reader import MAX_PDF_BYTES, SENTENCES, WARNINGS, PdfError, extract_invoice_xml

KINDS = kinds_of_page()
EXTENDED = "urn:cen.eu:en16931:2017#conformant#urn:factur-x.eu:1p0:extended"
FX = "{urn:factur-x:pdfa:CrossIndustryDocument:invoice:1p0#}"
RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"


# -- writing -------------------------------------------------------------------------------------------------------


def xmp_of(pdf: bytes) -> etree._Element:
    with pikepdf.open(io.BytesIO(pdf)) as opened:
        return etree.fromstring(opened.Root.Metadata.read_raw_bytes())


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_page_holds_exactly_its_xml(kind: str) -> None:
    document, options = KINDS[kind]
    cii = write_cii(document)
    pdf = write_facturx(document, cii, **options)

    with pikepdf.open(io.BytesIO(pdf)) as opened:
        assert opened.get_warnings() == []
        names = [entry.filename for entry in document.attachments]
        assert list(opened.attachments) == sorted(["factur-x.xml", *names])
        assert opened.attachments["factur-x.xml"].get_file().read_bytes() == cii
        assert len(opened.Root.AF) == 1 + len(names)
        relationships = {str(each.UF): str(each.AFRelationship) for each in opened.Root.AF}
        assert relationships == {"factur-x.xml": "/Alternative", **dict.fromkeys(names, "/Supplement")}
    name, xml = facturx.get_xml_from_pdf(pdf, check_xsd=False)
    assert (name, xml) == ("factur-x.xml", cii)
    own = extract_invoice_xml(pdf)
    assert (own.filename, own.xml, own.profile_xmp, own.warnings) == ("factur-x.xml", cii, "EN 16931", ())


def test_an_attachment_that_calls_itself_factur_x_leaves_the_invoice_readable() -> None:
    """Readers take the file by its name: a supporting document of that name must not stand in for the invoice."""
    impostor = Attachment("P-1", "DOCUMENT_ANNEXE", None, b"<other/>", "application/xml", "Factur-X.xml")
    document = an_invoice(2, attachments=(impostor, replace(impostor, reference="P-2")))
    cii = write_cii(document)
    pdf = write_facturx(document, cii, pay_url=PAY_URL)
    assert facturx.get_xml_from_pdf(pdf, check_xsd=False) == ("factur-x.xml", cii)
    own = extract_invoice_xml(pdf)
    assert (own.filename, own.xml, own.warnings) == ("factur-x.xml", cii, ())
    with pikepdf.open(io.BytesIO(pdf)) as opened:
        assert list(opened.attachments) == [
            "factur-x.xml", "piece-jointe-Factur-X-2.xml", "piece-jointe-Factur-X.xml",
        ]  # fmt: skip


def test_an_attachment_of_another_type_than_it_says_is_refused() -> None:
    document = an_invoice(1, attachments=(Attachment("P-1", None, None, b"MZ\x90", "application/pdf", "devis.pdf"),))
    with pytest.raises(PageError) as caught:
        write_facturx(document, write_cii(document))
    assert caught.value.code == "attachment.type_differs"


def test_the_metadata_declare_factur_x_once_and_keep_pdfa_and_pdfua() -> None:
    root = xmp_of(write_facturx(an_invoice(2), write_cii(an_invoice(2)), pay_url=PAY_URL))
    declared = {term: root.findall(f".//{FX}{term}") for term in ("DocumentType", "DocumentFileName", "Version")}
    assert {term: [found.text for found in elements] for term, elements in declared.items()} == {
        "DocumentType": ["INVOICE"],
        "DocumentFileName": ["factur-x.xml"],
        "Version": ["1.0"],
    }
    assert len(root.findall(f".//{RDF}RDF")) == 1
    extension = "{http://www.aiim.org/pdfa/ns/extension/}schemas"
    assert len(root.findall(f".//{extension}")) == 1
    uris = [element.text for element in root.iter("{http://www.aiim.org/pdfa/ns/schema#}namespaceURI")]
    assert uris.count(FX[1:-1]) == 1
    assert root.findtext(".//{http://www.aiim.org/pdfa/ns/id/}conformance") == "A"
    assert root.findtext(".//{http://www.aiim.org/pdfua/ns/id/}part") == "1"


@pytest.mark.parametrize(
    ("profile", "level"),
    [
        ("urn:cen.eu:en16931:2017", "EN 16931"),
        (EXTENDED, "EXTENDED"),
        ("urn:factur-x.eu:1p0:basicwl", "BASIC WL"),
        ("urn:cen.eu:en16931:2017#compliant#urn:factur-x.eu:1p0:basic", "BASIC"),
    ],
)
def test_the_level_follows_the_profile_of_the_document(profile: str, level: str) -> None:
    document = an_invoice(1, profile=profile)
    root = xmp_of(write_facturx(document, write_cii(document)))
    assert root.findtext(f".//{FX}ConformanceLevel") == level


def test_a_profile_without_a_factur_x_level_is_refused() -> None:
    with pytest.raises(FacturXError) as caught:
        conformance_level("urn:cen.eu:en16931:2017#conformant#urn.cpro.gouv.fr:1p0:extended-ctc-fr")
    assert caught.value.code == "facturx.unknown_profile"


def test_an_xml_of_another_profile_than_the_document_is_refused() -> None:
    with pytest.raises(FacturXError) as caught:
        write_facturx(an_invoice(1, profile=EXTENDED), write_cii(an_invoice(1)))
    assert caught.value.code == "facturx.profile_differs"


@pytest.mark.parametrize("xml", [b"", b"no xml", b"<Invoice/>", b"<!DOCTYPE a><a/>"])
def test_what_is_no_cii_is_not_attached(xml: bytes) -> None:
    with pytest.raises(FacturXError) as caught:
        write_facturx(an_invoice(1), xml)
    assert caught.value.code == "facturx.not_cii"


def test_equal_input_gives_equal_bytes_and_the_file_ends_with_a_line_feed() -> None:
    document = an_invoice(5)
    first, second = (write_facturx(document, write_cii(document), pay_url=PAY_URL) for _ in range(2))
    assert first == second
    assert first.endswith(b"%%EOF\n")
    other = replace(document, number="F-2026-004218")
    assert write_facturx(other, write_cii(other), pay_url=PAY_URL) != first


def test_every_offset_of_the_rewritten_file_points_to_its_object() -> None:
    pdf = write_facturx(an_invoice(3), write_cii(an_invoice(3)), pay_url=PAY_URL)
    start = int(pdf[pdf.rindex(b"startxref\n") + 10 :].split()[0])
    table = pdf[start:].split(b"trailer")[0].splitlines()[2:]
    for number, entry in enumerate(table):
        offset, _, kind = entry.split()
        if kind == b"n":
            assert pdf[int(offset) :].startswith(b"%d 0 obj" % number)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"/Type/Metadata/Subtype/XML", b"/Subtype/XML/Type/Metadata"),
        (b"<pdfaExtension:schemas><rdf:Bag>", b"<pdfaExtension:schemas> <rdf:Bag>"),
        (b"</rdf:RDF>", b"</rdf:RDF >"),
        (b"\nxref\n0 ", b"\nxref\n1 "),
        (b"startxref\n", b"startxref\n9"),
        (b"%%EOF", b"%%EOF\n%%EOF"),
        (b"\ntrailer\n", b"\n0000000000 00000 n\r\ntrailer\n"),
        (b"<</Length 4", b"<</Length 5"),
        (b"\n1 0 obj", b" \n1 0 obj"),
    ],
)
def test_a_container_built_otherwise_fails_loudly(old: bytes, new: bytes) -> None:
    page = render_page(an_invoice(1))
    assert old in page
    changed = page.replace(old, new)
    with pytest.raises(FacturXError) as caught:
        declare(changed, "EN 16931")
    assert caught.value.code == "facturx.container_changed"


def test_declaring_twice_would_be_seen() -> None:
    """The control: a second declaration leaves two, which the test of the metadata counts."""
    twice = declare(declare(render_page(an_invoice(1)), "EN 16931"), "EN 16931")
    assert len(xmp_of(twice).findall(f".//{FX}DocumentType")) == 2


def test_a_plain_page_holds_no_xml() -> None:
    with pytest.raises(PdfError) as caught:
        extract_invoice_xml(render_page(an_invoice(1)))
    assert caught.value.code == "pdf.no_invoice_inside"


# -- reading files of others ---------------------------------------------------------------------------------------


def test_the_forum_s_samples_are_read() -> None:
    samples = sorted(shared("samples/facturx").glob("*.pdf"))
    assert len(samples) >= 8
    for sample in samples:
        found = extract_invoice_xml(sample.read_bytes())
        assert found.filename == "factur-x.xml"
        assert found.profile_xmp in container.CONFORMANCE_LEVELS.values()
        assert found.warnings == ()
        with pikepdf.open(sample) as opened:
            assert opened.attachments[found.filename].get_file().read_bytes() == found.xml


def a_pdf(files: dict[str, bytes], **saving: Any) -> bytes:
    """A PDF that is no Factur-X but has files attached."""
    pdf = pikepdf.new()
    pdf.add_blank_page()
    for name, content in files.items():
        pdf.attachments[name] = pikepdf.AttachedFileSpec(pdf, content, filename=name)
    output = io.BytesIO()
    pdf.save(output, **saving)
    return output.getvalue()


def code_of(pdf: bytes) -> str:
    with pytest.raises(PdfError) as caught:
        extract_invoice_xml(pdf)
    assert isinstance(caught.value, EInvoiceError)
    assert caught.value.sentence_fr == SENTENCES[caught.value.code][1]
    return caught.value.code


@pytest.mark.parametrize("name", ["factur-x.xml", "zugferd-invoice.xml", "ZUGFeRD-invoice.xml", "xrechnung.xml"])
def test_all_known_names_are_accepted(name: str) -> None:
    found = extract_invoice_xml(a_pdf({"plan.pdf": b"%PDF-", name: b"<a/>"}))
    assert (found.filename, found.xml) == (name, b"<a/>")
    assert found.warnings == ("pdf.no_profile",)


def test_of_several_invoices_the_best_known_name_is_taken_and_said() -> None:
    found = extract_invoice_xml(a_pdf({"xrechnung.xml": b"<b/>", "factur-x.xml": b"<a/>"}))
    assert (found.filename, found.xml) == ("factur-x.xml", b"<a/>")
    assert "pdf.several_invoices" in found.warnings
    assert set(found.warnings) <= set(WARNINGS)


def test_an_order_is_no_invoice() -> None:
    assert code_of(a_pdf({"order-x.xml": b"<a/>"})) == "pdf.order_not_invoice"


def test_a_pdf_with_other_files_only_holds_no_invoice() -> None:
    assert code_of(a_pdf({"notes.xml": b"<a/>"})) == "pdf.no_invoice_inside"
    assert code_of(a_pdf({})) == "pdf.no_invoice_inside"


@pytest.mark.parametrize("content", [b"", b"hello", b"<a/>", b"PK\x03\x04" + b"0" * 5000])
def test_what_is_no_pdf_is_refused(content: bytes) -> None:
    assert code_of(content) == "pdf.not_a_pdf"


@pytest.mark.parametrize("password", ["", "secret"])
def test_an_encrypted_pdf_is_refused_with_and_without_password(password: str) -> None:
    encryption = pikepdf.Encryption(owner="owner", user=password)
    assert code_of(a_pdf({"factur-x.xml": b"<a/>"}, encryption=encryption)) == "pdf.encrypted"


@pytest.mark.parametrize("kept", [0.1, 0.5, 0.9, 0.999])
def test_a_pdf_cut_in_transit_is_refused(kept: float) -> None:
    pdf = write_facturx(an_invoice(2), write_cii(an_invoice(2)))
    assert code_of(pdf[: int(len(pdf) * kept)]) == "pdf.damaged"


def test_a_pdf_with_a_hole_is_refused() -> None:
    pdf = write_facturx(an_invoice(2), write_cii(an_invoice(2)))
    assert code_of(pdf[:20_000] + pdf[20_200:]) == "pdf.damaged"


def test_a_name_tree_without_end_is_refused() -> None:
    pdf = pikepdf.new()
    pdf.add_blank_page()
    node = pdf.make_indirect(pikepdf.Dictionary())
    node.Kids = pikepdf.Array([node])
    pdf.Root.Names = pikepdf.Dictionary(EmbeddedFiles=node)
    output = io.BytesIO()
    pdf.save(output)
    assert code_of(output.getvalue()) == "pdf.damaged"


def a_bomb(megabytes: int) -> bytes:
    """A small PDF whose ``factur-x.xml`` unpacks to ``megabytes``."""
    packer = zlib.compressobj(9)
    packed = b"".join(packer.compress(bytes(10**6)) for _ in range(megabytes)) + packer.flush()
    pdf = pikepdf.new()
    pdf.add_blank_page()
    stream = pikepdf.Stream(pdf, packed)
    stream.Filter = pikepdf.Name.FlateDecode
    specification = pikepdf.Dictionary(Type=pikepdf.Name.Filespec, UF="factur-x.xml", EF=pikepdf.Dictionary(F=stream))
    pdf.Root.AF = pikepdf.Array([pdf.make_indirect(specification)])
    output = io.BytesIO()
    pdf.save(output)
    return output.getvalue()


def test_an_xml_that_unpacks_beyond_the_limits_is_refused() -> None:
    assert code_of(a_bomb(60)) == "pdf.too_large"
    assert code_of(a_bomb(1200)) == "pdf.reader_failed"


def test_a_file_beyond_the_size_limit_is_refused_unopened() -> None:
    assert code_of(b"%PDF-1.7" + bytes(MAX_PDF_BYTES)) == "pdf.too_large"


def test_another_template_s_pdf_can_be_declared_too(tmp_path: Any) -> None:
    """The rewrite depends on the typesetter alone, not on the invoice's template."""
    template = tmp_path / "statement.typ"
    template.write_text(
        '#set document(title: "Relevé", date: datetime(year: 2026, month: 1, day: 1))\n'
        '#set text(font: "Source Sans Pro", lang: "fr")\nRelevé'
    )
    assert xmp_of(declare(compile_pdf(template, {}), "EXTENDED")).findtext(f".//{FX}ConformanceLevel") == "EXTENDED"
