"""The database as its owner sees it: rights, policies, keys and triggers; and the way to plant faults behind them."""

from __future__ import annotations

import re
import time
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

import psycopg

from config.database import migrate
from config.embedded import LOGIN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from config.embedded import EmbeddedPostgres

HOUSE = import_module("migrations.versions.0001_house")
PLATFORM = import_module("migrations.versions.0003_platform")
MONEY = import_module("migrations.versions.0004_money")
BOOKS = import_module("migrations.versions.0005_books")
PORTAL = import_module("migrations.versions.0006_portal")
FINISH = import_module("migrations.versions.0007_finish")
REGISTERED = (*HOUSE.REGISTER, *PORTAL.REGISTER, *FINISH.REGISTER)
APPEND_ONLY = (
    *HOUSE.APPEND_ONLY,
    *PLATFORM.APPEND_ONLY,
    *MONEY.APPEND_ONLY,
    *BOOKS.APPEND_ONLY,
    *PORTAL.APPEND_ONLY,
    *FINISH.APPEND_ONLY,
)
CHANGING = HOUSE.CHANGING | PLATFORM.CHANGING | MONEY.CHANGING | BOOKS.CHANGING | PORTAL.CHANGING | FINISH.CHANGING
for later in (PLATFORM, MONEY, BOOKS, PORTAL, FINISH):
    CHANGING |= {table: f"{CHANGING[table]}, {columns}" for table, columns in later.MORE_CHANGING.items()}
APP, REGISTER, PORTFOLIO = "quittance_app", "quittance_register", "quittance_portfolio"
OTHERS = {"alembic_version"}
"""The migrations' own table."""
DURABILITY = ("fsync", "full_page_writes")
"""What makes the server wait for its disk."""
RELOADED_WITHIN_S = 30.0
TEMPLATE = "migrated"
"""The database that others are copies of; nobody connects to it."""


def migrated_copy(postgres: EmbeddedPostgres, name: str) -> str:
    """The URL of a new, empty database of the newest schema: a copy, which takes a tenth of the time of migrating."""
    _make_template(postgres)
    with psycopg.connect(postgres.superuser_url, autocommit=True) as admin:
        admin.execute(f'CREATE DATABASE "{name}" OWNER {LOGIN} TEMPLATE {TEMPLATE}')
    return postgres.start(name)


@cache
def _make_template(postgres: EmbeddedPostgres) -> None:
    migrate(postgres.start(TEMPLATE))


def set_durable(postgres: EmbeddedPostgres, *, durable: bool) -> None:
    """Let the server wait for its disk, or not; returns when every connection knows."""
    wanted = "on" if durable else "off"
    with psycopg.connect(postgres.superuser_url, autocommit=True) as admin:
        for name in DURABILITY:
            admin.execute(f"ALTER SYSTEM SET {name} = {wanted}".encode())
        admin.execute("SELECT pg_reload_conf()")
    deadline = time.monotonic() + RELOADED_WITHIN_S
    while _server_settings(postgres) != {wanted}:
        assert time.monotonic() < deadline, "the server does not read its settings anew"
        time.sleep(0.01)


def _server_settings(postgres: EmbeddedPostgres) -> set[str]:
    """As a new connection sees them: those that there are were told just before it was let in."""
    with psycopg.connect(postgres.superuser_url) as admin:
        rows = admin.execute("SELECT current_setting(name) FROM unnest(%s::text[]) AS name", (list(DURABILITY),))
        return {row[0] for row in rows}


@contextmanager
def superuser(postgres: EmbeddedPostgres, database: str = "tests") -> Iterator[psycopg.Connection[Any]]:
    """A connection that nothing binds: no row-level security, no trigger. Commits at the end."""
    url = postgres.superuser_url.replace("/postgres?", f"/{database}?")
    with psycopg.connect(url) as connection:
        connection.execute("SET session_replication_role = replica")
        yield connection


@dataclass(frozen=True)
class Table:
    """What the catalogue says of one table."""

    name: str
    columns: tuple[str, ...]
    enabled: bool
    forced: bool
    owner: str
    policies: tuple[tuple[str, str, str, str], ...]
    keys: tuple[tuple[str, ...], ...]
    app: frozenset[str]
    app_updates: frozenset[str]
    register: frozenset[str]
    triggers: frozenset[str]


def tables(connection: psycopg.Connection[Any]) -> dict[str, Table]:
    """Every table of the schema."""
    names = [
        row[0]
        for row in connection.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')"
        )
    ]
    return {name: _table(connection, name) for name in names if name not in OTHERS}


