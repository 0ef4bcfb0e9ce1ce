"""Supporting documents in the PDF: content checked against its type, names that no file system misreads."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import pikepdf
import pytest
from page_documents import PAY_URL, an_invoice
from page_files import FILES, JPEG, PNG

from einvoice.document import Attachment
from einvoice.formats.page import PageError, check_characters, render_page
from einvoice.formats.page_attachments import check_content, embed
from einvoice.formats.page_wording import Wording

FRENCH = Wording("fr", "EUR")


def a_file(name: str | None, mime: str = "application/pdf", reference: str = "P-1") -> Attachment:
    return Attachment(reference, "DOCUMENT_ANNEXE", None, FILES[mime], mime, name)


def names_of(*attachments: Attachment) -> list[str]:
    return [file.name for file in embed(attachments, FRENCH)]


@pytest.mark.parametrize("mime", FILES)
def test_every_type_of_the_standard_is_recognised_and_no_other_passes_for_it(mime: str) -> None:
    assert check_content(a_file("a", mime)) == mime
    for other, content in FILES.items():
        if other != mime and not (mime == "text/csv" and other == "application/xml"):  # XML is a text too
            with pytest.raises(PageError) as caught:
                check_content(Attachment("P-1", content=content, mime=mime, filename="facture.bin"))
            assert caught.value.code == "attachment.type_differs"
            assert "facture.bin" in caught.value.sentence_fr


def test_xml_has_two_names_in_the_extended_profile() -> None:
    assert check_content(Attachment("P-1", content=b"\xef\xbb\xbf <a/>", mime="text/XML", filename="a")) == "text/xml"


@pytest.mark.parametrize("content", [b"", b"   ", b"MZ\x90\x00" + b"\0" * 60, b"\x7fELF", b"PK\x03\x04zip", b"a\0b"])
@pytest.mark.parametrize("mime", FILES)
def test_rubbish_is_of_no_type(mime: str, content: bytes) -> None:
    with pytest.raises(PageError):
        check_content(Attachment("P-1", content=content, mime=mime, filename="x"))


def test_an_office_file_that_is_no_table_is_refused() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as packed:
        packed.writestr("[Content_Types].xml", "<Types/>")
        packed.writestr("word/document.xml", "<w/>")
    mime = next(each for each in FILES if each.endswith("spreadsheetml.sheet"))
    with pytest.raises(PageError):
        check_content(Attachment("P-1", content=buffer.getvalue(), mime=mime, filename="x.xlsx"))


@pytest.mark.parametrize("mime", [None, "text/html", "application/zip", "application/x-msdownload"])
def test_a_type_that_no_invoice_may_hold_is_refused_before_the_number(mime: str | None) -> None:
    document = an_invoice(1, attachments=(Attachment("P-1", content=b"%PDF-", mime=mime, filename="x.pdf"),))
    with pytest.raises(PageError) as caught:
        check_characters(document)
    assert caught.value.code == "attachment.type_unknown"


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        ("devis.pdf", "devis.pdf"),
        ("Devis signé n° 4.PDF", "Devis signe n 4.pdf"),
        ("../../etc/passwd", "passwd.pdf"),
        ("C:\\Temp\\plan.pdf", "plan.pdf"),
        ("a\x00b\u202efdp.exe", "a_bfdp.exe.pdf"),
        ("  .htaccess", "htaccess.pdf"),
        ("CON.pdf", "_CON.pdf"),
        ("lpt1", "_lpt1.pdf"),
        ("漢字.pdf", "document.pdf"),
        ("<script>.pdf", "_script_.pdf"),
        ("x" * 300 + ".pdf", "x" * 80 + ".pdf"),
        ("factur-x.xml", "factur-x.xml.pdf"),
        (None, "P-1.pdf"),
    ],
)
def test_names_are_made_safe(given: str | None, stored: str) -> None:
    assert names_of(a_file(given)) == [stored]


@pytest.mark.parametrize(
    "name", ["factur-x.xml", "Factur-X.XML", "ZUGFeRD-invoice.xml", "xrechnung.xml", "order-x.xml"]
)
def test_no_attachment_passes_for_the_invoice(name: str) -> None:
    assert names_of(a_file(name, "application/xml")) == [f"piece-jointe-{name[:-4]}.xml"]


def test_equal_names_get_numbers_also_where_only_the_case_differs() -> None:
    files = [a_file("plan.pdf"), a_file("Plan.pdf"), a_file("plan-2.pdf"), a_file("PLAN.PDF")]
    assert names_of(*files) == ["plan.pdf", "Plan-2.pdf", "plan-2-2.pdf", "PLAN-3.pdf"]


def test_an_attachment_without_content_is_listed_and_not_embedded() -> None:
    document = an_invoice(1, attachments=(Attachment("AN-3", "BON_COMMANDE", "https://exemple.fr/an-3"),))
    with pikepdf.open(io.BytesIO(render_page(document, pay_url=PAY_URL))) as pdf:
        assert list(pdf.attachments) == []


def test_files_are_embedded_whole_with_type_relationship_and_description() -> None:
    attachments = tuple(a_file(f"annexe {n}", mime, f"P-{n}") for n, mime in enumerate(FILES))
    pages = [render_page(an_invoice(1, attachments=attachments), xml=b"<a/>") for _ in range(2)]
    assert pages[0] == pages[1]
    with pikepdf.open(io.BytesIO(pages[0])) as pdf:
        found = {str(each.UF): each for each in pdf.Root.AF}
        assert len(found) == len(FILES) + 1
        assert str(found.pop("factur-x.xml").AFRelationship) == "/Alternative"
        for (name, entry), (mime, content) in zip(sorted(found.items()), FILES.items(), strict=True):
            stream = entry.EF.F
            assert stream.read_bytes() == content
            assert str(stream.Subtype) == f"/{mime}"
            assert str(entry.AFRelationship) == "/Supplement"
            assert str(entry.Desc).startswith("Document annexe (DOCUMENT_ANNEXE) · P-")
            assert name.isascii()


def test_magic_bytes_of_the_samples_are_real() -> None:
    """The control: the samples are files that other programs made or would read."""
    assert PNG.startswith(b"\x89PNG")
    assert JPEG.endswith(b"\xff\xd9")
    options: dict[str, Any] = {"mode": "r"}
    for mime in FILES:
        if "sheet" in mime:
            with zipfile.ZipFile(io.BytesIO(FILES[mime]), **options) as packed:
                assert packed.testzip() is None
