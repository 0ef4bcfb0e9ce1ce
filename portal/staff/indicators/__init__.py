"""Indicators: the board, what each figure is made of, breakdowns, the cash forecast, and mails at intervals."""

from __future__ import annotations