def _table(connection: psycopg.Connection[Any], name: str) -> Table:
    def column(sql: str) -> list[Any]:
        return [row[0] for row in connection.execute(sql, {"t": name})]

    flags = connection.execute(
        "SELECT relrowsecurity, relforcerowsecurity, pg_get_userbyid(relowner) FROM pg_class "
        "WHERE oid = %(t)s::regclass",
        {"t": name},
    ).fetchone()
    assert flags is not None
    policies = connection.execute(
        "SELECT policyname, array_to_string(roles, ','), coalesce(qual, ''), coalesce(with_check, '') FROM pg_policies "
        "WHERE tablename = %(t)s",
        {"t": name},
    ).fetchall()
    keys = column(
        "SELECT array(SELECT attname::text FROM unnest(indkey) WITH ORDINALITY AS k (num, place) "
        "JOIN pg_attribute ON attrelid = indrelid AND attnum = k.num ORDER BY place) "
        "FROM pg_index WHERE indrelid = %(t)s::regclass AND indisunique"
    )
    return Table(  # type: ignore[call-arg]
        name,
        tuple(
            column(
                "SELECT attname::text FROM pg_attribute WHERE attrelid = %(t)s::regclass AND attnum > 0 "
                "AND NOT attisdropped"
            )
        ),
        *flags,
        tuple(tuple(each) for each in policies),
        tuple(tuple(key) for key in keys),
        _rights(connection, APP, name),
        frozenset(
            column(
                "SELECT attname::text FROM pg_attribute WHERE attrelid = %(t)s::regclass AND attnum > 0 "  # noqa: S608 -- names of tables and columns come from the test
                f"AND has_column_privilege('{APP}', attrelid, attnum, 'UPDATE')"
            )
        ),
        _rights(connection, REGISTER, name),
        frozenset(
            column(
                "SELECT tgname::text FROM pg_trigger WHERE tgrelid = %(t)s::regclass AND NOT tgisinternal "
                "AND tgenabled = 'O'"
            )
        ),
    )


def _rights(connection: psycopg.Connection[Any], role: str, table: str) -> frozenset[str]:
    wanted = ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "TRIGGER", "REFERENCES")
    return frozenset(
        right
        for right in wanted
        if connection.execute("SELECT has_table_privilege(%s, %s, %s)", (role, table, right)).fetchone() == (True,)
    )


_OWN = "(supplier_id = (current_setting('app.supplier_id'::text))::uuid)"


def unprotected(table: Table) -> list[str]:  # noqa: C901 -- one list of independent demands
    """What is missing on one table, in words."""
    if "supplier_id" not in table.columns or table.name in REGISTERED:
        return _unlisted(table)
    found = []
    if not (table.enabled and table.forced):
        found.append("row-level security is not enabled and forced")
    everybody = [policy for policy in table.policies if policy[1] == "public"]
    if [policy[2:] for policy in everybody] != [(_OWN, _OWN)]:
        found.append("the policy for everybody is not: rows of the supplier that was set")
    if any(policy[1] not in {"public", REGISTER, PORTFOLIO} for policy in table.policies):
        found.append("a policy for some other role")
    told = {"customer_id", "invoice_id"} & set(table.columns)
    if told and not any(policy[1] == PORTFOLIO for policy in table.policies):
        found.append("staff with a portfolio read all of it")
    if not table.keys or any(key[0] != "supplier_id" for key in table.keys):
        found.append(f"a key does not lead with the supplier: {table.keys}")
    if table.app & {"DELETE", "TRUNCATE", "TRIGGER", "UPDATE"}:
        found.append(f"the application may {sorted(table.app)}")
    declared = re.split(r",\s*", CHANGING.get(table.name, "")) if table.name in CHANGING else []
    if table.app_updates != set(declared):
        found.append(f"updates of {sorted(table.app_updates ^ set(declared))} differ from what is declared")
    if table.name in APPEND_ONLY:
        if "append_only" not in table.triggers:
            found.append("no trigger keeps it append-only")
    elif table.name not in CHANGING:
        found.append("it is declared neither append-only nor changing")
    if table.register - {"SELECT"}:
        found.append(f"the register role may {sorted(table.register)}")
    return [f"{table.name}: {each}" for each in found]


def _unlisted(table: Table) -> list[str]:
    """Tables without a supplier are named, and closed to the application but for the suppliers themselves."""
    if table.name not in REGISTERED:
        return [f"{table.name}: a table without a supplier that nobody named"]
    allowed = {"SELECT", "REFERENCES"} if table.name == "suppliers" else set()
    extra = (table.app - allowed) | (table.register - {"SELECT", "INSERT", "UPDATE"})
    return [f"{table.name}: rights beyond the declared {sorted(extra)}"] if extra else []
