"""How often a program may call: so many calls a minute, counted for all processes, told with every answer."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy.exc import SQLAlchemyError

from portal.api.answers import CallRefusedError

if TYPE_CHECKING:
    from flask import Response

    from portal.access.counting import SharedCounts

log = logging.getLogger("quittance.api")

WINDOW_S = 60
FAILURES = 30
"""Calls with a wrong token in a minute, per address: nobody guesses 256 bits, but nobody shall keep us busy with it."""
PROOFS = 60
"""Calls in a minute by which clients prove themselves, per address: a token lives an hour."""
RETRY_S = 5
"""When to try again where nobody could be counted."""


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
    """The limits of the API over the counters of the house."""

    def __init__(
        self, counts: SharedCounts, calls_per_minute: int, *, failures: int = FAILURES, proofs: int = PROOFS
    ) -> None:
        self._counts = counts
        self._calls = calls_per_minute
        self._failures = failures
        self._proofs = proofs

    def count(self, caller: str) -> Count:
        """Count a call; where nobody can be counted it is let through, for its caller is known.

        Raises:
            CallRefusedError: ``http.429``, with ``Retry-After``.
        """
        try:
            return self._within("call", caller, self._calls)
        except SQLAlchemyError:
            log.exception("A call was let through uncounted")
            return Count(self._calls, self._calls, WINDOW_S)

    def count_failure(self, address: str) -> None:
        """Count a call that nobody was known by; where nobody can be counted, none is taken.

        Raises:
            CallRefusedError: ``http.429``, ``http.503``.
        """
        self._guard("failure", address, self._failures)

    def count_proof(self, address: str) -> None:
        """Count a call to the authorisation server; where nobody can be counted, none is taken.

        Raises:
            CallRefusedError: ``http.429``, ``http.503``.
        """
        self._guard("proof", address, self._proofs)

    def _guard(self, what: str, whose: str, limit: int) -> None:
        try:
            self._within(what, whose, limit)
        except SQLAlchemyError as error:
            raise _uncounted() from error

    def _within(self, what: str, whose: str, limit: int) -> Count:
        standing = self._counts.hit(f"api/{what}/{whose}", limit, WINDOW_S)
        told = Count(limit, standing.left, standing.wait_s)
        if not standing.within:
            raise _too_many(told)
        return told


def _uncounted() -> CallRefusedError:
    return CallRefusedError(
        503,
        "http.503",
        f"Nobody can be counted now: try again in {RETRY_S} seconds.",
        f"Aucun appel ne peut être compté en ce moment : réessayez dans {RETRY_S} secondes.",
        headers={"Retry-After": str(RETRY_S)},
    )


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
