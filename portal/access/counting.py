"""Counting how often somebody does something, in PostgreSQL: every process of the house adds to the same counters.

A sliding window: what counts is this window and the part of the one before that is not over. A hit is one statement
that also decides, under the lock of its row, so that of two processes at the limit one gets through. What was refused
is not counted: whoever waits gets through again. The database's clock counts, machines may differ.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import text

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from config.database import Database
    from config.secrets import Keyring

PURPOSE = "rate-count"
_NOW = "(extract(epoch FROM now()) / {window})"
_SPAN = f"floor({_NOW.format(window=':window')})::bigint"
_REST = "(1 - ({now} - floor({now})))"
_BEFORE = "(CASE WHEN excluded.span <= c.span THEN c.before WHEN excluded.span = c.span + 1 THEN c.hits ELSE 0 END)"
_HITS = "(CASE WHEN excluded.span <= c.span THEN c.hits ELSE 0 END)"
_REST_OF_ASKED = _REST.format(now=_NOW.format(window=":window"))
_FITS = f"(floor({_BEFORE} * {_REST_OF_ASKED}) + {_HITS} + :cost <= :most)"
_HIT = text(
    "INSERT INTO rate_counts AS c (count_key, window_s, span, hits, before, let_through, until) "  # noqa: S608 -- fixed text
    f"VALUES (:key, :window, {_SPAN}, CASE WHEN :cost <= :most THEN :cost ELSE 0 END, 0, :cost <= :most, "
    "now() + make_interval(secs => 2 * :window)) ON CONFLICT (count_key) DO UPDATE SET "
    f"before = {_BEFORE}, hits = {_HITS} + CASE WHEN {_FITS} THEN :cost ELSE 0 END, let_through = {_FITS}, "
    "span = greatest(c.span, excluded.span), until = excluded.until "
    f"RETURNING let_through, hits, before, {_REST_OF_ASKED} AS rest"
)
_NOW_THERE = _NOW.format(window="window_s")
_LOOK = text(
    f"SELECT CASE floor({_NOW_THERE}) - span WHEN 0 THEN hits ELSE 0 END AS hits, "  # noqa: S608 -- fixed text
    f"CASE floor({_NOW_THERE}) - span WHEN 0 THEN before WHEN 1 THEN hits ELSE 0 END AS before, "
    f"{_REST.format(now=_NOW_THERE)} * window_s AS rest_s FROM rate_counts WHERE count_key = :key"
)


@dataclass(frozen=True, slots=True)
class Standing:
    """Where somebody stands after a hit: let through or not, hits left, seconds until the next one gets through."""

    within: bool
    left: int
    wait_s: int
    """Where within: seconds until this window is over."""


@dataclass(frozen=True, slots=True)
class Window:
    """A counter as it is now: hits of the window before and of this one, seconds that this one still lasts."""

    before: int
    hits: int
    rest_s: float


@dataclass(frozen=True, slots=True)
class SharedCounts:
    """The counters of the house."""

    database: Database
    keyring: Keyring

    def hit(self, key: str, most: int, window_s: int, cost: int = 1) -> Standing:
        """Count ``key`` where it is below ``most`` in ``window_s`` seconds.

        Raises:
            sqlalchemy.exc.SQLAlchemyError: the database does not answer.
        """
        given = {"key": self._hashed(key), "most": most, "window": window_s, "cost": cost}
        with self._connect() as connection:
            row = connection.execute(_HIT, given).one()
        rest = float(row.rest)
        if row.let_through:
            left = max(most - row.hits - math.floor(row.before * rest), 0)
            return Standing(within=True, left=left, wait_s=math.ceil(rest * window_s))
        fits_at = max(most - row.hits, 0) / row.before if row.before else 0.0
        return Standing(within=False, left=0, wait_s=max(math.ceil((rest - fits_at) * window_s), 1))

    def look(self, key: str) -> Window:
        """How a counter stands; looking changes nothing."""
        with self._connect() as connection:
            row = connection.execute(_LOOK, {"key": self._hashed(key)}).first()
        return Window(int(row.before), int(row.hits), float(row.rest_s)) if row else Window(0, 0, 0.0)

    def forget(self, key: str | None = None) -> int:
        """Begin again with ``key``, or with everything; returns how many counters that were."""
        with self._connect() as connection:
            return connection.execute(
                text("UPDATE rate_counts SET hits = 0, before = 0 WHERE :all OR count_key = :key"),
                {"all": key is None, "key": self._hashed(key or "")},
            ).rowcount

    def sweep(self) -> int:
        """Take away what no window needs any more; returns how many counters that were."""
        with self._connect() as connection:
            return int(connection.execute(text("SELECT forget_rate_counts()")).scalar_one())

    def _connect(self) -> Connection:
        """Without a transaction around it: a hit is one statement, committed by itself."""
        return self.database.register_engine.connect().execution_options(isolation_level="AUTOCOMMIT")

    def _hashed(self, key: str) -> bytes:
        """Counters keep no personal data: an address is not found again without the house's secret."""
        return self.keyring.derive(PURPOSE, key.encode())
