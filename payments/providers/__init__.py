"""What we have with payment providers besides checkouts: customers, methods, disputes, what they tell unasked."""

from __future__ import annotations
