"""What use asked for: sign-in of customers at a provider, shared counters, letters of before, exports as jobs."""

from __future__ import annotations

from pathlib import Path

from alembic import op

from migrations.portfolios import hold_table_to_portfolios
from migrations.protection import keep_append_only, let_change, let_change_more, show_work_to_register

revision = "0007"
down_revision = "0006"

HERE = Path(__file__).parent
PARTS = ("access", "history", "speed", "exports", "mails")

REGISTER: tuple[str, ...] = (
    # access
    "rate_counts",
)
"""Tables without a supplier: the register role alone reaches them."""
APPEND_ONLY: tuple[str, ...] = (
    # speed
    "message_words",
    # history
    "former_lines",
    "former_payments",
)
CHANGING: dict[str, str] = {
    # speed
    "customer_standings": (
        "counted_on, turns_on, due_minor, late_minor, credits_minor, due_count, late_count, not_late_minor, "
        "late_30_minor, late_60_minor, late_90_minor, older_minor"
    ),
    # access
    "staff_invitations": "state, settled_at",
    # exports
    "exports": "state, filename, mime, size_bytes, sha256, ready_at, expires_at",
    "export_pieces": "content",
    # mails
    "mail_senders": "state, fault, spf, dmarc, checked_at, next_check_at, proven_at, lost_at",
}
"""Tables whose state moves, with the only columns that may."""
MORE_CHANGING: dict[str, str] = {
    # exports
    "remittance_advices": "attempt_id, used_at",
    "jobs": "tries",
}
"""More columns that may move: those added to tables of before."""
WORK_TO_DO: dict[str, str] = {
    # speed
    "customer_standings": "supplier_id, turns_on",
    # exports
    "exports": "supplier_id, state, expires_at",
    # mails
    "mail_senders": "supplier_id, state, next_check_at",
}
"""Tables in which the worker looks for suppliers that it has to do something for, with what it may see there."""
ABOUT_CUSTOMERS: tuple[str, ...] = (
    # speed
    "customer_standings",
    "message_words",
    # history
    "former_lines",
    "former_payments",
    # exports
    "exports",
)
"""New tables with a customer: staff with a portfolio read their own customers' rows only."""


def upgrade() -> None:
    """Create tables with their guards, policies and grants."""
    for part in PARTS:
        op.execute((HERE / f"0007_{part}.sql").read_text())
    for table in REGISTER:
        op.execute(f"GRANT SELECT, INSERT, UPDATE ON {table} TO quittance_register")
    keep_append_only(APPEND_ONLY)
    let_change(CHANGING)
    let_change_more(MORE_CHANGING)
    show_work_to_register(WORK_TO_DO)
    for table in ABOUT_CUSTOMERS:
        hold_table_to_portfolios(table)
