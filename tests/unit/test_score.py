"""The formula of the score: every part by hand, and what pages show adds up."""

from __future__ import annotations

from datetime import date
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receivables.domain.risk.score import FORMULAS, FULL, PaymentFacts, facts_of, formula_of, give_score
from receivables.errors import ReceivablesError
from receivables.services.risk.scoring import months_before

ONE = FORMULAS[1]
counts = st.integers(0, 60)


@st.composite
def any_facts(draw: st.DrawFn) -> PaymentFacts:
    """Facts that a customer may have."""
    payments, promises, disputes = draw(counts), draw(counts), draw(counts)
    minor = draw(st.integers(0, 10**9))
    return PaymentFacts(
        paid=draw(counts),
        weighed_minor=minor,
        weighed_days=minor * draw(st.integers(0, 400)),
        latest=tuple(draw(st.lists(st.integers(-30, 300), max_size=6))),
        payments=payments,
        returned=draw(st.integers(0, payments)),
        promises=promises,
        broken=draw(st.integers(0, promises)),
        disputes=disputes,
        rejected=draw(st.integers(0, disputes)),
    )


def test_a_customer_who_pays_in_time_has_a_hundred_points() -> None:
    score = give_score(PaymentFacts(paid=5, weighed_minor=1000, latest=(0, 0, -3, -1, 0)), ONE)
    assert (score.tenths, score.letter, score.lost) == (1000, "A", 0)


def test_each_part_costs_its_share_of_its_weight() -> None:
    facts = PaymentFacts(
        paid=12,
        weighed_minor=10_000,
        weighed_days=10_000 * 15,  # fifteen days of sixty: a quarter of 40
        latest=(20, 20, 2, 6, 6, 6),  # two of three later than the average of the three before: of 25
        payments=20,
        returned=1,  # 5 % x 4: a fifth of 15
        promises=4,
        broken=1,  # a quarter of 10
        disputes=2,
        rejected=1,  # half of 10
    )
    score = give_score(facts, ONE)
    assert {part.name: part.lost for part in score.parts} == {
        "lateness": 100,
        "trend": 167,  # 25 x 2/3 = 16.67
        "returns": 30,
        "promises": 25,
        "disputes": 50,
    }
    assert (score.tenths, score.letter) == (628, "C")


def test_lateness_and_returns_cost_no_more_than_their_weight() -> None:
    score = give_score(PaymentFacts(paid=5, weighed_minor=1, weighed_days=900, payments=2, returned=2), ONE)
    assert [part.lost for part in score.parts] == [400, 0, 150, 0, 0]


@pytest.mark.parametrize(("days", "letter"), [(0, "A"), (22, "A"), (23, "B"), (45, "B"), (46, "C"), (60, "C")])
def test_classes_begin_at_their_bounds(days: int, letter: str) -> None:
    assert give_score(PaymentFacts(paid=9, weighed_minor=1, weighed_days=days), ONE).letter == letter


def test_fewer_than_five_paid_invoices_are_too_few_to_say() -> None:
    score = give_score(PaymentFacts(paid=4, weighed_minor=1, weighed_days=90), ONE)
    assert (score.tenths, score.letter) == (None, "insufficient")


def test_who_is_on_the_block_list_is_in_class_e_whatever_the_points() -> None:
    assert give_score(PaymentFacts(paid=9, blocked="insolvent"), ONE).letter == "E"
    assert give_score(PaymentFacts(blocked="litige au tribunal"), ONE).letter == "E"


def test_five_invoices_are_too_few_for_a_trend() -> None:
    score = give_score(PaymentFacts(paid=5, latest=(90, 90, 90, 0, 0)), ONE)
    assert next(part.share for part in score.parts if part.name == "trend") == Fraction(0)


@given(any_facts())
def test_what_was_lost_is_what_is_missing_to_a_hundred(facts: PaymentFacts) -> None:
    score = give_score(facts, ONE)
    assert all(0 <= part.lost <= part.weight for part in score.parts)
    assert score.tenths is None or score.tenths + score.lost == FULL
    assert give_score(facts_of(facts.told()), ONE) == score


@given(any_facts(), st.integers(1, 300))
def test_paying_later_never_gives_points(facts: PaymentFacts, more: int) -> None:
    later = facts_of({**facts.told(), "weighed_days": facts.weighed_days + more * facts.weighed_minor})
    assert give_score(later, ONE).lost >= give_score(facts, ONE).lost


def test_the_weights_of_every_formula_are_a_hundred_points() -> None:
    assert {sum(each.weights.values()) for each in FORMULAS.values()} == {FULL}
    assert all(formula_of(version).version == version for version in FORMULAS)


def test_a_formula_that_never_was_is_refused() -> None:
    with pytest.raises(ReceivablesError, match="no formula 99"):
        formula_of(99)


@pytest.mark.parametrize(
    ("day", "months", "before"),
    [
        (date(2026, 8, 31), 6, date(2026, 2, 28)),
        (date(2026, 1, 15), 12, date(2025, 1, 15)),
        (date(2026, 12, 31), 1, date(2026, 11, 30)),
        (date(2028, 3, 31), 1, date(2028, 2, 29)),
    ],
    ids=["short month", "a year", "december", "leap"],
)
def test_months_are_counted_back_to_a_day_that_exists(day: date, months: int, before: date) -> None:
    assert months_before(day, months) == before
