"""Verdicts on invoice files: XSD, EN 16931 and French rules."""

from __future__ import annotations
