"""The circuit breaker of one platform account: after failures in a row nothing is asked of it for a while.

What is known stands in the table ``platform_calls``, so that every process and the next start know it too. After the
pause one call may try (half open): its success closes the circuit, its failure makes the next pause longer.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from dataclasses import dataclass, field
from datetime import timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, TypeVar

from config.clock import now
from einvoice.platform.port import (
    PlatformBusyError,
    PlatformError,
    PlatformPausedError,
    PlatformRefusedError,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from uuid import UUID

    from einvoice.platform.port import (
        Direction,
        DocType,
        Flow,
        FlowPage,
        FlowState,
        Platform,
        SentFlow,
        Subscription,
    )
    from receivables.store.work import Work, Works

log = logging.getLogger("quittance.platform")

Result = TypeVar("Result")

OPENS_AFTER = 5
"""Failures in a row: fewer are a hiccup, and each was tried more than once where that is safe."""
FIRST_PAUSE = timedelta(seconds=5)
LONGEST_PAUSE = timedelta(minutes=5)
PAUSE_WHEN_BUSY = timedelta(seconds=5)
"""After a 429 that does not say how long."""
TRIAL = timedelta(seconds=60)
"""How long the one call of a half-open circuit may take before another may try."""
KNOWN_FOR_S = 2.0
"""How long a process relies on what it has read; its own failures it knows at once."""
NOTED_EVERY_S = 60.0
"""An account that works is noted so at most once in this time: success must not cost a write."""
LONGEST_REASON = 500


@dataclass(slots=True)
class Circuit:
    """The state of one account's circuit, shared through the database."""

    works: Works
    supplier_id: UUID
    account_id: UUID
    _failures: int = 0
    _retry_at: datetime | None = None
    _read_at_s: float | None = None
    _noted_at_s: float | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def let_pass(self) -> None:
        """Return where a call may be made now.

        Raises:
            PlatformPausedError: not now.
        """
        with self._lock:
            stale = self._read_at_s is None or time.monotonic() - self._read_at_s > KNOWN_FOR_S
            if not stale and self._retry_at is None:
                return
            self._read()
            if self._retry_at is None:
                return
            wait = self._retry_at - now()
            if wait > timedelta(0):
                raise _paused(wait)
            if self._failures >= OPENS_AFTER and not self._take_trial():
                raise _paused(FIRST_PAUSE)

    def note_success(self) -> None:
        """The platform answered: the circuit is closed."""
        with self._lock:
            at_s = time.monotonic()
            was_good = self._failures == 0 and self._retry_at is None
            if was_good and self._noted_at_s is not None and at_s - self._noted_at_s < NOTED_EVERY_S:
                return
            self._noted_at_s = at_s
            self._write(0, None, None)

    def note_failure(self, error: PlatformError) -> None:
        """The platform failed, or asked for a pause."""
        with self._lock:
            self._read()
            limited = isinstance(error, PlatformBusyError) and error.http_status == HTTPStatus.TOO_MANY_REQUESTS
            failures = self._failures + (not limited)
            pause: timedelta | None = None
            if isinstance(error, PlatformBusyError):
                told = error.retry_after_s
                pause = timedelta(seconds=told) if told is not None else PAUSE_WHEN_BUSY
            if failures >= OPENS_AFTER:
                grown = min(FIRST_PAUSE * 2 ** min(failures - OPENS_AFTER, 10), LONGEST_PAUSE)
                pause = max(pause or grown, grown * random.randint(80, 100) / 100)  # noqa: S311 -- spreads callers
            if failures == OPENS_AFTER:
                log.warning(
                    "A platform fails; it is asked less often: %s", error, extra={"account": str(self.account_id)}
                )
            self._write(failures, now() + pause if pause else None, str(error))

    def _read(self) -> None:
        with self.works.begin(self.supplier_id) as work:
            row = work.row(
                "SELECT failures, retry_at FROM platform_calls WHERE supplier_id = :supplier AND account_id = :account",
                account=self.account_id,
            )
        self._failures, self._retry_at = (row["failures"], row["retry_at"]) if row else (0, None)
        self._read_at_s = time.monotonic()

    def _take_trial(self) -> bool:
        """Be the one who tries: of several that find the pause over, one moves its end."""
        until = now() + TRIAL

        def take(work: Work) -> int:
            return work.execute(
                "UPDATE platform_calls SET retry_at = :until WHERE supplier_id = :supplier AND account_id = :account "
                "AND retry_at = :known",
                account=self.account_id,
                until=until,
                known=self._retry_at,
            )

        return bool(self.works.run(self.supplier_id, take))

    def _write(self, failures: int, retry_at: datetime | None, reason: str | None) -> None:
        def keep(work: Work) -> None:
            work.execute(
                "INSERT INTO platform_calls (supplier_id, account_id, failures, reason, opened_at, retry_at, "
                "changed_at) VALUES (:supplier, :account, :failures, :reason, :opened, :retry, :at) "
                "ON CONFLICT (supplier_id, account_id) DO UPDATE SET failures = :failures, reason = :reason, "
                "opened_at = CASE WHEN :open THEN coalesce(platform_calls.opened_at, :at) END, retry_at = :retry, "
                "changed_at = :at",
                account=self.account_id,
                failures=failures,
                reason=reason[:LONGEST_REASON] if reason else None,
                open=failures >= OPENS_AFTER,
                opened=now() if failures >= OPENS_AFTER else None,
                retry=retry_at,
                at=now(),
            )

        self.works.run(self.supplier_id, keep)
        self._failures, self._retry_at, self._read_at_s = failures, retry_at, time.monotonic()


