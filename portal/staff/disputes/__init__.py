"""Disputes in the collector's workspace: who contests what, until when to answer, and every act about it."""

from __future__ import annotations
