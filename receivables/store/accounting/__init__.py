"""Accounting (comptabilité) in PostgreSQL: periods, openings, assigned claims."""

from __future__ import annotations
