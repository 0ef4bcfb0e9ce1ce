"""The database: two engines (application, register), one transaction per supplier, migrations, safe start.

Every connection takes a role that owns nothing and cannot bypass row-level security. ``Database.begin`` names the
supplier for one transaction; outside of it no row of any supplier can be read.
"""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import psycopg
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.exc import OperationalError

import migrations
from config.embedded import EmbeddedPostgres

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from uuid import UUID

    from config.settings import Settings

APPLICATION_ROLE = "quittance_app"
REGISTER_ROLE = "quittance_register"
PORTFOLIO_ROLE = "quittance_portfolio"
"""The application held to the customers of one person."""
MIN_SERVER_VERSION = 160_000
RETRIED_STATES = frozenset({"40001", "40P01"})
"""Serialisation failure and deadlock: the transaction did nothing and may be run again."""
MAX_RUNS = 5

Result = TypeVar("Result")

_SET_SUPPLIER = text("SELECT set_config('app.supplier_id', :supplier, true)")
_SET_PORTFOLIO = text(
    "SELECT set_config('app.supplier_id', :supplier, true), set_config('app.portfolio', :person, true), "
    f"set_config('role', '{PORTFOLIO_ROLE}', true)"
)


_TAKE_ROLE = text("SELECT set_config('role', :role, true)")


class UnsafeDatabaseError(Exception):
    """The server would lose acknowledged money or mix suppliers; the sentence says what to change."""

    code = "database.unsafe"


class Database:
    """The house's PostgreSQL, seen through the two roles it works with."""

    def __init__(self, url: str, settings: Settings) -> None:
        self.url = url
        self._settings = settings
        self.application = self._engine(APPLICATION_ROLE)
        self.register_engine = self._engine(REGISTER_ROLE)

    @contextmanager
    def begin(self, supplier_id: UUID, portfolio: UUID | None = None) -> Iterator[Connection]:
        """One transaction of one supplier: commits on a clean exit, rolls back on any exception.

        With ``portfolio`` it reads nothing about customers of whom that person is not the collector.
        """
        with self.application.begin() as connection:
            if portfolio is None:
                connection.execute(_SET_SUPPLIER, {"supplier": str(supplier_id)})
            else:
                connection.execute(_SET_PORTFOLIO, {"supplier": str(supplier_id), "person": str(portfolio)})
            yield connection

    @contextmanager
    def register(self) -> Iterator[Connection]:
        """One transaction over the tables that have no supplier."""
        with self.register_engine.begin() as connection:
            yield connection

    def raw(self) -> psycopg.Connection[Any]:
        """A psycopg connection in autocommit with the application role, for roads of one round trip."""
        connection = psycopg.connect(self.url, autocommit=True, options=self._options())
        connection.execute(f"SET ROLE {APPLICATION_ROLE}")
        return connection

    def check_safety(self) -> None:
        """Refuse a server that could lose or mix what it is given.

        Raises:
            UnsafeDatabaseError: too old, not durable, or a role that row-level security does not bind.
        """
        with self.application.connect() as connection:
            version = int(connection.scalar(text("SHOW server_version_num")) or 0)
            if version < MIN_SERVER_VERSION:
                raise UnsafeDatabaseError(f"PostgreSQL 16 or newer is needed; this server says {version}.")
            for name in ("fsync", "full_page_writes", "synchronous_commit"):
                if connection.scalar(text("SELECT current_setting(:name)"), {"name": name}) == "off":
                    raise UnsafeDatabaseError(f"The server runs with {name} = off: payments could be lost.")
            free = connection.scalar(text("SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user"))
            if free:
                raise UnsafeDatabaseError("The application role is superuser or bypasses row-level security.")

    def dispose(self) -> None:
        """Close every pooled connection."""
        self.application.dispose()
        self.register_engine.dispose()

    def _engine(self, role: str) -> Engine:
        engine = create_engine(
            self.url.replace("postgresql://", "postgresql+psycopg://", 1),
            pool_size=self._settings.pool_size,
            max_overflow=self._settings.pool_size,
            pool_pre_ping=True,
            hide_parameters=True,  # an error is logged and kept as a reason: it must not quote names and keys
            connect_args={"options": self._options()},
        )

        @event.listens_for(engine, "connect")
        def take_role(connection: psycopg.Connection[Any], _record: object) -> None:
            connection.execute(f"SET ROLE {role}")
            connection.commit()

        return engine

    def _options(self) -> str:
        """Options of every connection; compiling (jit) costs our statements of many parts more than it saves them."""
        settings = self._settings
        return (
            f"-c statement_timeout={settings.statement_timeout_ms} -c lock_timeout={settings.lock_timeout_ms} "
            f"-c idle_in_transaction_session_timeout={settings.idle_transaction_timeout_ms} -c timezone=UTC -c jit=off"
        )


class Register(Protocol):
    """The tables that have no supplier, reached in a transaction: of their own, or within another."""

    def register(self) -> AbstractContextManager[Connection]:
        """A connection with the register's role."""
        ...


class RegisterWithin:
    """The register as a part of a supplier's transaction: what is written in both stands together, or not at all."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @contextmanager
    def register(self) -> Iterator[Connection]:
        """The connection of that transaction, with the register's role meanwhile; an exception has to end it."""
        role = self._connection.scalar(text("SELECT current_setting('role')"))
        self._connection.execute(_TAKE_ROLE, {"role": REGISTER_ROLE})
        yield self._connection
        self._connection.execute(_TAKE_ROLE, {"role": role})


def run_again(transaction: Callable[[], Result]) -> Result:
    """Run ``transaction`` and repeat it where PostgreSQL says that it did nothing (40001, 40P01)."""
    for _ in range(MAX_RUNS - 1):
        try:
            return transaction()
        except OperationalError as error:
            if getattr(error.orig, "sqlstate", None) not in RETRIED_STATES:
                raise
    return transaction()


def open_database(settings: Settings) -> Database:
    """The database that ``settings`` name, started where it is the embedded one, migrated and checked."""
    url = settings.database_url or EmbeddedPostgres(settings.data_dir / "postgres").start()
    migrate(url)
    database = Database(url, settings)
    database.check_safety()
    return database


def migrate(url: str) -> None:
    """Bring the schema at ``url`` to the newest revision."""
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://", 1))
    configuration = Config()
    configuration.set_main_option("script_location", str(Path(migrations.__file__).parent))
    with engine.begin() as connection:
        configuration.attributes["connection"] = connection
        command.upgrade(configuration, "head")
    engine.dispose()
