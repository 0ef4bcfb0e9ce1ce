"""How often a program may call: so many calls a minute, counted in this process, told with every answer."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter

from config.clock import now
from portal.api.answers import CallRefusedError

if TYPE_CHECKING:
    from flask import Response

FAILURES = 30
"""Calls with a wrong token in a minute, per address: nobody guesses 256 bits, but nobody shall keep us busy with it."""
PROOFS = 60
"""Calls in a minute by which clients prove themselves, per address: a token lives an hour."""


@dataclass(frozen=True, slots=True)
class Count:
    """Where a caller stands: calls in all, calls left, and seconds until there are all of them again."""

    limit: int
    left: int
    reset_s: int

    def tell(self, response: Response) -> None:
        """Write it into an answer (draft-ietf-httpapi-ratelimit-headers, the names that clients know)."""
        response.headers["RateLimit-Limit"] = str(self.limit)
        response.headers["RateLimit-Remaining"] = str(self.left)
        response.headers["RateLimit-Reset"] = str(self.reset_s)
        response.headers["RateLimit-Policy"] = f"{self.limit};w=60"


class Rates:
    """The counters of one process."""

    def __init__(self, calls_per_minute: int, *, failures: int = FAILURES, proofs: int = PROOFS) -> None:
        self._calls = RateLimitItemPerMinute(calls_per_minute)
        self._failures = RateLimitItemPerMinute(failures)
        self._proofs = RateLimitItemPerMinute(proofs)
        self._limiter = SlidingWindowCounterRateLimiter(MemoryStorage())

    def count(self, caller: str) -> Count:
        """Count a call.

        Raises:
            CallRefusedError: ``http.429``, with ``Retry-After``.
        """
        within = self._limiter.hit(self._calls, "call", caller)
        told = self._count(self._calls, "call", caller)
        if not within:
            raise _too_many(told)
        return told

    def count_failure(self, address: str) -> None:
        """Count a call that nobody was known by.

        Raises:
            CallRefusedError: ``http.429``.
        """
        self._within(self._failures, "failure", address)

    def count_proof(self, address: str) -> None:
        """Count a call to the authorisation server.

        Raises:
            CallRefusedError: ``http.429``.
        """
        self._within(self._proofs, "proof", address)

    def _within(self, limit: RateLimitItemPerMinute, *key: str) -> None:
        if not self._limiter.hit(limit, *key):
            raise _too_many(self._count(limit, *key))

    def _count(self, limit: RateLimitItemPerMinute, *key: str) -> Count:
        stats = self._limiter.get_window_stats(limit, *key)
        return Count(limit.amount, max(stats.remaining, 0), max(math.ceil(stats.reset_time - now().timestamp()), 0))


def _too_many(count: Count) -> CallRefusedError:
    wait = max(count.reset_s, 1)
    return CallRefusedError(
        429,
        "http.429",
        f"More than {count.limit} calls in a minute: wait {wait} seconds before the next one.",
        f"Plus de {count.limit} appels en une minute : attendez {wait} secondes avant le prochain.",
        headers={
            "Retry-After": str(wait),
            "RateLimit-Limit": str(count.limit),
            "RateLimit-Remaining": "0",
            "RateLimit-Reset": str(wait),
        },
    )
