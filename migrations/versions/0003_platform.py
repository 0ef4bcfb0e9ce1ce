"""The platform: routing, directory, disputes, declarations, invoices received, flows of every kind."""

from __future__ import annotations

from pathlib import Path

from alembic import op

from migrations.protection import keep_append_only, let_change, let_change_more, show_work_to_register

revision = "0003"
down_revision = "0002"

HERE = Path(__file__).parent
PARTS = ("routing", "flows", "disputes", "received", "reporting", "onboarding", "settling")

APPEND_ONLY = (
    "routing_decisions",
    "dispute_events",
    "dunning_pauses",
    "received_invoices",
    "received_statuses",
    "report_lines",
    "named_invoices",
    "replacements",
    "set_off_choices",
    "platform_trials",
    "troubles_set_aside",
)
CHANGING = {
    "directory_answers": "account_id, asked_at, answer",
    "directory_checks": "state, done, finished_at",
    "directory_check_rows": "state, verdict",
    "platform_hooks": "sealed_signing_key, state, changed_at",
    "platform_calls": "failures, reason, opened_at, retry_at, changed_at",
    "disputes": "state, scope, amount_minor, line_ids, opened_from, owner, answer_due_on, close_due_on, opened_at, "
    "answered_at, closed_at, merged_into, changed_at",
    "reports": "state, answer, changed_at",
    "report_troubles": "sentence, sentence_fr, noted_at, cleared_at",
}
"""Tables whose state moves, with the only columns that may."""
MORE_CHANGING = {
    "platform_flows": "account_id, submitted_at, tried_at, ask_at, asks",
    "platform_accounts": "closed_at",
    "reservations": "invoice_id",
}
"""More columns that may move: those added to tables of before, and the invoice that a reservation is for."""
WORK_TO_DO = {
    "mails": "supplier_id, state",
    "directory_checks": "supplier_id, state",
    "platform_accounts": "supplier_id, closed_at",
    "platform_flows": "supplier_id, state, ask_at",
}
"""Tables in which the worker looks for suppliers that it has to do something for."""


def upgrade() -> None:
    """Create tables with their guards, policies and grants."""
    for part in PARTS:
        op.execute((HERE / f"0003_{part}.sql").read_text())
    keep_append_only(APPEND_ONLY)
    let_change(CHANGING)
    let_change_more(MORE_CHANGING)
    op.execute("GRANT SELECT (kind) ON outbox TO quittance_register")
    show_work_to_register(WORK_TO_DO)
