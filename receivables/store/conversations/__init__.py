"""What customers say, in PostgreSQL: disputes, messages, notes."""

from __future__ import annotations
