"""Payment providers behind one port."""

from __future__ import annotations
