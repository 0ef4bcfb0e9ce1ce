"""Risk (encours): exposure, limits, score, insurance and orders; pure rules."""

from __future__ import annotations
