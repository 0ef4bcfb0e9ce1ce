"""What is open of each customer, kept by the database (``customer_standings``): sums of thousands without their lines.

A standing is the plain sum of a customer's lines of 411 by age. What makes a line mean something else today is not in
it: such customers are few, are named by :func:`read_by_line`, and are added up from their lines. So both ways give the
same figures, and ``quittance verify`` counts every standing again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from receivables.domain.conversations.disputes import ENDED
from receivables.store.conversations.disputes import ENDED_BY
from receivables.store.customer_file.customers import lock_customers
from receivables.store.risk.contests import CONTESTED

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date
    from uuid import UUID

    from sqlalchemy import RowMapping

    from receivables.store.work import Work

TURNED_AT_ONCE = 1_000
"""Customers that are counted again in one transaction, held from payments meanwhile."""
ENDED_INVOICES = (
    "SELECT invoice_id FROM invoices AS invoice WHERE invoice.supplier_id = :supplier AND invoice_id IN ("
    f"SELECT invoice_id FROM statuses WHERE supplier_id = :supplier AND code IN ({', '.join(map(repr, ENDED))}) "
    f"UNION ALL SELECT replaced_id FROM replacements WHERE supplier_id = :supplier) AND {ENDED_BY} IS NOT NULL"
)
"""Invoices whose money nobody asks for any more: few, so that they are found first and once."""
_BY_LINE = (
    "SELECT customer_id FROM customer_standings WHERE supplier_id = :supplier AND turns_on <= :today "
    "UNION SELECT customer_id FROM customer_standings WHERE supplier_id = :supplier AND counted_on > :today "
    "UNION SELECT customer_id FROM plans WHERE supplier_id = :supplier AND state = 'accepted' "
    f"UNION SELECT customer_id FROM ({CONTESTED}) AS contested "
    "UNION SELECT item.customer_id FROM receivable_items AS item WHERE item.supplier_id = :supplier "
    "AND item.open_minor > 0 AND item.invoice_id IN (SELECT invoice_id FROM reservations WHERE supplier_id = :supplier "
    "AND state = 'processing' UNION ALL SELECT invoice_id FROM instalments WHERE supplier_id = :supplier "
    f"UNION ALL {ENDED_INVOICES})"
)
_SUMS = (
    *("due_minor", "late_minor", "credits_minor", "due_count", "late_count"),
    *("not_late_minor", "late_30_minor", "late_60_minor", "late_90_minor", "older_minor"),
)
STANDINGS = "SELECT count(*) FROM customer_standings WHERE supplier_id = :supplier"
WRONG_STANDINGS = (
    "WITH days AS (SELECT customer_id, currency, counted_on FROM customer_standings WHERE supplier_id = :supplier), "
    "line AS (SELECT customer_id, currency, debit, kind = 'invoice' AS sold, open_minor, counted_on - due_on AS age "
    "FROM receivable_items LEFT JOIN days USING (customer_id, currency) WHERE supplier_id = :supplier "
    "AND open_minor > 0), "
    "again AS (SELECT customer_id, currency, coalesce(sum(open_minor) FILTER (WHERE debit), 0) AS due_minor, "
    "coalesce(sum(open_minor) FILTER (WHERE debit AND age > 0), 0) AS late_minor, "
    "coalesce(sum(open_minor) FILTER (WHERE NOT debit), 0) AS credits_minor, "
    "count(*) FILTER (WHERE debit) AS due_count, count(*) FILTER (WHERE debit AND age > 0) AS late_count, "
    "coalesce(sum(open_minor) FILTER (WHERE sold AND age <= 0), 0) AS not_late_minor, "
    "coalesce(sum(open_minor) FILTER (WHERE sold AND age BETWEEN 1 AND 30), 0) AS late_30_minor, "
    "coalesce(sum(open_minor) FILTER (WHERE sold AND age BETWEEN 31 AND 60), 0) AS late_60_minor, "
    "coalesce(sum(open_minor) FILTER (WHERE sold AND age BETWEEN 61 AND 90), 0) AS late_90_minor, "
    "coalesce(sum(open_minor) FILTER (WHERE sold AND age > 90), 0) AS older_minor FROM line GROUP BY 1, 2) "
    "SELECT (SELECT count(*) FROM days FULL JOIN again USING (customer_id, currency) "
    "LEFT JOIN customer_standings AS kept ON kept.supplier_id = :supplier AND kept.customer_id = days.customer_id "
    "AND kept.currency = days.currency WHERE kept.customer_id IS NULL OR ("
    + ", ".join(f"coalesce(again.{name}, 0)" for name in _SUMS)
    + ") <> ("
    + ", ".join(f"kept.{name}" for name in _SUMS)
    + ")) + (SELECT count(*) FROM customer_standings AS kept JOIN receivable_items AS item "
    "USING (supplier_id, customer_id, currency) CROSS JOIN (VALUES (1), (31), (61), (91)) AS older (days) "
    "WHERE supplier_id = :supplier AND item.open_minor > 0 AND item.debit AND item.due_on + older.days > counted_on "
    "AND item.due_on + older.days < turns_on)"
)
"""How many standings differ from their customers' lines on the day on which they were counted, or are kept too long."""
_GOOD = "supplier_id = :supplier AND NOT customer_id = ANY(:apart)"


