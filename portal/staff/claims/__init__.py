"""Pages about late interest: what has run, claims, waivers, the terms of sale."""

from __future__ import annotations
