"""Lettering by hand: what is open on an account, suggestions, one gesture for several lines, and undo."""

from __future__ import annotations
