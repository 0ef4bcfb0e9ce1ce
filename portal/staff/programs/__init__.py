"""Programs that call for a supplier, and people's own tokens."""

from __future__ import annotations
