"""Checkouts that neither end nor collect by themselves: closed when their time is over, collected when agreed to.

Some providers leave both to us: GoCardless' billing requests stay open for good, and one that only sets up a SEPA
mandate moves no money until we ask for a payment by it. Every act here can be repeated: it is keyed by the attempt.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from config.clock import now
from payments.gateways.port import GatewayDeclinedError, GatewayError, GatewayRefusedError
from receivables.domain.settlement.receipts import AttemptMoved, AttemptState
from receivables.services.settlement.receipts import record_facts

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from sqlalchemy import RowMapping

    from payments.gateways.port import Gateway
    from payments.reconcile import GatewayOf
    from receivables.store.work import Work, Works

log = logging.getLogger("quittance.tending")

MOST_AT_ONCE = 50
LOOKED_AT_FOR = timedelta(days=7)
"""An attempt that could not be closed or collected for so long is a human's matter (the daily comparison shows it)."""


@runtime_checkable
class NeedsTending(Protocol):
    """A provider whose checkouts are closed and collected by us."""

    def finish_checkout(self, session_id: str) -> str | None:
        """Make the payment that a completed checkout only agreed to, once; None where it is not complete yet.

        Raises:
            GatewayDeclinedError: What the payer agreed to can no longer be used: the attempt is over.
        """


def tend_checkouts(works: Works, supplier_id: UUID, gateway_of: GatewayOf) -> int:
    """Close what is over and collect what was agreed to; returns how many attempts moved on."""
    with works.begin(supplier_id) as work:
        rows = _to_tend(work)
        gateways = {account_id: gateway_of(work, account_id) for account_id in {row["account_id"] for row in rows}}
    moved = 0
    for row in rows:
        moved += _tend(works, supplier_id, gateways[row["account_id"]], row)
    return moved


def _to_tend(work: Work) -> Sequence[RowMapping]:
    """Attempts past their time, and those that were agreed to and have no payment yet, at a provider like that.

    And, at any provider that the supplier has left, attempts that gave way to one at the new provider: nobody else
    closes them there, and their payer would pay twice.
    """
    return work.rows(
        "SELECT attempt_id, account_id, session_ref, state FROM payment_attempts "
        "JOIN gateway_accounts USING (supplier_id, account_id) "
        "WHERE supplier_id = :supplier AND session_ref IS NOT NULL AND expires_at > :since "
        "AND (provider <> 'stripe' AND (state = 'processing' AND payment_ref IS NULL "
        "OR state IN ('created', 'open', 'superseded') AND expires_at < :now) "
        "OR state = 'superseded' AND NOT active AND expires_at > :now) "
        "ORDER BY payment_attempts.created_at LIMIT :limit",
        since=now() - LOOKED_AT_FOR,
        now=now(),
        limit=MOST_AT_ONCE,
    )


def _tend(works: Works, supplier_id: UUID, gateway: Gateway, row: RowMapping) -> bool:
    """One attempt; a provider that does not answer is asked again next time."""
    try:
        move = _collect(gateway, row) if row["state"] == AttemptState.PROCESSING else _close(gateway, row)
    except GatewayError as error:
        log.warning("A checkout could not be tended: %s", error, extra={"supplier": str(supplier_id)})
        return False
    if move is None:
        return False
    with works.begin(supplier_id) as work:
        record_facts(work, [move])
    return True


def _collect(gateway: Gateway, row: RowMapping) -> AttemptMoved | None:
    if not isinstance(gateway, NeedsTending):
        return None
    try:
        payment_ref = gateway.finish_checkout(row["session_ref"])
    except GatewayDeclinedError as error:
        return AttemptMoved(row["attempt_id"], AttemptState.FAILED, None, error.code)
    return AttemptMoved(row["attempt_id"], AttemptState.PROCESSING, payment_ref) if payment_ref else None


def _close(gateway: Gateway, row: RowMapping) -> AttemptMoved | None:
    """Close it; where the payer was faster it is under way, and its facts will say how it went."""
    try:
        gateway.expire_checkout(row["session_ref"])
    except GatewayRefusedError as error:
        if error.code != "gateway.checkout_complete":
            raise
        return AttemptMoved(row["attempt_id"], AttemptState.PROCESSING)
    return AttemptMoved(row["attempt_id"], AttemptState.EXPIRED)
