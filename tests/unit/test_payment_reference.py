"""The ISO 11649 reference of an invoice's number."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from einvoice.formats.payment_reference import PaymentReferenceError, group_reference, is_rf, rf_reference


def remainder(reference: str) -> int:
    """ISO 7064 mod 97-10, worked out here by hand: letters are 10 to 35, the first four characters go last."""
    moved = reference[4:] + reference[:4]
    return int("".join(str(int(character, 36)) for character in moved)) % 97


@given(st.from_regex(r"[A-Za-z0-9][A-Za-z0-9/_ +-]{0,18}", fullmatch=True))
def test_a_reference_has_right_check_digits_and_fits_the_field(number: str) -> None:
    reference = rf_reference(number)
    assert remainder(reference) == 1
    assert is_rf(reference)
    assert reference.isalnum()
    assert reference == reference.upper()
    assert len(reference) <= 25


def test_separators_do_not_count_and_letters_are_capitals() -> None:
    assert rf_reference("F-2026-004217") == rf_reference("f2026004217") == "RF31F2026004217"


@given(st.from_regex(r"[0-9]{2,21}", fullmatch=True), st.data())
def test_two_digits_exchanged_are_noticed(number: str, data: st.DataObject) -> None:
    reference = rf_reference(number)
    at = data.draw(st.integers(4, len(reference) - 2))
    swapped = reference[:at] + reference[at + 1] + reference[at] + reference[at + 2 :]
    assert is_rf(swapped) == (swapped == reference)


@pytest.mark.parametrize(
    ("number", "code"),
    [("A" * 22, "payment.reference_too_long"), ("-/", "payment.reference_empty"), ("é", "payment.reference_empty")],
)
def test_a_number_without_a_reference_is_refused(number: str, code: str) -> None:
    with pytest.raises(PaymentReferenceError) as caught:
        rf_reference(number)
    assert caught.value.code == code


def test_a_reference_is_grouped_by_fours_and_anything_else_stays() -> None:
    assert group_reference("RF18539007547034") == "RF18\u00a05390\u00a00754\u00a07034"
    assert group_reference("F-2026-004217") == "F-2026-004217"
    assert not is_rf("RF19539007547034")
    assert not is_rf("")
