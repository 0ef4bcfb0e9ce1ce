"""What customers ask for: accounts, other company data; the advices they sent; whom they reach."""

from __future__ import annotations
