"""Indicators on the real books: each figure is its list to the cent, and yesterday's figure can be had again today."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import pytest
from dispute_builders import claim
from ledger_builders import attempt, customer_facts, issue

from config.clock import new_id, now, today
from receivables.domain.conversations.disputes import Scope as DisputeScope
from receivables.domain.settlement.collected import VatRow
from receivables.domain.settlement.receipts import MoneyReceived, MoneyReturned
from receivables.domain.settlement.terms import Instalment
from receivables.services.measuring.forecasting import back_test, forecast_cash
from receivables.services.measuring.indicator_views import BY, break_down, month_ends, trend
from receivables.services.measuring.indicators import Board, indicators
from receivables.services.settlement.receipts import record_facts
from receivables.store.measuring.measures import MEASURES, Line, lines_of, sum_measures
from receivables.store.measuring.scopes import Scope
from receivables.store.register import create_supplier

if TYPE_CHECKING:
    from uuid import UUID

    from receivables.domain.invoicing.invoices import Invoice
    from receivables.store.register import Supplier
    from receivables.store.work import Work, Works

ON = date(2026, 10, 31)


def sold(
    work: Work, issued_on: date, minor: int, who: str = "Boulangerie Martin", days: int = 30, **more: Any
) -> Invoice:
    """An invoice of ``minor`` cents that falls due ``days`` after its issue."""
    tax = minor // 6
    return issue(
        work,
        customer=customer_facts(who, f"{sum(map(ord, who)) * 7919 % 10**9:09d}"),
        issued_on=issued_on,
        due_on=issued_on + timedelta(days=days),
        total_minor=minor,
        payable_minor=minor,
        vat_rows=(VatRow("S", Decimal(20), minor - tax, tax),),
        **more,
    )


def paid(work: Work, invoice: Invoice, minor: int, on: date) -> UUID:
    """Money for an invoice on a day; returns its attempt."""
    attempt_id = attempt(work, invoice, minor)
    at = datetime(on.year, on.month, on.day, 9, tzinfo=UTC)
    record_facts(work, [MoneyReceived(f"pi_{attempt_id.hex}", attempt_id, minor, "EUR", at, "card")])
    return attempt_id


def given_back(work: Work, attempt_id: UUID, minor: int, on: date) -> None:
    """The same money taken back on a day."""
    at = datetime(on.year, on.month, on.day, 9, tzinfo=UTC)
    returned = MoneyReturned(f"re_{attempt_id.hex}", f"pi_{attempt_id.hex}", "return", minor, "EUR", at)
    record_facts(work, [returned])


def tell_story(work: Work, until: date) -> None:
    """A small world, up to a day: sales, payments early and late, parts, too much, a credit note, one taken back."""

    def by(day: date) -> bool:
        return day <= until

    july, august, september, october = (date(2026, month, 5) for month in (7, 8, 9, 10))
    first = sold(work, july, 120000)
    late = sold(work, august, 240000, "Garage du Port")
    split = sold(
        work,
        september,
        90000,
        "Garage du Port",
        days=60,
        instalments=(Instalment(date(2026, 9, 20), 30000), Instalment(date(2026, 11, 4), 60000)),
    )
    note = sold(work, september, 12000, type_code="381")
    assert note.is_credit_note
    open_one = sold(work, october, 60000)
    for invoice, minor, on in (
        (first, 120000, date(2026, 8, 14)),
        (late, 40000, date(2026, 9, 30)),
        (split, 30000, date(2026, 10, 1)),
        (open_one, 75000, date(2026, 10, 20)),
    ):
        if by(on):
            paid(work, invoice, minor, on)
    if by(date(2026, 10, 12)):
        again = paid(work, late, 200000, date(2026, 10, 12))
        if by(date(2026, 11, 10)):
            given_back(work, again, 200000, date(2026, 11, 10))


@pytest.fixture
def story(works: Works, supplier: Supplier) -> tuple[Works, UUID]:
    """The whole story, written on one supplier."""
    with works.begin(supplier.supplier_id) as work:
        tell_story(work, date(2026, 12, 31))
    return works, supplier.supplier_id


def figures(board: Board) -> dict[str, Fraction | None]:
    return {key: each.value for key, each in board.indicators.items()}


def balance_of_411(work: Work, on: date) -> int:
    """The sum of the postings on customers' accounts up to a day: the books themselves, not their projection."""
    return int(
        work.scalar(
            "SELECT coalesce(sum(debit_minor - credit_minor), 0) FROM postings "
            "JOIN entries USING (supplier_id, entry_id) WHERE supplier_id = :supplier "
            "AND customer_id IS NOT NULL AND booked_on <= :on",
            on=on,
        )
    )


