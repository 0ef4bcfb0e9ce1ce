"""The house: register, customers, invoices, books, payments, inbox, outbox, documents, statuses, audit.

The application role owns nothing and cannot bypass row-level security; what it may do to a table is said once, in
``RIGHTS`` below, and a test compares that with the catalogue.
"""

from __future__ import annotations

from pathlib import Path

from alembic import op

revision = "0001"
down_revision = None

HERE = Path(__file__).parent

REGISTER = ("suppliers", "people", "memberships", "sign_in_links", "sessions")
"""Tables without a supplier: the register role alone reaches them."""

APPEND_ONLY = (
    "entries",
    "postings",
    "allocations",
    "letterings",
    "lettering_lines",
    "lettering_ends",
    "collections",
    "documents",
    "statuses",
    "audit_rows",
    "audit_seals",
    "invoices",
)
CHANGING = {
    "supplier_profiles": "profile, changed_at",
    "customers": "name, siren, vat_id, email, kind, party, language",
    "number_series": "last_number",
    "receivable_items": "open_minor, lettering_id",
    "letter_counters": "balanced, partial",
    "pay_links": "revoked_at",
    "gateway_accounts": "active, sealed_key, sealed_webhook_secret, sealed_previous_secret",
    "payment_attempts": "state, session_ref, payment_ref, checkout_url, failure_code, expires_at, changed_at",
    "reservations": "state",
    "inbox": "state, tries, next_try_at, reason, done_at",
    "outbox": "state, done_by, tries, next_try_at, reason, done_at",
    "idempotent_requests": "answer",
    "api_tokens": "revoked_at",
    "platform_accounts": "active, driver, sealed_client_secret",
    "platform_flows": "state, flow_ref, refusal, sends, changed_at",
    "watermarks": "reached_at",
    "mails": "state, sent_at",
}
"""Tables whose state moves, with the only columns that may."""

LOCKABLE = "customer_id"
"""``SELECT ... FOR NO KEY UPDATE`` needs UPDATE on some column; ``customers`` has it by its changing columns."""


def upgrade() -> None:
    """Create roles, tables, guards, policies and grants."""
    for role in ("quittance_app", "quittance_register"):
        op.execute(
            f"DO $$ BEGIN CREATE ROLE {role} NOLOGIN NOBYPASSRLS; "
            "EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$"
        )
        op.execute(
            f"DO $$ BEGIN IF NOT pg_has_role(current_user, '{role}', 'SET') "
            f"THEN EXECUTE 'GRANT {role} TO CURRENT_USER WITH SET TRUE'; END IF; END $$"
        )
        op.execute(f"GRANT USAGE ON SCHEMA public TO {role}")
    for name in ("0001_house.sql", "0001_guards.sql"):
        op.execute((HERE / name).read_text())
    for table in REGISTER:
        op.execute(f"GRANT SELECT, INSERT, UPDATE ON {table} TO quittance_register")
    op.execute("GRANT SELECT, REFERENCES ON suppliers TO quittance_app")
    for table in APPEND_ONLY:
        _isolate(table)
        op.execute(f"GRANT SELECT, INSERT ON {table} TO quittance_app")
        op.execute(
            f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
    for table, columns in CHANGING.items():
        _isolate(table)
        op.execute(f"GRANT SELECT, INSERT, UPDATE ({columns}) ON {table} TO quittance_app")
    _show_work_to_register()


def _isolate(table: str) -> None:
    """Rows of one supplier only; an unset supplier is an error because '' is no uuid."""
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    op.execute(
        f"CREATE POLICY one_supplier ON {table} "
        "USING (supplier_id = current_setting('app.supplier_id')::uuid) "
        "WITH CHECK (supplier_id = current_setting('app.supplier_id')::uuid)"
    )


def _show_work_to_register() -> None:
    """The register sees *that* a supplier has work to do, never what it is."""
    for table in ("inbox", "outbox"):
        op.execute(f"CREATE POLICY work_to_do ON {table} FOR SELECT TO quittance_register USING (true)")
        op.execute(f"GRANT SELECT (supplier_id, state, next_try_at) ON {table} TO quittance_register")
