"""What customers say: dispute, answer, escalate."""

from __future__ import annotations
