"""The account that GoCardless keeps for us: what moved on it, what was paid out, what still lies there.

There is no list of movements: what moved is told by the facts (confirmed, refunded, returned), and by the items of
payouts, under the same names, with the fees that a payout deducts. Items are served for payouts of six months.
"""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, timedelta
from typing import TYPE_CHECKING, Any

from payments.gateways.gocardless_facts import instant, money_of, return_ref, shares_of
from payments.gateways.port import FactKind, ProviderMovement, ToldPayout

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from payments.gateways.gocardless_api import GoCardlessApi
    from payments.gateways.gocardless_telling import Teller

    Json = dict[str, Any]

SETTLING = timedelta(days=14)
"""How long after it was made a payout may still change."""

PAYOUT_STATES = {"pending": "on_its_way", "paid": "paid", "bounced": "failed"}
FACT_KINDS = {
    FactKind.SUCCEEDED: ("payment", 1),
    FactKind.REFUNDED: ("refund", -1),
    FactKind.REFUND_FAILED: ("refund_failed", 1),
    FactKind.DISPUTE_LOST: ("dispute", -1),
}
"""What a fact did to the balance."""
ITEM_KINDS = {
    "payment_paid_out": "payment",
    "payment_failed": "dispute",
    "payment_charged_back": "dispute",
    "refund": "refund",
    "payment_refunded": "refund",
    "refund_funds_returned": "refund_failed",
}
"""Payout items that are movements of money; all others are fees and other deductions."""
LYING = frozenset(("confirmed_funds", "pending_payouts"))
"""Balances that are ours already; submitted payments are not."""


class Clearing:
    """Reads payouts and movements."""

    def __init__(self, api: GoCardlessApi, teller: Teller) -> None:
        self._api = api
        self._teller = teller

    def payouts_since(self, since: datetime) -> Iterator[ToldPayout]:
        """Payouts made since, and those before that may have changed since."""
        for payout in self._payouts(since - SETTLING):
            yield ToldPayout(
                payout_ref=payout["id"],
                amount=money_of(payout["amount"], payout["currency"]),
                state=PAYOUT_STATES[payout["status"]],
                automatic=True,
                arrival_on=_day(payout),
                descriptor=payout.get("reference"),
                told_at=instant(payout["created_at"]),
            )

    def movements_of(self, payout_ref: str) -> Iterator[ProviderMovement]:
        """The items of a payout, each in whole cents; their sum is the payout to the cent."""
        yield from self._items(self._api.read("payouts", payout_ref))

    def movements_since(self, since: datetime) -> Iterator[ProviderMovement]:
        """What facts and payouts tell since; what is in a payout is told by it, with the payout's name."""
        paid_out: set[str] = set()
        for payout in self._payouts(since):
            for movement in self._items(payout):
                paid_out.add(movement.movement_ref)
                yield movement
            yield _leaving(payout)
        for fact in self._teller.facts_since(since):
            told = FACT_KINDS.get(fact.kind)
            ref = f"{told[0]}/{fact.object_ref}" if told else ""
            if told is None or ref in paid_out:
                continue
            paid_out.add(ref)
            yield ProviderMovement(
                movement_ref=ref,
                kind=told[0],
                object_ref=fact.object_ref,
                gross_minor=told[1] * fact.amount.minor,
                fee_minor=0,
                currency=fact.amount.currency,
                payout_ref=None,
                moved_at=fact.occurred_at,
                available_on=None,
            )

    def balance(self) -> dict[str, int]:
        """Confirmed money and payouts on their way, by currency, over all creditors of the account."""
        total: Counter[str] = Counter()
        for creditor in self._api.each("creditors"):
            for balance in self._api.each("balances", creditor=creditor["id"]):
                if balance["balance_type"] in LYING:
                    total[balance["currency"]] += balance["amount"]
        return dict(total)

    def _payouts(self, since: datetime) -> Iterator[Json]:
        return self._api.each("payouts", created_at__gte=since.astimezone(UTC).isoformat())

    def _items(self, payout: Json) -> Iterator[ProviderMovement]:
        items = list(self._api.each("payout_items", payout=payout["id"]))
        shares = shares_of([(_ref_of(number, item), item["amount"]) for number, item in enumerate(items)])
        for item, (ref, minor) in zip(items, shares, strict=True):
            kind = ITEM_KINDS.get(item["type"], "fee")
            is_fee = kind == "fee"
            yield ProviderMovement(
                movement_ref=f"{payout['id']}/{ref}" if is_fee else ref,
                kind=kind,
                object_ref=_object_of(item),
                gross_minor=0 if is_fee else minor,
                fee_minor=-minor if is_fee else 0,
                currency=payout["currency"],
                payout_ref=payout["id"],
                moved_at=instant(payout["created_at"]),
                available_on=_day(payout),
            )


def _leaving(payout: Json) -> ProviderMovement:
    """The payout itself, as it leaves the account."""
    return ProviderMovement(
        movement_ref=f"payout/{payout['id']}",
        kind="payout",
        object_ref=payout["id"],
        gross_minor=-payout["amount"],
        fee_minor=0,
        currency=payout["currency"],
        payout_ref=payout["id"],
        moved_at=instant(payout["created_at"]),
        available_on=_day(payout),
    )


def _ref_of(number: int, item: Json) -> str:
    kind = ITEM_KINDS.get(item["type"])
    return f"{kind}/{_object_of(item)}" if kind else f"{item['type']}/{number}"


def _object_of(item: Json) -> str:
    """What the books know the item's money by."""
    links = item.get("links") or {}
    if item["type"] == "payment_failed":
        return return_ref(links["payment"], "failed")
    if item["type"] == "payment_charged_back":
        return return_ref(links["payment"], "charged_back")
    return str(links.get("refund") or links.get("payment") or "")


def _day(payout: Json) -> date:
    """The day on which it reaches the bank; the day after it was made where that is not told."""
    told = payout.get("arrival_date")
    return date.fromisoformat(told) if told else instant(payout["created_at"]).date() + timedelta(days=1)
