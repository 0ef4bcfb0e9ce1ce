"""Collections that a customer agreed to once."""

from __future__ import annotations
