"""Risk (encours) in PostgreSQL: exposure, limits, decisions, agencies, insurers and orders."""

from __future__ import annotations
