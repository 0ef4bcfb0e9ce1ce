"""People of a customer: who they are, what they may do, whom their administrator lets in."""

from __future__ import annotations
