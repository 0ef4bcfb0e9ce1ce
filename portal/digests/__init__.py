"""The digest of the week: what was cashed, what is late, what is contested, to each of the staff about their own."""

from __future__ import annotations
