"""Webhook pages: addresses that are told what happens, what became of each delivery, the log of events."""

from __future__ import annotations
