"""Dunning for the collector: what goes out and why, what was sent, scenarios and settings."""

from __future__ import annotations
