"""Statements that we write as banks do come back as they were told, in every format."""

from __future__ import annotations

import string
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statement_builders import IBAN, OTHER_IBAN, Paper, Told, camt, cfonb, mt940, ofx

from payments.statements.reading import read_statement
from portal.demo.bank import Movement, statement

if TYPE_CHECKING:
    from collections.abc import Callable

WRITERS: dict[str, Callable[[Paper], bytes]] = {
    "camt.053.02": camt,
    "camt.053.08": lambda paper: camt(paper, "08"),
    "camt.054": lambda paper: camt(paper, "08", notice=True),
    "cfonb": cfonb,
    "cfonb latin": lambda paper: cfonb(paper, "latin-1", "\n"),
    "mt940 slashed": mt940,
    "mt940 numbered": lambda paper: mt940(paper, "numbered"),
    "mt940 french": lambda paper: mt940(paper, "french"),
    "ofx sgml": ofx,
    "ofx xml": lambda paper: ofx(paper, xml=True),
}
DAY = date(2026, 11, 20)
LETTERS = string.ascii_uppercase + string.digits
REFERENCES = st.text(LETTERS, min_size=4, max_size=16).filter(lambda text: not text.startswith("NO"))
WORDS = st.lists(st.text(LETTERS + "éè", min_size=2, max_size=12), min_size=1, max_size=9).map(" ".join)
MOVEMENTS = st.builds(
    Told,
    minor=st.integers(-(10**11), 10**11).filter(bool),
    day=st.dates(date(2001, 1, 1), date(2079, 12, 31)),
    name=st.text(string.ascii_uppercase + " ", min_size=3, max_size=20).map(lambda text: " ".join(text.split())),
    iban=st.sampled_from([None, OTHER_IBAN]),
    text=WORDS,
    end_to_end=st.none() | REFERENCES,
    bank_ref=st.none() | REFERENCES,
)
PAPERS = st.builds(
    Paper,
    day=st.just(DAY),
    opening=st.integers(-(10**11), 10**11),
    movements=st.lists(MOVEMENTS, max_size=6).map(tuple),
)


@pytest.mark.parametrize("name", WRITERS)
@given(paper=PAPERS)
@settings(max_examples=40, deadline=None)
def test_amounts_days_and_balances_come_back_in_every_format(name: str, paper: Paper) -> None:
    (found,) = read_statement(WRITERS[name](paper), "file")
    assert found.account == IBAN
    assert found.currency == "EUR"
    assert [line.amount_minor for line in found.lines] == [told.minor for told in paper.movements]
    assert [line.booked_on for line in found.lines] == [told.day for told in paper.movements]
    assert found.remarks == ()
    if name != "camt.054":
        assert found.closing_minor == paper.closing
    if name.startswith(("camt.053", "cfonb", "mt940")):
        assert found.opening_minor == paper.opening


@pytest.mark.parametrize("name", [name for name in WRITERS if "ofx" not in name and "french" not in name])
@given(told=MOVEMENTS)
@settings(max_examples=40, deadline=None)
def test_who_paid_and_what_they_wrote_come_back(name: str, told: Told) -> None:
    (found,) = read_statement(WRITERS[name](Paper(DAY, 0, (told,))), "file")
    (line,) = found.lines
    assert line.counterparty == told.name
    assert line.counterparty_iban == told.iban
    assert told.text in line.remittance
    if "numbered" not in name:
        assert line.end_to_end_id == told.end_to_end
    assert line.bank_ref == told.bank_ref


@pytest.mark.parametrize("name", ["camt.053.02", "camt.053.08", "cfonb", "mt940 slashed"])
def test_a_returned_debit_names_the_debtor_and_the_reason(name: str) -> None:
    told = Told(-12000, DAY, "BRASSERIE DU PORT", OTHER_IBAN, "FACTURE 12", "E2E1", "RUM-7", return_code="AM04")
    (found,) = read_statement(WRITERS[name](Paper(DAY, 50000, (told,))), "file")
    line = found.lines[0]
    assert (line.amount_minor, line.return_code, line.mandate_ref) == (-12000, "AM04", "RUM-7")
    assert (line.counterparty, line.end_to_end_id) == ("BRASSERIE DU PORT", "E2E1")


