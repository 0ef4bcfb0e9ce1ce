"""The statement of account for people: its words, its PDF, its table."""

from __future__ import annotations
