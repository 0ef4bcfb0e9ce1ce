"""What keeps ``docs/conformance.md`` true between two runs of the judges, and the reading of their answers."""

from __future__ import annotations

from pathlib import Path

import pytest
from conformance import tables
from conformance.explained import EXPLAINED
from conformance.invoices import all_cases
from conformance.judges import Judged, _read_mustang, tally

REPORT = (
    '<validation><pdf><summary status="valid"/></pdf><xml><messages>{messages}</messages>'
    '<summary status="{xml}"/></xml><messages/><summary status="{all}"/></validation>'
)


def test_the_catalogue_holds_every_kind_frame_and_category() -> None:
    cases = all_cases()
    assert len(cases) >= 100
    assert len({case.name for case in cases}) == len(cases)
    kinds = {case.request.get("type_code", "380") for case in cases}
    assert kinds == {"380", "381", "384", "386", "393", "396", "472", "503", "262"}
    categories = {line.get("vat_category", "S") for case in cases for line in case.request["lines"]}
    assert categories == {"S", "Z", "E", "AE", "K", "G", "O"}
    assert {case.request.get("currency", "EUR") for case in cases} >= {"EUR", "USD", "CHF", "GBP", "JPY", "PLN"}
    assert max(len(case.request["lines"]) for case in cases) == 400


def test_the_page_states_the_catalogue_as_it_is() -> None:
    assert tables.stated("catalogue") == tables.catalogue_table()


def test_the_page_states_no_error_no_missed_fault_and_explains_every_warning() -> None:
    judges, warnings = tables.stated("judges"), tables.stated("warnings")
    rows = [row.split(" | ") for row in judges.splitlines()[2:]]
    assert len(rows) >= 10
    for row in rows:
        assert row[1].startswith("0 / ")
        assert row[3] == "found |"
    named = {row.split(" | ")[0].removeprefix("| ") for row in warnings.splitlines()[2:]}
    assert named <= set(EXPLAINED)
    assert all(EXPLAINED[name] in warnings for name in named)


@pytest.mark.parametrize(
    ("messages", "xml", "errors", "warnings"),
    [
        ("", "valid", (), ()),
        ("", "invalid", ("summary ['valid', 'invalid', 'invalid']",), ()),
        ('<error type="4">wrong [ID BR-CO-15] from /x.xslt)</error>', "invalid", ("BR-CO-15",), ()),
        ('<warning type="4">so [ID PEPPOL-R8] from /x.xslt)</warning>', "valid", (), ("PEPPOL-R8",)),
        ('<exception type="1">boom</exception>', "invalid", ("boom",), ()),
    ],
)
def test_a_report_of_mustang_is_read_with_its_rules(
    messages: str, xml: str, errors: tuple[str, ...], warnings: tuple[str, ...]
) -> None:
    report = REPORT.format(messages=messages, xml=xml, all=xml)
    assert _read_mustang(Path("x.pdf"), report) == Judged(Path("x.pdf"), errors, warnings)


def test_a_file_on_which_mustang_is_silent_has_failed() -> None:
    assert _read_mustang(Path("x.pdf"), "").errors


def test_a_rule_is_counted_once_per_file() -> None:
    assert tally([("a", "a"), ("a", "b"), ()]) == {"a": 2, "b": 1}
