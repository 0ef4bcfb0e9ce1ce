"""Faults on demand: what goes wrong with webhooks and API calls, how often, and for whom."""

from __future__ import annotations

import threading
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

WEBHOOK_KINDS = ("drop", "duplicate", "delay", "shuffle")
API_KINDS = ("http_500", "http_429", "timeout_after_effect")
LONGEST_S = 60.0
MOST_TIMES = 10_000


class FaultError(ValueError):
    """A fault that cannot be planned; the sentence says why."""


@dataclass(slots=True)
class Fault:
    """One planned fault.

    Attributes:
        kind: Webhooks: ``drop`` (never delivered), ``duplicate`` (``copies`` times in all), ``delay`` (by
            ``seconds``), ``shuffle`` (held until ``size`` events are there or ``seconds`` are over, then out of
            order). API: ``http_500`` and ``http_429`` (before any effect), ``timeout_after_effect`` (done, but the
            answer comes ``seconds`` late).
        times: How many events or calls are still hit.
        endpoint: An endpoint's id, or ``*``.
        types: Event types that are hit; empty for all.
        method: HTTP method of the calls that are hit, or ``*``.
        path: What the path of the calls that are hit begins with.
    """

    kind: str
    times: int = 1
    endpoint: str = "*"
    types: tuple[str, ...] = ()
    copies: int = 2
    size: int = 3
    seconds: float = 2.0
    method: str = "*"
    path: str = "/v1/"

    def told(self) -> dict[str, Any]:
        """The fault as JSON."""
        return asdict(self)


def planned(told: Mapping[str, Any]) -> Fault:
    """A fault from JSON.

    Raises:
        FaultError: An unknown kind or field, or a value out of its limits.
    """
    if told.get("kind") not in WEBHOOK_KINDS + API_KINDS:
        raise FaultError(f"kind must be one of {', '.join(WEBHOOK_KINDS + API_KINDS)}.")
    try:
        fault = Fault(**{**told, "types": tuple(told.get("types", ()))})
        limits = 0 < fault.times <= MOST_TIMES and 0 <= float(fault.seconds) <= LONGEST_S
    except TypeError as error:
        raise FaultError(f"This is not a fault: {error}.") from error
    if not limits:
        raise FaultError(f"times must be 1 to {MOST_TIMES}, seconds 0 to {LONGEST_S:.0f}.")
    return fault


class Faults:
    """The plan: each matching event or call uses up one of the first fault that fits."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._plan: list[Fault] = []

    def plan(self, fault: Fault) -> None:
        """Add a fault."""
        with self._lock:
            self._plan.append(fault)

    def clear(self) -> None:
        """Forget all faults."""
        with self._lock:
            self._plan.clear()

    def told(self) -> list[dict[str, Any]]:
        """The faults still planned."""
        with self._lock:
            return [fault.told() for fault in self._plan]

    def for_event(self, endpoint: str, event_type: str) -> Fault | None:
        """The fault that hits this delivery."""
        with self._lock:
            for fault in self._plan:
                fits = fault.endpoint in {"*", endpoint} and (not fault.types or event_type in fault.types)
                if fault.kind in WEBHOOK_KINDS and fits:
                    return self._used(fault)
        return None

    def for_call(self, method: str, path: str) -> Fault | None:
        """The fault that hits this API call."""
        with self._lock:
            for fault in self._plan:
                fits = fault.method in {"*", method} and path.startswith(fault.path)
                if fault.kind in API_KINDS and fits:
                    return self._used(fault)
        return None

    def _used(self, fault: Fault) -> Fault:
        fault.times -= 1
        if not fault.times:
            self._plan.remove(fault)
        return fault
