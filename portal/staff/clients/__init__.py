"""The customers of a supplier as it keeps them: who they are, where they are, when they pay."""

from __future__ import annotations
