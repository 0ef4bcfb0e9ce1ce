"""Money in: payments by every road, providers and their payouts, the bank, our own debits, the supplier's IBAN."""

from __future__ import annotations

from pathlib import Path

from alembic import op

from migrations.protection import keep_append_only, let_change, let_change_more, show_work_to_register

revision = "0004"
down_revision = "0003"

HERE = Path(__file__).parent
PARTS = ("receipts", "providers", "bank", "debits", "ibans")

APPEND_ONLY = (
    "aim_choices",
    "instalments",
    "early_discounts",
    "promised_discounts",
    "announced_transfers",
    "statement_files",
    "statement_accounts",
    "entry_aliases",
    "match_proposals",
    "confirmed_payers",
    "payer_keys",
)
CHANGING = {
    "provider_customers": "transfer_to",
    "saved_methods": "state, reason, label, mandate_ref, changed_at",
    "provider_movements": "payout_ref, fee_booked_by",
    "payouts": "state, fee_minor, line_id, gap_minor, descriptor, arrival_on, changed_at",
    "provider_disputes": "state, attempt_id, answer_until, evidence_sha256, answered_by, changed_at",
    "refund_orders": "state, agreed_by, agreed_at, refund_ref, failure, tries, tried_at, changed_at",
    "provider_comparisons": "provider_count, provider_minor, books_count, books_minor, differing, compared_at",
    "statements": "fresh_lines, done_lines, remarks, report, finished_at",
    "deposits": "state, line_id, changed_at",
    "hand_receipts": "state, deposit_id, changed_at",
    "bank_lines": "state, reason, score, customer_id, attempt_id, settled_by, round, changed_at",
    "payer_questions": "state, said, invoices, answered_by, answered_at",
    "debit_settings": "ics, creditor, format, notice_days, core_days, b2b_days, cutoff, retry_days, changed_by, "
    "changed_at",
    "mandates": "state, reason, ics, signed_at, signed_by, evidence, evidence_sha256, last_used_on, uses, amended, "
    "debtor_name, sealed_iban, iban_last4, bic, changed_at",
    "mandate_amendments": "state, evidence, evidence_sha256, changed_at",
    "consent_codes": "tries, used_at",
    "debit_batches": "state, answer, changed_at",
    "debits": "attempt_id, batch_id, sequence, amount_minor, collect_on, told_for, told_minor, notified_at, state, "
    "reason, return_code, returned_on, credited_by, changed_at",
    "debit_returns": "state, done, fee_minor, line_id, returned_on, changed_at",
    "debit_tasks": "state, note, done_by, changed_at",
    "autopay": "state, ended_by, ended_at",
    "collections_announced": "state, attempt_id, reason, told_at, changed_at",
    "bank_accounts": "state, confirmed_by, confirmed_at, reason, told_at, changed_at",
}
"""Tables whose state moves, with the only columns that may."""
MORE_CHANGING = {
    "gateway_accounts": "settings, secret_rotated_at",
}
"""More columns that may move: those added to tables of before."""
WORK_TO_DO = {
    "gateway_accounts": "supplier_id, provider, active",
    "refund_orders": "supplier_id, state, road",
    "payouts": "supplier_id, state",
    "provider_disputes": "supplier_id, state, changed_at",
    "statements": "supplier_id, finished_at",
    "bank_lines": "supplier_id, state",
    "debits": "supplier_id",
    "debit_returns": "supplier_id",
    "autopay": "supplier_id",
    "bank_accounts": "supplier_id, state, active_from",
    "audit_rows": "supplier_id, written_in, audit_id",
    "audit_seals": "supplier_id, block, last_xid, last_audit_id",
    "watermarks": "supplier_id, name, reached_at",
}
"""Tables in which the worker looks for suppliers that it has to do something for, with what it may see there."""


def upgrade() -> None:
    """Create tables with their guards, policies and grants."""
    for part in PARTS:
        op.execute((HERE / f"0004_{part}.sql").read_text())
    keep_append_only(APPEND_ONLY)
    let_change(CHANGING)
    let_change_more(MORE_CHANGING)
    show_work_to_register(WORK_TO_DO)