@dataclass(frozen=True, slots=True)
class StandingSums:
    """The standings of a currency added up, in minor units; ``ages`` of invoices as ``late_by_age`` tells them."""

    currency: str
    due_minor: int
    late_minor: int
    credits_minor: int
    due_count: int
    late_count: int
    ages: tuple[int, int, int, int, int]


def read_by_line(work: Work, today: date) -> list[UUID]:
    """Customers whose standing does not say what is asked of them on a day.

    Their money is in flight, falls due in parts, is under a plan, was refused or is contested; or a line of theirs has
    become late or older since they were counted.
    """
    return [row["customer_id"] for row in work.rows(_BY_LINE, today=today)]


def sum_standings(work: Work, apart: Sequence[UUID]) -> list[StandingSums]:
    """The standings of all customers but those ``apart``, by currency."""
    rows = work.rows(
        "SELECT currency, sum(due_minor)::bigint AS due_minor, sum(late_minor)::bigint AS late_minor, "
        "sum(credits_minor)::bigint AS credits_minor, sum(due_count)::bigint AS due_count, "
        "sum(late_count)::bigint AS late_count, ARRAY[sum(not_late_minor)::bigint, sum(late_30_minor)::bigint, "
        "sum(late_60_minor)::bigint, sum(late_90_minor)::bigint, sum(older_minor)::bigint] AS ages "
        f"FROM customer_standings WHERE {_GOOD} AND (due_minor > 0 OR credits_minor > 0) GROUP BY currency",
        apart=list(apart),
    )
    return [StandingSums(**{**row, "ages": tuple(row["ages"])}) for row in rows]


def most_late(work: Work, apart: Sequence[UUID], limit: int) -> Sequence[RowMapping]:
    """The standings with the most that is late, then due, but of those customers ``apart``; with names."""
    return work.rows(
        "SELECT customer_id, account_code, name, kept.currency, due_minor, late_minor, 0 AS in_flight_minor, "
        "credits_minor, 0 AS ended_minor, (SELECT min(due_on) FROM receivable_items AS item "
        "WHERE item.supplier_id = :supplier AND item.customer_id = kept.customer_id AND item.open_minor > 0 "
        "AND item.currency = kept.currency AND item.debit) AS oldest_due_on FROM (SELECT * FROM customer_standings "
        f"WHERE {_GOOD} AND due_minor > 0 ORDER BY late_minor DESC, due_minor DESC, customer_id LIMIT :limit) AS kept "
        "JOIN customers USING (supplier_id, customer_id) WHERE supplier_id = :supplier",
        apart=list(apart),
        limit=limit,
    )


def turn_standings(work: Work, today: date) -> int:
    """Count again up to :data:`TURNED_AT_ONCE` customers of whom a line became late or older; returns how many."""
    rows = work.rows(
        "SELECT DISTINCT customer_id FROM (SELECT customer_id FROM customer_standings WHERE supplier_id = :supplier "
        "AND turns_on <= :today ORDER BY turns_on LIMIT :most) AS turning",
        today=today,
        most=TURNED_AT_ONCE,
    )
    ids = [row["customer_id"] for row in rows]
    lock_customers(work, ids)
    if ids:
        work.scalar("SELECT count_standings(:supplier, CAST(:ids AS uuid[]), :today)", ids=ids, today=today)
    return len(ids)
