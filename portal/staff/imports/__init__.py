"""Bringing invoices in by file: drop, look, issue."""

from __future__ import annotations
