"""The debtor's portal."""

from __future__ import annotations
