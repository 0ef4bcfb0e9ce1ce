"""Measuring: indicators and forecasts as formulas; pure rules."""

from __future__ import annotations
