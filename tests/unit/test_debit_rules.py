"""Rules of direct debits that need no database: days, identifiers, reasons, words, answers of the bank."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest
from debit_builders import ICS, OTHER_IBAN, PAYER_IBAN, pain002, rejected_debit
from hypothesis import given
from hypothesis import strategies as st

from config.law.days import BANKING, add_days, closing_days, days_before, is_open, on_or_after
from payments.debits.accounts import Account, read_iban
from payments.debits.answers import read_answer
from payments.debits.mandate_page import draw_mandate
from payments.debits.pain import Creditor, TransferLine, write_transfers, xsd_of
from payments.debits.reasons import reason_of
from payments.debits.schedule import collection_day, first_day, lapses_on, last_day_to_send
from payments.debits.settings import DebitSettings, read_ics
from payments.debits.wording import Terms, words_of
from payments.errors import PaymentError

SETTINGS = DebitSettings(ICS, "Atelier Lumière", core_days=1, b2b_days=2, cutoff=time(10, 0))
DAYS = st.dates(date(2020, 1, 1), date(2040, 12, 31))
INSTANTS = st.datetimes(datetime(2020, 1, 1), datetime(2040, 12, 31)).map(lambda each: each.replace(tzinfo=UTC))  # noqa: DTZ001


def test_target_is_closed_on_its_six_days_of_2027() -> None:
    wanted = {(1, 1), (3, 26), (3, 29), (5, 1), (12, 25), (12, 26)}
    assert {(day.month, day.day) for day in closing_days(BANKING, 2027)} == wanted
    assert is_open(date(2026, 7, 14), BANKING)  # a holiday in France, a banking day


@given(DAYS, st.integers(0, 15))
def test_banking_days_forward_and_back_are_the_same_way(day: date, count: int) -> None:
    start = on_or_after(day, BANKING)
    assert days_before(add_days(start, count, BANKING), count, BANKING) == start
    assert is_open(add_days(start, count, BANKING), BANKING)


@given(DAYS)
def test_the_next_open_day_is_open_and_nothing_open_lies_before_it(day: date) -> None:
    found = on_or_after(day, BANKING)
    assert is_open(found, BANKING)
    assert not any(is_open(day + timedelta(days=n), BANKING) for n in range((found - day).days))


@given(INSTANTS, DAYS, st.integers(1, 30), st.sampled_from(["core", "b2b"]))
def test_a_collection_is_never_before_due_date_notice_or_lead_time(
    at: datetime, due_on: date, notice: int, scheme: str
) -> None:
    day = collection_day(SETTINGS, scheme, due_on, notice, at)
    assert is_open(day, BANKING)
    assert day >= due_on
    assert day >= at.date() + timedelta(days=notice)
    assert last_day_to_send(SETTINGS, scheme, first_day(SETTINGS, scheme, at)) >= at.date()


def test_a_file_of_friday_after_the_cut_off_counts_for_monday() -> None:
    friday = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)  # half past ten in Paris
    assert first_day(SETTINGS, "core", friday) == date(2026, 11, 24)
    assert first_day(SETTINGS, "core", friday - timedelta(hours=1)) == date(2026, 11, 23)
    assert first_day(SETTINGS, "b2b", friday - timedelta(hours=1)) == date(2026, 11, 24)


def test_good_friday_and_easter_monday_are_no_banking_days() -> None:
    thursday = datetime(2027, 3, 25, 7, 0, tzinfo=UTC)
    assert first_day(SETTINGS, "core", thursday) == date(2027, 3, 30)


@pytest.mark.parametrize(
    ("last", "lapse"),
    [
        (date(2026, 11, 22), date(2029, 11, 22)),
        (date(2024, 2, 29), date(2027, 2, 28)),
        (date(2025, 12, 31), date(2028, 12, 31)),
    ],
)
def test_a_mandate_lapses_after_36_months(last: date, lapse: date) -> None:
    assert lapses_on(last) == lapse


@pytest.mark.parametrize("wrong", ["FR73ZZZ123456", "FR72ZZZ12345", "", "ZZ72ZZZ123456", "FR7630006000011234567890189"])
def test_a_wrong_creditor_identifier_is_refused_with_what_to_do(wrong: str) -> None:
    with pytest.raises(PaymentError, match="creditor identifier") as refused:
        read_ics(wrong)
    assert refused.value.code == "debit.bad_ics"


def test_a_creditor_identifier_is_kept_without_spaces() -> None:
    assert read_ics("FR72 ZZZ 123456") == ICS


def test_an_iban_is_checked_and_its_bic_derived() -> None:
    assert read_iban(f" {PAYER_IBAN[:4]} {PAYER_IBAN[4:]} ").iban == PAYER_IBAN
    assert read_iban(OTHER_IBAN).bic == "COBADEFFXXX"
    assert read_iban(PAYER_IBAN).last4 == PAYER_IBAN[-4:]


@pytest.mark.parametrize(
    ("given_iban", "code"),
    [
        ("FR1420041010050500013M02607", "debit.bad_iban"),
        ("bonjour", "debit.bad_iban"),
        ("BR1800360305000010009795493C1", "debit.iban_outside_sepa"),
    ],
)
def test_a_wrong_or_distant_iban_is_refused(given_iban: str, code: str) -> None:
    with pytest.raises(PaymentError) as refused:
        read_iban(given_iban)
    assert refused.value.code == code


def test_every_code_that_may_be_tried_again_says_so_and_no_other() -> None:
    day = date(2026, 11, 22)
    codes = "AM04 AC01 RC01 AC04 AC06 AG01 AG02 AM05 MD01 MD02 MD06 MD07 MS02 MS03 RR01 RR02 RR03 RR04 SL01 BE05 DUPL"
    assert {code for code in codes.split() if reason_of(code, day).retries} == {"AM04", "MS03"}
    assert reason_of("insufficient_funds", day).code == "AM04"
    assert reason_of("XX99", day).task == "ask_bank"
    assert reason_of(None, day).retries == 0


def test_a_core_mandate_names_the_eight_weeks_and_a_b2b_mandate_that_there_are_none() -> None:
    core, b2b = (words_of(Terms("Atelier", ICS, scheme, False, 14), "fr").text for scheme in ("core", "b2b"))  # noqa: FBT003
    assert "8 semaines" in core
    assert "13 mois" in core
    assert "8 semaines" not in b2b
    assert "n'avez pas droit à un remboursement" in b2b


def test_the_same_mandate_gives_the_same_bytes() -> None:
    words = words_of(Terms("Atelier Lumière", ICS, "core", False, 14), "en")  # noqa: FBT003
    pages = [draw_mandate(words, (("Name", "Camille"),), "0" * 64, date(2026, 11, 22)) for _ in range(2)]
    assert pages[0] == pages[1]
    assert pages[0].startswith(b"%PDF-1.7")


@pytest.mark.parametrize("schema", ["pain.001.001.09", "pain.001.001.03"])
def test_both_versions_of_transfers_pass_their_grammar(schema: str) -> None:
    lines = [
        TransferLine(f"QR{n:032x}", date(2026, 11, 24), 1050 + n, "Société Œuf", Account(OTHER_IBAN, None), "Avoir")
        for n in range(3)
    ]
    creditor = Creditor("Atelier Lumière", read_iban(PAYER_IBAN), ICS)
    written = write_transfers(schema, "QV261124-0123456789", creditor, lines, at=datetime(2026, 11, 22, tzinfo=UTC))
    from lxml import etree  # noqa: PLC0415 -- to judge alone

    root = etree.fromstring(written)
    assert xsd_of(schema).validate(root)
    assert next(each.text for each in root.iter("{*}CtrlSum")) == "31.53"
    assert {each.text for each in root.iter("{*}MsgId")} == {"QV261124-0123456789"}


def test_an_answer_says_how_far_its_word_goes() -> None:
    rejected = rejected_debit("E-1", "AC04")
    told = f"<OrgnlPmtInfId>P-1</OrgnlPmtInfId><PmtInfSts>ACCP</PmtInfSts>{rejected}"
    part = f"<OrgnlPmtInfAndSts>{told}</OrgnlPmtInfAndSts>"
    report = read_answer(pain002("M-1", group="<GrpSts>PART</GrpSts>", parts=part))
    reach, said = report.verdict_on("P-1", "E-1") or ("", None)
    assert (reach, said and said.status, said and said.code) == ("debit", "RJCT", "AC04")
    assert (report.verdict_on("P-1", "E-2") or ("",))[0] == "part"
    assert (report.verdict_on("P-2", "E-3") or ("",))[0] == "file"


@pytest.mark.parametrize("given_file", [b"<a/>", b"<Document><CstmrPmtStsRpt/></Document>"])
def test_a_file_that_is_no_answer_is_refused(given_file: bytes) -> None:
    with pytest.raises(PaymentError) as refused:
        read_answer(given_file)
    assert refused.value.code == "debit.not_an_answer"
