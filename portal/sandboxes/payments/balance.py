"""The account's balance: movements with the provider's fees, pending first, then available."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from portal.sandboxes.payments import shapes_of_money as shapes
from portal.sandboxes.payments.agenda import business_days_after
from portal.sandboxes.payments.refusals import StripeRefusal

if TYPE_CHECKING:
    from portal.sandboxes.payments.books import Books, Json

CARD_FEE = (15, 1000, 25)
"""1.5 % plus 25 cents: a European card, a wallet or Link."""
DEBIT_FEE_MINOR = 35
TRANSFER_FEE = (5, 1000, 500)
"""0.5 %, 5 euros at most: money that came by transfer."""
DISPUTE_FEES_MINOR = {"card": 1500, "link": 1500, "sepa_debit": 750}
"""By method; a dispute at PayPal has no fee of the provider."""

CATEGORIES = {
    "charge": "charge",
    "payment": "charge",
    "refund": "refund",
    "payment_refund": "refund",
    "refund_failure": "refund_failure",
    "payment_failure_refund": "refund_failure",
    "payout": "payout",
    "payout_failure": "payout_reversal",
    "payout_cancel": "payout_reversal",
}
"""The reporting category of a movement by its type; a dispute says its own."""


def fee_of(amount: int, method: str) -> int:
    """The provider's fee for a payment, in cents, in the order of the published European prices.

    PayPal bills its own fees itself, so the provider takes none.
    """
    if method == "sepa_debit":
        return DEBIT_FEE_MINOR
    if method == "customer_balance":
        share, base, most = TRANSFER_FEE
        return min(_share(amount, share, base), most)
    if method == "paypal":
        return 0
    share, base, fixed = CARD_FEE
    return _share(amount, share, base) + fixed


def move(
    books: Books,
    source: Json,
    amount: int,
    fee: int = 0,
    *,
    kind: str,
    category: str | None = None,
    waits: bool = False,
    description: str | None = None,
) -> Json:
    """Book a movement; ``waits`` for money that is pending for some days.

    Raises:
        StripeRefusal: The sandbox is full.
    """
    now = books.now()
    movement = shapes.balance_transaction(
        books.new_id("txn"),
        now,
        kind=kind,
        category=category or CATEGORIES[kind],
        amount=amount,
        fee=fee,
        currency=source["currency"],
        available_on=business_days_after(now, books.settings.available_days) if waits else now,
        source=source["id"],
        description=description or source.get("description"),
    )
    if movement["status"] == "pending":
        books.agenda.put(movement["id"], movement["available_on"])
    return books.add("txn", movement)


def kind_of(charge: Json, card_kind: str, other_kind: str) -> str:
    """The type of a movement: the provider has another word where no card was charged."""
    return card_kind if charge["payment_method_details"]["type"] in {"card", "link"} else other_kind


def release(movement: Json) -> None:
    """A pending movement becomes available."""
    movement["status"] = "available"


def told(books: Books) -> Json:
    """The balance as the API tells it."""
    sums: dict[str, Counter[str]] = {"available": Counter(), "pending": Counter()}
    for movement in books.objects["txn"].values():
        sums[movement["status"]][movement["currency"]] += movement["net"]
    currencies = {"eur"}.union(*sums.values())
    return shapes.balance(*({one: sums[status][one] for one in currencies} for status in ("available", "pending")))


def available(books: Books, currency: str) -> int:
    """What can be paid out, in minor units."""
    movements = books.objects["txn"].values()
    return sum(one["net"] for one in movements if one["currency"] == currency and one["status"] == "available")


def need_available(books: Books, amount: int, currency: str) -> None:
    """Want ``amount`` to be there.

    Raises:
        StripeRefusal: ``balance_insufficient``.
    """
    if amount > available(books, currency):
        raise StripeRefusal(
            "You have insufficient funds in your Stripe account for this transfer. Your card balance is too low.",
            code="balance_insufficient",
        )


def _share(amount: int, share: int, base: int) -> int:
    return (amount * share + base // 2) // base
