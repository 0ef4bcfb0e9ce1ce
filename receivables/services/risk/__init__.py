"""Risk (encours): expose, limit, decide, insure, score."""

from __future__ import annotations
