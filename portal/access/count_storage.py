"""The shared counters behind `limits`, by which Flask-Limiter asks: one storage that fails open, one that fails closed.

Where a limit keeps the load down (pages that show, forms of people who are signed in), somebody who cannot be counted
is let through: nobody shall fail to pay because of a counter. Where it keeps guessers out (codes, links, keys), nobody
is let through uncounted.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from limits.storage import Storage
from limits.storage.base import SlidingWindowCounterSupport
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import ServiceUnavailable

from config.clock import now

if TYPE_CHECKING:
    from portal.access.counting import SharedCounts

log = logging.getLogger("quittance.access")

RETRY_S = 5
"""When to try again where nobody could be counted."""
UNLIMITED = 2**31 - 1


class UncountedError(ServiceUnavailable):
    """Nobody can be counted now, and only counting keeps guessers out here."""

    code_name = "http.503"


class OpenCounts(Storage, SlidingWindowCounterSupport):
    """Counts; where it cannot, everybody is let through, and the log says so."""

    SCHEME = "quittance-open"
    STORAGE_SCHEME = [SCHEME]  # noqa: RUF012 -- as `limits` declares it

    def __init__(self, uri: str | None = None, wrap_exceptions: bool = False, **options: SharedCounts) -> None:  # noqa: FBT001, FBT002 -- as `limits` calls it
        super().__init__(uri, wrap_exceptions=wrap_exceptions)
        self.counts = options["counts"]

    @property
    def base_exceptions(self) -> type[Exception]:
        """What counting may fail with."""
        return SQLAlchemyError

    def acquire_sliding_window_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        """Count a hit where it is within ``limit``; returns whether it is."""
        try:
            return self.counts.hit(key, limit, expiry, amount).within
        except SQLAlchemyError as error:
            return self.without_counting(error)

    def without_counting(self, error: SQLAlchemyError) -> bool:
        """Whether to let somebody through who cannot be counted."""
        log.error("A call was let through uncounted", exc_info=error)
        return True

    def get_sliding_window(self, key: str, expiry: int) -> tuple[int, float, int, float]:
        """Hits and remaining seconds of the window before, then of this one."""
        window = self.counts.look(key)
        return window.before, window.rest_s, window.hits, window.rest_s + expiry

    def clear_sliding_window(self, key: str, expiry: int) -> None:
        """Begin again with ``key``; it has one row, however long its window."""
        assert expiry  # noqa: S101 -- part of what `limits` gives
        self.clear(key)

    def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        """Count without a limit; returns the hits of this window."""
        self.counts.hit(key, UNLIMITED, int(expiry), amount)
        return self.get(key)

    def get(self, key: str) -> int:
        """The hits of this window."""
        return self.counts.look(key).hits

    def get_expiry(self, key: str) -> float:
        """When this window is over, in seconds of the epoch."""
        return now().timestamp() + self.counts.look(key).rest_s

    def check(self) -> bool:
        """Whether counting works."""
        try:
            self.counts.look("check")
        except SQLAlchemyError:
            return False
        return True

    def reset(self) -> int:
        """Begin again with everything."""
        return self.counts.forget()

    def clear(self, key: str) -> None:
        """Begin again with ``key``."""
        self.counts.forget(key)


class GuardingCounts(OpenCounts):
    """Counts; where it cannot, nobody is let through."""

    SCHEME = "quittance-guarding"
    STORAGE_SCHEME = [SCHEME]  # noqa: RUF012 -- as `limits` declares it

    def without_counting(self, error: SQLAlchemyError) -> bool:
        """Refuse: without a count a code of six digits is no proof.

        Raises:
            UncountedError: always.
        """
        raise UncountedError(retry_after=RETRY_S) from error
