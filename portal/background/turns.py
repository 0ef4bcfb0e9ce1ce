"""Who is served next: what is due, asked once for all threads of a worker; turns that no supplier can take alone."""

from __future__ import annotations

import threading
import time
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from receivables.store.register import facts_due

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from uuid import UUID

    from config.database import Database


IDLE_AFTER_S = 5.0
IDLE_FACTOR = 8
"""After this long without anything due the look is believed so much longer: an idle house costs next to nothing."""
QUIET_SHARE = 10
LONGEST_QUIET_S = 60.0


@dataclass(slots=True)
class Lookout:
    """Which suppliers have facts due. However many threads ask, the database is asked once in ``known_for_s``."""

    database: Database
    known_for_s: float
    _known: dict[str, list[UUID]] = field(default_factory=dict)
    _asked_at_s: float | None = None
    _found_at_s: float = field(default_factory=time.monotonic)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def suppliers(self, kind: str | None = None) -> list[UUID]:
        """Suppliers with a fact of ``kind``, or of any kind, that is due now."""
        with self._lock:
            asked_at_s = time.monotonic()
            is_idle = asked_at_s - self._found_at_s > IDLE_AFTER_S
            believed_s = self.known_for_s * (IDLE_FACTOR if is_idle else 1)
            if self._asked_at_s is None or asked_at_s - self._asked_at_s >= believed_s:
                self._known, self._asked_at_s = facts_due(self.database), asked_at_s
                self._found_at_s = asked_at_s if self._known else self._found_at_s
            known = self._known
        if kind is not None:
            return known.get(kind, [])
        return list(dict.fromkeys(each for suppliers in known.values() for each in suppliers))


@dataclass(slots=True)
class Pace:
    """How often to ask for what may come at any time: after a tenth of the time that nothing came, within limits.

    What follows an act follows it soon: so somebody who watches waits no more than a tenth longer.
    """

    least_s: float
    _heard_at_s: dict[UUID, float] = field(default_factory=dict)
    _next_at_s: dict[UUID, float] = field(default_factory=dict)

    def is_due(self, supplier_id: UUID) -> bool:
        """Whether to ask now; if so the next turn is counted from here."""
        at_s = time.monotonic()
        if at_s < self._next_at_s.get(supplier_id, 0.0):
            return False
        quiet_s = at_s - self._heard_at_s.setdefault(supplier_id, at_s)
        wait_s = max(self.least_s, min(quiet_s / QUIET_SHARE, LONGEST_QUIET_S))
        self._next_at_s[supplier_id] = at_s + wait_s - self.least_s / 2  # looks come at multiples of the least
        return True

    def hear(self, supplier_id: UUID) -> None:
        """Something came: ask often again."""
        self._heard_at_s[supplier_id] = time.monotonic()
        self._next_at_s.pop(supplier_id, None)


@dataclass(slots=True)
class Turns:
    """Shares the threads of one kind of fact among suppliers: a slow platform of one must not hold up the others.

    Of those who wait, the one with the fewest threads is next, then the one that was served longest ago; ``most``
    threads serve one supplier at a time.
    """

    most: int
    _hands: Counter[UUID] = field(default_factory=Counter)
    _served: dict[UUID, int] = field(default_factory=dict)
    _count: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def next_of(self, waiting: Sequence[UUID]) -> Iterator[UUID | None]:
        """The supplier to serve now, or ``None`` while each of them has all the threads it may have."""
        with self._lock:
            open_ = [each for each in waiting if self._hands[each] < self.most]
            chosen = min(open_, key=lambda each: (self._hands[each], self._served.get(each, 0)), default=None)
            if chosen is not None:
                self._count += 1
                self._hands[chosen] += 1
                self._served[chosen] = self._count
        try:
            yield chosen
        finally:
            if chosen is not None:
                with self._lock:
                    self._hands[chosen] -= 1
