"""The port to payment providers: what we ask of one, and the facts it tells us about money.

A `PaymentFact` is a statement about one provider object, keyed by ``(kind, object_ref)``, so that facts commute:
duplicated, out of order or told by different events, the same set of facts ends in the same books.

How facts about one payment combine, whatever their order:

- ``succeeded`` (``object_ref`` = the payment) is the receipt. It outranks every ``failed`` and ``processing``.
- ``processing`` and ``failed`` name the *try* (the charge); a failed try ends the reservation of the same try only,
  because the payer may try again in the same checkout. A ``failed`` whose ``object_ref`` is the payment itself
  closes the payment (a delayed debit of a completed checkout cannot be tried again).
- ``refunded`` and ``refund_failed`` name the refund; together they are nothing.
- ``disputed``, ``dispute_lost`` and ``dispute_won`` name the dispute. The first two say that the provider took the
  money; only a lost one is a reversal for certain. A returned SEPA debit is told as lost at once.
- ``payout_paid`` and ``payout_failed`` name the payout, which is also their ``payment_ref``; their amount is what
  reaches the bank. They are hints to ask `payouts_since`: what a payout is made of is only told there.
- ``cash_funded`` names a transfer that lies with the provider for one of our customers (``customer_ref``) and is for
  no payment yet; `claim_cash` makes it one.
- ``method_saved`` and ``method_ended`` name the saved method (``method_ref``); their amount is zero.
- ``occurred_at`` is the provider's time. Two tellings of one fact may differ by the seconds between the objects that
  told it: the first one accepted dates the entry.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date, datetime
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
    ``gateway.currency_unknown``, ``gateway.checkout_complete``, ``gateway.key_reused``, ``gateway.not_offered``,
    ``gateway.customer_needed``, ``gateway.no_cash``, ``gateway.answered`` (a dispute), ``gateway.file_too_large``.
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
    PAYOUT_PAID = "payout_paid"
    PAYOUT_FAILED = "payout_failed"
    CASH_FUNDED = "cash_funded"
    METHOD_SAVED = "method_saved"
    METHOD_ENDED = "method_ended"


class Capability(StrEnum):
    """What a provider can do beyond checkouts and refunds."""

    SAVED_METHODS = "saved_methods"
    """Keep a method and charge it later, with nobody there."""
    TRANSFERS = "transfers"
    """Give a customer an account number of their own to transfer to."""
    PAYOUTS = "payouts"
    """Tell which movements a payout to the bank is made of."""
    EVIDENCE = "evidence"
    """Take our evidence against a dispute."""


@dataclass(frozen=True, slots=True)
class CheckoutOrder:
    """What the payer is asked to pay on the provider's page.

    Attributes:
        attempt_id: A UUIDv7 (``config.clock.new_id``); the key under which the provider opens one checkout only.
        expires_at: Aware; the providers accept 30 minutes to 24 hours from now. Keep it when repeating an order:
            the same key with other parameters is refused.
        locale: ``fr``, ``en`` or ``auto``.
        methods: Of ``card``, ``sepa_debit``, ``transfer``, ``paypal``, ``instant`` ...; empty for what the provider's
            account offers.
        customer_ref: Our customer at the provider, where the method needs one (`Gateway.open_customer`).
        save_method: Keep the method for later payments that the payer agreed to.
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
    customer_ref: str | None = None
    save_method: bool = False


@dataclass(frozen=True, slots=True)
class CustomerAtProvider:
    """Who a customer of ours is, for the provider."""

    supplier_id: UUID
    customer_id: UUID
    name: str
    email: str | None


@dataclass(frozen=True, slots=True)
class TransferAccount:
    """The account number that one customer alone transfers to."""

    holder: str
    iban: str
    bic: str | None
    country: str


@dataclass(frozen=True, slots=True)
class SavedCharge:
    """A payment that nobody is there to confirm: by a saved method (``method_ref``), agreed and announced before."""

    supplier_id: UUID
    attempt_id: UUID
    customer_ref: str
    method_ref: str
    description: str
    amount: Money


@dataclass(frozen=True, slots=True)
class ProviderMovement:
    """A movement on the account that the provider keeps for us.

    Attributes:
        kind: ``payment``, ``refund``, ``refund_failed``, ``dispute``, ``dispute_won``, ``fee``, ``payout``,
            ``payout_failed`` or ``other``.
        object_ref: What moved, by the id that the books know: the payment, refund, dispute or payout.
        gross_minor: Signed: what it did to the balance before the fee; zero for a ``fee`` on its own.
        fee_minor: Above zero where the provider took it, below where it gave it back.
        payout_ref: The payout by which it reached the bank, where it has.
    """

    movement_ref: str
    kind: str
    object_ref: str
    gross_minor: int
    fee_minor: int
    currency: str
    payout_ref: str | None
    moved_at: datetime
    available_on: date | None


