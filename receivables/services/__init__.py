"""Verbs of the core: one transaction each, none commits by itself."""

from __future__ import annotations
