"""Alembic's entry: runs the revisions on the connection that ``config.database.migrate`` hands over."""

from __future__ import annotations

from alembic import context

LOCK_TIMEOUT = "5s"
"""A migration waits no longer than this for a lock: a blocked deploy is better than a blocked shop."""

ONE_AT_A_TIME = 0x51554954
"""Processes that start together migrate one after the other; the second finds nothing to do."""


def run() -> None:
    """Run the pending revisions inside the caller's transaction: all of them or none."""
    connection = context.config.attributes["connection"]
    connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({ONE_AT_A_TIME})")
    connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'")
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()


run()
