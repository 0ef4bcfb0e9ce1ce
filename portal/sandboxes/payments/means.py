"""The test cards and accounts, and what each does: the provider's own published test numbers."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from portal.sandboxes.payments.ibans import accounts_by_iban

DELAYED_S = 180
"""How much longer the accounts for delayed answers take, in seconds: at least three minutes."""

METHODS = ("card", "sepa_debit", "customer_balance", "paypal", "link")
"""Methods that a checkout of the sandbox can offer; Apple Pay and Google Pay come with ``card``."""


@dataclass(frozen=True, slots=True)
class Means:
    """One way to pay.

    Attributes:
        key: Its number, or a word where the provider has no number for it.
        method: One of `METHODS`.
        outcome: ``succeeded``, ``declined``, ``confirm`` (3-D Secure or another page that asks), ``processing``
            (delayed) or ``transfer`` (the payer is told where to transfer to).
        decline: The bank's reason, for a decline now or later.
        delayed_s: How much longer than others it is processing.
        always_asks: Wants its holder to confirm even a payment by a saved method.
        declines_later: Can be saved, and is declined whenever it is charged.
        dispute: The reason of the dispute that follows success at once.
        inquiry: That dispute is only a question of the bank.
        refund: ``slow`` refunds are pending first, ``broken`` ones fail after they succeeded.
        wallet: The wallet that holds the card.
        shown: On the hosted page.
    """

    key: str
    method: str
    outcome: str
    decline: str | None = None
    delayed_s: int = 0
    always_asks: bool = False
    declines_later: bool = False
    dispute: str | None = None
    inquiry: bool = False
    refund: str | None = None
    wallet: str | None = None
    shown: bool = True

    @property
    def last4(self) -> str:
        """The last four characters, which is all that anyone gets to see later."""
        return "4242" if self.method == "card" and not self.key.isdecimal() else self.key[-4:]

    @property
    def fingerprint(self) -> str:
        """The same for the same card or account, and nothing else."""
        return hashlib.sha256(self.key.encode()).hexdigest()[:16]

    @property
    def country(self) -> str:
        """Where the account is held."""
        return self.key[:2] if self.method == "sepa_debit" else "FR"


def _accounts() -> tuple[Means, ...]:
    """The test accounts; those of France are on the page."""
    found = []
    for iban, what in accounts_by_iban().items():
        failing = {
            "failed": "insufficient_funds",
            "failedDelayed": "insufficient_funds",
            "insufficientFunds": "insufficient_funds",
            "exceedsWeeklyVolumeLimit": "charge_exceeds_source_limit",
            "exceedsWeeklyTransactionLimit": "charge_exceeds_weekly_limit",
        }.get(what)
        found.append(
            Means(
                iban,
                "sepa_debit",
                "processing",
                failing,
                delayed_s=DELAYED_S if what.endswith("Delayed") else 0,
                dispute="debit_not_authorized" if what == "disputed" else None,
                shown=iban.startswith("FR") and what in {"success", "failed", "disputed", "exceedsWeeklyVolumeLimit"},
            )
        )
    return tuple(found)


MEANS = (
    Means("4242424242424242", "card", "succeeded"),
    Means("4000002500003155", "card", "confirm"),
    Means("4000000000000002", "card", "declined", "generic_decline"),
    Means("4000000000009995", "card", "declined", "insufficient_funds"),
    Means("4000000000000259", "card", "succeeded", dispute="fraudulent"),
    Means("4000000000002685", "card", "succeeded", dispute="product_not_received", shown=False),
    Means("4000000000001976", "card", "succeeded", dispute="fraudulent", inquiry=True, shown=False),
    Means("4000002760003184", "card", "confirm", always_asks=True, shown=False),
    Means("4000000000000341", "card", "succeeded", declines_later=True, shown=False),
    Means("4000000000007726", "card", "succeeded", refund="slow", shown=False),
    Means("4000000000005126", "card", "succeeded", refund="broken", shown=False),
    Means("4000000000000069", "card", "declined", "expired_card", shown=False),
    Means("4000000000000127", "card", "declined", "incorrect_cvc", shown=False),
    Means("4000000000000119", "card", "declined", "processing_error", shown=False),
    Means("4000000000009987", "card", "declined", "lost_card", shown=False),
    Means("4000000000009979", "card", "declined", "stolen_card", shown=False),
    *_accounts(),
    Means("delayed", "card", "processing"),
    Means("apple_pay", "card", "succeeded", wallet="apple_pay"),
    Means("google_pay", "card", "succeeded", wallet="google_pay"),
    Means("paypal", "paypal", "confirm"),
    Means("link", "link", "confirm"),
    Means("transfer", "customer_balance", "transfer"),
)
"""In the order of the page. ``delayed`` stands for a slow network where no direct debit is offered."""

_BY_KEY = {means.key: means for means in MEANS}

PAYMENT_METHODS = {
    "pm_card_visa": "4242424242424242",
    "pm_card_chargeDeclined": "4000000000000002",
    "pm_card_chargeDeclinedInsufficientFunds": "4000000000009995",
    "pm_card_authenticationRequired": "4000002760003184",
    "pm_card_authenticationRequiredOnSetup": "4000002500003155",
    "pm_card_chargeCustomerFail": "4000000000000341",
    "pm_card_createDispute": "4000000000000259",
    "pm_card_createDisputeProductNotReceived": "4000000000002685",
    "pm_card_createDisputeInquiry": "4000000000001976",
    "pm_card_pendingRefund": "4000000000007726",
    "pm_card_refundFail": "4000000000005126",
    **{f"pm_sepaDebit_{what}_{iban[:2].lower()}": iban for iban, what in accounts_by_iban().items()},
}
"""The provider's names of test cards and accounts, for a PaymentIntent that is confirmed by API."""


def offered(methods: list[str]) -> list[Means]:
    """What the hosted page offers for a session's ``payment_method_types``."""
    return [
        means
        for means in MEANS
        if means.shown and means.method in methods and not (means.key == "delayed" and "sepa_debit" in methods)
    ]


def means_named(key: str) -> Means | None:
    """The means with this number, spaces allowed."""
    return _BY_KEY.get(key.replace(" ", ""))


def account(means: Means) -> dict[str, Any]:
    """What is told of a debited account."""
    return {
        "bank_code": means.key[4:9],
        "branch_code": None,
        "country": means.country,
        "fingerprint": means.fingerprint,
        "last4": means.last4,
    }


def details(means: Means, mandate: str | None = None) -> dict[str, Any]:
    """The payment_method_details of a charge with ``means``."""
    if means.method == "sepa_debit":
        return {"type": "sepa_debit", "sepa_debit": account(means) | {"expected_debit_date": None, "mandate": mandate}}
    if means.method == "card":
        card = {"brand": "visa", "country": "FR", "exp_month": 12, "exp_year": 2034, "funding": "debit"}
        wallet: Any = {"type": means.wallet, "dynamic_last4": None, means.wallet: {}} if means.wallet else None
        card |= {"last4": means.last4, "network": "visa", "three_d_secure": None, "wallet": wallet}
        return {"type": "card", "card": card}
    told: dict[str, Any] = {
        "paypal": {"country": "FR", "payer_email": "payeur@example.fr", "payer_id": "SANDBOXPAYER", "payer_name": None},
        "link": {"country": "FR", "funding_source_group": None},
    }.get(means.method, {})
    return {"type": means.method, means.method: told}
