"""The only source of time and of ids: instants in UTC, legal days in Europe/Paris, ids that sort by time."""

from __future__ import annotations

import os
import time
from datetime import UTC, date, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

PARIS = ZoneInfo("Europe/Paris")
"""Legal days of invoices, due dates and receipts are French days."""


def now() -> datetime:
    """The present instant, aware, in UTC."""
    return datetime.now(UTC)


def today() -> date:
    """The present legal day in Europe/Paris."""
    return legal_day(now())


def legal_day(instant: datetime) -> date:
    """The legal day (Europe/Paris) of an aware ``instant``."""
    return instant.astimezone(PARIS).date()


def new_id() -> UUID:
    """A UUIDv7 (RFC 9562): 48 bits of milliseconds, then 74 random bits, so that keys grow in time order."""
    milliseconds = time.time_ns() // 1_000_000
    random = int.from_bytes(os.urandom(10), "big")
    value = (milliseconds & (1 << 48) - 1) << 80 | 0x7 << 76 | (random >> 68 & 0xFFF) << 64 | 0b10 << 62
    return UUID(int=value | random & (1 << 62) - 1)
