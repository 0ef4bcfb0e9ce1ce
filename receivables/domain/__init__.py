"""Pure rules of receivables: standard library only, no clock, no I/O."""

from __future__ import annotations
