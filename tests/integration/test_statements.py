"""The statement of account is the books to the cent, on any day; so are the journal, the ageing and the open items."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest
from exports_builders import french_supplier, paid, returned, small_year
from ledger_builders import issue

from receivables.domain.settlement.terms import Instalment
from receivables.services.accounting.closing import close_period
from receivables.services.accounting.journals import ageing, journal_lines
from receivables.services.accounting.statements import open_lines, statements_of

if TYPE_CHECKING:
    from uuid import UUID

    from config.database import Database
    from receivables.store.register import Supplier
    from receivables.store.work import Work, Works

DAYS = (date(2025, 1, 15), date(2025, 2, 3), date(2025, 2, 28), date(2025, 3, 31), date(2025, 12, 31))


@pytest.fixture
def owner(database: Database) -> Supplier:
    return french_supplier(database)


def balance(work: Work, customer_id: UUID, day: date) -> int:
    minor: int = work.scalar(
        "SELECT coalesce(sum(debit_minor - credit_minor), 0)::bigint FROM postings "
        "JOIN entries USING (supplier_id, entry_id) "
        "WHERE supplier_id = :supplier AND customer_id = :customer AND booked_on <= :day",
        customer=customer_id,
        day=day,
    )
    return minor


def test_a_statement_equals_the_books_to_the_cent_on_every_day(works: Works, owner: Supplier) -> None:
    with works.begin(owner.supplier_id) as work:
        year = small_year(work)
        returned(work, year.attempt_id, date(2025, 3, 10), 10_000)
        close_period(work, date(2025, 6, 30), "person 1")
        paid(work, year.part_paid, date(2025, 5, 1), 6_000)  # came after the close: booked on the first of July
        customer = year.paid.customer_id
        for since in DAYS:
            for until in (day for day in DAYS if day >= since):
                (statement,) = statements_of(work, customer, since, until)
                assert statement.closing_minor == balance(work, customer, until)
                assert sum(line.open_minor for line in statement.open_lines) == statement.closing_minor
                assert sum(statement.ages.values()) == statement.closing_minor
                assert statement.opening_minor + statement.debit_minor - statement.credit_minor == (
                    statement.closing_minor
                )


def test_a_statement_tells_each_movement_with_its_letters_and_what_is_open(works: Works, owner: Supplier) -> None:
    with works.begin(owner.supplier_id) as work:
        year = small_year(work)
        (statement,) = statements_of(work, year.paid.customer_id, date(2025, 1, 15), date(2025, 2, 28))
        assert statement.opening_minor == 10_000
        told = [(each.kind, each.debit_minor, each.credit_minor, each.letters, each.balance_minor)
                for each in statement.movements]  # fmt: skip
        assert told == [
            ("invoice", 10_000, 0, "aa", 20_000),
            ("receipt", 0, 10_000, "AA", 10_000),
            ("receipt", 0, 4_000, "aa", 6_000),
        ]
        assert [(line.reference, line.open_minor, line.age(statement.until)) for line in statement.open_lines] == [
            (year.part_paid.number, 6_000, "to_30")
        ]
        assert statement.ages == {"not_due": 0, "to_30": 6_000, "to_60": 0, "to_90": 0, "over_90": 0, "credit": 0}


def test_a_statement_of_an_earlier_day_knows_nothing_of_later_lettering(works: Works, owner: Supplier) -> None:
    with works.begin(owner.supplier_id) as work:
        year = small_year(work)
        (before,) = statements_of(work, year.paid.customer_id, date(2025, 1, 1), date(2025, 1, 31))
        assert [(each.reference, each.letters) for each in before.movements] == [
            (year.paid.number, None),
            (year.part_paid.number, None),
        ]
        assert [line.open_minor for line in before.open_lines] == [10_000, 10_000]
        returned(work, year.attempt_id, date(2025, 3, 10), 10_000)
        (between,) = statements_of(work, year.paid.customer_id, date(2025, 1, 1), date(2025, 3, 9))
        assert [line.reference for line in between.open_lines] == [year.part_paid.number], "paid on that day still"
        (after,) = statements_of(work, year.paid.customer_id, date(2025, 1, 1), date(2025, 3, 10))
        assert {line.reference for line in after.open_lines} == {year.paid.number, year.part_paid.number}


def test_instalments_age_each_by_its_own_day(works: Works, owner: Supplier) -> None:
    with works.begin(owner.supplier_id) as work:
        parts = (Instalment(date(2025, 2, 9), 4_000), Instalment(date(2025, 4, 9), 6_000))
        invoice = issue(work, issued_on=date(2025, 1, 10), due_on=date(2025, 4, 9), instalments=parts)
        paid(work, invoice, date(2025, 2, 1), 1_500)
        lines = open_lines(work, date(2025, 3, 1))
        assert [(line.due_on, line.open_minor, line.age(date(2025, 3, 1))) for line in lines] == [
            (date(2025, 2, 9), 2_500, "to_30"),
            (date(2025, 4, 9), 6_000, "not_due"),
        ]


def test_the_ageing_adds_up_to_account_411_and_the_journal_balances(works: Works, owner: Supplier) -> None:
    with works.begin(owner.supplier_id) as work:
        small_year(work)
        day = date(2025, 3, 31)
        lines = ageing(work, day)
        told = [(line.customer_name[:5], line.ages["not_due"], line.ages["to_60"], line.total_minor) for line in lines]
        assert told == [
            ("Boula", 0, 6_000, 6_000),
            ("Łódź ", 10_000, 0, 10_000),
        ]
        journal = list(journal_lines(work, date(2025, 1, 1), day))
        assert sum(line.debit_minor for line in journal) == sum(line.credit_minor for line in journal) > 0
        assert sum(line.debit_minor - line.credit_minor for line in journal if line.account == "411000") == 16_000
        assert {line.number for line in journal} == {""}
        assert [line.booked_on for line in journal] == sorted(line.booked_on for line in journal)
