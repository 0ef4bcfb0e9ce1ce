"""Supplier back office and collector's workspace."""

from __future__ import annotations
