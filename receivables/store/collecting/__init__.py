"""Collecting (recouvrement) in PostgreSQL: reminders, promises, plans and claims of interest."""

from __future__ import annotations
