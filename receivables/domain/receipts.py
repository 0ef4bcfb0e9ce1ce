"""Facts about money that happened: never refused, posted once, in whatever order they come."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID


class AttemptState(StrEnum):
    """State of a payment attempt; a later member never gives way to an earlier one, whatever comes in last.

    A superseded one may still turn out to be under way: the payer was faster than we.
    """

    CREATED = "created"
    OPEN = "open"
    SUPERSEDED = "superseded"
    PROCESSING = "processing"
    EXPIRED = "expired"
    FAILED = "failed"
    SUCCEEDED = "succeeded"

    @property
    def rank(self) -> int:
        """Position on the ladder."""
        return list(AttemptState).index(self)


RESERVATION_STATE = {
    AttemptState.CREATED: "open",
    AttemptState.OPEN: "open",
    AttemptState.PROCESSING: "processing",
    AttemptState.SUPERSEDED: "released",
    AttemptState.EXPIRED: "released",
    AttemptState.FAILED: "released",
    AttemptState.SUCCEEDED: "consumed",
}
"""What an attempt's reservations become with it."""


@dataclass(frozen=True, slots=True)
class MoneyReceived:
    """Final money (encaissement): ``payment_ref`` is the provider's payment id, the key of the fact."""

    payment_ref: str
    attempt_id: UUID
    amount_minor: int
    currency: str
    received_at: datetime
    method: str


@dataclass(frozen=True, slots=True)
class MoneyReturned:
    """Money that went back: refund (remboursement), return (rejet, retour) or chargeback (impayé carte)."""

    return_ref: str
    payment_ref: str
    kind: str
    amount_minor: int
    currency: str
    returned_at: datetime


@dataclass(frozen=True, slots=True)
class MoneyReturnFailed:
    """A refund that did not reach the payer: the money is with us again. With its :class:`MoneyReturned` it is nothing.

    ``return_ref`` is the refund's id; the whole refund comes back, never a part of it.
    """

    return_ref: str
    payment_ref: str
    amount_minor: int
    currency: str
    failed_at: datetime


@dataclass(frozen=True, slots=True)
class AttemptMoved:
    """A payment is under way, failed or was given up: nothing for the books, something for the portal."""

    attempt_id: UUID
    state: AttemptState
    payment_ref: str | None = None
    failure_code: str | None = None


Fact = MoneyReceived | MoneyReturned | MoneyReturnFailed | AttemptMoved


class Outcome(StrEnum):
    """What recording a fact came to."""

    POSTED = "posted"
    KNOWN = "known"
    WAITING = "waiting"
    """The fact needs another that has not come: a refund before its payment."""
    UNKNOWN = "unknown"
    """The fact is about a payment that this supplier never began."""
    OTHER_CURRENCY = "other_currency"
    """The money came in another currency than the payment asked for: nothing is posted, a human decides."""
