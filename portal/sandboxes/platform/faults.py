"""Faults on demand: what real platforms do on bad days."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from enum import StrEnum


class FaultKind(StrEnum):
    """What goes wrong."""

    TIMEOUT_AFTER_EFFECT = "timeout_after_effect"
    """The flow is stored, but the answer does not come within ``hold_s``."""
    ERROR_500 = "error_500"
    """An internal error before any effect."""
    BUSY = "busy"
    """429 with ``Retry-After``."""
    UNAVAILABLE = "unavailable"
    """A gateway in front answers 502 with a page of HTML."""
    DUPLICATE = "duplicate"
    """The next status comes back twice, as two flows."""


class Operation(StrEnum):
    """The calls that a fault may strike."""

    TOKEN = "token"  # noqa: S105 - the name of a call
    SEND = "send"
    SEARCH = "search"
    FETCH = "fetch"
    HEALTH = "health"
    WEBHOOKS = "webhooks"
    STATUS = "status"
    """Not a call: the return of a status by the platform."""


DEFAULT_OPERATION = {FaultKind.TIMEOUT_AFTER_EFFECT: Operation.SEND, FaultKind.DUPLICATE: Operation.STATUS}
"""Faults that make sense on one operation only; the others strike any call."""


@dataclass(slots=True)
class Fault:
    """A fault in waiting: ``times`` more strikes (None: until it is lifted) on ``operation`` (None: any call)."""

    kind: FaultKind
    operation: Operation | None = None
    times: int | None = 1
    retry_after_s: int = 1
    hold_s: float = 2.0


class FaultBox:
    """The faults in waiting, first come first served."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Arm ``fault``."""
        fault.operation = DEFAULT_OPERATION.get(fault.kind, fault.operation)
        with self._lock:
            self._faults.append(fault)

    def strike(self, operation: Operation) -> Fault | None:
        """The fault that strikes ``operation`` now, counted down; None when all goes well."""
        with self._lock:
            for fault in self._faults:
                if fault.operation is operation or (fault.operation is None and operation is not Operation.STATUS):
                    self._count_down(fault)
                    return fault
        return None

    def lift(self) -> None:
        """Lift all faults."""
        with self._lock:
            self._faults.clear()

    def waiting(self) -> list[Fault]:
        """The faults that have not struck yet."""
        with self._lock:
            return list(self._faults)

    def _count_down(self, fault: Fault) -> None:
        if fault.times is not None:
            fault.times -= 1
            if fault.times <= 0:
                self._faults.remove(fault)
