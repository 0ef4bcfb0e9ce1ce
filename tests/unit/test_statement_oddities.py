"""What banks really do to their formats, and what broken files get: one clear sentence, never a crash."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from statement_builders import IBAN, OTHER_IBAN, Paper, Told, camt, cfonb, mt940, ofx

from payments.statements.errors import StatementError
from payments.statements.fields import french_iban, joined, reference_in, rf_of
from payments.statements.reading import read_statement

DAY = date(2026, 11, 20)
PAPER = Paper(
    DAY,
    125_000,
    (
        Told(12_340, DAY, "BRASSERIE DU PORT", OTHER_IBAN, "FACTURE F2026-0012 ET 0013", "E2E-1", bank_ref="B1"),
        Told(-5_000, DAY, "FOURNISSEUR", None, "LOYER NOVEMBRE", bank_ref="B2"),
        Told(30_000, DAY, batch="LOT", parts=(("A", 10_000, "1"), ("B", 20_000, "2"))),
    ),
)
FILES = {
    "camt.053.02": camt(PAPER),
    "camt.053.08": camt(PAPER, "08"),
    "camt.054": camt(PAPER, notice=True),
    "cfonb": cfonb(PAPER),
    "mt940": mt940(PAPER),
    "mt940 numbered": mt940(PAPER, "numbered"),
    "ofx": ofx(PAPER),
    "ofx xml": ofx(PAPER, xml=True),
}


@pytest.mark.parametrize("name", FILES)
@given(data=st.data())
@settings(max_examples=250, deadline=None)
def test_a_damaged_file_is_read_or_refused_with_a_sentence_and_never_crashes(name: str, data: st.DataObject) -> None:
    content = bytearray(FILES[name])
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(content)))
        length = data.draw(st.sampled_from([0, 1, 2, 7, 60]))
        content[start : start + length] = data.draw(
            st.binary(max_size=6) | st.sampled_from([b"-", b"\n", b"99", b"<", b"}"])
        )
    refused: list[StatementError] = []
    try:
        read_statement(bytes(content), "file")
    except StatementError as error:
        refused.append(error)
    assert all(error.code.startswith("statement.") for error in refused)
    assert all(str(error) != error.sentence_fr for error in refused)


@given(st.binary(max_size=300) | st.text(max_size=300).map(lambda text: text.encode("utf-8", "replace")))
@example(b"")
@example(b"<")
@example(b"\xff\xfe<\x00")
@example(b"%PDF-1.7")
@settings(max_examples=300, deadline=None)
def test_anything_that_is_no_statement_is_refused(content: bytes) -> None:
    with pytest.raises(StatementError):
        read_statement(content, "file")


@pytest.mark.parametrize("name", [name for name in FILES if "ofx" not in name])
@pytest.mark.parametrize("share", [3, 2])
def test_a_file_that_was_cut_off_is_refused_and_never_half_read(name: str, share: int) -> None:
    content = FILES[name]
    with pytest.raises(StatementError):
        read_statement(content[: len(content) * (share - 1) // share], "file")


def test_a_wrong_amount_is_refused_with_its_line() -> None:
    broken = cfonb(PAPER).decode("cp1252").split("\r\n")
    broken[1] = broken[1][:95] + "X" + broken[1][96:]
    with pytest.raises(StatementError, match=r"^l\. 2: '00000X") as refused:
        read_statement("\r\n".join(broken).encode("cp1252"), "file")
    assert refused.value.code == "statement.wrong_amount"
    assert refused.value.sentence_fr.startswith("l. 2 : ")


def test_a_cancelled_credit_takes_money_away() -> None:
    content = mt940(PAPER).replace(b"C123,40", b"RC123,40")
    (found,) = read_statement(content, "file")
    assert found.lines[0].amount_minor == -12_340
    assert [remark.code for remark in found.remarks] == ["statement.gap"]


def test_a_reversal_keeps_the_sign_that_the_bank_gives_it() -> None:
    content = camt(PAPER).replace(
        b"<CdtDbtInd>DBIT</CdtDbtInd><Sts>", b"<CdtDbtInd>DBIT</CdtDbtInd><RvslInd>true</RvslInd><Sts>"
    )
    (found,) = read_statement(content, "file")
    assert [line.amount_minor for line in found.lines] == [12_340, -5_000, 10_000, 20_000]


def test_a_movement_that_is_not_booked_yet_is_left_out_and_told() -> None:
    content = camt(PAPER).replace(b"<Sts>BOOK</Sts>", b"<Sts>PDNG</Sts>", 1)
    (found,) = read_statement(content, "file")
    assert len(found.lines) == 3
    assert {remark.code for remark in found.remarks} == {"statement.not_booked", "statement.gap"}


def test_a_booking_day_after_new_year_belongs_to_the_new_year() -> None:
    content = (
        b":20:X\n:25:FR7630006000011234567890189\n:60F:C261231EUR0,\n:61:2612310102C1,NMSCNONREF\n:62F:C270102EUR1,\n"
    )
    (found,) = read_statement(content, "file")
    assert (found.lines[0].value_on, found.lines[0].booked_on) == (date(2026, 12, 31), date(2027, 1, 2))


def test_pages_of_one_mt940_statement_are_put_together() -> None:
    content = (
        b":20:X\r\n:25:30006/00001/12345678901\r\n:28C:1/1\r\n:60F:C261120EUR10,00\r\n:61:261120C5,00NTRFA//1\r\n"
        b":62M:C261120EUR15,00\r\n-\r\n:20:X\r\n:25:30006/00001/12345678901\r\n:28C:1/2\r\n:60M:C261120EUR15,00\r\n"
        b":61:261120D3,00NTRFB//2\r\n:86:LOYER\r\n:62F:C261120EUR12,00\r\n-\r\n"
    )
    (found,) = read_statement(content, "file")
    assert (found.opening_minor, found.closing_minor, found.total_minor) == (1000, 1200, 200)
    assert found.account == IBAN
    assert found.remarks == ()


def test_cfonb_without_line_ends_is_cut_at_120() -> None:
    whole = cfonb(PAPER)
    glued = whole.replace(b"\r\n", b"")
    assert read_statement(glued, "file")[0].total_minor == read_statement(whole, "file")[0].total_minor


def test_accents_of_old_files_are_kept() -> None:
    paper = Paper(DAY, 0, (Told(100, DAY, "CAFÉ DE LA GARÈ", text="RÉGLÉ"),))
    for content in (cfonb(paper), cfonb(paper, "latin-1"), cfonb(paper, "utf-8"), mt940(paper)):
        assert read_statement(content, "file")[0].lines[0].counterparty == "CAFÉ DE LA GARÈ"


def test_ofx_amounts_with_a_comma_and_names_longer_than_the_norm_are_read() -> None:
    content = ofx(PAPER).replace(b"+123.40", b"123,40").replace(b"<NAME>BRASSERIE DU PORT", b"<NAME>" + b"X" * 60)
    line = read_statement(content, "file")[0].lines[0]
    assert (line.amount_minor, line.counterparty) == (12_340, "X" * 60)


def test_an_account_report_is_refused_because_its_movements_are_not_final() -> None:
    with pytest.raises(StatementError, match=r"camt\.053"):
        read_statement(camt(PAPER).replace(b"BkToCstmrStmt", b"BkToCstmrAcctRpt"), "file")


def test_an_entity_in_the_xml_is_refused() -> None:
    bomb = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "b">]>' + camt(PAPER).partition(b"?>")[2]
    with pytest.raises(StatementError) as refused:
        read_statement(bomb, "file")
    assert refused.value.code == "statement.doctype"


def test_a_french_account_number_becomes_its_iban() -> None:
    assert french_iban("20041", "01005", "0500013M026") == OTHER_IBAN
    assert french_iban("30006", "00001", "12345678901") == IBAN
    assert french_iban("30006", "", "12345678901") is None


@pytest.mark.parametrize(
    ("parts", "whole"),
    [
        (["A" * 35, "B" * 3], "A" * 35 + "BBB"),
        (["FACTURE", "12"], "FACTURE 12"),
        (["A" * 140, "B" * 140, "C"], "A" * 140 + "B" * 140 + "C"),
        (["A" * 70, "B" * 12, "C"], "A" * 70 + " " + "B" * 12 + " C"),
    ],
)
def test_parts_are_joined_where_they_were_cut(parts: list[str], whole: str) -> None:
    assert joined(parts) == whole


def test_a_creditor_reference_is_found_in_a_text_and_a_wrong_one_is_not() -> None:
    assert reference_in("VIR RF18 5390 0754 7034 MERCI") == "RF18539007547034"
    assert reference_in("VIR RF19539007547034") is None
    assert rf_of("RF18539007547034") == "RF18539007547034"
