"""Keeping: until when a document stays, indexes to find evidence, and blocks whose rows can be shown one by one."""

from __future__ import annotations

from pathlib import Path

from alembic import op

revision = "0002"
down_revision = "0001"

HERE = Path(__file__).parent


def upgrade() -> None:
    """Add columns and indexes; guards, policies and grants are those of the tables."""
    op.execute((HERE / "0002_keeping.sql").read_text())
