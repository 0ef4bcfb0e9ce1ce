"""The core: who owes what, and why."""

from __future__ import annotations
