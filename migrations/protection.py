"""What every table of a supplier is protected by: one supplier's rows only, and no more rights than its life needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alembic import op

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


def keep_append_only(tables: Iterable[str]) -> None:
    """Let the application add rows to ``tables`` and read them, and nobody change them."""
    for table in tables:
        isolate(table)
        op.execute(f"GRANT SELECT, INSERT ON {table} TO quittance_app")
        op.execute(
            f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )


def let_change(changing: Mapping[str, str]) -> None:
    """Let the application add rows, and change the columns named: ``changing`` is columns by table."""
    for table, columns in changing.items():
        isolate(table)
        op.execute(f"GRANT SELECT, INSERT, UPDATE ({columns}) ON {table} TO quittance_app")


def let_change_more(changing: Mapping[str, str]) -> None:
    """Let the application change more columns of tables that are protected already."""
    for table, columns in changing.items():
        op.execute(f"GRANT UPDATE ({columns}) ON {table} TO quittance_app")


def isolate(table: str) -> None:
    """Rows of one supplier only; an unset supplier is an error because '' is no uuid."""
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    op.execute(
        f"CREATE POLICY one_supplier ON {table} "
        "USING (supplier_id = current_setting('app.supplier_id')::uuid) "
        "WITH CHECK (supplier_id = current_setting('app.supplier_id')::uuid)"
    )


def show_work_to_register(columns: Mapping[str, str]) -> None:
    """Let the register see *that* a supplier has work to do, and of which sort, never what it is."""
    for table, shown in columns.items():
        op.execute(f"CREATE POLICY work_to_do ON {table} FOR SELECT TO quittance_register USING (true)")
        op.execute(f"GRANT SELECT ({shown}) ON {table} TO quittance_register")
