"""CII and UBL: what is written is read back, what is read is accounted for, a link changes nothing else."""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from functools import cache
from pathlib import Path

import builders
import facturx
import pikepdf
import pytest
from document_strategies import documents
from hypothesis import HealthCheck, given, settings
from lxml import etree
from shared_material import FOLDER, shared

from config import safe_xml
from einvoice.build import with_payment_link
from einvoice.document import Attachment, Contact, Document, Identifier, Note, PaymentInstructions
from einvoice.errors import LinkNotCarriedError, ReadError
from einvoice.formats.cii import write_cii
from einvoice.formats.link import add_payment_link
from einvoice.formats.reader import read_xml, syntax_of
from einvoice.formats.semantics import difference
from einvoice.formats.ubl import write_ubl

SCHEMAS = Path(facturx.__file__).parent / "xsd_and_schematron"
Writer = Callable[[Document], bytes]
WRITERS: dict[str, Writer] = {"cii": write_cii, "ubl": write_ubl}
URL = "https://pay.example/p/Zm9v?x=1&y=2"


@cache
def schema(name: str) -> etree.XMLSchema:
    if name == "CrossIndustryInvoice":
        (path,) = SCHEMAS.glob("cii*/CrossIndustryInvoice_100pD22B.xsd")
    else:
        path = SCHEMAS / "ubl-2.1" / "maindoc" / f"UBL-{name}-2.1.xsd"
    return etree.XMLSchema(file=str(path))


def assert_xsd_valid(data: bytes) -> None:
    root = safe_xml.parse(data)
    schema(etree.QName(root).localname).assertValid(root)


def read(data: bytes) -> Document:
    return read_xml(safe_xml.parse(data)).document


def sample_files() -> list[str]:
    kinds = [("cii", "*.xml"), ("ubl", "*.xml"), ("facturx", "*.pdf")]
    return [f"{kind}/{path.name}" for kind, glob in kinds for path in sorted((FOLDER / "samples" / kind).glob(glob))]


def sample(name: str) -> bytes:
    path = shared(f"samples/{name}")
    if path.suffix != ".pdf":
        return path.read_bytes()
    with pikepdf.open(path) as pdf:
        return pdf.attachments["factur-x.xml"].get_file().read_bytes()


SAMPLES = sample_files() or ["cii/absent.xml"]


@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
@given(documents)
def test_every_document_is_read_back_from_cii_and_ubl_and_both_say_the_same(document: Document) -> None:
    readings = {}
    for syntax, write in WRITERS.items():
        data = write(document)
        assert_xsd_valid(data)
        result = read_xml(safe_xml.parse(data))
        assert result.syntax == syntax
        assert result.beside == ()
        assert difference(result.document, document) == ()
        readings[syntax] = result.document
    assert difference(readings["cii"], readings["ubl"]) == ()


@pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS)
def test_our_own_documents_come_back_exactly(write: Writer) -> None:
    made = [
        builders.document(),
        builders.credit_note(),
        builders.deposit(),
        with_payment_link(builders.document(), URL),
        builders.document(
            builders.line(),
            builders.line(vat_rate="5.5", net_price="3.333333", quantity="7.25", nature="goods"),
            allowances=[{"percent": "10", "reason": "Remise", "vat_rate": "20"}],
            attachments=[{"reference": "BL-1", "content": "JVBERi0=", "mime": "application/pdf", "filename": "bl.pdf"}],
        ),
    ]
    for document in made:
        data = write(document)
        assert_xsd_valid(data)
        assert read(data) == document


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"number": "OTHER"}, "number"),
        ({"notes": (Note("text", "AAI"),)}, "notes"),
        ({"buyer_reference": None}, "buyer_reference"),
        ({"payment": PaymentInstructions("1", remittance="X")}, "payment.means_code"),
    ],
)
def test_a_real_difference_is_told_with_its_path(change: dict[str, object], path: str) -> None:
    document = builders.document(buyer_reference="SERVICE-1")
    found = difference(document, replace(document, **change))
    assert path in {each.path for each in found}


def test_a_changed_cent_of_a_line_is_a_difference() -> None:
    document = builders.document()
    line = replace(document.lines[0], net_amount=Decimal("100.01"))
    (found,) = difference(document, replace(document, lines=(line,)))
    assert (found.path, found.left, found.right) == ("lines[0].net_amount", Decimal("100.00"), Decimal("100.01"))


@pytest.mark.parametrize("name", SAMPLES)
def test_every_sample_is_read_and_written_again_valid_and_the_same(name: str) -> None:
    result = read_xml(safe_xml.parse(sample(name)))
    written = WRITERS[result.syntax](result.document)
    assert_xsd_valid(written)
    again = read_xml(safe_xml.parse(written))
    assert again.document == result.document
    assert again.beside == ()
    assert again.profile == result.profile


EXPLAINED = {
    # The base quantity of the gross price differs from that of the net price: EN 16931 has one (BT-149).
    "cii/CII_example2.xml": {"GrossPriceProductTradePrice/BasisQuantity": 2},
}


