"""PostgreSQL: tables, units of work and repositories."""

from __future__ import annotations
