"""Bank statements as files: camt.053, camt.054, CFONB 120, MT940 and OFX, read without a database."""

from __future__ import annotations
