"""Promises and payment plans in the collector's workspace: noted, proposed, answered, and the policy behind."""

from __future__ import annotations
