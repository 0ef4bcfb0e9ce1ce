"""What of an invoice may be asked for now, and why not the rest: only the disputed part of a claim pauses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from receivables.domain.disputes import ENDED
from receivables.services.dues import due_on_invoice
from receivables.store.disputes import disputes_on, longest_pause

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date
    from uuid import UUID

    from receivables.store.work import Work


@dataclass(frozen=True, slots=True)
class Hold:
    """Why ``amount_minor`` of an invoice is not chased.

    ``why`` is ``disputed``, ``in_flight``, ``paused`` (until a day), ``refused``, ``rejected`` or ``cancelled``.
    """

    why: str
    amount_minor: int
    until: date | None = None
    dispute_ids: tuple[UUID, ...] = ()


@dataclass(frozen=True, slots=True)
class ChaseState:
    """How much of an invoice may be chased now (``chaseable_minor``), and why not the rest."""

    currency: str
    open_minor: int
    chaseable_minor: int
    holds: tuple[Hold, ...]

    @property
    def may_chase(self) -> bool:
        """Whether anything may be asked for now."""
        return self.chaseable_minor > 0


def disputed_minor(work: Work, invoice_ids: Sequence[UUID]) -> dict[UUID, int]:
    """What is disputed now on each of these invoices that has a dispute, in minor units, at most what is open."""
    rows = work.rows(
        "SELECT invoice.invoice_id, least(sum(coalesce(dispute.amount_minor, invoice.payable_minor)), "
        "coalesce((SELECT sum(open_minor) FROM receivable_items AS item WHERE item.supplier_id = :supplier "
        "AND item.invoice_id = invoice.invoice_id AND item.kind = 'invoice'), 0))::bigint AS minor "
        "FROM disputes AS dispute JOIN invoices AS invoice USING (supplier_id, invoice_id) "
        "WHERE supplier_id = :supplier AND invoice.invoice_id = ANY(:ids) AND dispute.closed_at IS NULL "
        "AND dispute.merged_into IS NULL GROUP BY invoice.supplier_id, invoice.invoice_id, invoice.payable_minor",
        ids=list(invoice_ids),
    )
    return {row["invoice_id"]: row["minor"] for row in rows}


def chase_state(work: Work, invoice_id: UUID, today: date) -> ChaseState:
    """Whether and how much of an invoice may be chased now, and why not the rest; whether it is late, the caller knows.

    Raises:
        NotFoundError: ``invoice.not_found``.
    """
    due = due_on_invoice(work, invoice_id)
    left = due.open_minor
    holds: list[Hold] = []
    pause = longest_pause(work, invoice_id, today)
    if due.ended_by is not None:
        holds, left = [Hold(ENDED[due.ended_by], left)], 0
    elif left:
        if due.in_flight_minor:
            holds.append(Hold("in_flight", min(due.in_flight_minor, left)))
            left -= holds[-1].amount_minor
        disputed = min(disputed_minor(work, [invoice_id]).get(invoice_id, 0), left)
        if disputed:
            ids = tuple(each.dispute_id for each in disputes_on(work, invoice_id) if each.is_open)
            holds.append(Hold("disputed", disputed, None, ids))
            left -= disputed
        if pause and left:
            holds.append(Hold("paused", left, pause[0]))
            left = 0
    return ChaseState(due.currency, due.open_minor, left, tuple(holds))
