"""The kept standings of customers: what pages add up from them is what the lines themselves come to, on any day."""

from __future__ import annotations

from contextlib import nullcontext
from datetime import timedelta
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
from catalogue import superuser
from checkout_builders import KEYRING
from dispute_builders import claim
from ledger_builders import attempt, customer_facts, issue
from promise_builders import owed, pay, plan_for
from sqlalchemy.exc import DBAPIError
from treasury_builders import fill_some_treasury

from config.clock import new_id, today
from receivables.domain.conversations.disputes import Scope
from receivables.domain.settlement.receipts import AttemptMoved, AttemptState
from receivables.services.accounting.checks import run_checks
from receivables.services.settlement.receipts import record_facts
from receivables.store.customer_file import overviews
from receivables.store.customer_file.overviews import late_by_age, list_customers, sum_open
from receivables.store.customer_file.standings import read_by_line, turn_standings
from receivables.store.register import create_supplier

if TYPE_CHECKING:
    from collections.abc import Iterator
    from uuid import UUID

    from config.embedded import EmbeddedPostgres
    from receivables.store.register import Supplier
    from receivables.store.work import Work, Works

DAYS = (-40, -1, 0, 1, 12, 35, 100)
MOST = 4
"""Rows of the list that is looked at: fewer than there are customers, so that the most late are chosen first."""


@pytest.fixture
def work(works: Works, supplier: Supplier) -> Iterator[Work]:
    """One transaction of a supplier of its own."""
    with works.begin(supplier.supplier_id) as begun:
        yield begun


@pytest.fixture
def undone(works: Works, supplier: Supplier) -> Iterator[Work]:
    """One that is undone at the end, with the functions that were changed in it."""
    with works.begin(supplier.supplier_id) as begun:
        transaction = begun.connection.get_transaction()
        assert transaction is not None
        yield begun
        transaction.rollback()


