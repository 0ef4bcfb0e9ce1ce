"""The pull side: what missed webhooks would have said is asked of the provider and posted the same way."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from config.clock import now
from payments.errors import PaymentError
from payments.gateways.port import GatewayError
from payments.reactions import NeedsAHumanError, fact_of
from receivables.domain.receipts import MoneyReturned, MoneyReturnFailed, Outcome
from receivables.services.receipts import record_facts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime
    from uuid import UUID

    from payments.gateways.port import Gateway, PaymentFact
    from receivables.domain.receipts import Fact
    from receivables.store.work import Work, Works

WATERMARK = "provider.facts"
OVERLAP = timedelta(minutes=30)
"""Facts are asked for again over this long: the provider's clock is not ours, and known facts cost nothing."""
FIRST_LOOK = timedelta(days=3)
"""How far the first look goes back: as long as a provider repeats a webhook."""
BATCH = 200


def recover_missed_facts(works: Works, supplier_id: UUID, gateway_for: Callable[[Work], Gateway]) -> Counter[Outcome]:
    """Ask the provider for everything since the last look and post what is new; returns what each fact came to.

    Raises:
        GatewayError: the provider did not answer, or told something that we cannot read: what was told before that
            is posted, the watermark stays.
    """
    begun_at = now()
    try:
        with works.begin(supplier_id) as work:
            gateway = gateway_for(work)
            reached: datetime | None = work.scalar(
                "SELECT reached_at FROM watermarks WHERE supplier_id = :supplier AND name = :name", name=WATERMARK
            )
    except PaymentError:
        return Counter()  # no provider, nothing to ask
    since = reached - OVERLAP if reached else begun_at - FIRST_LOOK
    told: list[PaymentFact] = []
    failure: GatewayError | None = None
    try:
        told.extend(gateway.facts_since(since))
    except GatewayError as error:
        failure = error
    outcomes = _record(works, supplier_id, _facts(told, supplier_id))
    if failure:
        raise failure
    with works.begin(supplier_id) as work:
        work.execute(
            "INSERT INTO watermarks (supplier_id, name, reached_at) VALUES (:supplier, :name, :at) "
            "ON CONFLICT (supplier_id, name) DO UPDATE SET reached_at = greatest(watermarks.reached_at, :at)",
            name=WATERMARK,
            at=begun_at,
        )
    return outcomes


def _record(works: Works, supplier_id: UUID, facts: list[Fact]) -> Counter[Outcome]:
    outcomes: Counter[Outcome] = Counter()
    for start in range(0, len(facts), BATCH):
        post = partial(record_facts, facts=facts[start : start + BATCH])
        outcomes.update(works.run(supplier_id, post))
    return outcomes


def _facts(told: Iterable[PaymentFact], supplier_id: UUID) -> list[Fact]:
    """What is ours and changes the books, returns last: they need their receipts."""
    facts: list[Fact] = []
    for each in told:
        if each.supplier_id not in (None, supplier_id):
            continue  # one provider account may serve several suppliers
        try:
            fact = fact_of(each)
        except NeedsAHumanError:
            continue  # its webhook is buried with the same reason, where a human sees it
        if fact is not None:
            facts.append(fact)
    return sorted(facts, key=lambda fact: isinstance(fact, MoneyReturned | MoneyReturnFailed))