class GuardedPlatform:
    """A platform behind its circuit breaker."""

    def __init__(self, platform: Platform, circuit: Circuit) -> None:
        self.platform = platform
        self._circuit = circuit

    def send_flow(self, flow: Flow) -> SentFlow:
        """Hand over a file; its acknowledgement comes later."""
        return self._guarded(lambda: self.platform.send_flow(flow))

    def find_flow(self, tracking_id: str, number: str | None = None) -> FlowState | None:
        """The flow that we sent under ``tracking_id``."""
        return self._guarded(lambda: self.platform.find_flow(tracking_id, number))

    def search(
        self, updated_after: datetime, cursor: str | None = None, *, direction: Direction | None = None
    ) -> FlowPage:
        """Flows changed after ``updated_after``."""
        return self._guarded(lambda: self.platform.search(updated_after, cursor, direction=direction))

    def flow_state(self, flow_id: str) -> FlowState:
        """What the platform says of one flow."""
        return self._guarded(lambda: self.platform.flow_state(flow_id))

    def fetch(self, flow_id: str, doc_type: DocType | None = None) -> bytes:
        """One file of a flow, the original unless told otherwise."""
        return self._guarded(
            lambda: self.platform.fetch(flow_id, doc_type) if doc_type else self.platform.fetch(flow_id)
        )

    def health(self) -> bool:
        """Whether the service answers its health check; asked also while the circuit is open."""
        return self.platform.health()

    def subscribe(self, callback_url: str, *, direction: Direction | None = None) -> Subscription:
        """Have the platform call ``callback_url`` when a flow changes."""
        return self._guarded(lambda: self.platform.subscribe(callback_url, direction=direction))

    def subscriptions(self) -> tuple[str, ...]:
        """The ids of our subscriptions."""
        return self._guarded(self.platform.subscriptions)

    def unsubscribe(self, webhook_ref: str) -> None:
        """End a subscription."""
        self._guarded(lambda: self.platform.unsubscribe(webhook_ref))

    def _guarded(self, call: Callable[[], Result]) -> Result:
        """A refusal is an answer: only silence, failures, bad credentials and "later" count against a platform."""
        self._circuit.let_pass()
        try:
            result = call()
        except PlatformRefusedError:
            self._circuit.note_success()
            raise
        except PlatformError as error:
            self._circuit.note_failure(error)
            raise
        self._circuit.note_success()
        return result


def _paused(wait: timedelta) -> PlatformPausedError:
    wait_s = max(1.0, wait.total_seconds())
    return PlatformPausedError(
        f"The platform failed several times or asked us to wait; it is asked again in {wait_s:.0f} s.",
        f"La plateforme a échoué plusieurs fois ou demandé d'attendre ; on la redemandera dans {wait_s:.0f} s.",
        retry_after_s=wait_s,
    )
