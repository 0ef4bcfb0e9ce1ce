"""Promises in PostgreSQL: each with its invoices as the books see them now, whole lists in two statements."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from receivables.domain.collecting.promises import Promise, PromisedInvoice, PromiseState, Source
from receivables.errors import NotFoundError
from receivables.store.accounting.periods import told_on
from receivables.store.collecting.claims import OUTSIDE
from receivables.store.conversations.disputes import ENDED_BY
from receivables.store.work import to_json

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date
    from uuid import UUID

    from receivables.store.work import Work

PAGE = 50
_PROMISE = (
    "SELECT promise_id, customer_id, source, said_by, contact_id, amount_minor, currency, promised_on, judged_on, "
    "state, kept_minor, reason, made_at FROM promises AS promise WHERE supplier_id = :supplier "
)
_ASKED = (
    f"SELECT (coalesce(sum(open_minor), 0) + {OUTSIDE})::bigint FROM receivable_items AS item "
    "WHERE item.supplier_id = :supplier AND item.invoice_id = invoice.invoice_id AND item.kind = 'invoice'"
)
DISPUTED = (
    "SELECT coalesce(sum(coalesce(dispute.amount_minor, invoice.payable_minor)), 0)::bigint FROM disputes AS dispute "
    "WHERE dispute.supplier_id = :supplier AND dispute.invoice_id = invoice.invoice_id "
    "AND dispute.closed_at IS NULL AND dispute.merged_into IS NULL"
)
"""What is disputed of the row ``invoice``, in minor units; it may be more than what is open."""
_CAME = (
    "SELECT coalesce(sum(greatest(net, 0)) FILTER (WHERE in_time), 0)::bigint AS in_time_minor, "
    "coalesce(sum(greatest(net, 0)), 0)::bigint AS since_minor FROM ("
    f"SELECT sum(moved.amount_minor) AS net, bool_or({told_on('receipt')} <= promise.judged_on "
    "OR (attempt.created_at AT TIME ZONE 'Europe/Paris')::date <= promise.promised_on) AS in_time "
    "FROM receivable_items AS claim JOIN allocations AS moved ON moved.supplier_id = :supplier "
    "AND moved.debit_posting_id = claim.posting_id JOIN receivable_items AS receipt "
    "ON receipt.supplier_id = :supplier AND receipt.posting_id = moved.credit_posting_id AND receipt.kind = 'receipt' "
    "LEFT JOIN payment_attempts AS attempt ON attempt.supplier_id = :supplier "
    "AND attempt.attempt_id = receipt.attempt_id WHERE claim.supplier_id = :supplier AND claim.kind = 'invoice' "
    "AND claim.invoice_id = promised.invoice_id AND moved.created_at > promise.made_at "
    "GROUP BY moved.credit_posting_id) AS receipts"
)
"""Final money since the promise, receipt by receipt: what was there before and goes back is not the promise's."""
_LINES = (
    "SELECT promised.promise_id, promised.invoice_id, promised.amount_minor, in_time_minor, since_minor, "
    f"CASE WHEN {ENDED_BY} IS NULL THEN greatest(({_ASKED}) - ({DISPUTED}), 0) ELSE 0 END AS open_minor, "
    "coalesce((SELECT sum(held.amount_minor) FROM reservations AS held JOIN payment_attempts AS sent "
    "USING (supplier_id, attempt_id) WHERE supplier_id = :supplier AND held.invoice_id = promised.invoice_id "
    "AND held.state = 'processing' "
    "AND (sent.created_at AT TIME ZONE 'Europe/Paris')::date <= promise.promised_on), 0)::bigint AS flying_minor "
    "FROM promised_invoices AS promised JOIN promises AS promise USING (supplier_id, promise_id) "
    "JOIN invoices AS invoice USING (supplier_id, invoice_id) "
    f"CROSS JOIN LATERAL ({_CAME}) AS came "
    "WHERE supplier_id = :supplier AND promised.promise_id = ANY(:ids) ORDER BY invoice.due_on, invoice.number"
)


def find_promises(work: Work, condition: str, order: str = "promised_on, promise_id", **values: Any) -> list[Promise]:
    """Promises that meet an SQL ``condition`` on the row ``promise``, each with its invoices."""
    rows = work.rows(f"{_PROMISE} AND {condition} ORDER BY {order}", **values)
    lines: dict[UUID, list[PromisedInvoice]] = {row["promise_id"]: [] for row in rows}
    for line in work.rows(_LINES, ids=list(lines)) if rows else ():
        told = {name: value for name, value in line.items() if name != "promise_id"}
        lines[line["promise_id"]].append(PromisedInvoice(**told))
    return [
        Promise(
            **{
                **row,
                "source": Source(row["source"]),
                "state": PromiseState(row["state"]),
                "invoices": tuple(lines[row["promise_id"]]),
            }
        )
        for row in rows
    ]


def get_promise(work: Work, promise_id: UUID) -> Promise:
    """One promise.

    Raises:
        NotFoundError: ``promise.not_found``.
    """
    found = find_promises(work, "promise_id = :id", id=promise_id)
    if not found:
        raise NotFoundError("promise.not_found", "There is no such promise.", "Cette promesse n'existe pas.")
    return found[0]


def pending_on(work: Work, invoice_ids: Sequence[UUID]) -> list[Promise]:
    """The promises without a verdict that name any of these invoices."""
    return find_promises(
        work,
        "state = 'pending' AND EXISTS (SELECT 1 FROM promised_invoices AS named WHERE named.supplier_id = :supplier "
        "AND named.promise_id = promise.promise_id AND named.invoice_id = ANY(:ids))",
        ids=list(invoice_ids),
    )


def promises_of(work: Work, customer_id: UUID, limit: int = PAGE) -> list[Promise]:
    """The promises of a customer, the newest first."""
    return find_promises(
        work,
        "customer_id = :customer",
        "made_at DESC, promise_id DESC LIMIT :limit",
        customer=customer_id,
        limit=limit,
    )


def list_promises(work: Work, states: Sequence[str], after: UUID | None = None, limit: int = PAGE) -> list[Promise]:
    """A page of promises in some states, the newest first, and one more where there is one."""
    return find_promises(
        work,
        "state = ANY(:states) AND (CAST(:after AS uuid) IS NULL OR promise_id < :after)",
        "promise_id DESC LIMIT :limit",
        states=list(states),
        after=after,
        limit=limit + 1,
    )


@dataclass(frozen=True, slots=True)
class Awaited:
    """Whose money is looked for in which currency, and the first and last day on which it may have come."""

    customer_id: UUID
    currency: str
    since: date
    until: date


def loose_money(work: Work, awaited: Sequence[Awaited]) -> dict[tuple[UUID, str], int]:
    """Final money that no invoice has taken yet, in minor units, by customer and currency; as one set."""
    rows = work.rows(
        "SELECT customer_id, currency, sum(open_minor)::bigint AS minor FROM receivable_items AS receipt "
        "JOIN jsonb_to_recordset(CAST(:awaited AS jsonb)) AS awaited (customer_id uuid, currency char(3), since date, "
        "until date) USING (customer_id, currency) WHERE supplier_id = :supplier AND kind = 'receipt' "
        f"AND open_minor > 0 AND {told_on('receipt')} BETWEEN awaited.since AND awaited.until "
        "GROUP BY customer_id, currency",
        awaited=to_json([asdict(each) for each in awaited]),
    )
    return {(row["customer_id"], row["currency"]): row["minor"] for row in rows}
