"""Money is a whole number of cents; splits lose none and never shrink a part while the total grows."""

from __future__ import annotations

import operator
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receivables.domain.money import Money, MoneyError, apportion

weights = st.lists(st.integers(0, 10_000_00), min_size=1, max_size=8).filter(any)
totals = st.integers(0, 20_000_00)


@pytest.mark.parametrize(
    ("amount", "currency", "minor"),
    [
        ("12.30", "EUR", 1230),
        (Decimal("-0.01"), "EUR", -1),
        (7, "EUR", 700),
        ("1500", "JPY", 1500),
        ("1.234", "TND", 1234),
    ],
)
def test_an_amount_becomes_minor_units_of_its_currency(amount: str, currency: str, minor: int) -> None:
    money = Money.of(amount, currency)
    assert money.minor == minor
    assert money.decimal == Decimal(amount)


@pytest.mark.parametrize(
    ("amount", "currency", "code"),
    [
        ("1.005", "EUR", "money.too_precise"),
        ("0.5", "JPY", "money.too_precise"),
        ("twelve", "EUR", "money.not_a_number"),
        ("NaN", "EUR", "money.not_a_number"),
        ("Infinity", "EUR", "money.not_a_number"),
    ],
)
def test_an_amount_that_cannot_be_is_refused(amount: str, currency: str, code: str) -> None:
    with pytest.raises(MoneyError) as refused:
        Money.of(amount, currency)
    assert refused.value.code == code


@pytest.mark.parametrize("minor", [1.0, Decimal(1), True, "1"])
def test_a_float_never_becomes_money(minor: object) -> None:
    with pytest.raises(MoneyError, match="not a whole number"):
        Money(minor)  # type: ignore[arg-type]


def test_two_currencies_are_never_added_nor_compared() -> None:
    for act in (operator.add, operator.sub, operator.lt, operator.le):
        with pytest.raises(MoneyError) as refused:
            act(Money(1, "EUR"), Money(1, "USD"))
        assert refused.value.code == "money.currencies_differ"
    assert Money(1, "EUR") != Money(1, "USD")


def test_money_of_one_currency_adds_up() -> None:
    assert Money(150) + Money(-50) - Money(1) == Money(99)
    assert -Money(5) < Money(0) <= Money(0)
    assert not Money(0)
    assert str(Money(123456)) == "1234.56 EUR"


@given(totals, weights)
def test_parts_sum_to_the_total(total: int, over: list[int]) -> None:
    parts = apportion(total, over)
    assert sum(parts) == total
    assert all(part >= 0 for part in parts)
    assert all(part == 0 for part, weight in zip(parts, over, strict=True) if weight == 0)


@given(weights)
def test_the_whole_is_split_into_its_weights(over: list[int]) -> None:
    assert apportion(sum(over), over) == tuple(over)


@given(totals, st.integers(0, 5000), weights)
def test_no_part_shrinks_when_the_total_grows(total: int, more: int, over: list[int]) -> None:
    before, after = apportion(total, over), apportion(total + more, over)
    assert all(new >= old for old, new in zip(before, after, strict=True))


@given(st.integers(0, 400), st.lists(st.integers(0, 60), min_size=1, max_size=5).filter(any))
def test_the_split_is_webster_s(total: int, over: list[int]) -> None:
    """Against the definition: give one unit after the other to the largest weight / (2 * part + 1)."""
    parts = [0] * len(over)
    for _ in range(total):
        best = max(range(len(over)), key=lambda i: (Fraction(over[i], 2 * parts[i] + 1), -i))
        parts[best] += 1
    assert apportion(total, over) == tuple(parts)


def test_nothing_is_split_over_nothing_and_negatives_are_refused() -> None:
    assert apportion(0, [0, 0]) == (0, 0)
    for total, over, code in (
        (1, [0], "money.nothing_to_split_over"),
        (-1, [1], "money.negative"),
        (1, [2, -1], "money.negative"),
    ):
        with pytest.raises(MoneyError) as refused:
            apportion(total, over)
        assert refused.value.code == code
