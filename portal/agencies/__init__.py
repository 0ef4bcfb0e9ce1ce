"""Opinions of business information agencies: one port, files and calls behind it, drivers that are data."""

from __future__ import annotations
