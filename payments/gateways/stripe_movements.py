"""What Stripe's balance transactions say, in the words of the port.

The reporting category is read, not the type: it tells the refund that failed and the dispute that was won, which the
type calls an adjustment.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from payments.gateways.port import ProviderMovement
from payments.gateways.stripe_reading import instant, legal_day_of, money_of, ref_of

if TYPE_CHECKING:
    from payments.gateways.stripe_reading import StripeJson

KINDS = {
    "charge": "payment",
    "refund": "refund",
    "refund_failure": "refund_failed",
    "dispute": "dispute",
    "dispute_reversal": "dispute_won",
    "fee": "fee",
    "network_cost": "fee",
    "tax": "fee",
    "payout": "payout",
    "payout_reversal": "payout_failed",
}
"""Our kind by reporting category; anything else (a reserve, a top-up, a transfer) is ``other``: a human's."""


def movement_of(told: StripeJson, payout_ref: str | None) -> ProviderMovement:
    """A balance transaction, its source expanded.

    Raises:
        GatewayRefusedError: ``gateway.currency_unknown``.
    """
    kind = KINDS.get(told["reporting_category"], "other")
    money_of(0, told["currency"])
    alone = kind == "fee"  # all of it is a fee: the books know no gross amount of it
    return ProviderMovement(
        movement_ref=told["id"],
        kind=kind,
        object_ref=_object_of(told.get("source")) or told["id"],
        gross_minor=0 if alone else told["amount"],
        fee_minor=told["fee"] - told["amount"] if alone else told["fee"],
        currency=told["currency"].upper(),
        payout_ref=payout_ref,
        moved_at=instant(told["created"]),
        available_on=legal_day_of(told["available_on"]),
    )


def _object_of(source: Any) -> str:
    """The id under which the books know what moved: the payment behind a charge."""
    if isinstance(source, dict) and source.get("object") == "charge":
        return ref_of(source.get("payment_intent")) or ref_of(source)
    return ref_of(source)
