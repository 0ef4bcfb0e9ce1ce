"""What of each invoice may be asked for now, and why not the rest: only the part that is held pauses.

Every reason is one look at all the invoices asked for, so that ten thousand cost as many statements as one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from typing import TYPE_CHECKING
from uuid import UUID

from receivables.domain.collecting.chasing import ChaseState, Hold, hold_back
from receivables.domain.conversations.disputes import ENDED
from receivables.errors import NotFoundError
from receivables.services.collecting.planning import planned
from receivables.services.collecting.promising import promised
from receivables.services.factoring.assigning import assigned
from receivables.services.invoicing.dues import due_on_invoices
from receivables.services.risk.insolvency import insolvent
from receivables.store.collecting.claims import OUTSIDE
from receivables.store.conversations.disputes import longest_pauses
from receivables.store.work import Work

if TYPE_CHECKING:
    from collections.abc import Mapping

    from receivables.services.invoicing.dues import InvoiceDue

MOST_TO_MATCH_DAYS = 30
"""For how long a proposed match keeps its invoice from being chased: by then somebody should have looked at it."""
_EVERYTHING = 1 << 62
"""A hold on whatever is open."""

Holder = Callable[[Work, Sequence[UUID], date], "Mapping[UUID, Hold]"]
"""One reason not to chase: what it holds of each of these invoices on a day; those that it leaves alone are missing."""


_DISPUTED = (
    "SELECT invoice.invoice_id, least(sum(coalesce(dispute.amount_minor, invoice.payable_minor)), "
    "coalesce((SELECT sum(open_minor) FROM receivable_items AS item WHERE item.supplier_id = :supplier "
    f"AND item.invoice_id = invoice.invoice_id AND item.kind = 'invoice'), 0) + {OUTSIDE})::bigint AS minor, "
    "array_agg(dispute_id ORDER BY opened_at, dispute_id) AS ids "
    "FROM disputes AS dispute JOIN invoices AS invoice USING (supplier_id, invoice_id) "
    "WHERE supplier_id = :supplier AND invoice.invoice_id = ANY(:ids) AND dispute.closed_at IS NULL "
    "AND dispute.merged_into IS NULL GROUP BY invoice.supplier_id, invoice.invoice_id, invoice.payable_minor"
)


def disputed_minor(work: Work, invoice_ids: Sequence[UUID]) -> dict[UUID, int]:
    """What is disputed now on each of these invoices that has a dispute, in minor units, at most what is open."""
    return {row["invoice_id"]: row["minor"] for row in work.rows(_DISPUTED, ids=list(invoice_ids))}


def _disputed(work: Work, invoice_ids: Sequence[UUID], _today: date) -> dict[UUID, Hold]:
    return {
        row["invoice_id"]: Hold("disputed", row["minor"], None, tuple(row["ids"]))
        for row in work.rows(_DISPUTED, ids=list(invoice_ids))
    }


def _to_match(work: Work, invoice_ids: Sequence[UUID], today: date) -> dict[UUID, Hold]:
    """What lies at the bank and is most likely for an invoice, until a person has looked at it."""
    rows = work.rows(
        "SELECT invoice.invoice_id, sum(CAST(aim ->> 'minor' AS bigint))::bigint AS minor "
        "FROM bank_lines AS line JOIN match_proposals AS proposal USING (supplier_id, line_id) "
        "CROSS JOIN jsonb_array_elements(proposal.aims -> 'invoices') AS aim "
        "JOIN invoices AS invoice ON invoice.supplier_id = :supplier "
        "AND invoice.invoice_id = CAST(aim ->> 'id' AS uuid) AND invoice.customer_id = proposal.customer_id "
        "WHERE line.supplier_id = :supplier AND line.state = 'proposed' AND proposal.rank = 1 "
        "AND line.booked_on > CAST(:today AS date) - :most AND invoice.invoice_id = ANY(:ids) AND proposal.round = ("
        "SELECT max(latest.round) FROM match_proposals AS latest WHERE latest.supplier_id = :supplier "
        "AND latest.line_id = line.line_id) GROUP BY invoice.invoice_id",
        ids=list(invoice_ids),
        today=today,
        most=MOST_TO_MATCH_DAYS,
    )
    return {row["invoice_id"]: Hold("to_match", row["minor"]) for row in rows}


def _announced(work: Work, invoice_ids: Sequence[UUID], today: date) -> dict[UUID, Hold]:
    """The debits of which payers were told, or will be, and their days."""
    rows = work.rows(
        "SELECT invoice_id, sum(amount_minor)::bigint AS minor, max(collect_on) AS until_on FROM ("
        "SELECT invoice_id, amount_minor, collect_on FROM debits WHERE supplier_id = :supplier "
        "AND invoice_id = ANY(:ids) AND state IN ('planned', 'notified') "
        "UNION ALL SELECT invoice_id, amount_minor, collect_on FROM collections_announced "
        "WHERE supplier_id = :supplier AND invoice_id = ANY(:ids) AND state = 'announced' AND debit_id IS NULL "
        "AND attempt_id IS NULL) AS told WHERE collect_on >= :today GROUP BY invoice_id",
        ids=list(invoice_ids),
        today=today,
    )
    return {row["invoice_id"]: Hold("announced", row["minor"], row["until_on"]) for row in rows}


def _paused(work: Work, invoice_ids: Sequence[UUID], today: date) -> dict[UUID, Hold]:
    pauses = longest_pauses(work, invoice_ids, today)
    return {invoice_id: Hold("paused", _EVERYTHING, until) for invoice_id, (until, _) in pauses.items()}


HOLDERS: tuple[Holder, ...] = (
    insolvent,
    assigned,
    _to_match,
    _disputed,
    _announced,
    promised,
    planned,
    _paused,
)
"""Why something is not chased, in the order in which it takes from what is open and not in flight."""
_NAMES_ONE = "EXISTS (SELECT 1 FROM {table} WHERE supplier_id = :supplier AND invoice_id = ANY(:ids))"
_MAY_HOLD: dict[Holder, str] = {
    insolvent: "EXISTS (SELECT 1 FROM insolvencies WHERE supplier_id = :supplier AND state = 'open')",
    assigned: _NAMES_ONE.format(table="assignments"),
    _to_match: "EXISTS (SELECT 1 FROM bank_lines WHERE supplier_id = :supplier AND state = 'proposed')",
    _disputed: _NAMES_ONE.format(table="disputes"),
    _announced: f"{_NAMES_ONE.format(table='debits')} OR {_NAMES_ONE.format(table='collections_announced')}",
    promised: _NAMES_ONE.format(table="promised_invoices"),
    planned: _NAMES_ONE.format(table="plan_invoices"),
    _paused: _NAMES_ONE.format(table="dunning_pauses"),
}
"""Without what a reason may hold none of the invoices. All are looked for together: most accounts have none of them."""


def chase_states(work: Work, invoice_ids: Sequence[UUID], today: date) -> dict[UUID, ChaseState]:
    """How much of each of these invoices may be chased now, and why not the rest; unknown ones are missing.

    Whether they are late, the caller knows.
    """
    return chase_dues(work, due_on_invoices(work, invoice_ids, today), today)


def chase_dues(work: Work, dues: Sequence[InvoiceDue], today: date) -> dict[UUID, ChaseState]:
    """The same of what is due, for a caller who has read that already."""
    ids = [due.invoice_id for due in dues if due.open_minor and due.ended_by is None]
    found = [holder(work, ids, today) for holder in _holders(work, ids)] if ids else []
    return {
        due.invoice_id: _state(due, [held[due.invoice_id] for held in found if due.invoice_id in held]) for due in dues
    }


def _holders(work: Work, invoice_ids: Sequence[UUID]) -> list[Holder]:
    """The reasons that may hold any of these invoices."""
    asked = [_MAY_HOLD.get(holder, "true") for holder in HOLDERS]
    may = work.row(
        "SELECT " + ", ".join(f"{condition} AS h{n}" for n, condition in enumerate(asked)), ids=list(invoice_ids)
    )
    assert may is not None  # noqa: S101 -- a query without FROM has one row
    return [holder for holder, holds in zip(HOLDERS, may.values(), strict=True) if holds]


def chase_state(work: Work, invoice_id: UUID, today: date) -> ChaseState:
    """How much of one invoice may be chased now, and why not the rest.

    Raises:
        NotFoundError: ``invoice.not_found``.
    """
    state = chase_states(work, [invoice_id], today).get(invoice_id)
    if state is None:
        raise NotFoundError("invoice.not_found", "There is no such invoice.", "Cette facture n'existe pas.")
    return state


def _state(due: InvoiceDue, holds: Sequence[Hold]) -> ChaseState:
    if due.ended_by is not None:
        return ChaseState(due.currency, due.open_minor, 0, (Hold(ENDED[due.ended_by], due.open_minor),))
    left, held = hold_back(due.open_minor, (Hold("in_flight", due.in_flight_minor), *holds))
    return ChaseState(due.currency, due.open_minor, left, held)
