"""Facts about money that happened: never refused, posted once, in whatever order they come."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import date, datetime
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
    """Final money (encaissement): ``payment_ref`` is the provider's payment id or the bank's line, the key of the fact.

    ``counter`` names the account of the `Chart` on which the money lies: with the provider, at the bank, in the drawer.
    """

    payment_ref: str
    attempt_id: UUID
    amount_minor: int
    currency: str
    received_at: datetime
    method: str
    counter: str = "provider_clearing"


@dataclass(frozen=True, slots=True)
class MoneyReturned:
    """Money that went back: refund (remboursement), return (rejet, retour) or chargeback (impayé carte).

    ``counter`` names the account that it left: ``contested`` where the provider had taken it before.
    """

    return_ref: str
    payment_ref: str
    kind: str
    amount_minor: int
    currency: str
    returned_at: datetime
    counter: str = "provider_clearing"


@dataclass(frozen=True, slots=True)
class MoneyReturnFailed:
    """A refund that did not reach the payer: the money is with us again. With its :class:`MoneyReturned` it is nothing.

    ``return_ref`` is the refund's id; the whole refund comes back, never a part of it. ``counter`` names the account on
    which it lies again.
    """

    return_ref: str
    payment_ref: str
    amount_minor: int
    currency: str
    failed_at: datetime
    counter: str = "provider_clearing"


@dataclass(frozen=True, slots=True)
class MoneyContested:
    """The provider took money that a payer contests (litige de paiement): it lies on 467 until the dispute ends."""

    contest_ref: str
    payment_ref: str
    amount_minor: int
    currency: str
    contested_at: datetime


@dataclass(frozen=True, slots=True)
class ContestWon:
    """The provider gave contested money back. With its :class:`MoneyContested` it is nothing."""

    contest_ref: str
    payment_ref: str
    amount_minor: int
    currency: str
    won_at: datetime


@dataclass(frozen=True, slots=True)
class PayoutPaid:
    """The provider sent what it held to the bank (virement du prestataire): net on its way, fees kept."""

    payout_ref: str
    net_minor: int
    fee_minor: int
    currency: str
    paid_at: datetime


@dataclass(frozen=True, slots=True)
class PayoutFailed:
    """A payout did not reach the bank: the provider holds the money again. The fees stay paid."""

    payout_ref: str
    net_minor: int
    currency: str
    failed_at: datetime


@dataclass(frozen=True, slots=True)
class PayoutBanked:
    """A line of the bank's is this payout."""

    payout_ref: str
    net_minor: int
    currency: str
    banked_on: date


@dataclass(frozen=True, slots=True)
class FeeCharged:
    """A fee (frais bancaires, 627) taken from the account that ``counter`` names; below zero where it is given back."""

    fee_ref: str
    amount_minor: int
    currency: str
    charged_on: date
    counter: str


@dataclass(frozen=True, slots=True)
class MoneyUnidentified:
    """Money at the bank of which nobody knows yet whose it is: it waits on 471 (compte d'attente)."""

    line_ref: str
    amount_minor: int
    currency: str
    booked_on: date


@dataclass(frozen=True, slots=True)
class Transferred:
    """Money that went from one of our accounts to another (virement interne): both are names of the `Chart`."""

    ref: str
    amount_minor: int
    currency: str
    transferred_on: date
    source: str
    target: str


@dataclass(frozen=True, slots=True)
class AttemptMoved:
    """A payment is under way, failed or was given up: nothing for the books, something for the portal."""

    attempt_id: UUID
    state: AttemptState
    payment_ref: str | None = None
    failure_code: str | None = None


ClearingFact = (
    MoneyContested
    | ContestWon
    | PayoutPaid
    | PayoutFailed
    | PayoutBanked
    | FeeCharged
    | MoneyUnidentified
    | Transferred
)
"""Money that moves between our own accounts: no customer owes more or less by it."""

Fact = MoneyReceived | MoneyReturned | MoneyReturnFailed | AttemptMoved | ClearingFact


class Outcome(StrEnum):
    """What recording a fact came to."""

    POSTED = "posted"
    KNOWN = "known"
    WAITING = "waiting"
    """The fact needs another that has not come: a refund before its payment."""
    UNKNOWN = "unknown"
    """The fact is about a payment that this supplier never began."""
    OTHER_CURRENCY = "other_currency"
    """Money went back in another currency than it came: nothing is posted, a human decides."""
