"""The books: exposure and limits, messages, promises and plans, dunning, interest, scores, indicators, exports."""

from __future__ import annotations

from pathlib import Path

from alembic import op

from migrations.protection import keep_append_only, let_change, let_change_more, show_work_to_register

revision = "0005"
down_revision = "0004"

HERE = Path(__file__).parent
PARTS = (
    "core",
    "credit",
    "messages",
    "promises",
    "dunning",
    "interest",
    "scores",
    "indicators",
    "exports",
    "lettering",
    "workspace",
)

APPEND_ONLY = (
    # the customer's file
    "account_events",
    # credit
    "commitment_versions",
    "billed_references",
    "credit_policies",
    "company_parents",
    "credit_decisions",
    # messages
    "messages",
    "message_files",
    "internal_notes",
    # promises and plans
    "promised_invoices",
    "plan_invoices",
    "plan_instalments",
    "plan_signatures",
    "plan_notices",
    "plan_policies",
    # dunning
    "dunning_scenarios",
    "dunned_invoices",
    "mail_files",
    # interest
    "interest_terms",
    "claim_lines",
    "interest_waivers",
    # scores, insurance, factoring
    "scores",
    "score_blocks",
    "agency_reports",
    "insurance_policies",
    "insurer_decisions",
    "insurance_declarations",
    "assignment_moves",
    "factor_moves",
    # indicators
    # exports
    "period_acts",
    "entry_numbers",
    "exchange_rates",
    # lettering
    "moved_credits",
)
CHANGING = {
    # the customer's file
    "customer_files": "collector_id, segment, note, changed_by, changed_at",
    "customer_contacts": "name, role, email, phone, language, mail_state, note, removed_at, changed_at",
    "tasks": "due_on, assigned_to, state, outcome, note, done_by, changed_at",
    # credit
    "insolvencies": "kind, published_on, state, ended_on, changed_at",
    "commitments": "order_reference, buyer_reference, version, amount_minor, weight_percent, state, left_minor, "
    "changed_at",
    "credit_limits": "ended_at",
    "derogations": "state, decided_by, decided_at, note, changed_at",
    "limit_watches": "exceeded, crossings, exposure_minor, limit_minor, changed_at",
    # messages
    "message_threads": "state, assigned_to, last_customer_at, last_supplier_at, waiting_since, changed_at",
    "thread_reads": "read_at",
    "reply_addresses": "closed_at",
    "held_messages": "state, settled_at",
    "message_templates": "name, body_fr, body_en, changed_by, removed_at, changed_at",
    # promises and plans
    "promises": "state, kept_minor, reason, changed_at",
    "plans": "state, decided_by, reason, accepted_at, changed_at",
    # dunning
    "dunning_settings": "automatic, opens_at, closes_at, mail_every_days, call_every_days, notice_days, signatory, "
    "signatory_title, next_run_at, changed_by, changed_at",
    "dunning_stops": "ended_by, ended_at",
    "dunning_notices": "state, reason, posted_on, tracking, changed_at",
    # interest
    "interest_claims": "outside_minor, entered_on, changed_at",
    # scores, insurance, factoring
    "bureau_accounts": "base_url, sealed_key, active, changed_at",
    "factors": "name, siren, address, holder, iban, bic, mention, advance_percent, recourse, confidential, active, "
    "changed_at",
    "assignments": "open_minor, state, holder, iban, bic, changed_at",
    # indicators
    "indicator_mailings": "state, next_on, changed_at",
    # exports
    "closed_periods": "closed_until, changed_at",
    # workspace
    "saved_views": "removed_at",
}
"""Tables whose state moves, with the only columns that may."""
MORE_CHANGING: dict[str, str] = {
    "payment_attempts": "flew_at, landed_at",
    "mails": "tries, next_try_at, reason",
}
"""More columns that may move: those added to tables of before."""
WORK_TO_DO: dict[str, str] = {
    "disputes": "supplier_id, closed_at, merged_into, answered_at, answer_due_on, close_due_on",
    "tasks": "supplier_id, state, due_on, kind",
    "dunning_settings": "supplier_id, automatic, next_run_at",
    "promises": "supplier_id, state, judged_on",
    "indicator_mailings": "supplier_id, state, next_on",
    "plans": "supplier_id, state, changed_at",
    "credit_limits": "supplier_id, valid_until, ended_at",
    "derogations": "supplier_id, state, expires_on",
    "customers": "supplier_id, created_at",
    "insurance_policies": "supplier_id",
    "assignments": "supplier_id, state, confidential",
}
"""Tables in which the worker looks for suppliers that it has to do something for, with what it may see there."""


def upgrade() -> None:
    """Create tables with their guards, policies and grants."""
    for part in PARTS:
        op.execute((HERE / f"0005_{part}.sql").read_text())
    keep_append_only(APPEND_ONLY)
    let_change(CHANGING)
    let_change_more(MORE_CHANGING)
    show_work_to_register(WORK_TO_DO)
