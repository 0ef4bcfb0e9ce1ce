"""Accounting (comptabilité): entries, years, the FEC and what a house starts from; pure rules."""

from __future__ import annotations
