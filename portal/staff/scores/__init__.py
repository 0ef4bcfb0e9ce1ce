"""Scores of customers, explained, beside what agencies say of them; the block list."""

from __future__ import annotations
