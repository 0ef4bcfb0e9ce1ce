"""The VAT split of cash is a function of the cumulative cash: exact at full payment, free of any order."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from receivables.domain.collected import VatRow, split_movement

TWO_RATES = (VatRow("S", Decimal(20), 5001, 1000), VatRow("S", Decimal("5.5"), 3791, 208))
DEDUCTION = (VatRow("S", Decimal(20), 8000, 1600), VatRow("S", Decimal("5.5"), -1000, -55))
"""More is deducted at 5.5 % than is sold there."""

rows = st.lists(
    st.builds(
        lambda rate, base: VatRow("S", Decimal(rate), base, base * rate // 100),
        st.sampled_from([0, 5, 10, 20]),
        st.integers(0, 500_00),
    ),
    min_size=1,
    max_size=4,
).map(tuple)


def told(table: tuple[VatRow, ...], steps: list[int]) -> tuple[Counter[Decimal], int]:
    """The sum of all messages, and of all VAT moved, over cumulative cash amounts ``steps``."""
    sums: Counter[Decimal] = Counter()
    vat = before = 0
    for after in steps:
        part = split_movement(table, before, after)
        sums.update({each.rate: each.amount_minor for each in part.split})
        vat += part.vat_minor
        before = after
    return sums, vat


@given(rows, st.data())
def test_any_history_of_cash_tells_what_its_end_tells(table: tuple[VatRow, ...], data: st.DataObject) -> None:
    total = sum(row.gross_minor for row in table)
    steps = data.draw(st.lists(st.integers(0, total), min_size=1, max_size=8))
    sums, vat = told(table, steps)
    once, vat_once = told(table, [steps[-1]])
    assert {rate: minor for rate, minor in sums.items() if minor} == dict(once)
    assert vat == vat_once
    assert sum(sums.values()) == steps[-1]


@given(rows)
def test_full_payment_declares_every_rate_and_its_vat_exactly(table: tuple[VatRow, ...]) -> None:
    expected: Counter[Decimal] = Counter()
    for row in table:
        expected[row.rate] += row.gross_minor
    part = split_movement(table, 0, sum(expected.values()))
    assert {each.rate: each.amount_minor for each in part.split} == {r: m for r, m in expected.items() if m}
    assert part.vat_minor == sum(row.tax_minor for row in table)


@given(rows, st.data())
def test_no_receipt_holds_a_negative_part(table: tuple[VatRow, ...], data: st.DataObject) -> None:
    total = sum(row.gross_minor for row in table)
    before = data.draw(st.integers(0, total))
    after = data.draw(st.integers(before, total))
    part = split_movement(table, before, after)
    assert all(each.amount_minor > 0 for each in part.split)
    back = split_movement(table, after, before)
    assert [(each.rate, -each.amount_minor) for each in back.split] == [(e.rate, e.amount_minor) for e in part.split]


def test_seven_instalments_do_not_drift() -> None:
    steps = [1429 * number for number in range(1, 7)] + [10000]
    sums, vat = told(TWO_RATES, steps)
    assert sums == {Decimal(20): 6001, Decimal("5.5"): 3999}
    assert vat == 1208


def test_two_categories_of_one_rate_are_told_as_one() -> None:
    part = split_movement((VatRow("S", Decimal(0), 500, 0), VatRow("E", Decimal(0), 700, 0)), 0, 1200)
    assert [(each.rate, each.amount_minor) for each in part.split] == [(Decimal(0), 1200)]


@given(st.lists(st.integers(0, 8545), min_size=1, max_size=6))
def test_an_invoice_that_deducts_at_one_rate_is_split_to_the_cent_too(steps: list[int]) -> None:
    sums, vat = told(DEDUCTION, [*steps, 8545])
    assert sums == {Decimal(20): 9600, Decimal("5.5"): -1055}
    assert vat == 1545
    for step in steps:
        assert sum(each.amount_minor for each in split_movement(DEDUCTION, 0, step).split) == step


def test_an_invoice_of_nothing_moves_nothing() -> None:
    assert split_movement((VatRow("S", Decimal(20), 0, 0),), 0, 0).split == ()
