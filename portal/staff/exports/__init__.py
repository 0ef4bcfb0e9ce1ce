"""Exports: the journals in FEC form, closed periods, lists, statements of account."""

from __future__ import annotations
