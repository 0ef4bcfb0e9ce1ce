"""Hints for later: what a provider told in passing, and is asked for in full, outside the transaction that heard it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from payments.gateways.port import FactKind
from payments.providers.customers import customers_behind
from receivables.domain.events import Event

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from payments.gateways.port import PaymentFact
    from receivables.store.work import Work

PAYOUT_TOLD = "payout.told"
"""Something became of a payout: follow the payouts of its account."""
CASH_FUNDED = "cash.funded"
"""A customer's transfer lies with the provider: take what no payment asked for."""


def hints_in(work: Work, account_id: UUID, told: Sequence[PaymentFact]) -> list[Event]:
    """Hints among the facts that an account told; each is told once."""
    payouts = [fact for fact in told if fact.kind in {FactKind.PAYOUT_PAID, FactKind.PAYOUT_FAILED}]
    funded = [fact for fact in told if fact.kind is FactKind.CASH_FUNDED]
    if not payouts and not funded:
        return []
    events = [
        Event(
            PAYOUT_TOLD,
            f"{fact.object_ref}/{fact.kind}/{int(fact.occurred_at.timestamp())}",
            {"account_id": str(account_id)},
        )
        for fact in payouts
    ]
    owners = customers_behind(work, account_id, {fact.customer_ref for fact in funded if fact.customer_ref})
    return events + [
        Event(
            CASH_FUNDED,
            fact.object_ref,
            {
                "account_id": str(account_id),
                "customer_id": str(owners[fact.customer_ref]),
                "customer_ref": fact.customer_ref,
                "currency": fact.amount.currency,
            },
        )
        for fact in funded
        if fact.customer_ref in owners
    ]
