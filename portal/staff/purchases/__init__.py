"""The pages of invoices received: what came in, what it says, and what to answer."""

from __future__ import annotations
