"""Webhooks to the supplier's own programs: what happened is told to the addresses that they name."""

from __future__ import annotations
