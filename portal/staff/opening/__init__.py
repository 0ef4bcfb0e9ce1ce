"""Going live: bring what was open before, look at the balance, book it, undo it."""

from __future__ import annotations
