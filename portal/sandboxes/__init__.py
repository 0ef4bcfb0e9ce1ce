"""A payment provider and a platform to run against."""

from __future__ import annotations
