"""The knobs of the payment sandbox, each with its unit and reason."""

from __future__ import annotations

from dataclasses import dataclass

API_VERSION = "2026-10-28.endive"
"""The version whose shapes the sandbox speaks: the one that the pinned client library sends."""


@dataclass(frozen=True, slots=True)
class PaymentSandboxSettings:
    """How a payment sandbox behaves.

    Attributes:
        key: The secret key of the first account; must be a test key, for this is never real money.
        merchant: The name on the hosted page.
        public_url: Where browsers reach the hosted page; None for the address the API was called at.
        seed: Makes ids and secrets the same in every run; None for unguessable ones.
        settle_after_s: How long a delayed payment is processing, in seconds; None for ``debit_days`` on the sandbox's
            own clock, which the control API advances, or until the control API settles it.
        debit_days: Business days until the payer's bank answers a SEPA debit: 5 as a rule, 14 at most.
        available_days: Business days until the money of a payment can be paid out.
        refund_days: Business days until a refund by transfer has arrived.
        automatic_payouts: Pay out what is available each business day; else only when the API is asked to.
        webhook_timeout_s: Longest wait for an endpoint's answer, in seconds.
        webhook_retries_s: Pauses between deliveries of one event, in seconds; after the last one it is given up.
            The provider goes on for three days; a demonstration wants to see a retry within seconds.
        most_objects: Objects of one kind that are kept, so that a long test cannot fill the memory.
    """

    key: str = "sk_test_quittance_sandbox"
    merchant: str = "Quittance"
    public_url: str | None = None
    seed: int | None = None
    settle_after_s: float | None = 8.0
    debit_days: int = 5
    available_days: int = 3
    refund_days: int = 5
    automatic_payouts: bool = True
    webhook_timeout_s: float = 10.0
    webhook_retries_s: tuple[float, ...] = (1.0, 5.0, 30.0, 120.0, 600.0)
    most_objects: int = 20_000

    def __post_init__(self) -> None:
        if not self.key.startswith("sk_test_"):
            raise ValueError("The sandbox's key must begin with sk_test_: it never handles real money.")
