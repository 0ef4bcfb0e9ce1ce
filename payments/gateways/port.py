"""The port to payment providers: what we ask of one, and the facts it tells us about money.

A `PaymentFact` is a statement about one provider object, keyed by ``(kind, object_ref)``, so that facts commute:
duplicated, out of order or told by different events, the same set of facts ends in the same books.

How facts about one payment combine, whatever their order:

- ``succeeded`` (``object_ref`` = the payment) is the receipt. It outranks every ``failed`` and ``processing``.
- ``processing`` and ``failed`` name the *try* (the charge); a failed try ends the reservation of the same try only,
  because the payer may try again in the same checkout. A ``failed`` whose ``object_ref`` is the payment itself
  closes the payment (a delayed debit of a completed checkout cannot be tried again).
- ``refunded`` and ``refund_failed`` name the refund; together they are nothing.
- ``disputed``, ``dispute_lost`` and ``dispute_won`` name the dispute; only a lost one is a reversal for certain.
- ``occurred_at`` is the provider's time. Two tellings of one fact may differ by the seconds between the objects that
  told it: the first one accepted dates the entry.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from uuid import UUID

    from receivables.domain.money import Money


class GatewayError(Exception):
    """A provider did not do what it was asked; ``code`` is stable, the sentence says what to do."""

    code = "gateway.failed"

    def __init__(self, sentence: str, code: str | None = None) -> None:
        super().__init__(sentence)
        if code is not None:
            self.code = code


class GatewayUnreachableError(GatewayError):
    """Nothing was asked for certain, or nothing can have changed: try again later."""

    code = "gateway.unreachable"


class GatewayInDoubtError(GatewayError):
    """The request may have taken effect: repeat it with the same key, or look with ``find_checkout``."""

    code = "gateway.in_doubt"


class GatewayDeclinedError(GatewayError):
    """The payer's bank or the provider's risk rules said no."""

    code = "gateway.declined"


class GatewayRefusedError(GatewayError):
    """The provider, or we, will never accept this request or this event as it is.

    Codes: ``gateway.refused``, ``gateway.mode_mixed`` (test and live), ``gateway.malformed_event``,
    ``gateway.currency_unknown``, ``gateway.checkout_complete``, ``gateway.key_reused``.
    """

    code = "gateway.refused"


class FactKind(StrEnum):
    """What a fact says of its object."""

    PROCESSING = "processing"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    REFUNDED = "refunded"
    REFUND_FAILED = "refund_failed"
    SESSION_COMPLETED_UNPAID = "session_completed_unpaid"
    SESSION_EXPIRED = "session_expired"
    CANCELED = "canceled"
    DISPUTED = "disputed"
    DISPUTE_LOST = "dispute_lost"
    DISPUTE_WON = "dispute_won"


@dataclass(frozen=True, slots=True)
class CheckoutOrder:
    """What the payer is asked to pay on the provider's page.

    Attributes:
        attempt_id: A UUIDv7 (``config.clock.new_id``); the key under which the provider opens one checkout only.
        expires_at: Aware; the providers accept 30 minutes to 24 hours from now. Keep it when repeating an order:
            the same key with other parameters is refused.
        locale: ``fr``, ``en`` or ``auto``.
        methods: Of ``card``, ``sepa_debit``; empty for what the provider's account offers.
    """

    supplier_id: UUID
    attempt_id: UUID
    invoice_number: str
    description: str
    amount: Money
    payer_email: str | None
    success_url: str
    cancel_url: str
    expires_at: datetime
    locale: str = "fr"
    methods: tuple[str, ...] = ("card",)


@dataclass(frozen=True, slots=True)
class OpenCheckout:
    """A checkout at the provider; ``url`` is empty once it is complete or expired.

    ``payment_id`` is known once the payer has tried to pay.
    """

    session_id: str
    payment_id: str | None
    url: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class PaymentFact:
    """A statement about money, derived from one provider object.

    Attributes:
        payment_ref: The payment (``pi_...``); empty for a checkout that never saw a try.
        object_ref: The business key: the payment for a receipt, the charge for a try, the refund for a refund.
        supplier_id: From our metadata; None where the object carries none (a refund made in the provider's own back
            office): find the receipt by ``payment_ref``, or ask ``fetch_payment``.
        attempt_id: Same.
        amount: Always positive; the kind says which way it went.
        occurred_at: Aware, UTC.
        method: ``card``, ``sepa_debit``, or empty where the object does not say.
        failure_code: The provider's, for ``failed`` and ``refund_failed``; the reason of a dispute.
        fee: The provider's fee on this movement, where the object tells it (``fetch_payment`` does).
        livemode: Real money.
    """

    provider: str
    kind: FactKind
    payment_ref: str
    object_ref: str
    supplier_id: UUID | None
    attempt_id: UUID | None
    amount: Money
    occurred_at: datetime
    method: str
    failure_code: str | None
    fee: Money | None
    livemode: bool


@runtime_checkable
class Gateway(Protocol):
    """A payment provider. Every method may raise a `GatewayError`."""

    def open_checkout(self, order: CheckoutOrder) -> OpenCheckout:
        """Open the checkout of ``order``; the same attempt always gets the same checkout.

        Raises:
            GatewayInDoubtError: Repeat the very same order, or look with `find_checkout`.
            GatewayRefusedError: ``gateway.key_reused`` when the attempt was opened with other parameters.
        """

    def find_checkout(self, attempt_id: UUID) -> OpenCheckout | None:
        """The checkout opened for ``attempt_id``, in any state; None when the provider has none."""

    def expire_checkout(self, session_id: str) -> None:
        """Close an open checkout; nothing happens when it is expired already.

        Raises:
            GatewayRefusedError: ``gateway.checkout_complete`` when the payer was faster.
        """

    def facts_of(self, event: bytes) -> tuple[PaymentFact, ...]:
        """The facts in the body of a verified webhook; none for events that say nothing about money. No network.

        Raises:
            GatewayRefusedError: ``gateway.malformed_event``, ``gateway.mode_mixed``, ``gateway.currency_unknown``.
        """

    def facts_since(self, since: datetime) -> Iterator[PaymentFact]:
        """Every fact since the aware instant ``since``, in no promised order: what missed webhooks would have said."""

    def refund(self, payment_ref: str, amount: Money, key: str) -> str:
        """Give ``amount`` of a payment back; the same ``key`` refunds once. Returns the refund's id."""

    def fetch_payment(self, payment_ref: str) -> tuple[PaymentFact, ...]:
        """What the provider says of one payment now: its state with the fee, its refunds and its disputes."""