def test_every_figure_is_its_list_to_the_cent(story: tuple[Works, UUID]) -> None:
    works, supplier_id = story
    with works.begin(supplier_id) as work:
        for on in (date(2026, 8, 31), ON, date(2026, 11, 30)):
            board = indicators(work, Scope(on))
            for indicator in board.indicators.values():
                for part in indicator.components:
                    lines = lines_of(work, part.measure, part.scope, limit=None)
                    assert sum(line.amount_minor for line in lines) == part.total.minor, (indicator.key, part.measure)
                    if part.scope == board.scope:
                        assert len(lines) == part.total.count


def test_what_is_open_less_credits_is_the_balance_of_the_entries_on_any_day(story: tuple[Works, UUID]) -> None:
    works, supplier_id = story
    with works.begin(supplier_id) as work:
        for days in range(0, 160, 9):
            on = date(2026, 7, 1) + timedelta(days=days)
            sums = sum_measures(work, ["receivable", "credits"], Scope(on))
            assert sums["receivable"].minor - sums["credits"].minor == balance_of_411(work, on)
            board = indicators(work, Scope(on))
            assert sum(board.ages_minor) == sums["receivable"].minor


@pytest.mark.parametrize("on", [date(2026, 9, 30), ON, date(2026, 11, 9)], ids=str)
def test_a_past_day_shows_what_was_shown_on_it(story: tuple[Works, UUID], on: date) -> None:
    works, supplier_id = story
    before = create_supplier(works.database, f"{new_id().int % 10**9:09d}", "Arrêté au jour dit")
    with works.begin(before.supplier_id) as work:
        tell_story(work, on)
        then = indicators(work, Scope(on))
        shown = {name: bare(lines_of(work, name, Scope(on), limit=None), on) for name in MEASURES}
    with works.begin(supplier_id) as work:
        again = indicators(work, Scope(on))
        found = {name: bare(lines_of(work, name, Scope(on), limit=None), on) for name in MEASURES}
    assert figures(again)["receivable"]
    assert figures(again) == figures(then)
    assert found == shown


def bare(lines: list[Line], on: date) -> list[tuple[object, ...]]:
    """Lines without the ids that differ between two suppliers; what was issued after the day cannot have been shown."""
    return [
        (each.kind, each.day, each.due_on, each.amount_minor, each.days, each.customer_name)
        for each in lines
        if each.day <= on
    ]


def test_the_figures_of_the_story_by_hand(story: tuple[Works, UUID]) -> None:
    works, supplier_id = story
    with works.begin(supplier_id) as work:
        board = indicators(work, Scope(ON))
        shown = figures(board)
    assert shown["receivable"] == 60000, "the second part of the invoice in parts; the rest is paid on that day"
    assert shown["credits"] == 15000 + 12000, "75 000 for 60 000, and the credit note for nobody"
    assert board.ages_minor == (60000, 0, 0, 0, 0)
    assert shown["sales"] == 240000 + 90000 + 60000 - 12000, "90 days: from 3 August"
    assert shown["dso"] == Fraction(60000 * 90, 378000)
    assert shown["dso_count_back"] == 31, "October sold 60 000: all of the month"
    assert shown["effectiveness"] == Fraction(120000 + 378000 - 60000, 120000 + 378000 - 60000)
    cash = [(120000, 40, 10), (40000, 56, 26), (200000, 68, 38), (60000, 15, -15)]
    whole = sum(minor for minor, _, _ in cash)
    assert shown["delay"] == Fraction(sum(minor * days for minor, days, _ in cash), whole)
    assert shown["lateness"] == Fraction(sum(minor * days for minor, _, days in cash), whole)


