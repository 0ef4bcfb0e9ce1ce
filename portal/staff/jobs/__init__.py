"""Long work, watched: how far it is, what became of each line, and what came back."""

from __future__ import annotations
