"""Settlement in PostgreSQL: entries, allocations, letterings, attempts and what was decided about them."""

from __future__ import annotations
