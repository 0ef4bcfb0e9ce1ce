"""Late interest from facts alone: the vectors of the domain, to the cent, and what may not change it."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.law import LawUnknownError
from config.law import interest as law
from receivables.domain.collecting.interest import (
    CashIn,
    Interest,
    LateFacts,
    interest_of,
    next_half_year,
)
from receivables.domain.settlement.terms import Instalment

if TYPE_CHECKING:
    from pathlib import Path

DUE = date(2026, 5, 31)
LATER = date(2027, 12, 31)


def at(percent: str = "12.15") -> object:
    """One rate for ever."""
    return lambda _day: Decimal(percent)


def late(*paid: tuple[date, int], owed: int = 1_000_000, **changes: object) -> LateFacts:
    """10,000.00 due on 31 May 2026."""
    return LateFacts((Instalment(DUE, owed),), tuple(CashIn(*each) for each in paid), **changes)  # type: ignore[arg-type]


def run(facts: LateFacts, through: date = LATER, rate: object = None) -> Interest:
    """What has run."""
    return interest_of(facts, through, rate or at())  # type: ignore[arg-type]


def test_ten_thousand_paid_76_days_late_at_12_15_percent_is_252_99() -> None:
    found = run(late((date(2026, 8, 15), 1_000_000)))
    assert (found.amount_minor, found.days_late) == (25_299, 76)


def test_it_is_rounded_once_at_the_end_and_not_by_half_year() -> None:
    changing = lambda day: Decimal("12.15") if day < date(2026, 7, 1) else Decimal("12.150000")  # noqa: E731 -- equal
    other = lambda day: Decimal("12.15") if day < date(2026, 7, 1) else Decimal("12.1501")  # noqa: E731 -- two stretches
    facts = late((date(2026, 8, 15), 1_000_000))
    assert run(facts, rate=changing).amount_minor == 25_299
    stretches = run(facts, rate=other).stretches
    assert [each.days for each in stretches] == [30, 46]
    by_part = sum(round(each.exact) for each in stretches)
    assert (by_part, run(facts, rate=other).amount_minor) == (25_298, 25_299)


def test_a_new_rate_counts_from_the_first_of_july() -> None:
    found = run(
        late((date(2026, 8, 15), 1_000_000)),
        rate=lambda day: Decimal(10) if day < date(2026, 7, 1) else Decimal(20),
    )
    assert [(each.first, each.last, each.percent) for each in found.stretches] == [
        (date(2026, 6, 1), date(2026, 6, 30), Decimal(10)),
        (date(2026, 7, 1), date(2026, 8, 15), Decimal(20)),
    ]
    assert found.amount_minor == round(Fraction(1_000_000 * (10 * 30 + 20 * 46), 36_500))


def test_the_day_of_the_cash_counts_and_the_due_day_does_not() -> None:
    assert run(late((DUE, 1_000_000))).amount_minor == 0
    assert run(late((DUE + timedelta(days=1), 1_000_000))).days_late == 1


def test_a_part_payment_lowers_the_base_from_the_day_after() -> None:
    found = run(late((date(2026, 6, 10), 400_000), (date(2026, 6, 20), 600_000)))
    assert [(each.days, each.base_minor) for each in found.stretches] == [(10, 1_000_000), (10, 600_000)]


def test_each_instalment_runs_from_its_own_day() -> None:
    facts = LateFacts(
        (Instalment(DUE, 400_000), Instalment(date(2026, 6, 30), 600_000)), (CashIn(date(2026, 7, 10), 1_000_000),)
    )
    assert [(each.days, each.base_minor) for each in run(facts).stretches] == [(30, 400_000), (10, 1_000_000)]


def test_a_payment_that_went_back_was_never_there() -> None:
    paid, back = late((date(2026, 6, 10), 1_000_000)), late()
    assert run(paid).days_late == 10
    assert run(back, date(2026, 6, 30)).days_late == 30


def test_what_is_disputed_runs_and_is_frozen() -> None:
    found = run(late(disputed_minor=400_000), date(2026, 6, 30))
    whole = run(late(), date(2026, 6, 30))
    assert found.stretches[0].base_minor == 600_000
    assert found.amount_minor + found.frozen_minor == whole.amount_minor


@pytest.mark.parametrize(
    ("outcome", "facts", "base"),
    [
        ("rejected: from the original due date", late(), 1_000_000),
        ("accepted: it was never owed", late(never_owed_minor=400_000), 600_000),
        ("accepted in part", late(never_owed_minor=100_000), 900_000),
        ("all of it accepted", late(never_owed_minor=1_000_000), None),
    ],
)
def test_the_outcome_of_a_dispute_decides_on_its_interest(outcome: str, facts: LateFacts, base: int | None) -> None:
    found = run(facts, date(2026, 6, 30))
    assert ([each.base_minor for each in found.stretches], found.frozen_minor) == ([base] if base else [], 0), outcome


def test_proceedings_stop_it_and_a_formal_notice_starts_it() -> None:
    assert run(late(until=date(2026, 6, 14)), LATER).days_late == 14
    assert run(late(after=date(2026, 6, 14)), date(2026, 6, 30)).days_late == 16


def test_a_day_whose_rate_is_not_known_is_refused_and_one_before_is_not() -> None:
    statutory = lambda day: law.statutory_rate_on("business", day)  # noqa: E731 -- as the service asks
    assert run(late(), date(2026, 6, 30), rate=statutory).amount_minor == round(
        Fraction(1_000_000) * Fraction("12.15") * 30 / 36_500
    )
    with pytest.raises(LawUnknownError, match="quittance law import"):
        run(late(), date(2026, 7, 1), rate=statutory)
    in_time = late((date(2026, 5, 30), 1_000_000))
    assert run(in_time, LATER, rate=statutory).amount_minor == 0  # nothing is late: no rate is needed


def half_year_of(day: date) -> date:
    return date(day.year, 1 if day.month < 7 else 7, 1)


@given(
    st.lists(st.tuples(st.integers(0, 700), st.integers(1, 500_000)), max_size=6),
    st.integers(0, 400_000),
    st.integers(0, 800),
)
def test_stretches_are_what_every_single_day_says(paid: list[tuple[int, int]], off: int, days: int) -> None:
    facts = late(*((DUE + timedelta(days=day), minor) for day, minor in paid), never_owed_minor=off)
    through = DUE + timedelta(days=days)
    rate = {half: Decimal(3 + n) for n, half in enumerate([date(2026, 1, 1), date(2026, 7, 1), date(2027, 1, 1)])}
    rate |= {date(2027, 7, 1): Decimal("7.77"), date(2028, 1, 1): Decimal("0.5"), date(2028, 7, 1): Decimal(9)}
    exact = Fraction(0)
    for each in (DUE + timedelta(days=n) for n in range(1, days + 1)):
        owed = 1_000_000 - off - sum(minor for day, minor in paid if DUE + timedelta(days=day) < each)
        exact += Fraction(max(owed, 0)) * Fraction(rate[half_year_of(each)]) / 36_500
    found = run(facts, through, rate=lambda day: rate[half_year_of(day)])
    assert sum((each.exact for each in found.stretches), Fraction(0)) == exact
    assert abs(found.amount_minor - exact) <= Fraction(1, 2)


def test_half_years_follow_one_another() -> None:
    assert (next_half_year(date(2026, 3, 1)), next_half_year(date(2026, 9, 1))) == (
        date(2026, 7, 1),
        date(2027, 1, 1),
    )


def test_the_two_tables_are_two_and_public_bodies_owe_two_points_less() -> None:
    day = date(2026, 3, 1)
    assert (law.rate_on(law.ECB, day), law.rate_on(law.LEGAL, day)) == (Decimal("2.15"), Decimal("2.62"))
    assert law.statutory_rate_on("business", day) == Decimal("12.15")
    assert law.statutory_rate_on("public", day) == Decimal("10.15")
    with pytest.raises(LawUnknownError):
        law.statutory_rate_on("consumer", day)


ROW = '[[ecb]]\nhalf = {half}\npercent = "{percent}"\nsource = "Banque de France"\n'


def test_an_imported_rate_counts_at_once_and_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(law, "_folders", [tmp_path])
    with pytest.raises(LawUnknownError):
        law.rate_on(law.ECB, date(2026, 9, 1))
    fresh = law.import_rates(ROW.format(half="2026-07-01", percent="2.40"), tmp_path)
    assert [each.percent for each in fresh] == [Decimal("2.40")]
    assert law.rate_on(law.ECB, date(2026, 9, 1)) == Decimal("2.40")
    assert law.import_rates(ROW.format(half="2026-07-01", percent="2.40"), tmp_path) == []
    assert law.known_until(law.ECB) == date(2026, 12, 31)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (ROW.format(half="2026-01-01", percent="9.00"), "law.contradicts"),
        (ROW.format(half="2027-01-01", percent="2.15"), "law.gap"),
        (ROW.format(half="2026-07-02", percent="2.15"), "law.bad_row"),
        (ROW.format(half="2026-07-01", percent="215"), "law.bad_row"),
        (ROW.format(half="2026-07-01", percent="dix"), "law.bad_row"),
        ("[[eu]]\nhalf = 2026-07-01\n", "law.unreadable"),
        ("half = ", "law.unreadable"),
    ],
)
def test_rows_that_cannot_be_right_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str, code: str
) -> None:
    monkeypatch.setattr(law, "_folders", [tmp_path])
    with pytest.raises(law.LawImportError) as refused:
        law.import_rates(content, tmp_path)
    assert refused.value.code == code
    assert not list(tmp_path.iterdir())
