"""One document in every form and level that it fits: the published rules find each file valid."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from document_strategies import UNSHRUNK
from extended_documents import EXTENDED, line, plain_invoice, siren_party, sub_lines, with_lines
from format_samples import sample
from hypothesis import given, settings
from hypothesis import strategies as st

from config import safe_xml
from einvoice.document import Address, Document, LineDelivery, LineReference, Note, PrecedingInvoice
from einvoice.formats.cii import write_cii
from einvoice.formats.profiles import (
    BASIC_WL_ID,
    EN16931_ID,
    Form,
    Level,
    extended_terms,
    in_form,
    level_of,
    specification,
)
from einvoice.formats.reader import read_xml
from einvoice.formats.ubl import write_ubl
from einvoice.validation.verdict import Layer, Report, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable

    from einvoice.validation.check import Validator

FORMS: tuple[Form, ...] = ("facturx", "cii", "ubl")
WRITERS: dict[Form, Callable[[Document], bytes]] = {"facturx": write_cii, "cii": write_cii, "ubl": write_ubl}


def judge(validator: Validator, document: Document, form: Form) -> Report:
    return validator.check_invoice(WRITERS[form](in_form(document, form)), french=True)


def assert_valid(report: Report, *, profile_layer: bool) -> None:
    assert {(finding.rule, finding.message[:200]) for finding in report.fatal} == set()
    unchecked = {(result.layer, result.reason) for result in report.layers if result.outcome is not Verdict.VALID}
    assert (report.verdict, unchecked) == (Verdict.VALID, set())
    layers = [result.layer for result in report.layers]
    assert layers == [Layer.XSD, Layer.PROFILE if profile_layer else Layer.EN16931, Layer.BR_FR, Layer.HOUSE]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", EXTENDED)
def test_every_extended_document_is_valid_in_every_form(validator: Validator, name: str, form: Form) -> None:
    document = EXTENDED[name]()
    assert extended_terms(document)
    report = judge(validator, document, form)
    assert_valid(report, profile_layer=True)


@pytest.mark.parametrize("name", EXTENDED)
def test_the_same_document_at_the_level_of_the_norm_breaks_its_rules(validator: Validator, name: str) -> None:
    document = replace(EXTENDED[name](), profile=EN16931_ID)
    reports = [validator.check_invoice(write(document), french=True) for write in (write_cii, write_ubl)]
    assert all(report.findings for report in reports)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("level", list(Level))
def test_a_plain_invoice_is_valid_at_every_level_in_every_form(validator: Validator, level: Level, form: Form) -> None:
    document = replace(plain_invoice(), profile=specification(level, form))
    reduced = level is Level.BASIC_WL and form == "facturx"
    assert level_of(in_form(document, form).profile) is (
        Level.EN16931 if level is Level.BASIC_WL and form != "facturx" else level
    )
    assert_valid(judge(validator, document, form), profile_layer=reduced or level is Level.EXTENDED)


@pytest.mark.parametrize("name", EXTENDED)
def test_an_extended_document_is_valid_in_basic_wl_without_what_it_leaves_out(validator: Validator, name: str) -> None:
    document = replace(EXTENDED[name](), profile=BASIC_WL_ID)
    assert_valid(judge(validator, document, "facturx"), profile_layer=True)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    "name",
    [
        "cii/UC10_F202600004_MULTI-VENDEUR_CII_Commentee_EXTENDED.xml",
        "cii/UC12_F202600025_SOUS-LIGNE_CII_Commentee_EXTENDED.xml",
        "ubl/UC10_F202600004_MULTI-VENDEUR_UBL_Commentee_EXTENDED.xml",
        "ubl/UC12_F202600025_SOUS-LIGNE_UBL_Commentee_EXTENDED.xml",
        "facturx/F20260029_EXTENDED.pdf",
        "facturx/F20260030_EXTENDED.pdf",
    ],
)
def test_an_extended_sample_is_valid_when_written_in_every_form(validator: Validator, name: str, form: Form) -> None:
    document = read_xml(safe_xml.parse(sample(name))).document
    report = validator.check_invoice(WRITERS[form](in_form(document, form)))
    assert {finding.rule for finding in report.fatal} == set()
    assert report.verdict is Verdict.VALID
    assert Layer.PROFILE in {result.layer for result in report.layers}


def test_a_wrong_sum_of_a_group_is_still_refused(validator: Validator) -> None:
    document = sub_lines()
    wrong = replace(document.lines[0], net_amount=Decimal("299.00"))
    document = replace(document, lines=(wrong, *document.lines[1:]))
    for form in FORMS:
        rules = {finding.rule for finding in judge(validator, document, form).fatal}
        assert any(rule.endswith("EXT-08") for rule in rules), (form, rules)


days = st.dates(date(2026, 1, 1), date(2026, 10, 31))
numbers = st.text("ABCDEFGH0123456789", min_size=1, max_size=8).map(lambda text: f"N{text}")
references = st.builds(LineReference, numbers, numbers)
features = st.fixed_dictionaries(
    {},
    optional={
        "note": st.just("Posé le matin"),
        "more_notes": st.lists(st.builds(Note, st.just("Garantie"), st.just("AAI")), max_size=2).map(tuple),
        "order_line": numbers,
        "order_number": numbers,
        "order_on": days,
        "sales_order": references,
        "despatch_advice": st.builds(LineReference, numbers, numbers, days),
        "receiving_advice": references,
        "preceding": st.builds(PrecedingInvoice, numbers, days, st.sampled_from(["380", "386"])),
        "delivery": st.builds(
            LineDelivery, st.just("Chantier"), delivered_on=days, address=st.just(Address("FR", city="Brest"))
        ),
        "vat_amount": st.just(Decimal("2.00")),
    },
)
sums = st.decimals(Decimal("0.10"), Decimal("9999.99"), places=2).map(str)
third_parties = st.fixed_dictionaries(
    {},
    optional={
        role: st.just(siren_party("Tiers SA", "552100554"))
        for role in ("payer", "invoicer", "invoicee", "buyer_agent", "seller_agent")
    },
)


@settings(UNSHRUNK, max_examples=12)
@given(
    st.lists(st.tuples(sums, features), min_size=1, max_size=4), third_parties, st.sampled_from(["380", "384", "381"])
)
def test_generated_extended_documents_are_valid_in_every_form(
    validator: Validator, made: list[tuple[str, dict[str, Any]]], parties: dict[str, Any], type_code: str
) -> None:
    lines = [line(str(number), amount, **terms) for number, (amount, terms) in enumerate(made, 1)]
    document = replace(with_lines(plain_invoice(), *lines), profile=specification(Level.EXTENDED, "cii"), **parties)
    if type_code != "380":
        document = replace(document, type_code=type_code, preceding=(PrecedingInvoice("F-1", date(2026, 9, 1)),))
    for form in FORMS:
        assert_valid(judge(validator, document, form), profile_layer=True)