def test_money_taken_back_is_owed_again_from_its_day(story: tuple[Works, UUID]) -> None:
    works, supplier_id = story
    with works.begin(supplier_id) as work:
        before = indicators(work, Scope(date(2026, 11, 9)))
        after = indicators(work, Scope(date(2026, 11, 10)))
    assert before.ages_minor == (0, 60000, 0, 0, 0)
    assert after.ages_minor == (0, 60000, 0, 200000, 0), "due on 4 September: 67 days"


def test_each_instalment_has_its_own_age(story: tuple[Works, UUID]) -> None:
    works, supplier_id = story
    with works.begin(supplier_id) as work:
        ages = indicators(work, Scope(date(2026, 9, 30))).ages_minor
    assert ages == (60000, 30000 + 200000, 0, 0, 0), "the second part falls due in November, the first has"


def test_an_allocation_of_before_counts_from_the_days_of_its_lines(works: Works, supplier: Supplier) -> None:
    with works.begin(supplier.supplier_id) as work:
        invoice = sold(work, date(2026, 9, 1), 10000)
        attempt_id = attempt(work, invoice, 10000)
        at = datetime(2026, 10, 20, 9, tzinfo=UTC)
        record_facts(work, [MoneyReceived("pi_old", attempt_id, 10000, "EUR", at, "card")])
        pair = work.row("SELECT debit_posting_id, credit_posting_id FROM allocations WHERE supplier_id = :supplier")
        assert pair is not None
        for minor, day in ((-10000, "2026-10-20"), (10000, "1970-01-01")):
            work.execute(
                "INSERT INTO allocations (supplier_id, allocation_id, customer_id, debit_posting_id, "
                "credit_posting_id, amount_minor, cause, effective_on, created_at) "
                "VALUES (:supplier, :id, :customer, :debit, :credit, :minor, 'old', CAST(:day AS date), :at)",
                id=new_id(),
                customer=invoice.customer_id,
                debit=pair["debit_posting_id"],
                credit=pair["credit_posting_id"],
                minor=minor,
                day=day,
                at=now(),
            )
        before, after = (indicators(work, Scope(date(2026, 10, day))) for day in (19, 20))
    assert (before["receivable"].value, after["receivable"].value) == (10000, 0)
    assert (before["lateness"].value, after["lateness"].value) == (None, 19)


def test_a_disputed_part_is_shown_apart_and_leaves_the_dso_of_the_rest(works: Works, supplier: Supplier) -> None:
    with works.begin(supplier.supplier_id) as work:
        invoice = sold(work, today() - timedelta(days=10), 100000)
        sold(work, today() - timedelta(days=10), 50000, "Garage du Port")
        claim(work, invoice, scope=DisputeScope.AMOUNT, amount_minor=30000)
        board = indicators(work, Scope(today()))
        yesterday = indicators(work, Scope(today() - timedelta(days=1)))
        by_reason = break_down(work, Scope(today()), "reason")
    shown = figures(board)
    assert (shown["disputed"], shown["disputed_share"]) == (30000, Fraction(1, 5))
    assert (shown["dso"], shown["dso_undisputed"]) == (90, Fraction(120000 * 90, 150000))
    assert shown["right_first_time"] == Fraction(1, 2)
    assert figures(yesterday)["disputed"] == 0
    assert [(each.key, each.receivable_minor, each.disputed_minor) for each in by_reason] == [
        ("QTE_ERR", 100000, 30000),
        (None, 50000, 0),
    ]


def test_claims_older_than_proceedings_are_doubtful_and_outside_the_dso(works: Works, supplier: Supplier) -> None:
    with works.begin(supplier.supplier_id) as work:
        invoice = sold(work, date(2026, 10, 1), 100000)
        sold(work, date(2026, 10, 20), 50000)
        work.execute(
            "INSERT INTO insolvencies (supplier_id, insolvency_id, customer_id, kind, opened_on, source, state, "
            "noted_by, noted_at, changed_at) VALUES (:supplier, :id, :customer, 'redressement', '2026-10-20', "
            "'BODACC', 'open', 'test', :at, :at)",
            id=new_id(),
            customer=invoice.customer_id,
            at=now(),
        )
        shown = figures(indicators(work, Scope(ON)))
        before = figures(indicators(work, Scope(date(2026, 10, 19))))
    assert (shown["receivable"], shown["doubtful"], shown["dso"]) == (150000, 100000, Fraction(50000 * 90, 150000))
    assert (before["receivable"], before["doubtful"], before["dso"]) == (100000, 0, 90)


