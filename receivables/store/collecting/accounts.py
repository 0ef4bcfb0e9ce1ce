"""What is known of customers' accounts, read as sets: what is late of each, and what was said about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from receivables.store.customer_file.standings import ENDED_INVOICES
from receivables.store.work import literally

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date
    from uuid import UUID

    from sqlalchemy import RowMapping

    from receivables.store.work import Work

SPEAKING = ("call.made", "message.sent", "dunning.sent", "claim.sent")
"""Events by which somebody of ours spoke to the customer."""
BROKEN_FOR_DAYS = 60
"""For how long a broken promise is remembered on the list."""
_LATE = (
    "SELECT item.customer_id, item.invoice_id, item.currency, CASE WHEN parts.past IS NULL THEN "
    "CASE WHEN item.due_on < :today THEN item.open_minor ELSE 0 END "
    "ELSE least(greatest(parts.past - item.amount_minor + item.open_minor, 0), item.open_minor) END AS late_minor, "
    "CASE WHEN parts.past IS NULL THEN item.due_on ELSE (SELECT min(upto.due_on) FROM (SELECT part.due_on, "
    "sum(part.amount_minor) OVER (ORDER BY position) AS minor FROM instalments AS part "
    "WHERE part.supplier_id = :supplier AND part.invoice_id = item.invoice_id) AS upto "
    "WHERE upto.minor > item.amount_minor - item.open_minor) END AS late_on "
    "FROM receivable_items AS item LEFT JOIN (SELECT invoice_id, "
    "coalesce(sum(amount_minor) FILTER (WHERE due_on < :today), 0)::bigint AS past FROM instalments "
    "WHERE supplier_id = :supplier GROUP BY invoice_id) AS parts USING (invoice_id) "
    "WHERE item.supplier_id = :supplier AND item.kind = 'invoice' AND item.open_minor > 0 "
    "AND (item.due_on < :today OR parts.past > 0)"
)
"""Open invoices with what is late of them and since when: earlier instalments are settled first."""


_GRADE = (
    "SELECT class FROM scores AS score WHERE score.supplier_id = :supplier "
    "AND score.customer_id = customer.customer_id ORDER BY scored_on DESC, formula DESC LIMIT 1"
)
_KNOWN = (
    "SELECT customer.customer_id, customer.account_code, customer.name, "
    "file.collector_id, coalesce(file.segment, 'standard') AS segment FROM customers AS customer "
    "LEFT JOIN customer_files AS file USING (supplier_id, customer_id) WHERE customer.supplier_id = :supplier "
)


def late_accounts(
    work: Work, today: date, *, collector_id: UUID | None, nobodys: bool, segment: str | None, words: str
) -> Sequence[RowMapping]:
    """What is late of every account that is chosen, since when, and how the customer behaves.

    What nobody asks for any more is left out.
    """
    return work.rows(
        f"WITH late AS ({_LATE}), ended AS MATERIALIZED ({ENDED_INVOICES}), known AS ({_KNOWN} "
        "AND (CAST(:collector AS uuid) IS NULL OR file.collector_id = :collector) "
        "AND (NOT :nobodys OR file.collector_id IS NULL) "
        "AND (CAST(:segment AS text) IS NULL OR coalesce(file.segment, 'standard') = :segment) "
        "AND (CAST(:words AS text) IS NULL OR customer.name ILIKE :words OR customer.account_code ILIKE :words "
        "OR customer.siren ILIKE :words)) "
        "SELECT customer_id, currency, late_minor, oldest_on, customer_id IN (SELECT customer_id FROM promises "
        "WHERE supplier_id = :supplier AND state IN ('broken', 'partly') "
        f"AND judged_on > CAST(:today AS date) - :remembered) AS is_broken, ({_GRADE}) AS grade FROM ("
        "SELECT customer_id, currency, sum(late_minor)::bigint AS late_minor, min(late_on) AS oldest_on FROM late "
        "JOIN known USING (customer_id) WHERE late_minor > 0 AND invoice_id NOT IN (SELECT invoice_id FROM ended) "
        "GROUP BY customer_id, currency) AS customer",
        today=today,
        remembered=BROKEN_FOR_DAYS,
        collector=collector_id,
        nobodys=nobodys,
        segment=segment,
        words=f"%{literally(words)}%" if words else None,
    )


def late_invoices(work: Work, today: date, customer_ids: Sequence[UUID]) -> Sequence[RowMapping]:
    """The late invoices of these customers, with their customers."""
    return work.rows(
        f"WITH late AS ({_LATE} AND item.customer_id = ANY(:ids)), known AS ({_KNOWN} "
        "AND customer.customer_id = ANY(:ids)) "
        "SELECT late.*, account_code, name, collector_id, segment FROM late JOIN known USING (customer_id) "
        "WHERE late_minor > 0 ORDER BY customer_id, late_on, invoice_id",
        today=today,
        ids=list(customer_ids),
    )


def account_facts(work: Work, customer_ids: Sequence[UUID], today: date) -> dict[UUID, RowMapping]:
    """What was said with each of these customers, promised and broken, and what is to be done."""
    rows = work.rows(
        "SELECT customer_id, "
        "greatest((SELECT max(happened_at) FROM account_events AS said WHERE said.supplier_id = :supplier "
        "AND said.customer_id = customer.customer_id AND kind = ANY(:speaking)), "
        "(SELECT max(written_at) FROM dunning_notices AS notice WHERE notice.supplier_id = :supplier "
        "AND notice.customer_id = customer.customer_id AND state IN ('written', 'posted') "
        "AND channel IN ('mail', 'letter', 'registered'))) AS spoken_at, "
        "(SELECT level FROM dunning_notices AS notice WHERE notice.supplier_id = :supplier "
        "AND notice.customer_id = customer.customer_id AND state IN ('written', 'posted') "
        "ORDER BY written_at DESC LIMIT 1) AS level, "
        "(SELECT max(promised_on) FROM promises AS promise WHERE promise.supplier_id = :supplier "
        "AND promise.customer_id = customer.customer_id AND state IN ('broken', 'partly') "
        "AND judged_on > CAST(:today AS date) - :remembered) AS broken_on, "
        f"({_GRADE}) AS grade, "
        "next_task.kind AS next_task, next_task.due_on AS next_task_on, "
        "(SELECT min(waiting_since) FROM message_threads AS thread WHERE thread.supplier_id = :supplier "
        "AND thread.customer_id = customer.customer_id AND waiting_since IS NOT NULL) AS waits_since "
        "FROM customers AS customer LEFT JOIN LATERAL (SELECT kind, due_on FROM tasks AS task "
        "WHERE task.supplier_id = :supplier AND task.customer_id = customer.customer_id AND state = 'open' "
        "ORDER BY due_on, task_id LIMIT 1) AS next_task ON true "
        "WHERE customer.supplier_id = :supplier AND customer.customer_id = ANY(:ids)",
        ids=list(customer_ids),
        today=today,
        speaking=list(SPEAKING),
        remembered=BROKEN_FOR_DAYS,
    )
    return {row["customer_id"]: row for row in rows}


def open_credits(work: Work, customer_ids: Sequence[UUID]) -> dict[tuple[UUID, str], int]:
    """Money and credit notes of these customers that settle nothing yet, by customer and currency."""
    rows = work.rows(
        "SELECT customer_id, currency, sum(open_minor)::bigint AS minor FROM receivable_items "
        "WHERE supplier_id = :supplier AND customer_id = ANY(:ids) AND NOT debit AND open_minor > 0 "
        "GROUP BY customer_id, currency",
        ids=list(customer_ids),
    )
    return {(row["customer_id"], row["currency"]): row["minor"] for row in rows}
