"""Alembic migrations: numeric revisions, one head."""

from __future__ import annotations
