"""What time will bring: one due moment per object, and business days as the provider counts them."""

from __future__ import annotations

import heapq
from datetime import UTC, datetime, timedelta

SATURDAY = 5
DAY_S = 24 * 60 * 60


class Agenda:
    """Moments to come, at most one for each key; the earliest first, and equal ones in the order they were set."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, str]] = []
        self._due: dict[str, tuple[float, int]] = {}
        self._serial = 0

    def put(self, key: str, due: float) -> None:
        """Have ``key`` come up at the Unix second ``due``, instead of whenever it was to come up."""
        self._serial += 1
        self._due[key] = (due, self._serial)
        heapq.heappush(self._heap, (due, self._serial, key))

    def drop(self, key: str) -> None:
        """Forget ``key``."""
        self._due.pop(key, None)

    def take(self, now: float) -> tuple[str, float] | None:
        """The earliest key that is due at ``now``, with its moment; None when nothing is."""
        while self._heap and self._heap[0][0] <= now:
            due, serial, key = heapq.heappop(self._heap)
            if self._due.get(key) == (due, serial):
                del self._due[key]
                return key, due
        return None


def business_days_after(moment: int, days: int) -> int:
    """Midnight (UTC, Unix seconds) of the day ``days`` business days after ``moment``; holidays are not counted."""
    day = datetime.fromtimestamp(moment, UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    left = days
    while left:
        day += timedelta(days=1)
        left -= day.weekday() < SATURDAY
    return int(day.timestamp())


def next_payout_run(moment: int) -> int:
    """The next business day's midnight, when the provider pays out what is available."""
    return business_days_after(moment, 1)
