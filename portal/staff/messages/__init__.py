"""Messages in the collector's workspace: the inbox, conversations with their internal notes, and templates."""

from __future__ import annotations
