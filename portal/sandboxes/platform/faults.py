"""Faults on demand: what real platforms do on bad days."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from enum import StrEnum
from random import Random


class FaultKind(StrEnum):
    """What goes wrong."""

    TIMEOUT_AFTER_EFFECT = "timeout_after_effect"
    """The call has its effect, but its answer does not come within ``hold_s``."""
    TIMEOUT_BEFORE = "timeout_before"
    """Nothing happens for ``hold_s``, then 503: the call had no effect."""
    ERROR_500 = "error_500"
    """An internal error before any effect."""
    ERROR_503 = "error_503"
    """503 before any effect."""
    BUSY = "busy"
    """429 with ``Retry-After``."""
    UNAVAILABLE = "unavailable"
    """A gateway in front answers 502 with a page of HTML."""
    SLOW = "slow"
    """The call works, ``hold_s`` later."""
    RESET = "reset"
    """The connection is reset before any effect."""
    RESET_AFTER_EFFECT = "reset_after_effect"
    """The connection is reset when the call has had its effect."""
    MALFORMED = "malformed"
    """The call has its effect; its JSON is cut in half."""
    TOKEN_EXPIRY = "token_expiry"  # noqa: S105 - the name of a fault
    """The caller's token ends in the middle of its work."""
    LOST_PAGE = "lost_page"
    """A page of a search comes empty, and the cursor goes on behind it."""
    DUPLICATE = "duplicate"
    """A status or an invoice is delivered twice, as two flows; the second comes after what came with the first."""
    OUT_OF_ORDER = "out_of_order"
    """A status or an invoice is held back for ``hold_s`` and comes after what follows it."""
    LATE = "late"
    """The acknowledgement of a flow comes ``hold_s`` later."""
    LOST_WEBHOOK = "lost_webhook"
    """A webhook is not called."""
    DUPLICATE_WEBHOOK = "duplicate_webhook"
    """A webhook is called twice."""


class Operation(StrEnum):
    """What a fault may strike."""

    TOKEN = "token"  # noqa: S105 - the name of a call
    SEND = "send"
    SEARCH = "search"
    FETCH = "fetch"
    HEALTH = "health"
    WEBHOOKS = "webhooks"
    DIRECTORY = "directory"
    STATUS = "status"
    """Not a call: the delivery of a status or an invoice by the platform."""
    ACKNOWLEDGE = "acknowledge"
    """Not a call: the acknowledgement of a flow."""
    CALLBACK = "callback"
    """Not a call to us: the call of a webhook."""


CALLS = frozenset(Operation) - {Operation.STATUS, Operation.ACKNOWLEDGE, Operation.CALLBACK}
"""The calls of the API."""
_ONLY = {
    FaultKind.TOKEN_EXPIRY: CALLS - {Operation.TOKEN, Operation.HEALTH},
    FaultKind.LOST_PAGE: frozenset({Operation.SEARCH}),
    FaultKind.DUPLICATE: frozenset({Operation.STATUS}),
    FaultKind.OUT_OF_ORDER: frozenset({Operation.STATUS}),
    FaultKind.LATE: frozenset({Operation.ACKNOWLEDGE}),
    FaultKind.LOST_WEBHOOK: frozenset({Operation.CALLBACK}),
    FaultKind.DUPLICATE_WEBHOOK: frozenset({Operation.CALLBACK}),
}


def strikes(kind: FaultKind) -> frozenset[Operation]:
    """The operations on which ``kind`` makes sense."""
    return _ONLY.get(kind, CALLS)


@dataclass(slots=True)
class Fault:
    """A fault in waiting: ``times`` more strikes (None: until it is lifted) on ``operation`` (None: any that fits)."""

    kind: FaultKind
    operation: Operation | None = None
    times: int | None = 1
    retry_after_s: int = 1
    hold_s: float = 2.0

    def __post_init__(self) -> None:
        if self.kind is FaultKind.TIMEOUT_AFTER_EFFECT and self.operation is None:
            self.operation = Operation.SEND
        if self.operation and self.operation not in strikes(self.kind):
            raise ValueError(f"{self.kind} does not strike {self.operation}")

    def fits(self, operation: Operation) -> bool:
        """Whether it strikes this operation."""
        return self.operation is operation or (self.operation is None and operation in strikes(self.kind))


@dataclass(slots=True)
class RandomFaults:
    """Faults that are drawn: each operation fails with probability ``rate``, by one of ``kinds`` that strikes it.

    The same seed and the same order of operations give the same faults.
    """

    rate: float
    seed: int = 0
    kinds: tuple[FaultKind, ...] = tuple(FaultKind)
    operations: tuple[Operation, ...] = tuple(Operation)
    retry_after_s: int = 1
    hold_s: float = 2.0
    struck: dict[str, int] = field(default_factory=dict)
    """How often each kind struck."""
    _random: Random = field(init=False)

    def __post_init__(self) -> None:
        if not 0 <= self.rate <= 1:
            raise ValueError(f"a rate of {self.rate} is outside 0 to 1")
        self._random = Random(self.seed)  # noqa: S311 -- reproducible faults, no secret

    def draw(self, operation: Operation) -> Fault | None:
        """The fault of this operation, if one is drawn."""
        kinds = [kind for kind in self.kinds if operation in strikes(kind)]
        if operation not in self.operations or not kinds or self._random.random() >= self.rate:
            return None
        kind = self._random.choice(kinds)
        self.struck[kind] = self.struck.get(kind, 0) + 1
        return Fault(kind, operation, 1, self.retry_after_s, self.hold_s)


class FaultBox:
    """The faults in waiting, first come first served; then those that are drawn."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[Fault] = []
        self._random: RandomFaults | None = None

    def add(self, fault: Fault) -> None:
        """Arm ``fault``."""
        with self._lock:
            self._faults.append(fault)

    def draw_from(self, faults: RandomFaults) -> None:
        """Draw faults from now on."""
        with self._lock:
            self._random = faults

    def strike(self, operation: Operation) -> Fault | None:
        """The fault that strikes ``operation`` now, counted down; None when all goes well."""
        with self._lock:
            for fault in self._faults:
                if fault.fits(operation):
                    self._count_down(fault)
                    return fault
            return self._random.draw(operation) if self._random else None

    def lift(self) -> None:
        """Lift all faults."""
        with self._lock:
            self._faults.clear()
            self._random = None

    def waiting(self) -> list[Fault]:
        """The faults that have not struck yet."""
        with self._lock:
            return list(self._faults)

    @property
    def drawn(self) -> RandomFaults | None:
        """The faults that are drawn, with how often each kind struck."""
        return self._random

    def _count_down(self, fault: Fault) -> None:
        if fault.times is not None:
            fault.times -= 1
            if fault.times <= 0:
                self._faults.remove(fault)
