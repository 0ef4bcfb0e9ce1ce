"""Collecting (recouvrement): remind, promise, plan, claim interest; only what may be asked for."""

from __future__ import annotations
