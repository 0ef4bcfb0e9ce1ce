"""What a buyer may say when: any order, with three limits; and which orders of what came in cannot be."""

from __future__ import annotations

import pytest

from einvoice.lifecycle.statuses import (
    BUYER_STATUSES,
    LifecycleError,
    check_sendable_by_buyer,
    out_of_order,
    sendable_by_buyer,
)


def code_of(code: str, *history: str) -> str | None:
    try:
        check_sendable_by_buyer(code, history)
    except LifecycleError as error:
        return error.code
    return None


def test_a_fresh_invoice_takes_every_answer() -> None:
    assert sendable_by_buyer(["200", "202", "203"]) == BUYER_STATUSES
    assert sendable_by_buyer([]) == BUYER_STATUSES


@pytest.mark.parametrize("closing", ["210", "213", "220"])
def test_nothing_follows_what_closes_an_invoice(closing: str) -> None:
    assert sendable_by_buyer(["203", closing]) == ()
    assert code_of("205", "203", closing) == "lifecycle.closed"


@pytest.mark.parametrize("code", ["200", "209", "212", "213", "220", "999", ""])
def test_what_is_not_a_buyers_to_say_is_refused(code: str) -> None:
    assert code_of(code) == "lifecycle.not_buyers"


def test_taking_in_charge_is_said_once() -> None:
    assert code_of("204", "204", "207") == "lifecycle.said_already"


def test_an_approval_is_repeated_only_after_another_answer() -> None:
    assert code_of("205", "205", "211") == "lifecycle.said_already"
    assert code_of("205", "205", "207") is None
    assert code_of("205", "206") is None


def test_order_is_free_otherwise_even_a_refusal_after_a_payment() -> None:
    assert code_of("210", "205", "211", "212") is None
    assert code_of("207", "211") is None
    assert code_of("211", "211") is None


def test_what_was_set_after_a_refusal_is_out_of_order_and_late_news_is_not() -> None:
    assert out_of_order("205", ["203", "210"], []) == ("210", "205")
    assert out_of_order("210", ["203"], ["205"]) == ("210", "205")
    assert out_of_order("204", ["203"], ["205", "210"]) is None
    assert out_of_order("210", ["203", "204", "205"], []) is None


def test_an_unknown_code_and_a_cancellation_may_follow_anything() -> None:
    assert out_of_order("299", ["210"], []) is None
    assert out_of_order("220", ["210"], ["225"]) is None
