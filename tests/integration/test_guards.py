"""What the database itself refuses: other suppliers' rows, changed books, entries that do not balance."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest
from catalogue import APP, APPEND_ONLY, CHANGING, REGISTERED, set_durable, superuser, tables, unprotected
from checkout_builders import KEYRING
from ledger_builders import attempt, issue, received, refunded
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from config.clock import new_id, today
from config.database import Database, UnsafeDatabaseError, migrate
from payments.links import mint_link
from receivables.services.accounting.sealing import seal_audit
from receivables.services.settlement.receipts import record_facts
from receivables.store.register import create_supplier

if TYPE_CHECKING:
    from collections.abc import Iterator

    from config.embedded import EmbeddedPostgres
    from config.settings import Settings
    from receivables.store.register import Supplier
    from receivables.store.work import Works

WITH_SUPPLIER = (*APPEND_ONLY, *CHANGING)
NO_RIGHT = "42501"


@pytest.fixture
def other(works: Works) -> Supplier:
    """Another supplier, with rows in every book that a payment and a refund touch."""
    somebody = create_supplier(works.database, f"FOREIGN {new_id()}", "Somebody else")
    with works.begin(somebody.supplier_id) as work:
        invoice = issue(work)
        paid = attempt(work, invoice)
        record_facts(work, [received(paid, 10000), refunded(paid, 10000)])
        mint_link(work, KEYRING, invoice.invoice_id, "mail")
    with works.begin(somebody.supplier_id) as work:
        seal_audit(work)
    return somebody


@pytest.fixture(scope="module")
def owner(postgres: EmbeddedPostgres, database: Database) -> Iterator[psycopg.Connection]:
    """The owner of the schema, a superuser: everything is undone at the end."""
    assert database
    with psycopg.connect(postgres.superuser_url.replace("/postgres?", "/tests?"), autocommit=True) as connection:
        yield connection


def test_every_table_is_guarded_as_declared(owner: psycopg.Connection) -> None:
    found = tables(owner)
    assert set(found) == {*WITH_SUPPLIER, *REGISTERED}
    assert [fault for table in found.values() for fault in unprotected(table)] == []


@pytest.mark.parametrize(
    ("statement", "fault"),
    [
        (
            "CREATE TABLE planted (supplier_id uuid, id uuid, PRIMARY KEY (supplier_id, id))",
            "planted: row-level security",
        ),
        ("CREATE TABLE planted (id uuid PRIMARY KEY)", "planted: a table without a supplier"),
        ("ALTER TABLE invoices NO FORCE ROW LEVEL SECURITY", "invoices: row-level security"),
        ("CREATE POLICY open_door ON mails USING (true)", "mails: the policy for everybody"),
        ("CREATE POLICY open_door ON mails TO quittance USING (true)", "mails: a policy for some other role"),
        ("CREATE UNIQUE INDEX planted ON customers (customer_id)", "customers: a key does not lead"),
        (f"GRANT DELETE ON entries TO {APP}", "entries: the application may"),
        (f"GRANT UPDATE (amount_minor) ON receivable_items TO {APP}", "receivable_items: updates of"),
        (f"GRANT UPDATE ON entries TO {APP}", "entries: the application may"),
        ("ALTER TABLE postings DISABLE TRIGGER append_only", "postings: no trigger"),
        (f"GRANT SELECT ON people TO {APP}", "people: rights beyond"),
    ],
)
def test_a_planted_hole_is_caught(owner: psycopg.Connection, statement: str, fault: str) -> None:
    with owner.transaction(force_rollback=True):
        owner.execute(statement)
        found = [each for table in tables(owner).values() for each in unprotected(table)]
        assert any(each.startswith(fault) for each in found), found


def test_the_application_role_owns_nothing_and_bypasses_nothing(owner: psycopg.Connection) -> None:
    for role in (APP, "quittance_register", "quittance"):
        assert owner.execute("SELECT rolsuper, rolbypassrls FROM pg_roles WHERE rolname = %s", (role,)).fetchone() == (
            False,
            False,
        )
    owned = owner.execute("SELECT count(*) FROM pg_class WHERE relowner = %s::regrole", (APP,)).fetchone()
    assert owned == (0,)
    member_of = owner.execute("SELECT count(*) FROM pg_auth_members WHERE member = %s::regrole", (APP,)).fetchone()
    assert member_of == (0,)


@pytest.mark.parametrize("table", WITH_SUPPLIER)
def test_an_unset_supplier_is_an_error_and_never_an_empty_list(database: Database, table: str) -> None:
    with database.application.connect() as connection, pytest.raises(DBAPIError, match=r"app\.supplier_id|uuid"):
        connection.execute(text(f"SELECT 1 FROM {table} LIMIT 1")).all()  # noqa: S608 -- names of tables and columns come from the test


@pytest.mark.parametrize("table", WITH_SUPPLIER)
def test_another_supplier_s_rows_cannot_be_seen(
    works: Works, supplier: Supplier, other: Supplier, owner: psycopg.Connection, table: str
) -> None:
    with works.begin(supplier.supplier_id) as work:
        seen = work.scalar(f"SELECT count(*) FROM {table} WHERE supplier_id = :foreign", foreign=other.supplier_id)  # noqa: S608 -- names of tables and columns come from the test
        assert seen == 0
        assert work.scalar(f"SELECT count(*) FROM {table} WHERE supplier_id <> :supplier") == 0  # noqa: S608 -- names of tables and columns come from the test
    if table in {"entries", "postings", "allocations", "collections", "audit_seals", "pay_links", "outbox"}:
        there = owner.execute(f"SELECT count(*) FROM {table} WHERE supplier_id = %s", (other.supplier_id,)).fetchone()  # noqa: S608 -- names of tables and columns come from the test
        assert there is not None
        assert there[0] > 0, "there was something to see"


def test_another_supplier_s_rows_cannot_be_written(works: Works, supplier: Supplier, other: Supplier) -> None:
    with works.begin(supplier.supplier_id) as work:
        touched = work.execute(
            "UPDATE customers SET name = 'x' WHERE supplier_id = :foreign", foreign=other.supplier_id
        )
        assert touched == 0
    with pytest.raises(DBAPIError, match="row-level security") as refused, works.begin(supplier.supplier_id) as work:
        work.execute(
            "INSERT INTO watermarks (supplier_id, name, reached_at) VALUES (:foreign, 'x', now())",
            foreign=other.supplier_id,
        )
    assert refused.value.orig.sqlstate == NO_RIGHT  # type: ignore[union-attr]


def test_the_register_sees_that_there_is_work_and_nothing_of_it(database: Database, other: Supplier) -> None:
    with database.register() as connection:
        waiting = connection.execute(
            text("SELECT state FROM outbox WHERE supplier_id = :id"), {"id": other.supplier_id}
        ).all()
        assert waiting
    for sql in ("SELECT payload FROM outbox", "SELECT body FROM inbox", "SELECT name FROM customers"):
        with pytest.raises(DBAPIError, match=r"permission denied|app\.supplier_id"), database.register() as connection:
            connection.execute(text(sql))


@pytest.mark.parametrize("table", APPEND_ONLY)
@pytest.mark.parametrize(
    "change", ["UPDATE {t} SET supplier_id = supplier_id", "DELETE FROM {t}", "TRUNCATE {t} CASCADE"]
)
def test_the_owner_itself_cannot_change_a_book(owner: psycopg.Connection, table: str, change: str) -> None:
    with pytest.raises(psycopg.errors.IntegrityConstraintViolation, match="append-only"):
        owner.execute(change.format(t=table))


@pytest.mark.parametrize("gap", [1, -1])
def test_an_entry_that_does_not_balance_is_refused_at_commit(works: Works, supplier: Supplier, gap: int) -> None:
    with works.begin(supplier.supplier_id) as work:
        invoice = issue(work)
    with (  # noqa: PT012 -- the fault shows at the commit that ends the block
        pytest.raises(DBAPIError, match="does not balance: debit and credit differ by 1 "),
        works.begin(supplier.supplier_id) as work,
    ):
        entry_id = new_id()
        work.insert(
            "entries",
            [
                {
                    "entry_id": entry_id,
                    "journal": "OD",
                    "booked_on": today(),
                    "source_kind": "planted",
                    "source_ref": str(entry_id),
                    "document_ref": "x",
                    "label": "x",
                    "reverses_id": None,
                    "created_at": invoice.created_at,
                }
            ],
        )
        for account, debit, credit in (("411000", 100, 0), ("706000", 0, 100 + gap)):
            work.insert(
                "postings",
                [
                    {
                        "posting_id": new_id(),
                        "entry_id": entry_id,
                        "account": account,
                        "customer_id": None,
                        "invoice_id": None,
                        "debit_minor": debit,
                        "credit_minor": credit,
                        "currency": "EUR",
                    }
                ],
            )
    with works.begin(supplier.supplier_id) as work:
        assert (
            work.scalar("SELECT count(*) FROM entries WHERE supplier_id = :supplier AND source_kind = 'planted'") == 0
        )


def test_one_fact_has_one_entry_whatever_the_code_does(works: Works, supplier: Supplier) -> None:
    with works.begin(supplier.supplier_id) as work:
        record_facts(work, [received(attempt(work, issue(work)), 10000, "pi_once")])
    with pytest.raises(DBAPIError, match="source_kind_source_ref"), works.begin(supplier.supplier_id) as work:
        work.execute(
            "INSERT INTO entries SELECT supplier_id, :id, journal, booked_on, source_kind, source_ref, document_ref, "
            "label, NULL, created_at FROM entries WHERE supplier_id = :supplier AND source_ref = 'pi_once'",
            id=new_id(),
        )


@pytest.fixture
def durable(postgres: EmbeddedPostgres, database: Database) -> Iterator[Database]:
    """The database as a house runs it; for the other tests its server waits for no disk."""
    set_durable(postgres, durable=True)
    yield database
    set_durable(postgres, durable=False)


def test_a_superuser_is_no_role_to_run_with(postgres: EmbeddedPostgres, durable: Database, settings: Settings) -> None:
    database = durable
    with superuser(postgres) as connection:
        connection.execute(f"ALTER ROLE {APP} BYPASSRLS")
    unsafe = Database(database.url, settings)
    try:
        with pytest.raises(UnsafeDatabaseError, match="bypasses row-level security") as refused:
            unsafe.check_safety()
        assert refused.value.code == "database.unsafe"
    finally:
        unsafe.dispose()
        with superuser(postgres) as connection:
            connection.execute(f"ALTER ROLE {APP} NOBYPASSRLS")
    database.check_safety()


def test_a_server_that_could_lose_an_acknowledged_payment_is_refused(
    postgres: EmbeddedPostgres, durable: Database, settings: Settings
) -> None:
    with superuser(postgres) as connection:
        connection.execute("ALTER DATABASE tests SET synchronous_commit = off")
    unsafe = Database(durable.url, settings)
    try:
        with pytest.raises(UnsafeDatabaseError, match="synchronous_commit"):
            unsafe.check_safety()
    finally:
        unsafe.dispose()
        with superuser(postgres) as connection:
            connection.execute("ALTER DATABASE tests RESET synchronous_commit")


def test_a_server_that_does_not_wait_for_its_disk_is_refused(database: Database) -> None:
    with pytest.raises(UnsafeDatabaseError, match="fsync = off"):
        database.check_safety()


def test_migrating_again_changes_nothing(database: Database, owner: psycopg.Connection) -> None:
    before = tables(owner)
    migrate(database.url)
    assert tables(owner) == before
