"""The invoice as a legal document."""

from __future__ import annotations
