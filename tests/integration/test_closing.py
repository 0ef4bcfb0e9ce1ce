"""Entries take their numbers at validation; a closed period takes none, and what comes late is booked after it."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest
from exports_builders import french_supplier, paid, returned, small_year
from ledger_builders import issue
from sqlalchemy.exc import OperationalError

from config.clock import today
from receivables.errors import ConflictError, ReceivablesError
from receivables.services.accounting.checks import run_checks
from receivables.services.accounting.closing import (
    close_period,
    journal_states,
    period_acts,
    reopen_period,
    validate_entries,
    year_ends_of,
)
from receivables.store.accounting.periods import closed_until, first_open_day

if TYPE_CHECKING:
    from uuid import UUID

    from config.database import Database
    from receivables.store.register import Supplier
    from receivables.store.work import Work, Works

JANUARY, FEBRUARY = date(2025, 1, 31), date(2025, 2, 28)


@pytest.fixture
def owner(database: Database) -> Supplier:
    return french_supplier(database)


def numbers(work: Work) -> list[tuple[str, date, int, date]]:
    rows = work.rows(
        "SELECT given.journal, year_ends_on, serial, booked_on FROM entry_numbers AS given "
        "JOIN entries USING (supplier_id, entry_id) WHERE supplier_id = :supplier ORDER BY 1, 2, 3"
    )
    return [(row["journal"], row["year_ends_on"], row["serial"], row["booked_on"]) for row in rows]


def days_of(work: Work, source_kind: str, ref: str) -> tuple[date, date | None]:
    row = work.row(
        "SELECT booked_on, document_on FROM entries WHERE supplier_id = :supplier AND source_kind = :kind "
        "AND source_ref = :ref",
        kind=source_kind,
        ref=ref,
    )
    assert row is not None
    return row["booked_on"], row["document_on"]


def test_numbers_run_without_a_gap_by_journal_and_year_in_as_many_batches_as_one_likes(
    works: Works, owner: Supplier
) -> None:
    with works.begin(owner.supplier_id) as work:
        small_year(work, 2024)
        small_year(work, 2025)
        assert validate_entries(work, date(2025, 1, 31), "person 1") == 9
        assert validate_entries(work, date(2025, 1, 31), "person 1") == 0
        assert validate_entries(work, today(), "person 1") == 5
        given = numbers(work)
        series: dict[tuple[str, date], list[int]] = {}
        for journal, year, serial, booked_on in given:
            assert booked_on.year == year.year
            series.setdefault((journal, year), []).append(serial)
        assert {key: len(serials) for key, serials in series.items()} == {
            ("BQ", date(2024, 12, 31)): 4,
            ("BQ", date(2025, 12, 31)): 4,
            ("VE", date(2024, 12, 31)): 3,
            ("VE", date(2025, 12, 31)): 3,
        }
        assert all(serials == list(range(1, len(serials) + 1)) for serials in series.values())
        assert [(each.year.name, each.journal, each.last_serial, each.open_count) for each in journal_states(work)] == [
            ("2025", "BQ", 4, 0),
            ("2025", "VE", 3, 0),
            ("2024", "BQ", 4, 0),
            ("2024", "VE", 3, 0),
        ]


def test_a_day_to_come_is_not_validated_and_a_day_that_runs_is_not_closed(works: Works, owner: Supplier) -> None:
    with works.begin(owner.supplier_id) as work:
        with pytest.raises(ReceivablesError, match="still to come"):
            validate_entries(work, today() + timedelta(days=1), "person 1")
        with pytest.raises(ReceivablesError, match="is not over"):
            close_period(work, today(), "person 1")


def test_a_fact_for_a_closed_period_is_booked_on_the_first_open_day_with_its_own_document_day(
    works: Works, owner: Supplier
) -> None:
    with works.begin(owner.supplier_id) as work:
        year = small_year(work)
        assert close_period(work, FEBRUARY, "person 1") == 6
        assert first_open_day(work) == date(2025, 3, 1)
        late = issue(work, issued_on=date(2025, 1, 25), due_on=date(2025, 2, 24))
        attempt_id = paid(work, late, date(2025, 2, 26))
        returned(work, year.attempt_id, date(2025, 2, 20), 10_000)
        assert days_of(work, "invoice", str(late.invoice_id)) == (date(2025, 3, 1), date(2025, 1, 25))
        assert days_of(work, "receipt", f"pi_{attempt_id.hex}") == (date(2025, 3, 1), date(2025, 2, 26))
        assert days_of(work, "return", f"re_{year.attempt_id.hex}") == (date(2025, 3, 1), date(2025, 2, 20))
        _lines_follow_their_entries(work)
        collected = work.scalar(
            "SELECT collected_on FROM collections WHERE supplier_id = :supplier AND invoice_id = :id",
            id=late.invoice_id,
        )
        assert collected == date(2025, 2, 26), "what is told of VAT keeps the day of the money"
        assert [each for each in run_checks(work) if each.gap] == []


def _lines_follow_their_entries(work: Work) -> None:
    apart = work.scalar(
        "SELECT count(*) FROM receivable_items AS item JOIN postings USING (supplier_id, posting_id) "
        "JOIN entries AS entry USING (supplier_id, entry_id) WHERE supplier_id = :supplier "
        "AND item.booked_on <> entry.booked_on"
    )
    early = work.scalar(
        "SELECT count(*) FROM letterings JOIN receivable_items AS item USING (supplier_id, lettering_id) "
        "WHERE supplier_id = :supplier AND lettered_on < item.booked_on"
    )
    before = work.scalar(
        "SELECT count(*) FROM allocations AS used JOIN receivable_items AS item ON item.supplier_id = used.supplier_id "
        "AND item.posting_id IN (debit_posting_id, credit_posting_id) WHERE used.supplier_id = :supplier "
        "AND effective_on < item.booked_on"
    )
    assert (apart, early, before) == (0, 0, 0)


def test_a_closed_period_is_reopened_for_a_reason_only_and_its_numbers_stay(works: Works, owner: Supplier) -> None:
    with works.begin(owner.supplier_id) as work:
        small_year(work)
        with pytest.raises(ConflictError, match="nothing to open again"):
            reopen_period(work, None, "rien n'est clos", "person 1")
        close_period(work, FEBRUARY, "person 1")
        given = numbers(work)
        with pytest.raises(ConflictError, match="closed until 2025-02-28 already"):
            close_period(work, JANUARY, "person 1")
        with pytest.raises(ReceivablesError, match="Say why"):
            reopen_period(work, JANUARY, "  ", "person 2")
        reopen_period(work, JANUARY, "facture oubliée", "person 2")
        assert closed_until(work) == JANUARY
        assert numbers(work) == given
        late = issue(work, issued_on=date(2025, 2, 12), due_on=date(2025, 3, 12))
        assert days_of(work, "invoice", str(late.invoice_id)) == (date(2025, 2, 12), None)
        close_period(work, FEBRUARY, "person 1")
        assert [(act.act, act.closed_until, act.reason) for act in period_acts(work)] == [
            ("closed", FEBRUARY, None),
            ("reopened", JANUARY, "facture oubliée"),
            ("closed", FEBRUARY, None),
        ]
        assert [serial for journal, _, serial, _ in numbers(work) if journal == "VE"] == [1, 2, 3]


def test_the_database_refuses_an_entry_in_a_closed_period_whoever_writes_it(works: Works, owner: Supplier) -> None:
    with works.begin(owner.supplier_id) as work:
        small_year(work)
        close_period(work, FEBRUARY, "person 1")
    with pytest.raises(OperationalError, match="closed until 2025-02-28"), works.begin(owner.supplier_id) as work:
        work.execute(
            "INSERT INTO entries (supplier_id, entry_id, journal, booked_on, source_kind, source_ref, document_ref, "
            "label, created_at) VALUES (:supplier, gen_random_uuid(), 'OD', '2025-02-28', 'x', 'x', 'x', 'x', now())"
        )


def test_a_writer_that_did_not_see_the_close_begins_again_and_books_after_it(
    works: Works, owner: Supplier, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The planted race: a period closes between the moment a writer looks and the moment it writes."""
    from receivables.store.settlement import books  # noqa: PLC0415 -- patched here alone

    looks: list[date | None] = []

    def look_then_close(work: Work) -> date | None:
        seen = first_open_day(work)
        if not looks:
            works.run(owner.supplier_id, lambda other: close_period(other, FEBRUARY, "person 1"))
        looks.append(seen)
        return seen

    monkeypatch.setattr(books, "first_open_day", look_then_close)

    def write(work: Work) -> UUID:
        return issue(work, issued_on=date(2025, 2, 1), due_on=date(2025, 3, 1)).invoice_id

    invoice_id = works.run(owner.supplier_id, write)
    assert looks[0] is None
    assert looks[-1] == date(2025, 3, 1)
    with works.begin(owner.supplier_id) as work:
        assert days_of(work, "invoice", str(invoice_id)) == (date(2025, 3, 1), date(2025, 2, 1))


def test_accounting_years_follow_the_profile(works: Works, owner: Supplier) -> None:
    with works.begin(owner.supplier_id) as work:
        assert year_ends_of(work).year_of(date(2025, 6, 30)).name == "2025"
        work.execute(
            "INSERT INTO supplier_profiles (supplier_id, profile, changed_at) VALUES (:supplier, "
            'CAST(\'{"accounting_year_end": "06-30", "first_accounting_year_end": "2025-06-30"}\' AS jsonb), now())'
        )
        ends = year_ends_of(work)
        assert ends.year_of(date(2024, 2, 1)).ends_on == date(2025, 6, 30)
        assert ends.year_of(date(2025, 6, 30)).ends_on == date(2025, 6, 30)
        assert (ends.year_of(date(2025, 7, 1)).name, ends.year_of(date(2026, 6, 30)).name) == ("2025-2026",) * 2
