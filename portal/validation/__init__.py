"""Validation for whoever has a file: how a report is told, at which desk it is made, and the public page."""

from __future__ import annotations
