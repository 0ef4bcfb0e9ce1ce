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

    ``why`` is ``disputed``, ``in_flight``, ``to_match`` (money at the bank that a person has to confirm is for it),
    ``announced`` (its payer was told of a debit, on the day ``until``), ``paused`` (until a day), ``refused``,
    ``rejected`` or ``cancelled``.
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


def _to_match_minor(work: Work, invoice_id: UUID) -> int:
    """What lies at the bank and is most likely for this invoice, in minor units, until a person has looked at it."""
    minor: int = work.scalar(
        "SELECT coalesce(sum(CAST(aim ->> 'minor' AS bigint)), 0)::bigint FROM match_proposals AS proposal "
        "JOIN bank_lines AS line USING (supplier_id, line_id) "
        "CROSS JOIN jsonb_array_elements(proposal.aims -> 'invoices') AS aim WHERE supplier_id = :supplier "
        "AND line.state = 'proposed' AND rank = 1 AND aim ->> 'id' = CAST(:invoice AS text) AND proposal.round = ("
        "SELECT max(latest.round) FROM match_proposals AS latest WHERE latest.supplier_id = :supplier "
        "AND latest.line_id = proposal.line_id) AND proposal.customer_id = ("
        "SELECT customer_id FROM invoices WHERE supplier_id = :supplier AND invoice_id = :invoice)",
        invoice=invoice_id,
    )
    return minor


def _announced(work: Work, invoice_id: UUID, today: date) -> tuple[int, date] | None:
    """The debit of which the payer of an invoice was told, or will be, and its day; ``None`` without one."""
    row = work.row(
        "SELECT sum(amount_minor)::bigint AS minor, max(collect_on) AS until_on FROM (SELECT amount_minor, collect_on "
        "FROM debits WHERE supplier_id = :supplier AND invoice_id = :invoice AND state IN ('planned', 'notified') "
        "UNION ALL SELECT amount_minor, collect_on FROM collections_announced WHERE supplier_id = :supplier "
        "AND invoice_id = :invoice AND state = 'announced' AND debit_id IS NULL AND attempt_id IS NULL) AS told "
        "WHERE collect_on >= :today HAVING count(*) > 0",
        invoice=invoice_id,
        today=today,
    )
    return (row["minor"], row["until_on"]) if row else None


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
        if to_match := min(_to_match_minor(work, invoice_id), left):
            holds.append(Hold("to_match", to_match))
            left -= to_match
        disputed = min(disputed_minor(work, [invoice_id]).get(invoice_id, 0), left)
        if disputed:
            ids = tuple(each.dispute_id for each in disputes_on(work, invoice_id) if each.is_open)
            holds.append(Hold("disputed", disputed, None, ids))
            left -= disputed
        if left and (announced := _announced(work, invoice_id, today)):
            holds.append(Hold("announced", min(announced[0], left), announced[1]))
            left -= holds[-1].amount_minor
        if pause and left:
            holds.append(Hold("paused", left, pause[0]))
            left = 0
    return ChaseState(due.currency, due.open_minor, left, tuple(holds))
