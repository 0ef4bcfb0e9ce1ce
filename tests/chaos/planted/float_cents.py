"""Planted bug: cents become euros in a float and come back truncated."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from chaos.planted.planting import plant

from payments import reactions
from portal.cli import main
from receivables.domain.settlement.receipts import MoneyReceived

if TYPE_CHECKING:
    from payments.gateways.port import PaymentFact
    from receivables.domain.settlement.receipts import Fact


def _fact_in_euros(told: PaymentFact) -> Fact | None:
    fact: Fact | None = _fact_of(told)
    if isinstance(fact, MoneyReceived):
        euros = fact.amount_minor / 100
        return replace(fact, amount_minor=int(euros * 100))
    return fact


_fact_of = plant(reactions, "fact_of", _fact_in_euros)

if __name__ == "__main__":
    main()
