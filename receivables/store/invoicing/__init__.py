"""Invoices in PostgreSQL: issued, drafted, recurring, listed; their numbers, items and rates."""

from __future__ import annotations
