"""Rules behind the settings: when invoices fall due, how numbers look, what forms and VIES say."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from flask import Flask

from portal.staff.settings.items import price_words, rates_today
from portal.staff.settings.law import steps_of
from portal.staff.settings.typed import Typed, written
from portal.vat_numbers.vies import read_answer
from receivables.domain.invoicing.number_series import NumberWording, is_prefix
from receivables.domain.settlement.payment_terms import CountedFrom, PaymentTerms
from receivables.store.customer_file.vat_checks import Answer
from receivables.store.mail.texts import EVERY_MAIL, MailText, MailTexts


@pytest.mark.parametrize(
    ("days", "counted", "issued", "due"),
    [
        (30, CountedFrom.INVOICE, date(2026, 1, 31), date(2026, 3, 2)),
        (45, CountedFrom.MONTH_END, date(2026, 1, 10), date(2026, 3, 17)),
        (45, CountedFrom.THEN_MONTH_END, date(2026, 1, 10), date(2026, 2, 28)),
        (0, CountedFrom.THEN_MONTH_END, date(2028, 2, 1), date(2028, 2, 29)),
        (0, CountedFrom.INVOICE, date(2026, 12, 31), date(2026, 12, 31)),
    ],
)
def test_terms_give_the_due_date(days: int, counted: CountedFrom, issued: date, due: date) -> None:
    assert PaymentTerms(days, counted).due_on(issued) == due


def test_numbers_have_prefix_year_and_a_count_that_may_outgrow_its_digits() -> None:
    assert NumberWording("F").number(2026, 42) == "F2026-00042"
    assert NumberWording("LYON-A", 4).number(2027, 7) == "LYON-A2027-0007"
    assert NumberWording("F", 4).number(2026, 123456) == "F2026-123456"


def test_the_longest_number_is_one_that_platforms_accept() -> None:
    longest = NumberWording("A" * 11, 9).number(2999, 10**9)
    assert len(longest) <= 35, "BR-FR-01"


@pytest.mark.parametrize("prefix", ["", "-F", "F-", "f", "F 1", "F/1", "ABCDEFGHIJKL", "É"])
def test_a_prefix_that_platforms_would_refuse_is_none(prefix: str) -> None:
    assert not is_prefix(prefix)


@pytest.mark.parametrize("prefix", ["F", "FA", "LYON-2", "A1-B2"])
def test_a_prefix_is_letters_figures_and_dashes_within(prefix: str) -> None:
    assert is_prefix(prefix)


def test_an_unavailable_member_state_says_nothing_of_the_number() -> None:
    told = read_answer({"actionSucceed": False, "errorWrappers": [{"error": "MS_UNAVAILABLE"}]})
    assert (told.answer, told.reason) == (Answer.UNANSWERED, "MS_UNAVAILABLE")


@pytest.mark.parametrize("told", [None, [], "valid", {}, {"valid": "true"}, {"errorWrappers": ["x"]}, {"valid": None}])
def test_what_is_no_answer_of_vies_never_counts_as_valid_or_invalid(told: object) -> None:
    assert read_answer(told).answer is Answer.UNANSWERED


def test_an_answer_of_vies_keeps_name_and_consultation() -> None:
    told = read_answer({"valid": True, "name": "ACME  NV\n", "address": "---", "requestIdentifier": "WAPI0001"})
    assert (told.answer, told.name, told.address, told.consultation) == (Answer.VALID, "ACME NV", None, "WAPI0001")
    wrong = read_answer({"actionSucceed": False, "errorWrappers": [{"error": "INVALID_INPUT"}]})
    assert wrong.answer is Answer.INVALID


def test_a_form_says_what_is_wrong_where() -> None:
    with Flask("x").test_request_context("/", headers={"Accept-Language": "fr"}):
        typed = Typed({"a": "12", "b": "1 234,50", "c": "1,2345678", "d": "x", "e": "366", "f": ""})
        assert typed.whole("a", 0, 365) == 12
        assert typed.decimal("b", Decimal(10000), 6) == Decimal("1234.50")
        assert typed.decimal("c", Decimal(10), 6) is None
        assert typed.decimal("d", Decimal(10), 6) is None
        assert typed.whole("e", 0, 365) is None
        assert typed.whole("f", 0, 365) is None
        assert typed.need("f") == ""
        assert set(typed.faults) == {"c", "d", "e", "f"}


@pytest.mark.parametrize("given", ["NaN", "Infinity", "1e5", "-3", "٣", "1.2.3"])
def test_a_number_that_is_none_is_a_fault(given: str) -> None:
    with Flask("x").test_request_context("/"):
        typed = Typed({"n": given})
        assert typed.decimal("n", Decimal(10**6), 6) is None
        assert "n" in typed.faults


def test_prices_are_written_with_the_decimals_that_they_have() -> None:
    with Flask("x").test_request_context("/", headers={"Accept-Language": "en"}):
        assert price_words(Decimal(80)) == "€80.00"
        assert price_words(Decimal("0.00125")) == "€0.00125"
    assert written(Decimal("5.50")) == "5,50"


def test_rates_of_today_begin_with_the_standard_one() -> None:
    assert rates_today()[0] == "20"
    assert {"10", "5.5", "2.1"} <= set(rates_today())
    assert "19.6" not in rates_today(), "a rate that is no more"


def test_the_calendar_follows_the_size() -> None:
    with Flask("x").test_request_context("/", headers={"Accept-Language": "fr"}):
        days = {size: [step.since for step in steps_of(size)] for size in ("micro", "large")}
    assert days["large"] == [date(2026, 9, 1)] * 3
    assert days["micro"] == [date(2026, 9, 1), date(2027, 9, 1), date(2027, 9, 1)]


def test_mails_without_own_words_are_the_houses() -> None:
    texts = MailTexts({(EVERY_MAIL, "fr"): MailText(EVERY_MAIL, "fr", closing="Ada")})
    assert texts.of("invoice", "fr").is_empty
    assert (texts.signature("fr"), texts.signature("en")) == ("Ada", "")
