"""A small file must not cost much: whoever drops it shares the process with payments and webhooks.

Each of these once took minutes and more, most of them without ever letting another thread run. What is measured is
this process's own processor time, so that a busy machine does not fail the tests; no rules engine is needed.
"""

from __future__ import annotations

import json
import re
import time
from typing import TYPE_CHECKING

import pytest
from hand_written_invoices import CII, changed
from lxml import etree

from config.safe_xml import MAX_TAGS, UnsafeXmlError, parse
from einvoice.validation.check import Validator
from einvoice.validation.file_report import FileKind, FileReport
from einvoice.validation.house_rules import MOST_TOLD
from einvoice.validation.lines import element_at, with_lines
from einvoice.validation.location import readable_path
from einvoice.validation.verdict import Finding, Layer, Report, Severity, Verdict
from portal.app import create_app
from portal.validation.shown import show
from portal.validation.told import tell
from receivables.domain.money import Money, MoneyError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from portal.wiring import Services

CHEAP_S = 4.0
LINE = CII[CII.index("<ram:IncludedSupplyChainTradeLineItem>") : CII.index("<ram:ApplicableHeaderTradeAgreement>")]
XRECHNUNG = "urn:cen.eu:en16931:2017#compliant#urn:xeinkauf.de:kosit:xrechnung_3.0"


class Told:
    """An engine whose rules find nothing, and that keeps what it was asked about."""

    def __init__(self) -> None:
        self.specifications: list[bytes] = []

    def check(self, stylesheet: Path, document: etree._Element, layer: Layer) -> tuple[Finding, ...]:
        assert stylesheet.is_file()
        assert layer
        self.specifications += re.findall(rb"urn:cen\.eu[^<]*", etree.tostring(document))
        return ()


@pytest.fixture
def cheap() -> Iterator[None]:
    """Fails the test that took more processor time than an honest file ever does."""
    began = time.process_time()
    yield
    assert time.process_time() - began < CHEAP_S


def check(content: bytes) -> FileReport:
    return Validator(Told()).check_file(content, "f.xml")


@pytest.mark.usefixtures("cheap")
def test_a_value_of_many_braces_is_told_at_once() -> None:
    price = re.sub(r"(<ram:ChargeAmount[^>]*>)[^<]*", r"\1" + "{" * 60_000, LINE)
    report = check(changed(CII, (LINE, price * 30))).report
    assert report.verdict is Verdict.INVALID
    assert len(report.findings) == 30
    assert readable_path("Q{" * 100_000).startswith("Q{")


@pytest.mark.usefixtures("cheap")
def test_a_hundred_thousand_wrong_numbers_are_told_by_the_first_hundred() -> None:
    wrong = '<ram:GlobalID schemeID="0002">x</ram:GlobalID>'
    key = '<ram:GlobalID schemeID="0009">73282932000075</ram:GlobalID>'
    right = '<ram:GlobalID schemeID="0009">73282932000074</ram:GlobalID>'
    report = check(changed(CII, (right, key * 150 + wrong * 100_000))).report
    told = [each.rule for each in report.findings if each.layer is Layer.HOUSE]
    assert told.count("QT-SIREN") == MOST_TOLD
    assert told.count("QT-SIRET-KEY") == MOST_TOLD
    assert report.verdict is Verdict.INVALID


@pytest.mark.usefixtures("cheap")
def test_many_declared_namespaces_cost_no_search_for_each_element() -> None:
    count = 60_000
    declared = "".join(f' xmlns:n{number}="u:{number}"' for number in range(count)) + ' xmlns:z="u:z"'
    report = check(
        changed(
            CII,
            ("urn:cen.eu:en16931:2017<", f"{XRECHNUNG}<"),
            ("<rsm:CrossIndustryInvoice", f"<rsm:CrossIndustryInvoice{declared}"),
            ("</rsm:CrossIndustryInvoice>", "<z:a/>" * count + "</rsm:CrossIndustryInvoice>"),
        )
    ).report
    assert report.verdict is Verdict.INVALID


