"""The test cards and accounts, and what each does: the provider's own published test numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Means:
    """One way to pay.

    Attributes:
        key: Its number, or a word where the provider has no number for it.
        method: ``card`` or ``sepa_debit``.
        outcome: ``succeeded``, ``declined``, ``confirm`` (3-D Secure) or ``processing`` (delayed).
        decline: The bank's reason, for a decline now or later.
    """

    key: str
    method: str
    outcome: str
    decline: str | None = None

    @property
    def last4(self) -> str:
        """The last four characters, which is all that anyone gets to see later."""
        return self.key[-4:]

    def details(self) -> dict[str, Any]:
        """The payment_method_details of a charge."""
        if self.method == "sepa_debit":
            return {"type": "sepa_debit", "sepa_debit": {"country": "FR", "last4": self.last4, "mandate": None}}
        card = {"brand": "visa", "country": "FR", "exp_month": 12, "exp_year": 2034, "funding": "debit"}
        return {"type": "card", "card": card | {"last4": self.last4, "network": "visa", "three_d_secure": None}}


MEANS = (
    Means("4242424242424242", "card", "succeeded"),
    Means("4000002500003155", "card", "confirm"),
    Means("4000000000000002", "card", "declined", "generic_decline"),
    Means("4000000000009995", "card", "declined", "insufficient_funds"),
    Means("FR1420041010050500013M02606", "sepa_debit", "processing"),
    Means("FR8420041010050500013M02607", "sepa_debit", "processing", "insufficient_funds"),
    Means("delayed", "card", "processing"),
)
"""In the order of the page. ``delayed`` stands for a slow network where no direct debit is offered."""

PAYMENT_METHODS = {
    "pm_card_visa": "4242424242424242",
    "pm_card_chargeDeclined": "4000000000000002",
    "pm_card_chargeDeclinedInsufficientFunds": "4000000000009995",
    "pm_card_authenticationRequired": "4000002500003155",
}
"""The provider's names of test cards, for a PaymentIntent that is confirmed by API."""


def offered(methods: list[str]) -> list[Means]:
    """What the hosted page offers for a session's ``payment_method_types``."""
    return [
        means for means in MEANS if means.method in methods and not (means.key == "delayed" and "sepa_debit" in methods)
    ]


def means_named(key: str) -> Means | None:
    """The means with this number, spaces allowed."""
    plain = key.replace(" ", "")
    return next((means for means in MEANS if means.key == plain), None)
