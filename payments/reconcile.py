"""The pull side: what missed webhooks would have said is asked of the provider and posted the same way."""

from __future__ import annotations

import logging
from collections import Counter
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Protocol

from config.clock import now
from config.secrets import SealBrokenError
from payments.accounts import accounts_to_ask
from payments.gateways.port import FactKind as Kind
from payments.gateways.port import GatewayError
from payments.reactions import record_told
from receivables.domain.settlement.receipts import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime
    from uuid import UUID

    from payments.gateways.port import Gateway, PaymentFact
    from receivables.store.work import Work, Works

log = logging.getLogger("quittance.reconcile")

WATERMARK = "provider.facts"
"""With the account's id: each account is asked from where it was asked last."""
OVERLAP = timedelta(minutes=30)
"""Facts are asked for again over this long: the provider's clock is not ours, and known facts cost nothing."""
FIRST_LOOK = timedelta(days=3)
"""How far the first look goes back: as long as a provider repeats a webhook."""
BATCH = 200
GOES_BACK = frozenset(
    {Kind.REFUNDED, Kind.REFUND_FAILED, Kind.DISPUTED, Kind.DISPUTE_LOST, Kind.DISPUTE_WON, Kind.METHOD_ENDED}
)


class GatewayOf(Protocol):
    """Finds the provider behind an account of a work's supplier."""

    def __call__(self, work: Work, account_id: UUID, /) -> Gateway:
        """The provider of this account."""


def recover_missed_facts(works: Works, supplier_id: UUID, gateway_of: GatewayOf) -> Counter[Outcome]:
    """Ask the provider for everything since the last look and post what is new; returns what each fact came to.

    An account that was replaced is asked too, as long as its payments can still succeed or come back: its webhooks
    are no longer taken.

    Raises:
        GatewayError, SealBrokenError: an account did not answer, or told something that we cannot read: what was told
            besides is posted, its watermark stays.
    """
    with works.begin(supplier_id) as work:
        accounts = accounts_to_ask(work)
    outcomes: Counter[Outcome] = Counter()
    failure: GatewayError | SealBrokenError | None = None
    for account_id in accounts:
        try:
            _recover_from(works, supplier_id, account_id, gateway_of, outcomes)
        except (GatewayError, SealBrokenError) as error:  # one account's trouble must not hide the others
            failure = failure or error
    if outcomes[Outcome.UNKNOWN] or outcomes[Outcome.OTHER_CURRENCY]:
        log.error(
            "The provider tells of payments that cannot be booked: check its account against the books. %s",
            {str(outcome): count for outcome, count in outcomes.items()},
            extra={"supplier": str(supplier_id)},
        )
    if failure:
        raise failure
    return outcomes


def _recover_from(
    works: Works, supplier_id: UUID, account_id: UUID, gateway_of: GatewayOf, outcomes: Counter[Outcome]
) -> None:
    begun_at, name = now(), f"{WATERMARK}/{account_id}"
    with works.begin(supplier_id) as work:
        gateway = gateway_of(work, account_id)
        reached: datetime | None = work.scalar(
            "SELECT reached_at FROM watermarks WHERE supplier_id = :supplier AND name = :name", name=name
        )
    since = reached - OVERLAP if reached else begun_at - FIRST_LOOK
    told: list[PaymentFact] = []
    failure: GatewayError | None = None
    try:
        told.extend(gateway.facts_since(since))
    except GatewayError as error:
        failure = error
    came_to = _record(works, supplier_id, account_id, _in_order(told, supplier_id))
    outcomes.update(came_to)
    if failure:
        raise failure
    # A return whose payment is not booked yet is asked for again: nobody else keeps it.
    reach = begun_at - FIRST_LOOK if came_to[Outcome.WAITING] else begun_at
    with works.begin(supplier_id) as work:
        work.execute(
            "INSERT INTO watermarks (supplier_id, name, reached_at) VALUES (:supplier, :name, :at) "
            "ON CONFLICT (supplier_id, name) DO UPDATE SET reached_at = greatest(watermarks.reached_at, :at)",
            name=name,
            at=reach,
        )


def _record(works: Works, supplier_id: UUID, account_id: UUID, told: list[PaymentFact]) -> Counter[Outcome]:
    outcomes: Counter[Outcome] = Counter()
    for start in range(0, len(told), BATCH):
        post = partial(record_told, account_id=account_id, told=told[start : start + BATCH])
        for came_to in works.run(supplier_id, post):
            outcomes.update(came_to.outcomes)
            if came_to.trouble and Outcome.POSTED in came_to.outcomes:  # told once: the next look finds it known
                log.error("%s", came_to.trouble, extra={"supplier": str(supplier_id)})
    return outcomes


def _in_order(told: Iterable[PaymentFact], supplier_id: UUID) -> list[PaymentFact]:
    """What is ours (one provider account may serve several suppliers), what goes back last: it needs its receipt."""
    ours = [each for each in told if each.supplier_id in (None, supplier_id)]
    return sorted(ours, key=lambda each: each.kind in GOES_BACK)