def test_another_specification_is_judged_as_the_norm_and_named_as_it_is() -> None:
    engine = Told()
    content = changed(CII, ("urn:cen.eu:en16931:2017<", f"{XRECHNUNG}<"))
    report = Validator(engine).check_file(content, "f.xml").report
    assert set(engine.specifications) == {b"urn:cen.eu:en16931:2017"}
    assert any(XRECHNUNG in each.message for each in report.findings if each.rule == "QT-BT-24")


@pytest.mark.usefixtures("cheap")
def test_findings_on_ten_thousand_lines_are_placed_by_looking_once() -> None:
    count = 10_000
    root = parse(b"<a>" + b"<x><y/>\n</x>" * count + b"</a>")
    found = [
        Finding("R", Severity.FATAL, "", Layer.EN16931, f"/a/x[{place}]/y[1]", None, None)
        for place in range(1, count + 1)
    ]
    placed = with_lines([*found, *found], root)
    assert [each.line for each in placed[:count]] == list(range(1, count + 1))
    last = element_at(root, f"/a/x[{count}]/y")
    assert last is root[-1][0]


@pytest.mark.usefixtures("cheap")
@pytest.mark.parametrize("amount", ["1E+999990", "9" * 150, "-1E+400000", "1E+9999999", "NaN", "sNaN", "Infinity"])
def test_an_amount_of_a_million_digits_is_none(services: Services, amount: str) -> None:
    with pytest.raises(MoneyError) as refused:
        Money.of(amount, "EUR")
    assert refused.value.code == "money.not_a_number"
    document = changed(CII, ("GrandTotalAmount>288.00<", f"GrandTotalAmount>{amount}<"))
    report = FileReport("f.xml", FileKind.CII, Report((), ()), document)
    with create_app(services).test_request_context("/validate"):
        facts = [each.value for each in show(report).facts]
    assert any(each.startswith(amount[:100]) for each in facts)


@pytest.mark.parametrize("day", ["20260101" * 20, "99999999", "2026-02-30", "\u0662\u0660\u0662\u0666", "20261"])
def test_a_day_that_is_none_is_shown_as_it_stands(services: Services, day: str) -> None:
    wrong = re.sub(r"(<ram:IssueDateTime>.*?>)\d{8}<", rf"\g<1>{day}<", CII, count=1, flags=re.DOTALL)
    report = FileReport("f.xml", FileKind.CII, Report((), ()), wrong.encode())
    with create_app(services).test_request_context("/validate"):
        assert day in [each.value for each in show(report).facts]


@pytest.mark.usefixtures("cheap")
def test_a_report_does_not_repeat_what_a_file_says_at_any_length() -> None:
    long = "u" * 1_000_000
    for content in (
        f'<a xmlns="{long}"/>'.encode(),
        changed(CII, ("urn:cen.eu:en16931:2017<", f"{XRECHNUNG}{long}<")),
        changed(CII, ('schemeID="0009">73282932000074<', f'schemeID="0009">{long}<')),
    ):
        assert len(json.dumps(tell(check(content)))) < 30_000


def _flood(encoding: str) -> bytes:
    return (f'<?xml version="1.0" encoding="{encoding}"?><a>' + "<b/>" * MAX_TAGS + "</a>").encode(encoding)


@pytest.mark.usefixtures("cheap")
@pytest.mark.parametrize("flood", [_flood("utf-8"), _flood("utf-16")], ids=["UTF-8", "UTF-16"])
def test_a_flood_of_tags_is_refused_before_it_is_a_tree(flood: bytes) -> None:
    with pytest.raises(UnsafeXmlError, match="tags") as refused:
        parse(flood)
    assert refused.value.code == "xml.too_large"
    assert [each.rule for each in check(flood).report.findings] == ["xml.too_large"]
