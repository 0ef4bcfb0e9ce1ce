"""The account that Stripe keeps for us: its balance, every movement on it, and the payouts to our bank."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from payments.gateways.port import ToldPayout
from payments.gateways.stripe.calls import PAGE, StripeCalls, asking
from payments.gateways.stripe_movements import movement_of
from payments.gateways.stripe_reading import instant, legal_day_of, money_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from stripe import BalanceTransaction, ListObject, Payout
    from stripe.params import BalanceTransactionListParams

    from payments.gateways.port import ProviderMovement

LONGEST_PAYOUT = timedelta(days=14)
"""A payout that failed does so within five business days; Stripe lists by the day it was made, not changed."""

_STATES = {"paid": "paid", "failed": "failed", "canceled": "failed"}


class Treasury(StripeCalls):
    """Balance, movements and payouts."""

    def payouts_since(self, since: datetime) -> Iterator[ToldPayout]:
        """Payouts made since, and those made up to two weeks before, whose state may have changed."""
        first = int((since - LONGEST_PAYOUT).timestamp())
        with asking("list the payouts", changes=False):
            payouts = self._client.v1.payouts.list(params={"created": {"gte": first}, "limit": PAGE})
            for payout in payouts.auto_paging_iter():
                self._own_mode(payout.livemode, payout.id)
                yield _told(payout)

    def movements_of(self, payout_ref: str) -> Iterator[ProviderMovement]:
        """What an automatic payout is made of, itself left out. See `Gateway.movements_of`."""
        with asking("list the movements of the payout", changes=False):
            page = self._movements({"payout": payout_ref})
            for movement in page.auto_paging_iter():
                told = movement_of(movement.to_dict(), payout_ref)
                if told.object_ref != payout_ref:
                    yield told

    def movements_since(self, since: datetime) -> Iterator[ProviderMovement]:
        """Every movement of our money since; which payout took it is only told by `movements_of`."""
        with asking("list the movements", changes=False):
            page = self._movements({"created": {"gte": int(since.timestamp())}})
            for movement in page.auto_paging_iter():
                yield movement_of(movement.to_dict(), None)

    def balance(self) -> dict[str, int]:
        """Pending and available together, by currency. See `Gateway.balance`."""
        with asking("read the balance", changes=False):
            told = self._client.v1.balance.retrieve().to_dict()
        self._own_mode(told["livemode"], "The balance")
        found: dict[str, int] = {}
        for part in (*told["pending"], *told["available"]):
            currency = part["currency"].upper()
            found[currency] = found.get(currency, 0) + part["amount"]
        return found

    def _movements(self, params: BalanceTransactionListParams) -> ListObject[BalanceTransaction]:
        asked: BalanceTransactionListParams = {**params, "limit": PAGE, "expand": ["data.source"]}
        return self._client.v1.balance_transactions.list(params=asked)


def _told(payout: Payout) -> ToldPayout:
    """A payout is complete once Stripe has attributed its movements; one made by hand never is."""
    return ToldPayout(
        payout_ref=payout.id,
        amount=money_of(payout.amount, payout.currency),
        state=_STATES.get(payout.status, "on_its_way"),
        automatic=payout.automatic,
        arrival_on=legal_day_of(payout.arrival_date),
        descriptor=payout.statement_descriptor,
        told_at=instant(payout.created),
        complete=payout.automatic and payout.reconciliation_status == "completed",
    )
