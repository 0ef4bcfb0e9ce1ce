"""Flows that a platform has and has not judged yet: asked about at growing intervals, at every account that has some.

A supplier that changes its platform keeps the earlier one until all that is there is settled. One flow that a platform
lost, or one platform that is down, hides no other.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from time import monotonic
from typing import TYPE_CHECKING

from config.clock import now
from einvoice.flows import acknowledge
from einvoice.platform.accounts import accounts_to_follow
from einvoice.platform.port import AckStatus, PlatformError, PlatformRefusedError
from receivables.store.work import to_json

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from sqlalchemy import RowMapping

    from einvoice.platform.port import FlowState, Platform
    from receivables.store.work import Work, Works

LONGEST_LOOK_S = 60.0
"""Seconds for one account: a platform that answers slowly must not keep other suppliers' waiting."""
BATCH = 100
"""Flows asked about at one account before the next account has its turn."""
FIRST_INTERVAL = timedelta(seconds=2)
LONGEST_INTERVAL = timedelta(minutes=15)
"""A flow that nobody judges for days is asked about four times an hour."""
MOST_DOUBLINGS = 10


@dataclass(frozen=True, slots=True)
class FlowFollower:
    """Asks platforms what became of flows. ``platform_of`` gives the platform behind an account, active or not."""

    works: Works
    platform_of: Callable[[Work, UUID], Platform]

    def follow(self, supplier_id: UUID) -> int:
        """Ask about the flows that are due at every account; returns how many were judged.

        Raises:
            PlatformError: the first failure, after everything else was asked: a platform that did not answer, or that
                knows one of the flows no more.
        """
        with self.works.begin(supplier_id) as work:
            due = {account: rows for account in accounts_to_follow(work) if (rows := _due(work, account))}
        judged = 0
        failure: PlatformError | None = None
        for account_id, rows in due.items():
            try:
                judged += self._follow_account(supplier_id, account_id, rows)
            except PlatformError as error:
                failure = failure or error
        if failure:
            raise failure
        return judged

    def _follow_account(self, supplier_id: UUID, account_id: UUID, rows: list[RowMapping]) -> int:
        with self.works.begin(supplier_id) as work:
            platform = self.platform_of(work, account_id)
        judged = 0
        lost: PlatformRefusedError | None = None
        end_s = monotonic() + LONGEST_LOOK_S
        for row in rows:
            if monotonic() > end_s:
                break  # the rest has waited longest, and comes first the next time
            try:
                state = _ask(platform, row)
            except PlatformRefusedError as error:
                lost = lost or error
                self._note(supplier_id, row, None, error)
                continue
            self._note(supplier_id, row, state, None)
            judged += state.status is not AckStatus.PENDING
        if lost:
            raise lost
        return judged

    def _note(
        self, supplier_id: UUID, row: RowMapping, state: FlowState | None, lost: PlatformRefusedError | None
    ) -> None:
        """Keep the answer in a transaction of its own: what was learnt outlives a failure of the next call."""
        with self.works.begin(supplier_id) as work:
            if state is not None:
                acknowledge(work, row["tracking_id"], state)
            _ask_later(work, row, lost)


def _due(work: Work, account_id: UUID) -> list[RowMapping]:
    """The flows to ask about, the one that has waited longest for its turn first."""
    return list(
        work.rows(
            "SELECT tracking_id, flow_ref, asks, number FROM platform_flows LEFT JOIN invoices "
            "USING (supplier_id, invoice_id) WHERE supplier_id = :supplier AND account_id = :account "
            "AND state = 'sent' AND ask_at <= :at ORDER BY ask_at LIMIT :limit",
            account=account_id,
            at=now(),
            limit=BATCH,
        )
    )


def _ask(platform: Platform, row: RowMapping) -> FlowState:
    """What the platform says of a flow; one that it knows no more by its own id is asked for by ours.

    Raises:
        PlatformRefusedError: it knows the flow by neither.
    """
    try:
        return platform.flow_state(row["flow_ref"])
    except PlatformRefusedError:
        known = platform.find_flow(row["tracking_id"], row["number"])
        if known is None:
            raise
        return known


def _ask_later(work: Work, row: RowMapping, lost: PlatformRefusedError | None) -> None:
    """The next turn of a flow that is not judged yet; a lost one says so, for a human."""
    remark = {"level": "Error", "item": "", "reason": lost.error_code, "message": lost.told} if lost else None
    work.execute(
        "UPDATE platform_flows SET asks = asks + 1, ask_at = :next, refusal = CAST(:remark AS jsonb) "
        "WHERE supplier_id = :supplier AND tracking_id = :tracking AND state = 'sent'",
        tracking=row["tracking_id"],
        next=now() + min(FIRST_INTERVAL * 2 ** min(row["asks"], MOST_DOUBLINGS), LONGEST_INTERVAL),
        remark=to_json([remark]) if remark else None,
    )
