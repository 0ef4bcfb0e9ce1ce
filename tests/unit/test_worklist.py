"""The rank of an account: the cash that one more word may bring, and why."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from config.clock import new_id
from receivables.domain.collecting.chasing import Hold, hold_back
from receivables.domain.collecting.worklist import Account, by_expected_cash, most_expected, rank

TODAY = date(2026, 11, 20)


def account(days: int = 40, chaseable_minor: int = 100_000, **changes: Any) -> Account:
    """An account that is ``days`` late."""
    values: dict[str, Any] = {
        "customer_id": new_id(),
        "account_code": "C00001",
        "name": "Boulangerie Martin",
        "currency": "EUR",
        "chaseable_minor": chaseable_minor,
        "late_minor": chaseable_minor,
        "held": {},
        "invoices": 2,
        "oldest_on": TODAY - timedelta(days=days),
    }
    return Account(**{**values, **changes})


@pytest.mark.parametrize(
    ("days", "expected"), [(1, 85_000), (15, 85_000), (16, 75_000), (31, 60_000), (61, 45_000), (91, 25_000)]
)
def test_the_older_a_debt_the_less_is_expected_of_a_word(days: int, expected: int) -> None:
    assert rank(account(days), TODAY).expected_minor == expected


def test_whoever_was_just_spoken_to_waits() -> None:
    fresh = rank(account(), TODAY)
    spoken = rank(account(spoken_on=TODAY - timedelta(days=1)), TODAY)
    lately = rank(account(spoken_on=TODAY - timedelta(days=4)), TODAY)
    long_ago = rank(account(spoken_on=TODAY - timedelta(days=20)), TODAY)
    assert [each.expected_minor for each in (fresh, long_ago, lately, spoken)] == [60_000, 60_000, 30_000, 9_000]
    assert [each.code for each in spoken.reasons] == ["late", "spoken"]


def test_a_broken_promise_comes_up_and_says_so() -> None:
    broken = rank(account(broken_on=TODAY - timedelta(days=3)), TODAY)
    assert broken.expected_minor == 69_000
    assert [each.code for each in broken.reasons] == ["late", "promise_broken", "never_spoken"]


@pytest.mark.parametrize("days", [1, 15, 16, 31, 61, 91])
@pytest.mark.parametrize("grade", [None, "A", "E"])
@pytest.mark.parametrize("is_broken", [True, False], ids=["broken", "kept"])
def test_no_account_is_worth_more_than_the_most_that_may_be_expected(
    days: int, grade: str | None, *, is_broken: bool
) -> None:
    free = account(days, broken_on=TODAY if is_broken else None, grade=grade)
    most = most_expected(free.late_minor, free.oldest_on, TODAY, is_broken=is_broken, grade=grade)
    assert rank(free, TODAY).expected_minor == most
    spoken = account(days, broken_on=free.broken_on, grade=grade, spoken_on=TODAY)
    assert rank(spoken, TODAY).expected_minor < most


def test_no_chance_is_a_certainty() -> None:
    best = rank(account(1, broken_on=TODAY, grade="A"), TODAY)
    assert best.expected_minor == 95_000


def test_what_may_not_be_asked_for_brings_nobody_up_and_is_told() -> None:
    held = rank(account(chaseable_minor=0, late_minor=900_000, held={"disputed": 900_000}), TODAY)
    small = rank(account(chaseable_minor=100), TODAY)
    assert sorted([held, small], key=by_expected_cash) == [small, held]
    assert ("held_disputed", {"minor": 900_000}) in [(each.code, each.facts) for each in held.reasons]


def test_holds_take_from_what_is_open_in_their_order_and_never_twice() -> None:
    left, held = hold_back(10_000, [Hold("in_flight", 4_000), Hold("disputed", 8_000), Hold("promised", 5_000)])
    assert left == 0
    assert [(each.why, each.amount_minor) for each in held] == [("in_flight", 4_000), ("disputed", 6_000)]
