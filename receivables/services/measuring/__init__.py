"""Measuring: indicators as sums that can be listed, and the cash forecast."""

from __future__ import annotations
