"""Staff pages of our own direct debits."""

from __future__ import annotations
