"""Settlement: who paid what, which lines belong together, what is due by when; pure rules."""

from __future__ import annotations