def fill(work: Work, seed: int) -> None:
    """Customers with invoices of every age, some paid in part, in flight, disputed, credited or in a plan."""
    random = Random(seed)
    for name in ("Un", "Deux", "Trois", "Quatre", "Cinq", "Six", "Sept"):
        facts = customer_facts(f"Client {name}", None)
        invoices = [
            owed(work, random.randrange(1_00, 900_00), late_days=random.randrange(-40, 120), customer=facts)
            for _ in range(3)
        ]
        first = invoices[0]
        match random.randrange(6):
            case 0:
                pay(work, first.customer_id, {first.invoice_id: first.payable_minor // 2 + 1})
            case 1:
                pay(work, first.customer_id, {first.invoice_id: first.payable_minor})
            case 2:
                record_facts(work, [AttemptMoved(attempt(work, first), AttemptState.PROCESSING, f"pi_{name}")])
            case 3:
                plan_for(work, invoices[:2], first_on=today() + timedelta(days=3))
            case 4:
                claim(work, first, scope=Scope.AMOUNT, amount_minor=first.payable_minor // 3 + 1)
            case _:
                issue(work, type_code="381", customer=facts)


def shown(work: Work) -> list[object]:
    """What pages show on several days."""
    told: list[object] = []
    for days in DAYS:
        on = today() + timedelta(days=days)
        told += [sum_open(work, on), list_customers(work, on, limit=MOST), late_by_age(work, on, "EUR")]
    return told


def by_line(monkeypatch: pytest.MonkeyPatch, work: Work) -> list[object]:
    """The same, where no standing is believed."""
    everybody = work.rows("SELECT customer_id FROM customers WHERE supplier_id = :supplier")
    ids = [row["customer_id"] for row in everybody]

    def all_of_them(_work: Work, _today: object) -> list[UUID]:
        return ids

    with monkeypatch.context() as patch:
        patch.setattr(overviews, "read_by_line", all_of_them)
        return shown(work)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_kept_standings_say_what_the_lines_say(work: Work, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    fill(work, seed)
    apart = set(read_by_line(work, today()))
    assert 0 < len(apart) < 7, "some are added up from their lines, and some are not"
    assert shown(work) == by_line(monkeypatch, work)


def test_standings_that_turned_are_counted_again(work: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    owed(work, 100_00, late_days=-2)
    later = today() + timedelta(days=3)
    assert read_by_line(work, today()) == []
    assert len(read_by_line(work, later)) == 1
    before = shown(work)
    assert turn_standings(work, later) == 1
    assert (read_by_line(work, later), turn_standings(work, later)) == ([], 0)
    assert shown(work) == before == by_line(monkeypatch, work)
    assert {each.code: each.gap for each in run_checks(work) if each.code == "I8-STANDING"} == {"I8-STANDING": 0}


def as_owner(work: Work, statement: str) -> Any:
    """Do something in this transaction as the owner of the schema; it ends with the transaction."""
    role = work.scalar("SELECT current_setting('role')")
    work.scalar("SELECT set_config('role', 'none', true)")
    found = work.connection.exec_driver_sql(statement)
    answer = found.scalar() if found.returns_rows else None
    work.scalar("SELECT set_config('role', :role, true)", role=role)
    return answer


def change_function(work: Work, name: str, old: str, new: str) -> None:
    """Plant a bug in a function of the database."""
    source = as_owner(work, f"SELECT pg_get_functiondef('{name}'::regproc)")
    assert old in source
    as_owner(work, source.replace(old, new).replace("%", "%%"))


def wrong_standings(work: Work) -> int:
    return next(each.gap for each in run_checks(work) if each.code == "I8-STANDING")


@pytest.mark.parametrize(
    "not_good", ["", "turns_on = :day", "counted_on = CAST(:day AS date) + 1, turns_on = 'infinity'"]
)
def test_a_line_is_added_to_a_standing_and_the_others_are_read_again_only_where_it_is_not_good(
    undone: Work, not_good: str
) -> None:
    facts = customer_facts("Client Fidèle", None)
    invoices = [owed(undone, 100_00 + days, late_days=days, customer=facts) for days in (-3, 5, 40, 200)]
    if not_good:
        undone.execute(
            f"UPDATE customer_standings SET {not_good} WHERE supplier_id = :supplier",  # noqa: S608 -- written above
            day=today(),
        )
    change_function(undone, "count_standings", "BEGIN", "BEGIN RAISE EXCEPTION 'counted again';")
    with (
        pytest.raises(DBAPIError, match="counted again") if not_good else nullcontext(),
        undone.connection.begin_nested(),
    ):
        issue(undone, type_code="381", customer=facts)
        pay(undone, invoices[0].customer_id, {invoices[0].invoice_id: 50_00, invoices[2].invoice_id: 100_40})
        assert wrong_standings(undone) == 0


@pytest.mark.parametrize(
    ("function", "old", "new"),
    [
        ("keep_standings", "-open_minor, -1", "-open_minor, 0"),
        ("keep_standings", "'invoice', due_on, -open_minor", "'invoice', due_on, 1 - open_minor"),
        ("move_standings", "late_minor = kept.late_minor + moved.late_minor", "late_minor = moved.late_minor"),
        ("move_standings", "least(kept.turns_on, moved.turns_on)", "kept.turns_on + 30"),
    ],
)
def test_a_bug_in_what_keeps_standings_is_found(undone: Work, function: str, old: str, new: str) -> None:
    facts = customer_facts("Client Fautif", None)
    change_function(undone, function, old, new)
    invoices = [owed(undone, 100_00, late_days=days, customer=facts) for days in (5, 12)]
    pay(undone, invoices[0].customer_id, {invoices[0].invoice_id: 100_00})
    assert wrong_standings(undone) > 0


def test_contested_money_of_a_customer_who_owes_nothing_stays_in_the_exposure(
    work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    owed(work, 100_00)
    fill_some_treasury(work, KEYRING, new_id().hex[-12:])
    contested = work.scalar("SELECT amount_minor FROM provider_disputes WHERE supplier_id = :supplier")
    total = sum_open(work, today())[0]
    assert contested > 0
    assert total.contested_minor == contested
    assert total.exposure_minor == 100_00 + contested - total.credits_minor
    assert shown(work) == by_line(monkeypatch, work)


def test_another_supplier_s_customers_cannot_be_counted(
    works: Works, supplier: Supplier, postgres: EmbeddedPostgres
) -> None:
    other = create_supplier(works.database, f"FOREIGN {new_id()}", "Somebody else").supplier_id
    with works.begin(other) as work:
        theirs = owed(work, 100_00)
    with superuser(postgres) as connection:
        connection.execute("UPDATE customer_standings SET due_minor = 7 WHERE supplier_id = %s", (other,))
    with pytest.raises(DBAPIError, match="row-level security"), works.begin(supplier.supplier_id) as work:
        work.scalar(
            "SELECT count_standings(:other, CAST(:ids AS uuid[]), :today)",
            other=other,
            ids=[theirs.customer_id],
            today=today(),
        )
    with works.begin(other) as work:
        assert work.scalar("SELECT due_minor FROM customer_standings WHERE supplier_id = :supplier") == 7
