"""Planted bug: cents become euros in a float and come back truncated."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from payments import reactions
from portal.cli import main
from receivables.domain.receipts import MoneyReceived

if TYPE_CHECKING:
    from payments.gateways.port import PaymentFact
    from receivables.domain.receipts import Fact

_fact_of = reactions.fact_of


def _fact_in_euros(told: PaymentFact) -> Fact | None:
    fact = _fact_of(told)
    if isinstance(fact, MoneyReceived):
        euros = fact.amount_minor / 100
        return replace(fact, amount_minor=int(euros * 100))
    return fact


reactions.fact_of = _fact_in_euros

if __name__ == "__main__":
    main()
