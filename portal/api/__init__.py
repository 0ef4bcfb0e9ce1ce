"""The supplier's REST API."""

from __future__ import annotations
