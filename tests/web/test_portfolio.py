"""Staff who see only their own customers: held to them by the database, on every table and every page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from catalogue import PORTFOLIO, tables
from ledger_builders import attempt, customer_facts, issue, received
from portal_house import build_house
from psycopg import connect
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from test_access import MATRIX, address

from config.clock import new_id, now
from portal.access.people import add_membership, add_person
from portal.access.roles import Role
from receivables.services.settlement.receipts import record_facts
from receivables.store.register import create_supplier
from receivables.store.work import Works

if TYPE_CHECKING:
    from uuid import UUID

    from flask import Flask
    from portal_house import House
    from sqlalchemy import Connection

    from config.database import Database
    from config.embedded import EmbeddedPostgres
    from portal.wiring import Services
    from receivables.store.register import Supplier

FOREIGN = "Garage du Port"
MINE = "INSERT INTO customer_files (supplier_id, customer_id, collector_id, segment, changed_by, changed_at) VALUES "


@pytest.fixture(scope="module")
def person() -> UUID:
    """Who has a portfolio."""
    return new_id()


@pytest.fixture(scope="module")
def books(database: Database, person: UUID) -> tuple[Supplier, UUID, UUID]:
    """A supplier with a customer of the portfolio and another, both with an invoice that was paid."""
    supplier = create_supplier(database, f"PORTFOLIO {new_id()}", "Books")
    with Works(database).begin(supplier.supplier_id) as work:
        own, other = issue(work), issue(work, customer=customer_facts(FOREIGN, "552100554"))
        record_facts(work, [received(attempt(work, own), 10000), received(attempt(work, other), 10000)])
        give(work.connection, supplier.supplier_id, own.customer_id, person)
    return supplier, own.customer_id, other.customer_id


def give(connection: Connection, supplier_id: UUID, customer_id: UUID, person_id: UUID) -> None:
    """Make a person the collector of a customer."""
    connection.execute(
        text(
            MINE + "(:supplier, :customer, :person, 'standard', 'test', :at) "
            "ON CONFLICT (supplier_id, customer_id) DO UPDATE SET collector_id = excluded.collector_id"
        ),
        {"supplier": supplier_id, "customer": customer_id, "person": person_id, "at": now()},
    )


def test_every_table_that_tells_of_a_customer_holds_the_portfolio_role_to_its_own(
    postgres: EmbeddedPostgres, database: Database
) -> None:
    assert database
    with connect(postgres.superuser_url.replace("/postgres?", "/tests?")) as owner:
        found = tables(owner)
        may = owner.execute(
            "SELECT rolsuper, rolbypassrls, rolcanlogin FROM pg_roles WHERE rolname = %s", (PORTFOLIO,)
        ).fetchone()
    held = {name for name, table in found.items() if any(policy[1] == PORTFOLIO for policy in table.policies)}
    told = {
        name for name, table in found.items() if table.enabled and {"customer_id", "invoice_id"} & set(table.columns)
    }
    assert told <= held
    assert len(held) > 80
    assert may == (False, False, False)


def test_the_database_shows_a_portfolio_its_own_customers_in_every_table(
    database: Database, books: tuple[Supplier, UUID, UUID], person: UUID
) -> None:
    supplier, own, other = books
    seen: dict[str, Any] = {}
    there: dict[str, Any] = {}
    for works, counts in ((Works(database, lambda: person), seen), (Works(database), there)):
        with works.begin(supplier.supplier_id) as work:
            for table in ("customers", "invoices", "postings", "allocations", "receivable_items", "payment_attempts"):
                rows = work.rows(f"SELECT customer_id FROM {table} WHERE supplier_id = :supplier")  # noqa: S608 -- names of the test
                counts[table] = {row["customer_id"] for row in rows} - {None}
            counts["collections"] = work.scalar("SELECT count(*) FROM collections WHERE supplier_id = :supplier")
            counts["reservations"] = work.scalar("SELECT count(*) FROM reservations WHERE supplier_id = :supplier")
    assert all(counted == {own} for counted in seen.values() if isinstance(counted, set)), seen
    assert all(counted == {own, other} for counted in there.values() if isinstance(counted, set)), there
    assert seen["reservations"] * 2 == there["reservations"] > 0


def test_a_portfolio_books_for_its_own_customers_as_everybody_does(
    database: Database, books: tuple[Supplier, UUID, UUID], person: UUID
) -> None:
    supplier, own, _ = books
    with Works(database, lambda: person).begin(supplier.supplier_id) as work:
        invoice = issue(work)
        assert invoice.customer_id == own
        record_facts(work, [received(attempt(work, invoice), 10000)])
        work.audit(f"person {person}", "test", str(invoice.invoice_id))
    with Works(database).begin(supplier.supplier_id) as work:
        assert work.scalar(
            "SELECT count(*) FROM receivable_items WHERE supplier_id = :supplier AND invoice_id = :id",
            id=invoice.invoice_id,
        )


def test_a_portfolio_that_nobody_named_reads_nothing(database: Database, books: tuple[Supplier, UUID, UUID]) -> None:
    supplier, _, _ = books
    with Works(database, new_id).begin(supplier.supplier_id) as work:
        assert work.scalar("SELECT count(*) FROM customers WHERE supplier_id = :supplier") == 0
    with database.application.connect() as connection:
        connection.execute(text("SELECT set_config('app.supplier_id', :id, true)"), {"id": str(supplier.supplier_id)})
        connection.execute(text(f"SET LOCAL ROLE {PORTFOLIO}"))
        with pytest.raises(DBAPIError, match=r"app\.portfolio|uuid"):
            connection.execute(text("SELECT count(*) FROM customers"))


def test_nobody_else_s_queries_know_of_portfolios(database: Database, books: tuple[Supplier, UUID, UUID]) -> None:
    """The policies name a role of their own, so that the plans of all others are those of before."""
    supplier, _, _ = books
    with Works(database).begin(supplier.supplier_id) as work:
        plan = "\n".join(
            row["QUERY PLAN"]
            for row in work.rows("EXPLAIN (VERBOSE) SELECT * FROM invoices WHERE supplier_id = :supplier")
        )
    assert "customer_files" not in plan
    assert "portfolio" not in plan
    with database.application.connect() as connection:
        assert connection.scalar(text("SELECT current_user")) == "quittance_app", "the role ends with its transaction"


# The pages.


@pytest.fixture(scope="module")
def held(services: Services) -> House:
    """A house with a collector who has a portfolio of one customer."""
    house = build_house(services, "Atelier des Portefeuilles")
    someone = add_person(services.database, f"held@{house.supplier.siren}.example", "Charlie Own")
    add_membership(services.database, someone.person_id, house.supplier.supplier_id, Role.COLLECTOR, portfolio=True)
    house.people["held"] = someone
    with services.works.begin(house.supplier.supplier_id) as work:
        give(work.connection, house.supplier.supplier_id, house.customer_id, someone.person_id)
    return house


def test_no_page_shows_a_portfolio_anything_of_another_customer(app: Flask, held: House) -> None:
    client = app.test_client()
    held.sign_in(client, "held")
    foreign = held.invoices["foreign"]
    opened = 0
    for endpoint, (pattern, allowed) in MATRIX.items():
        methods = {m for rule in app.url_map.iter_rules(endpoint) for m in rule.methods or ()}
        if "collector" not in allowed or "GET" not in methods or not pattern.startswith("/s/"):
            continue
        try:
            path = address(pattern, held)
        except KeyError:
            continue
        answer = client.get(path)
        assert answer.status_code < 500, (endpoint, answer.status_code)
        opened += answer.status_code == 200
        for told in (FOREIGN, str(foreign.invoice_id), str(held.other_customer_id)):
            assert told.encode() not in answer.data, (endpoint, told)
    assert opened > 25


def test_a_portfolio_opens_its_customers_and_neither_others_nor_the_whole_house(app: Flask, held: House) -> None:
    client = app.test_client()
    held.sign_in(client, "held")
    assert client.get(f"/s/customers/{held.customer_id}").status_code == 200
    assert client.get(f"/s/invoices/{held.invoices['due'].invoice_id}").status_code == 200
    for path in (
        f"/s/customers/{held.other_customer_id}",
        f"/s/invoices/{held.invoices['foreign'].invoice_id}",
        f"/s/credit/customers/{held.other_customer_id}",
        f"/s/messages/customers/{held.other_customer_id}",
        "/s/bank",
        "/s/treasury",
        "/s/mails",
        "/s/matching",
    ):
        assert client.get(path).status_code == 404, path
    assert "/s/bank" not in client.get("/s/work").text
    assert FOREIGN not in client.get("/s/search?q=Garage").text
