"""Credit pages: who is near their limit, exposure down to its lines, limits, derogations, decisions, proceedings."""

from __future__ import annotations
