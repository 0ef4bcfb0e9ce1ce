"""How customers have paid, as it was known at the end of a day: one query for all of them, for the score.

Everything is read by when it was *recorded*, so that a score of the past comes out the same whenever it is computed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from receivables.domain.risk.score import COMPARED, PaymentFacts
from receivables.store.accounting.former_lines import KNOWN_THEN

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import date, datetime
    from uuid import UUID

    from receivables.store.work import Work

ANSWERED = ("card", "sepa_debit")
"""Methods by which a payment may come back: what is transferred does not."""


@dataclass(frozen=True, slots=True)
class Window:
    """A day and how far back to look: ``known_until`` is the instant at which it was over."""

    day: date
    known_until: datetime
    since: date
    late_since: date


_KNOWN = (
    "known AS MATERIALIZED (SELECT debit.customer_id, debit.invoice_id, debit.posting_id, debit.due_on, "
    "debit.amount_minor, coalesce(entry.document_on, credit.booked_on) AS paid_on, "
    "sum(allocation.amount_minor)::bigint AS minor FROM receivable_items AS credit "
    "JOIN postings AS line ON line.supplier_id = :supplier AND line.posting_id = credit.posting_id "
    "JOIN entries AS entry ON entry.supplier_id = :supplier AND entry.entry_id = line.entry_id "
    "JOIN allocations AS allocation ON allocation.supplier_id = :supplier "
    "AND allocation.credit_posting_id = credit.posting_id AND allocation.created_at < :until "
    "JOIN receivable_items AS debit ON debit.supplier_id = :supplier "
    "AND debit.posting_id = allocation.debit_posting_id AND debit.kind = 'invoice' AND debit.currency = :currency "
    "WHERE credit.supplier_id = :supplier AND credit.kind = 'receipt' "
    "AND credit.booked_on > :since AND credit.booked_on <= :day "
    "AND (CAST(:ids AS uuid[]) IS NULL OR credit.customer_id = ANY(:ids)) "
    "GROUP BY 1, 2, 3, 4, 5, 6 HAVING sum(allocation.amount_minor) > 0)"
)
"""What each receipt of the window paid of which invoice."""
_FORMER = (
    "former AS MATERIALIZED (SELECT customer_id, line_id, due_on, paid_on, amount_minor AS minor "
    "FROM former_payments AS former WHERE former.supplier_id = :supplier AND former.currency = :currency "
    "AND former.paid_on > :since AND former.paid_on <= :day "
    f"AND (CAST(:ids AS uuid[]) IS NULL OR former.customer_id = ANY(:ids)) AND {KNOWN_THEN})"
)
"""The same of the former books, from the moment at which they were taken over; every one of these is settled whole."""
_RANKED = (
    "whole AS (SELECT customer_id, invoice_id, max(paid_on) AS paid_on, max(paid_on) - due_on AS days, 0 AS former "
    "FROM known "
    "GROUP BY customer_id, invoice_id, posting_id, due_on, amount_minor HAVING amount_minor <= (SELECT "
    "sum(used.amount_minor) FROM allocations AS used WHERE used.supplier_id = :supplier "
    "AND used.debit_posting_id = known.posting_id AND used.created_at < :until) UNION ALL "
    "SELECT customer_id, line_id, max(paid_on), max(paid_on) - due_on, 1 FROM former "
    "GROUP BY customer_id, line_id, due_on), "
    "ranked AS (SELECT customer_id, count(*) OVER (PARTITION BY customer_id) AS paid, "
    "sum(former) OVER (PARTITION BY customer_id) AS former, days, row_number() OVER ("
    "PARTITION BY customer_id ORDER BY paid_on DESC, invoice_id DESC) AS rank FROM whole), "
    "habits AS (SELECT customer_id, max(paid) AS paid, max(former) AS former, "
    "array_agg(days ORDER BY rank) AS latest FROM ranked "
    "WHERE rank <= :latest GROUP BY customer_id)"
)
"""Invoices of which nothing is left: how many, and how late the last of them were paid."""
_OVERDUE = (
    "overdue AS (SELECT item.customer_id, :day - item.due_on AS days, item.amount_minor - coalesce((SELECT "
    "sum(used.amount_minor) FROM allocations AS used WHERE used.supplier_id = :supplier "
    "AND used.debit_posting_id = item.posting_id AND used.created_at < :until), 0) - coalesce((SELECT "
    "sum(coalesce(dispute.amount_minor, item.amount_minor)) FROM disputes AS dispute "
    "WHERE dispute.supplier_id = :supplier AND dispute.invoice_id = item.invoice_id AND merged_into IS NULL "
    "AND opened_at < :until AND (closed_at IS NULL OR closed_at >= :until)), 0) AS minor "
    "FROM receivable_items AS item JOIN invoices AS invoice ON invoice.supplier_id = :supplier "
    "AND invoice.invoice_id = item.invoice_id AND invoice.created_at < :until "
    "WHERE item.supplier_id = :supplier AND item.kind = 'invoice' AND item.due_on < :day "
    "AND item.currency = :currency AND (CAST(:ids AS uuid[]) IS NULL OR item.customer_id = ANY(:ids)) "
    "AND (item.open_minor > 0 OR EXISTS (SELECT 1 FROM allocations AS later WHERE later.supplier_id = :supplier "
    "AND later.debit_posting_id = item.posting_id AND later.created_at >= :until)) "
    "AND NOT EXISTS (SELECT 1 FROM statuses AS ended WHERE ended.supplier_id = :supplier "
    "AND ended.invoice_id = item.invoice_id AND ended.code IN ('210', '213', '220') AND ended.created_at < :until))"
)
"""What was overdue and not disputed at the end of the day; what is refused or replaced is owed no more."""
_LATE = (
    "late AS (SELECT customer_id, sum(minor)::bigint AS minor, sum(minor * greatest(days, 0))::bigint AS weighed "
    "FROM (SELECT customer_id, minor, paid_on - due_on AS days FROM known WHERE paid_on > :late_since "
    "UNION ALL SELECT customer_id, minor, paid_on - due_on FROM former WHERE paid_on > :late_since "
    "UNION ALL SELECT customer_id, minor, days FROM overdue WHERE minor > 0) AS both_kinds GROUP BY customer_id)"
)
_RETURNS = (
    "back AS (SELECT attempt_id FROM debit_returns WHERE supplier_id = :supplier AND returned_on > :since "
    "AND returned_on <= :day AND told_at < :until UNION SELECT item.attempt_id FROM collections AS moved "
    "JOIN postings USING (supplier_id, entry_id) JOIN receivable_items AS item USING (supplier_id, posting_id) "
    "WHERE supplier_id = :supplier AND moved.reason IN ('return', 'chargeback') AND moved.collected_on > :since "
    "AND moved.collected_on <= :day AND moved.created_at < :until AND item.kind = 'refund'), "
    "tried AS (SELECT attempt_id FROM back UNION SELECT item.attempt_id FROM receivable_items AS item "
    "JOIN postings USING (supplier_id, posting_id) JOIN entries AS entry USING (supplier_id, entry_id) "
    "WHERE supplier_id = :supplier AND item.kind = 'receipt' AND item.booked_on > :since "
    "AND item.booked_on <= :day AND entry.created_at < :until "
    "AND (CAST(:ids AS uuid[]) IS NULL OR item.customer_id = ANY(:ids))), "
    "answered AS (SELECT attempt.customer_id, count(*) AS payments, count(back.attempt_id) AS returned FROM tried "
    "JOIN payment_attempts AS attempt ON attempt.supplier_id = :supplier AND attempt.attempt_id = tried.attempt_id "
    "LEFT JOIN back ON back.attempt_id = tried.attempt_id WHERE attempt.method = ANY(:methods) "
    "AND (CAST(:ids AS uuid[]) IS NULL OR attempt.customer_id = ANY(:ids)) GROUP BY attempt.customer_id)"
)
"""Debits and cards, and those of them that came back."""
_WORDS = (
    "given AS (SELECT customer_id, count(*) AS promises, count(*) FILTER (WHERE state = 'broken') AS broken "
    "FROM promises WHERE supplier_id = :supplier AND state IN ('kept', 'partly', 'broken') AND judged_on > :since "
    "AND judged_on <= :day AND changed_at < :until GROUP BY customer_id), "
    "contested AS (SELECT customer_id, count(*) AS disputes, count(*) FILTER (WHERE state = 'rejected') AS rejected "
    "FROM disputes WHERE supplier_id = :supplier AND merged_into IS NULL AND closed_at < :until "
    "AND closed_at >= CAST(:since AS date) GROUP BY customer_id)"
)
_BLOCKED = (
    "coalesce((SELECT 'insolvent' FROM insolvencies AS procedure WHERE procedure.supplier_id = :supplier "
    "AND procedure.customer_id = customer.customer_id AND noted_at < :until AND opened_on <= :day "
    "AND (ended_on IS NULL OR ended_on > :day) LIMIT 1), (SELECT CASE WHEN blocked THEN reason END "
    "FROM score_blocks AS block WHERE block.supplier_id = :supplier AND block.customer_id = customer.customer_id "
    "AND decided_at < :until ORDER BY decided_at DESC, block_id DESC LIMIT 1))"
)


def payment_facts(
    work: Work, window: Window, currency: str = "EUR", customer_ids: Collection[UUID] | None = None
) -> dict[UUID, PaymentFacts]:
    """The facts of all customers known by then, or of those given; amounts of one currency, in minor units."""
    rows = work.rows(
        f"WITH {_KNOWN}, {_FORMER}, {_RANKED}, {_OVERDUE}, {_LATE}, {_RETURNS}, {_WORDS} "
        "SELECT customer.customer_id, paid, former, latest, late.minor AS weighed_minor, weighed AS weighed_days, "
        f"payments, returned, promises, broken, disputes, rejected, {_BLOCKED} AS blocked FROM customers AS customer "
        "LEFT JOIN habits USING (customer_id) LEFT JOIN late USING (customer_id) LEFT JOIN answered "
        "USING (customer_id) LEFT JOIN given USING (customer_id) LEFT JOIN contested USING (customer_id) "
        "WHERE customer.supplier_id = :supplier AND customer.created_at < :until "
        "AND (CAST(:ids AS uuid[]) IS NULL OR customer.customer_id = ANY(:ids))",
        until=window.known_until,
        day=window.day,
        since=window.since,
        late_since=window.late_since,
        currency=currency,
        latest=2 * COMPARED,
        methods=list(ANSWERED),
        ids=list(customer_ids) if customer_ids is not None else None,
    )
    return {
        row["customer_id"]: PaymentFacts(
            blocked=row["blocked"],
            latest=tuple(row["latest"] or ()),
            **{name: row[name] or 0 for name in _COUNTS},
        )
        for row in rows
    }


_COUNTS = (
    "paid",
    "former",
    "weighed_days",
    "weighed_minor",
    "payments",
    "returned",
    "promises",
    "broken",
    "disputes",
    "rejected",
)