@pytest.mark.parametrize("name", SAMPLES)
def test_nothing_of_an_en16931_sample_is_lost_but_what_is_explained(name: str) -> None:
    result = read_xml(safe_xml.parse(sample(name)))
    if result.profile != "urn:cen.eu:en16931:2017":
        assert all(path.startswith("/") for path in result.beside)
        return
    tails = Counter("/".join(re.sub(r"\w+:|\[\d+\]", "", path).split("/")[-2:]) for path in result.beside)
    assert tails == EXPLAINED.get(name, {})


@pytest.mark.parametrize("name", SAMPLES)
def test_a_sample_says_the_same_in_the_other_syntax(name: str) -> None:
    document = read_xml(safe_xml.parse(sample(name))).document
    for write in WRITERS.values():
        assert difference(read(write(document)), document) == ()


def test_beside_names_what_the_model_does_not_carry_by_its_xpath() -> None:
    root = safe_xml.parse(write_ubl(builders.document(builders.line(), builders.line(name="Autre"))))
    line = root.findall("{*}InvoiceLine")[1]
    quantity = line.find("{*}InvoicedQuantity")
    extra = quantity.makeelement(quantity.tag.replace("InvoicedQuantity", "UUID"))
    extra.text = "42"
    quantity.addprevious(extra)
    line.find("{*}Item/{*}Name").set("languageID", "fr")
    assert read_xml(root).beside == (
        "/ubl:Invoice/cac:InvoiceLine[2]/cbc:UUID",
        "/ubl:Invoice/cac:InvoiceLine[2]/cac:Item/cbc:Name/@languageID",
    )


def test_a_value_moved_to_another_line_does_not_hide_a_loss() -> None:
    root = safe_xml.parse(write_cii(builders.document(builders.line(note="A"), builders.line(name="Autre"))))
    names = {"ram": "urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100"}
    _, second = root.iterfind(".//ram:AssociatedDocumentLineDocument", names)
    for _ in range(2):
        note = second.makeelement(f"{{{names['ram']}}}IncludedNote")
        content = note.makeelement(f"{{{names['ram']}}}Content")
        content.text = "A"
        note.append(content)
        second.append(note)
    (beside,) = read_xml(root).beside
    assert "IncludedSupplyChainTradeLineItem[2]" in beside
    assert "IncludedNote[2]" in beside


@pytest.mark.parametrize("text", ["12,50", "1e3", "NaN", "abc", "--1", "9" * 41])
def test_a_malformed_amount_is_refused_with_its_term_and_place(text: str) -> None:
    data = write_ubl(builders.document()).replace(b">50.00<", f">{text}<".encode())
    with pytest.raises(ReadError) as refusal:
        read(data)
    assert refusal.value.code == "invoice.bad_value"
    assert refusal.value.term == "BT-146"
    assert refusal.value.place == "/Invoice/cac:InvoiceLine/cac:Price/cbc:PriceAmount"
    assert "BT-146" in refusal.value.sentence_fr


@pytest.mark.parametrize(
    ("write", "good", "bad"),
    [
        (write_cii, b'format="102">20261102<', b'format="102">20261302<'),
        (write_cii, b'format="102">20261102<', b'format="102">2026112<'),
        (write_cii, b'format="102">20261102<', b'format="610">202611<'),
        (write_ubl, b"IssueDate>2026-11-02<", b"IssueDate>02/11/2026<"),
        (write_ubl, b"IssueDate>2026-11-02<", b"IssueDate>2026-02-30<"),
    ],
)
def test_a_malformed_date_is_refused_with_its_term(write: Writer, good: bytes, bad: bytes) -> None:
    data = write(builders.document())
    assert good in data
    with pytest.raises(ReadError) as refusal:
        read(data.replace(good, bad, 1))
    assert (refusal.value.code, refusal.value.term) == ("invoice.bad_value", "BT-2")


def test_a_comment_inside_a_value_does_not_cut_it() -> None:
    for write in WRITERS.values():
        data = write(builders.document()).replace(b"F2026-0001<", b"F2026<!-- x -->-0001<")
        result = read_xml(safe_xml.parse(data))
        assert (result.document.number, result.beside) == ("F2026-0001", ())


def test_ten_times_the_lines_do_not_take_a_hundred_times_as_long() -> None:
    """A position counted per value would make reading quadratic; paths are only made for errors and losses."""
    counted = []
    for count in (50, 500):
        root = safe_xml.parse(write_ubl(builders.document(*[builders.line()] * count)))
        calls = 0

        def count_calls(*_: object) -> None:
            nonlocal calls
            calls += 1

        sys.setprofile(count_calls)
        try:
            read_xml(root)
        finally:
            sys.setprofile(None)
        counted.append(calls)
    assert counted[1] < 12 * counted[0]


