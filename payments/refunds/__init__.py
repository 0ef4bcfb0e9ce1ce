"""Money that we give back."""

from __future__ import annotations
