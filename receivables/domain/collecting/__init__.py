"""Collecting (recouvrement): what may be asked for, when, and what was promised; pure rules."""

from __future__ import annotations
