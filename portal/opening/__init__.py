"""Going live: open items of before from a table or a FEC, looked at, balanced, booked, and undone where wrong."""

from __future__ import annotations