@dataclass(frozen=True, slots=True)
class ToldPayout:
    """A payout to the bank, as the provider tells it.

    Attributes:
        state: ``on_its_way``, ``paid`` or ``failed`` (canceled too: the money is on our account there again).
        automatic: It can be traced to its movements; one made by hand cannot.
        told_at: When the provider made it: from then on the money is not on our account there any more.
        complete: `movements_of` tells all that it is made of.
    """

    payout_ref: str
    amount: Money
    state: str
    automatic: bool
    arrival_on: date
    descriptor: str | None
    told_at: datetime
    complete: bool = True


@dataclass(frozen=True, slots=True)
class DisputeEvidence:
    """What we answer to a dispute: facts in words, and one file (PDF)."""

    text: str
    filename: str
    content: bytes


@dataclass(frozen=True, slots=True)
class MissingRight:
    """Something that our key may not do at the provider: its name there, and what to do about it, in both languages."""

    name: str
    sentence: str
    sentence_fr: str


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
        customer_ref: Our customer at the provider, where the object names one.
        method_ref: The saved method, where one was saved, used or ended; ``method_label`` names it for people.
        mandate_ref: The mandate behind a SEPA debit.
        answer_until: For a dispute: when our answer has to be there.
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
    customer_ref: str | None = None
    method_ref: str | None = None
    method_label: str | None = None
    mandate_ref: str | None = None
    answer_until: datetime | None = None


@runtime_checkable
class Gateway(Protocol):
    """A payment provider. Every method may raise a `GatewayError`.

    What a provider does not do (``capabilities``) it refuses with `GatewayRefusedError` ``gateway.not_offered``.
    """

    provider: str
    livemode: bool
    capabilities: frozenset[Capability]
    methods: frozenset[str]
    """What its checkouts may offer, in the words of `CheckoutOrder.methods`."""

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
        """The facts in the body of a verified webhook; none for events that say nothing about money.

        No network, except where the event itself leaves open what it means: then one question, and
        `GatewayUnreachableError` where it gets no answer (the event waits).

        Raises:
            GatewayRefusedError: ``gateway.malformed_event``, ``gateway.mode_mixed``, ``gateway.currency_unknown``.
        """

    def facts_since(self, since: datetime) -> Iterator[PaymentFact]:
        """Every fact since the aware instant ``since``, in no promised order: what missed webhooks would have said."""

    def refund(self, payment_ref: str, amount: Money, key: str) -> str:
        """Give ``amount`` of a payment back; the same ``key`` refunds once. Returns the refund's id."""

    def fetch_payment(self, payment_ref: str) -> tuple[PaymentFact, ...]:
        """What the provider says of one payment now: its state with the fee, its refunds and its disputes."""

    def open_customer(self, customer: CustomerAtProvider) -> str:
        """Our customer at the provider; the same customer always gets the same reference."""

    def transfer_account(self, customer_ref: str) -> TransferAccount:
        """The account number that this customer alone transfers to (`Capability.TRANSFERS`)."""

    def charge_saved(self, charge: SavedCharge) -> str:
        """Charge a saved method; the same attempt charges once. Returns the payment; facts tell what becomes of it.

        Raises:
            GatewayDeclinedError: The bank said no, or wants to ask the payer: no money moved, the attempt is over.
        """

    def end_method(self, method_ref: str) -> None:
        """Forget a saved method; nothing happens when it is forgotten already."""

    def cash_of(self, customer_ref: str) -> dict[str, int]:
        """What a customer transferred and no payment took yet, by currency, in minor units."""

    def claim_cash(self, supplier_id: UUID, customer_ref: str, attempt_id: UUID, amount: Money) -> str:
        """Take money that a customer transferred and no payment asks for; the same attempt takes it once.

        Returns the payment; facts tell what becomes of it.

        Raises:
            GatewayRefusedError: ``gateway.no_cash`` where less than ``amount`` is there.
        """

    def payouts_since(self, since: datetime) -> Iterator[ToldPayout]:
        """Payouts made or changed since (`Capability.PAYOUTS`)."""

    def movements_of(self, payout_ref: str) -> Iterator[ProviderMovement]:
        """What an automatic payout is made of, the payout itself left out."""

    def movements_since(self, since: datetime) -> Iterator[ProviderMovement]:
        """Every movement on our account since."""

    def balance(self) -> dict[str, int]:
        """What lies with the provider by currency, pending and available together, in minor units."""

    def answer_dispute(self, dispute_ref: str, evidence: DisputeEvidence) -> None:
        """Hand in evidence, once (`Capability.EVIDENCE`).

        Raises:
            GatewayRefusedError: ``gateway.answered`` where it is answered or decided, ``gateway.file_too_large``.
        """


@runtime_checkable
class KeyRights(Protocol):
    """A provider whose keys may be restricted to some rights."""

    def missing_rights(self) -> tuple[MissingRight, ...]:
        """What our key may not do of what we need; asks in ways that change nothing."""
