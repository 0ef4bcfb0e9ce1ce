"""Invoicing: issue, correct, and say what is due."""

from __future__ import annotations
