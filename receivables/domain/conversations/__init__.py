"""What customers say: disputes and messages; pure rules."""

from __future__ import annotations