def test_every_breakdown_adds_up_to_the_whole(story: tuple[Works, UUID]) -> None:
    works, supplier_id = story
    collector = new_id()
    with works.begin(supplier_id) as work:
        work.execute(
            "INSERT INTO customer_files (supplier_id, customer_id, collector_id, segment, changed_by, changed_at) "
            "SELECT supplier_id, customer_id, :collector, 'garages', 'test', :at FROM customers "
            "WHERE supplier_id = :supplier AND name = 'Garage du Port'",
            collector=collector,
            at=now(),
        )
        scope = Scope(date(2026, 11, 30))
        whole = sum_measures(work, ["receivable", "late", "at_risk", "disputed"], scope)
        rows = {by: break_down(work, scope, by) for by in BY}
        narrowed = [
            sum_measures(work, ["receivable"], each)["receivable"].minor
            for each in (
                replace(scope, collector_id=collector),
                replace(scope, segment="garages"),
                replace(scope, segment="standard"),
                replace(scope, age=3),
            )
        ]
        listed = lines_of(work, "receivable", replace(scope, age=3))
    for by, groups in rows.items():
        for name, total in whole.items():
            assert sum(getattr(each, f"{name}_minor") for each in groups) == total.minor, (by, name)
    assert [each.key for each in rows["segment"]] == ["garages", "standard"]
    assert narrowed == [260000, 260000, 0, 200000]
    assert sum(line.amount_minor for line in listed) == 200000


def test_the_trend_is_each_month_end_by_itself(story: tuple[Works, UUID]) -> None:
    works, supplier_id = story
    with works.begin(supplier_id) as work:
        found = trend(work, Scope(ON), 4)
        september = indicators(work, Scope(date(2026, 9, 30)))
    assert (
        [each.on for each in found]
        == month_ends(ON, 4)
        == [
            date(2026, 7, 31),
            date(2026, 8, 31),
            date(2026, 9, 30),
            ON,
        ]
    )
    assert found[2].ages_minor == september.ages_minor
    assert found[2].count_back_days == september["dso_count_back"].value


def test_the_forecast_follows_habits_and_its_back_test_uses_what_was_known_then(
    works: Works, supplier: Supplier
) -> None:
    with works.begin(supplier.supplier_id) as work:
        for month in (2, 3, 4, 5, 6, 7):
            issued = date(2026, month, 1)
            paid(work, sold(work, issued, 10000), 10000, issued + timedelta(days=30 + 12))
            paid(work, sold(work, issued, 20000, "Garage du Port"), 20000, issued + timedelta(days=30))
        on = date(2026, 9, 15)
        sold(work, date(2026, 8, 20), 30000)
        sold(work, date(2026, 8, 20), 50000, "Garage du Port")
        disputed = sold(work, date(2026, 8, 20), 70000, "Garage du Port")
        told = forecast_cash(work, Scope(on))
        paid(work, disputed, 70000, date(2026, 9, 19))
        slow = sold(work, date(2026, 9, 1), 5000)
        paid(work, slow, 5000, date(2026, 10, 13))
        tested = back_test(work, Scope(date(2026, 10, 13)))
    assert told.open_minor == 150000
    assert [each.day for each in told.expected if each.claim.open_minor == 30000] == [date(2026, 10, 1)]
    assert told.weeks_minor[:3] == (120000, 0, 30000), "garage on its due day, 19 September; bakery twelve days later"
    assert sum(each.claim.open_minor for each in told.of_week(0)) == 120000
    assert tested.on == on
    assert tested.forecast_minor == (120000, 0, 35000 - 5000, 5000)
    assert tested.came_minor == (70000, 0, 0, 5000)
    assert tested.missed_minor < tested.missed_by_due_day_minor
