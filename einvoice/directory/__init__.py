"""The directory (*annuaire*) put to use: who is reachable, at which address, and why not."""

from __future__ import annotations
