"""Measuring in PostgreSQL: the lines behind every indicator."""

from __future__ import annotations
