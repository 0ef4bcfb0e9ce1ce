"""The outer ring: people and processes. The only package that imports Flask."""

from __future__ import annotations
