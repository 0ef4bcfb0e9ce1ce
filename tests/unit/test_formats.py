"""CII and UBL: what is written is read back, and what is read is accounted for."""

from __future__ import annotations

import re
import sys
from collections import Counter
from dataclasses import replace
from decimal import Decimal

import builders
import pytest
from document_strategies import UNSHRUNK, documents
from format_samples import SAMPLES, WRITERS, Writer, assert_xsd_valid, read, sample
from hypothesis import given, settings
from lxml import etree
from shared_material import shared

from config import safe_xml
from einvoice.composing.build import with_payment_link
from einvoice.document import Contact, Document, Identifier, Note, PaymentInstructions
from einvoice.errors import ReadError
from einvoice.formats.cii import write_cii
from einvoice.formats.reader import read_xml, syntax_of
from einvoice.formats.semantics import difference
from einvoice.formats.ubl import write_ubl

URL = "https://pay.example/p/Zm9v?x=1&y=2"


@settings(UNSHRUNK, max_examples=80)
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
        assert read(write(result.document)) == result.document
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
    # The network of a card is compulsory in UBL, and no term of the norm or of the extension.
    "ubl/UC10_F202600004_MULTI-VENDEUR_UBL_Commentee_EXTENDED.xml": {"CardAccount/NetworkID": 1},
    # The base quantity of the gross price differs from that of the net price: EN 16931 has one (BT-149).
    "cii/CII_example2.xml": {"GrossPriceProductTradePrice/BasisQuantity": 2},
}


@pytest.mark.parametrize("name", SAMPLES)
def test_nothing_of_a_sample_is_lost_but_what_is_explained(name: str) -> None:
    result = read_xml(safe_xml.parse(sample(name)))
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
    root = safe_xml.parse(write_cii(builders.document(builders.line(name="A"), builders.line(name="Autre"))))
    names = {"ram": "urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100"}
    _, second = root.iterfind(".//ram:SpecifiedTradeProduct", names)
    again = second.makeelement(f"{{{names['ram']}}}Name")
    again.text = "A"
    second.append(again)
    (beside,) = read_xml(root).beside
    assert "IncludedSupplyChainTradeLineItem[2]" in beside
    assert beside.endswith("ram:Name[2]")


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
        (b"<DespatchAdvice xmlns='urn:oasis:names:specification:ubl:schema:xsd:DespatchAdvice-2'/>", "despatch advice"),
        (b"<r:CrossIndustryDocument xmlns:r='urn:ferd:CrossIndustryDocument:invoice:1p0'/>", "ZUGFeRD 1.0 invoice"),
        (b"<s:StandardBusinessDocument xmlns:s='urn:x'/>", "transport envelope"),
        (b"<Invoice xmlns='urn:other'/>", "{urn:other}Invoice"),
        (b"<html/>", "<html>"),
    ],
)
def test_another_document_is_refused_by_what_it_is(data: bytes, found: str) -> None:
    with pytest.raises(ReadError, match=re.escape(found)) as refusal:
        read_xml(safe_xml.parse(data))
    assert refusal.value.code == "invoice.not_an_invoice"
    assert refusal.value.sentence_fr.startswith("Ce fichier est ")


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
