"""The bank for the treasurer: statements that come in, every line with what it became, what nobody identified."""

from __future__ import annotations
