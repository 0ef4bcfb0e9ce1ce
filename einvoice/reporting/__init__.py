"""E-reporting (Flux 10): what the State hears of sales and receipts that no platform carries (CGI 290, 290 A)."""

from __future__ import annotations
