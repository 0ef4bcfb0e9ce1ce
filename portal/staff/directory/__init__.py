"""Staff pages of the directory: one customer, or a whole file of them."""

from __future__ import annotations
