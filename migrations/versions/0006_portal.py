"""The portal: people and their keys, customers' users, drafts, imports, settings, API clients, webhooks, mails."""

from __future__ import annotations

from pathlib import Path

from alembic import op

from migrations.portfolios import hold_to_portfolios
from migrations.protection import keep_append_only, let_change, let_change_more, show_work_to_register

revision = "0006"
down_revision = "0005"

HERE = Path(__file__).parent
PARTS = (
    "access",
    "settings",
    "customers",
    "drafts",
    "imports",
    "api",
    "webhooks",
    "speed",
    "mails",
)

REGISTER: tuple[str, ...] = (
    # access
    "passkeys",
    "authenticators",
    "recovery_codes",
    "proof_codes",
    "answered_ceremonies",
    "identities",
    # settings
    "domains",
)
"""Tables without a supplier: the register role alone reaches them."""
APPEND_ONLY: tuple[str, ...] = (
    # customers' people
    "terms_shown",
    "advice_lines",
    "advised_invoices",
    # drafts
    # files taken in
    "brought_files",
    "opened_items",
    "customer_aliases",
    "series_starts",
    # settings
    "terms_versions",
    "vat_checks",
    # api
    # webhooks
    "webhook_attempts",
    # mails
)
CHANGING: dict[str, str] = {
    # access
    "write_offs": "state, decided_by, decided_at",
    # customers' people
    "customer_invitations": "state, settled_at",
    "contact_desks": "name, phone, email, hours, hours_en, removed_at, changed_by, changed_at",
    "remittance_advices": "state, total_minor, paid_on, reference, confirmed_at",
    "company_changes": "state, decided_by, decided_at, reason",
    "account_openings": "is_open, welcome, welcome_en, changed_by, changed_at",
    "account_requests": "state, confirmed_at, decided_by, decided_at, reason, customer_id, limit_minor",
    # drafts
    "invoice_drafts": "customer_id, typed, label, total_minor, currency, revision, state, changed_by, changed_at",
    "invoice_templates": "removed_by, removed_at",
    "recurring_invoices": "ends_on, automatic, state, next_on, position, changed_by, changed_at",
    "recurring_dates": "state, invoice_id, draft_id, changed_at",
    # files taken in
    "jobs": "state, done, known, refused, held_until, changed_at, finished_at",
    "job_lines": "state, result, code, sentence, sentence_fr",
    "column_mappings": "columns, changed_at",
    "openings": "state, undone_by, undone_reason, undone_at",
    # settings
    "items": (
        "code, name, name_en, description, unit, price, currency, nature, vat_category, vat_rate, vat_exemption, "
        "account, retired_at, changed_by, changed_at"
    ),
    "mail_texts": "subject, opening, closing, changed_by, changed_at",
    "customer_terms": "days, counted_from, changed_by, changed_at",
    "series_wordings": "prefix, digits, changed_by, changed_at",
    # api
    "api_clients": "name, scopes, secret_hash, previous_hash, previous_until, rotated_at, revoked_at",
    "api_requests": "input_hash, status, headers, answer, answered_at",
    # webhooks
    "event_log": "position",
    "event_heads": "last_position",
    "webhook_endpoints": "label, url, kinds, state, reason, sealed_secret, sealed_before, before_until, failures, "
    "failing_since, paused_until, changed_at",
    "webhook_deliveries": "state, tries, last_status, last_error, next_try_at, changed_at",
    # mails
    "mail_settings": "attach_invoice, digest, changed_by, changed_at",
    "mail_wishes": "wanted, changed_by, changed_at",
}
"""Tables whose state moves, with the only columns that may."""
MORE_CHANGING: dict[str, str] = {
    # api
    "api_tokens": "last_used_at",
}
"""More columns that may move: those added to tables of before."""
WORK_TO_DO: dict[str, str] = {
    # drafts
    "recurring_invoices": "supplier_id, state, next_on",
    "recurring_dates": "supplier_id, state",
    # files taken in
    "jobs": "supplier_id, state, held_until",
    # webhooks
    "event_log": "supplier_id, position",
}
"""Tables in which the worker looks for suppliers that it has to do something for, with what it may see there."""


def upgrade() -> None:
    """Create tables with their guards, policies and grants."""
    for part in PARTS:
        op.execute((HERE / f"0006_{part}.sql").read_text())
    for table in REGISTER:
        op.execute(f"GRANT SELECT, INSERT, UPDATE ON {table} TO quittance_register")
    keep_append_only(APPEND_ONLY)
    let_change(CHANGING)
    let_change_more(MORE_CHANGING)
    show_work_to_register(WORK_TO_DO)
    hold_to_portfolios()
