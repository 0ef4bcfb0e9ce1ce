"""Life-cycle statuses (cycle de vie) and their CDAR messages."""

from __future__ import annotations
