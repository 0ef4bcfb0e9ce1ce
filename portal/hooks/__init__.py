"""Webhooks: verify, accept into the inbox, answer 200."""

from __future__ import annotations
