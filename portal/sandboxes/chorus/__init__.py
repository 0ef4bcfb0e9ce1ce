"""A stub of Chorus Pro: the five published calls that our driver makes, and nothing of the portal behind them."""

from __future__ import annotations

from portal.sandboxes.chorus.app import ChorusStubOptions, create_chorus_stub

__all__ = ["ChorusStubOptions", "create_chorus_stub"]