@pytest.mark.parametrize("name", ["camt.053.02", "camt.053.08", "cfonb", "mt940 slashed", "mt940 french"])
def test_a_structured_reference_is_found_with_its_check_digits(name: str) -> None:
    told = Told(9900, DAY, "CLIENT", None, "REGLEMENT", structured="RF18539007547034")
    (found,) = read_statement(WRITERS[name](Paper(DAY, 0, (told,))), "file")
    assert found.lines[0].structured_reference == "RF18539007547034"


@pytest.mark.parametrize("name", ["camt.053.02", "cfonb", "mt940 slashed"])
def test_balances_that_do_not_add_up_are_told_with_the_gap(name: str) -> None:
    paper = Paper(DAY, 10000, (Told(500, DAY, "X", text="Y"),), closing_gap=1234)
    (found,) = read_statement(WRITERS[name](paper), "file")
    assert [remark.code for remark in found.remarks] == ["statement.gap"]
    assert "12.34 EUR" in found.remarks[0].sentence
    assert "12.34 EUR" in found.remarks[0].sentence_fr


@pytest.mark.parametrize("version", ["02", "08"])
def test_a_batch_told_in_detail_becomes_its_payments(version: str) -> None:
    told = Told(30000, DAY, batch="LOT-9", parts=(("ANNE", 10000, "E1"), ("BOB", 15000, "E2"), ("CLEO", 5000, "E3")))
    (found,) = read_statement(camt(Paper(DAY, 0, (told,)), version), "file")
    assert [(line.counterparty, line.amount_minor, line.end_to_end_id) for line in found.lines] == [
        ("ANNE", 10000, "E1"),
        ("BOB", 15000, "E2"),
        ("CLEO", 5000, "E3"),
    ]
    assert {line.batch_ref for line in found.lines} == {"LOT-9"}
    assert {line.entry for line in found.lines} == {1}


def test_a_batch_whose_details_do_not_add_up_stays_one_line_with_a_remark() -> None:
    told = Told(30000, DAY, parts=(("ANNE", 10000, "E1"), ("BOB", 15000, "E2")))
    (found,) = read_statement(camt(Paper(DAY, 0, (told,))), "file")
    assert [line.amount_minor for line in found.lines] == [30000]
    assert [remark.code for remark in found.remarks] == ["statement.batch_not_split"]


def test_a_text_cut_at_full_width_is_put_together_without_a_space() -> None:
    text = "FACTURES " + "F2026-0001/" * 20
    (found,) = read_statement(camt(Paper(DAY, 0, (Told(100, DAY, "X", text=text),))), "file")
    assert found.lines[0].remittance == text
    cut = text[:140]
    (found,) = read_statement(cfonb(Paper(DAY, 0, (Told(100, DAY, "X", text=cut),))), "file")
    assert cut in found.lines[0].remittance


def test_several_accounts_in_one_file_stay_apart() -> None:
    one, other = Paper(DAY, 0, (Told(100, DAY, "A", text="B"),)), Paper(DAY, 5, (Told(-7, DAY, "A", text="B"),))
    found = read_statement(cfonb(one) + cfonb(replace(other, iban="FR7610278000010001234567841")), "file")
    assert [(each.account, each.total_minor) for each in found] == [(IBAN, 100), ("FR7610278000010001234567841", -7)]
    assert [each.total_minor for each in read_statement(mt940(one) + mt940(other), "file")] == [100, -7]


def test_the_statement_of_the_demonstration_is_read_without_a_remark() -> None:
    moves = [Movement(48_250, "SCI L'ÉCLUSE", "FACTURE F2026-0001 F2026-0002"), Movement(-1_490, "", "COTISATION")]
    (found,) = read_statement(statement(IBAN, DAY, moves), "file")
    assert [(line.amount_minor, line.counterparty) for line in found.lines] == [(48_250, "SCI L ECLUSE"), (-1_490, "")]
    assert "F2026-0001 F2026-0002" in found.lines[0].remittance
    assert (found.account, found.remarks) == (IBAN, ())
