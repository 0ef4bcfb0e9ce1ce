"""Connecting a platform, testing it, and the log of everything that goes to it."""

from __future__ import annotations
