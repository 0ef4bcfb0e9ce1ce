"""Staff who see only the customers that are theirs: a role of its own, which the database itself holds to them.

Policies name the role, so that they are no part of anybody else's queries. It has every right of the application (it is
a member of its role) and one limit more: it reads rows about customers of whom it is the collector
(``customer_files.collector_id`` = ``app.portfolio``). A setting that is missing is an error, as for the supplier.
"""

from __future__ import annotations

from alembic import op

ROLE = "quittance_portfolio"
POLICY = "own_customers"
UNKNOWN_IS_FOREIGN = frozenset({"bank_lines", "held_messages", "account_requests"})
"""Tables in which no customer means: nobody knows yet whose it is. Elsewhere it means: it is about no customer."""
PARENTS = {
    "dispute_events": ("dispute_id", "disputes"),
    "messages": ("thread_id", "message_threads"),
    "internal_notes": ("thread_id", "message_threads"),
    "thread_reads": ("thread_id", "message_threads"),
    "plan_instalments": ("plan_id", "plans"),
    "plan_signatures": ("plan_id", "plans"),
    "commitment_versions": ("commitment_id", "commitments"),
    "write_offs": ("claim_id", "interest_claims"),
    "claim_lines": ("claim_id", "interest_claims"),
    "lettering_lines": ("lettering_id", "letterings"),
    "refund_orders": ("attempt_id", "payment_attempts"),
    "mandate_amendments": ("mandate_id", "mandates"),
}
"""Tables that reach a customer by the row they belong to."""

_OWN = (
    "SELECT customer_id FROM customer_files WHERE supplier_id = current_setting('app.supplier_id')::uuid "
    "AND collector_id = current_setting('app.portfolio')::uuid"
)


def hold_to_portfolios() -> None:
    """Make the role, and a policy for it on every table that tells of a customer."""
    _make_role()
    for table in _tables_with("customer_id"):
        op.execute(_policy(table, _by_customer(table)))
    for table in _tables_with("invoice_id", but="customer_id"):
        found = f"EXISTS (SELECT 1 FROM invoices AS own WHERE own.invoice_id = {table}.invoice_id)"  # noqa: S608 -- our own names
        op.execute(_policy(table, f"invoice_id IS NULL OR {found}"))
    for table, (column, parent) in PARENTS.items():
        found = f"EXISTS (SELECT 1 FROM {parent} AS own WHERE own.{column} = {table}.{column})"  # noqa: S608 -- our own names
        op.execute(_policy(table, f"{column} IS NULL OR {found}"))


def hold_table_to_portfolios(table: str) -> None:
    """Give a table with a ``customer_id``, made after the role, its policy."""
    op.execute(_policy(table, _by_customer(table)))


def _make_role() -> None:
    op.execute(
        f"DO $$ BEGIN CREATE ROLE {ROLE} NOLOGIN NOBYPASSRLS; "
        "EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$"
    )
    op.execute(
        f"DO $$ BEGIN IF NOT pg_has_role(current_user, '{ROLE}', 'SET') "
        f"THEN EXECUTE 'GRANT {ROLE} TO CURRENT_USER WITH SET TRUE'; END IF; END $$"
    )
    op.execute(
        f"DO $$ BEGIN IF NOT pg_has_role('{ROLE}', 'quittance_app', 'USAGE') "
        f"THEN EXECUTE 'GRANT quittance_app TO {ROLE} WITH INHERIT TRUE'; END IF; END $$"
    )


def _by_customer(table: str) -> str:
    if table == "customer_files":
        return "collector_id = current_setting('app.portfolio')::uuid"
    nobody = "" if table in UNKNOWN_IS_FOREIGN else "customer_id IS NULL OR "
    return f"{nobody}customer_id IN ({_OWN})"


def _policy(table: str, condition: str) -> str:
    return f"CREATE POLICY {POLICY} ON {table} AS RESTRICTIVE FOR SELECT TO {ROLE} USING ({condition})"


def _tables_with(column: str, *, but: str = "") -> list[str]:
    """Tables of suppliers that have ``column``, and not the column ``but``."""
    return list(
        op.get_bind()
        .exec_driver_sql(
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') "
            "AND relrowsecurity AND EXISTS (SELECT 1 FROM pg_attribute WHERE attrelid = pg_class.oid "
            "AND attname = %s AND NOT attisdropped) AND NOT EXISTS (SELECT 1 FROM pg_attribute "
            "WHERE attrelid = pg_class.oid AND attname = %s AND NOT attisdropped) ORDER BY relname",
            (column, but),
        )
        .scalars()
    )
