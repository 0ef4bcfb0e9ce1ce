"""Our JSON for an invoice: named by the business terms of EN 16931, read strictly."""

from __future__ import annotations