def test_a_compulsory_term_that_is_absent_is_named() -> None:
    data = re.sub(rb"<cbc:InvoicedQuantity.*?</cbc:InvoicedQuantity>", b"", write_ubl(builders.document()))
    with pytest.raises(ReadError) as refusal:
        read(data)
    assert (refusal.value.code, refusal.value.term) == ("invoice.missing_term", "BT-129")


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (b"<SCRDMCCBDACIOMessageStructure xmlns='urn:un:unece:uncefact:data:x'/>", "ORDER-X"),
        (b"<CrossDomainAcknowledgementAndResponse xmlns='urn:x'/>", "CDAR"),
        (b"<Order xmlns='urn:oasis:names:specification:ubl:schema:xsd:Order-2'/>", "UBL order"),
        (b"<Invoice xmlns='urn:other'/>", "{urn:other}Invoice"),
        (b"<html/>", "<html>"),
    ],
)
def test_another_document_is_refused_by_what_it_is(data: bytes, found: str) -> None:
    with pytest.raises(ReadError, match=re.escape(found)) as refusal:
        read_xml(safe_xml.parse(data))
    assert refusal.value.code == "invoice.not_an_invoice"


def test_a_real_cdar_message_is_no_invoice() -> None:
    path = next(iter(sorted(shared("samples/cdar").glob("*.xml"))))
    with pytest.raises(ReadError, match="CDAR"):
        syntax_of(safe_xml.parse(path.read_bytes()))


def test_a_credit_note_is_a_creditnote_in_ubl_and_keeps_its_due_date() -> None:
    document = builders.credit_note(due_date="2026-12-01")
    root = safe_xml.parse(write_ubl(document))
    assert etree.QName(root).localname == "CreditNote"
    assert root.find("{*}CreditNoteLine/{*}CreditedQuantity").get("unitCode") == "C62"
    assert read_xml(root).document.due_on == document.due_on


def test_two_accounts_share_one_means_code() -> None:
    document = builders.document()
    first = document.payment.accounts[0]
    two = replace(document.payment, accounts=(first, replace(first, number="DE89370400440532013000")))
    for write in WRITERS.values():
        data = write(replace(document, payment=two))
        assert read(data).payment == two
        assert set(re.findall(rb"(?:PaymentMeansCode|ram:TypeCode)>(58)<", data)) == {b"58"}


def test_an_official_number_of_several_identifiers_keeps_each_scheme() -> None:
    ids = (Identifier("A"), Identifier("B"), Identifier("1", "0088"), Identifier("2", "0088"))
    document = builders.document()
    document = replace(document, seller=replace(document.seller, identifiers=ids, contact=Contact(department="Achats")))
    assert read(write_cii(document)) == document
    assert read(write_ubl(document)).seller.identifiers == ids


@pytest.mark.parametrize("name", SAMPLES)
def test_a_link_in_a_sample_changes_nothing_else(name: str) -> None:
    root = safe_xml.parse(sample(name))
    before = etree.tostring(root, method="c14n")
    if read_xml(root).profile.endswith("factur-x.eu:1p0:basic"):
        with pytest.raises(LinkNotCarriedError) as refusal:
            add_payment_link(root, URL, "PAIEMENT-1")
        assert refusal.value.code == "link.profile_has_no_place"
        return
    patched = add_payment_link(root, URL, "PAIEMENT-1")
    assert etree.tostring(root, method="c14n") == before
    assert_xsd_valid(patched)
    linked = safe_xml.parse(patched)
    assert Attachment("PAIEMENT-1", url=URL) in read_xml(linked).document.attachments
    (new,) = (each.getparent() for each in linked.iter() if each.text == "PAIEMENT-1")
    new.getparent().remove(new)
    assert etree.tostring(linked, method="c14n") == before


def test_a_link_that_is_there_already_is_not_doubled() -> None:
    for write in WRITERS.values():
        once = add_payment_link(safe_xml.parse(write(builders.document())), URL, "PAIEMENT-1")
        assert add_payment_link(safe_xml.parse(once), URL, "PAIEMENT-1") == once


@pytest.mark.parametrize(
    "profile",
    [
        "urn:factur-x.eu:1p0:minimum",
        "urn:factur-x.eu:1p0:basicwl",
        "urn:cen.eu:en16931:2017#compliant#urn:factur-x.eu:1p0:basic",
    ],
)
def test_a_profile_without_supporting_documents_carries_no_link(profile: str) -> None:
    root = safe_xml.parse(write_cii(replace(builders.document(), profile=profile)))
    with pytest.raises(LinkNotCarriedError) as refusal:
        add_payment_link(root, URL, "PAIEMENT-1")
    assert refusal.value.code == "link.profile_has_no_place"


def test_a_signed_file_is_never_altered() -> None:
    root = safe_xml.parse(write_ubl(builders.document()))
    root.append(root.makeelement("{http://www.w3.org/2000/09/xmldsig#}Signature"))
    with pytest.raises(LinkNotCarriedError) as refusal:
        add_payment_link(root, URL, "PAIEMENT-1")
    assert refusal.value.code == "link.file_is_signed"


def test_a_link_in_a_credit_note_stands_where_the_schema_wants_it() -> None:
    document = builders.credit_note(tender_reference="LOT-1", project_reference="P-1", contract_reference="C-1")
    for write in WRITERS.values():
        assert_xsd_valid(add_payment_link(safe_xml.parse(write(document)), URL, "PAIEMENT-1"))
