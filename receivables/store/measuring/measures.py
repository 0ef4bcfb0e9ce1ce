"""The lines behind indicators: what stood on account 411 at the end of a day, what was sold, paid, disputed, promised.

A *source* is a query that yields lines of one shape (:class:`Line`); a *measure* is a source with a condition. A figure
is the sum of a measure, its list is the same measure line by line: they cannot differ.

Time travel: a line of 411 counts from its accounting day, an allocation from its ``effective_on`` and never before both
of its lines; what is open on a day is what is open now plus what was settled after that day.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from receivables.domain.invoicing.invoices import CLAIM, CLAIM_CREDIT
from receivables.domain.measuring.indicators import AGES, AT_RISK_AFTER_DAYS
from receivables.store.accounting.periods import told_on
from receivables.store.collecting.claims import BORN_ON
from receivables.store.measuring.happened import BANK, DEBITS, DISPUTES, FEES, ISSUED, PROMISES, RECEIVED, REMINDERS
from receivables.store.measuring.scopes import aged

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date
    from uuid import UUID

    from sqlalchemy import RowMapping

    from receivables.store.measuring.scopes import Scope
    from receivables.store.work import Work

PAGE = 50
UNDATED = "1970-01-01"
"""``effective_on`` of allocations older than that column: they count from the days of their lines."""
_STANDING = (
    "fresh AS (SELECT posting_id FROM receivable_items WHERE supplier_id = :supplier AND booked_on > :on), "
    "moved AS (SELECT debit_posting_id, credit_posting_id, amount_minor FROM allocations "
    f"WHERE supplier_id = :supplier AND (effective_on > :on OR effective_on = DATE '{UNDATED}' "
    "AND (debit_posting_id IN (SELECT posting_id FROM fresh) "
    "OR credit_posting_id IN (SELECT posting_id FROM fresh)))), "
    "later AS (SELECT sides.posting_id, sum(minor)::bigint AS minor FROM ("
    "SELECT debit_posting_id AS posting_id, amount_minor AS minor FROM moved UNION ALL "
    "SELECT credit_posting_id, amount_minor FROM moved) AS sides JOIN receivable_items AS here "
    "ON here.supplier_id = :supplier AND here.posting_id = sides.posting_id AND here.booked_on <= :on "
    "GROUP BY sides.posting_id), "
    "standing AS (SELECT item.posting_id, item.customer_id, item.invoice_id, item.reference, item.kind, item.debit, "
    "item.amount_minor, item.booked_on, item.due_on, item.open_minor + coalesce(later.minor, 0) AS open_minor "
    "FROM receivable_items AS item LEFT JOIN later USING (posting_id) WHERE item.supplier_id = :supplier "
    "AND item.currency = :currency AND item.booked_on <= :on "
    "AND item.open_minor + coalesce(later.minor, 0) > 0), "
    "parts AS (SELECT invoice_id, due_on, amount_minor, sum(amount_minor) OVER (PARTITION BY invoice_id "
    "ORDER BY position)::bigint AS upto FROM instalments WHERE supplier_id = :supplier), "
    "doubted AS (SELECT customer_id, max(opened_on) AS opened_on FROM insolvencies WHERE supplier_id = :supplier "
    "AND opened_on <= :on AND (ended_on IS NULL OR ended_on > :on) GROUP BY customer_id)"
)
"""Lines of 411 open at the end of the day ``:on``, the parts in which invoices fall due, customers in proceedings."""


_CLAIMS = "SELECT claim_id FROM interest_claims WHERE supplier_id = :supplier"


def _outside_speed(line: str) -> str:
    """Whether a line is for late interest, which is no sale, or older than open proceedings (416).

    Both are outside the figures of speed.
    """
    return (
        f"coalesce({line}.invoice_id IN ({_CLAIMS}), false) AS interest, "
        f"CASE WHEN opened_on IS NULL OR {line}.kind <> 'invoice' THEN false ELSE (SELECT {BORN_ON} FROM invoices "
        f"AS invoice WHERE invoice.supplier_id = :supplier AND invoice.invoice_id = {line}.invoice_id) < opened_on END "
        "AS doubtful"
    )


_POSITION = (
    f"WITH {_STANDING}, owing AS (SELECT standing.*, standing.due_on AS part_due, standing.open_minor AS minor "
    "FROM standing WHERE debit AND (kind <> 'invoice' OR invoice_id NOT IN (SELECT invoice_id FROM parts)) UNION ALL "
    "SELECT standing.*, parts.due_on, least(parts.amount_minor, greatest(parts.upto - standing.amount_minor "
    "+ standing.open_minor, 0))::bigint FROM standing JOIN parts USING (invoice_id) WHERE standing.kind = 'invoice') "
    "SELECT customer_id, invoice_id, reference, kind, booked_on AS day, part_due AS due_on, minor AS amount_minor, "
    f"CAST(:on AS date) - part_due AS days, true AS owed, {_outside_speed('owing')} FROM owing LEFT JOIN doubted "
    "USING (customer_id) WHERE minor > 0 UNION ALL "
    "SELECT customer_id, invoice_id, reference, kind, booked_on, due_on, open_minor, CAST(:on AS date) - booked_on, "
    "false, false, false FROM standing WHERE NOT debit"
)
"""What is open, an invoice in parts by instalment (earlier ones are settled first), and open credits by themselves."""
_CONTESTED = (
    f"WITH {_STANDING}, claimed AS (SELECT invoice_id, "
    "(array_agg(reason ORDER BY opened_at, dispute_id))[1] AS reason, min(opened_at) AS opened_at, "
    "sum(amount_minor)::bigint AS minor, bool_or(amount_minor IS NULL) AS whole "
    "FROM disputes WHERE supplier_id = :supplier AND merged_into IS NULL AND opened_at < :until "
    "AND (closed_at IS NULL OR closed_at >= :until) GROUP BY invoice_id) "
    "SELECT customer_id, invoice_id, reference, reason AS kind, (opened_at AT TIME ZONE 'Europe/Paris')::date AS day, "
    "due_on, CASE WHEN whole THEN open_minor ELSE least(minor, open_minor) END AS amount_minor, "
    "CAST(:on AS date) - (opened_at AT TIME ZONE 'Europe/Paris')::date AS days, "
    f"{_outside_speed('standing')} FROM claimed JOIN standing USING (invoice_id) LEFT JOIN doubted USING (customer_id) "
    "WHERE standing.kind = 'invoice'"
)
"""The disputed part of invoices, ``kind`` being the reason of the earliest dispute: at most what is open."""
_TURNOVER = (
    "SELECT customer_id, invoice_id, reference, kind, booked_on AS day, due_on, "
    "CASE WHEN debit THEN amount_minor ELSE -amount_minor END AS amount_minor, 0 AS days "
    "FROM receivable_items WHERE supplier_id = :supplier AND currency = :currency "
    "AND kind IN ('invoice', 'credit_note', 'reversal') AND booked_on BETWEEN :since AND :on "
    "AND (invoice_id IS NULL OR invoice_id NOT IN (SELECT invoice_id FROM invoices WHERE supplier_id = :supplier "
    f"AND (type_code IN ('{CLAIM}', '{CLAIM_CREDIT}') OR opening_id IS NOT NULL)))"
)
"""Sales of a period, VAT included, less credit notes and reversals; interest, claimed or forgone, is no sale, and what
was taken over was sold before."""


_PAID = (
    f"WITH {_STANDING}, recent AS (SELECT posting_id FROM receivable_items WHERE supplier_id = :supplier "
    "AND booked_on BETWEEN :since AND :on), "
    "touched AS (SELECT DISTINCT debit_posting_id AS posting_id FROM allocations WHERE supplier_id = :supplier "
    f"AND (effective_on BETWEEN :since AND :on OR effective_on = DATE '{UNDATED}' AND (credit_posting_id IN "
    "(SELECT posting_id FROM recent) OR debit_posting_id IN (SELECT posting_id FROM recent)))), "
    "shares AS (SELECT item.posting_id, item.customer_id, item.invoice_id, item.reference, item.amount_minor AS "
    "claim_minor, item.due_on, invoice.issued_on, credit.posting_id AS credit_id, credit.kind, "
    f"{told_on('credit')} AS cash_on, sum(moved.amount_minor)::bigint AS minor, "
    "greatest(max(moved.effective_on), credit.booked_on, item.booked_on) AS settled_on "
    "FROM touched JOIN receivable_items AS item USING (posting_id) "
    "JOIN invoices AS invoice ON invoice.supplier_id = :supplier AND invoice.invoice_id = item.invoice_id "
    "JOIN allocations AS moved ON moved.supplier_id = :supplier AND moved.debit_posting_id = item.posting_id "
    "JOIN receivable_items AS credit ON credit.supplier_id = :supplier "
    "AND credit.posting_id = moved.credit_posting_id WHERE item.supplier_id = :supplier AND item.kind = 'invoice' "
    "AND item.currency = :currency AND item.booked_on <= :on AND credit.booked_on <= :on "
    f"AND item.invoice_id NOT IN ({_CLAIMS}) "
    "AND moved.effective_on <= :on AND item.posting_id NOT IN (SELECT posting_id FROM standing) "
    "GROUP BY item.posting_id, item.customer_id, item.invoice_id, item.reference, item.amount_minor, item.due_on, "
    "item.booked_on, invoice.issued_on, credit.posting_id, credit.kind, credit.booked_on "
    "HAVING sum(moved.amount_minor) > 0), "
    "ranged AS (SELECT shares.*, sum(minor) OVER (PARTITION BY posting_id ORDER BY cash_on, credit_id)::bigint "
    "AS upto, max(settled_on) OVER (PARTITION BY posting_id) AS done_on FROM shares), "
    "falling AS (SELECT ranged.*, coalesce(parts.due_on, ranged.due_on) AS part_due, "
    "least(ranged.upto, coalesce(parts.upto, claim_minor)) - greatest(ranged.upto - ranged.minor, "
    "coalesce(parts.upto - parts.amount_minor, 0)) AS paid_minor "
    "FROM ranged LEFT JOIN parts USING (invoice_id) WHERE done_on >= :since AND ranged.kind = 'receipt') "
    "SELECT customer_id, invoice_id, reference, kind, cash_on AS day, part_due AS due_on, "
    "paid_minor::bigint AS amount_minor, cash_on - issued_on AS days, cash_on - part_due AS days_late "
    "FROM falling WHERE paid_minor > 0"
)
"""Cash on invoices that were settled to the last cent in the period, wherever its own day lies.

A payment of an invoice in parts pays the earliest first; what credit notes settled has no cash day and is left out.
"""

SOURCES = {
    "position": _POSITION,
    "contested": _CONTESTED,
    "turnover": _TURNOVER,
    "paid": _PAID,
    "disputes": DISPUTES,
    "promises": PROMISES,
    "reminders": REMINDERS,
    "bank": BANK,
    "issued": ISSUED,
    "debits": DEBITS,
    "fees": FEES,
    "received": RECEIVED,
}


MEASURES: dict[str, tuple[str, str]] = {
    "receivable": ("position", "owed"),
    "sound": ("position", "owed AND NOT doubtful AND NOT interest"),
    "doubtful": ("position", "owed AND doubtful"),
    "not_due": ("position", "owed AND days <= 0"),
    "sound_not_due": ("position", "owed AND NOT doubtful AND NOT interest AND days <= 0"),
    "late": ("position", "owed AND days > 0"),
    **{f"age_{age}": ("position", f"owed AND {aged(age)}") for age in range(len(AGES))},
    "at_risk": ("position", f"owed AND days > {AT_RISK_AFTER_DAYS}"),
    "credits": ("position", "NOT owed"),
    "unapplied": ("position", "NOT owed AND kind = 'receipt'"),
    "disputed": ("contested", "true"),
    "disputed_sound": ("contested", "NOT doubtful AND NOT interest"),
    "sales": ("turnover", "true"),
    "paid": ("paid", "true"),
    "paid_late": ("paid", "true"),
    "disputes_answered": ("disputes", "kind = 'answered'"),
    "disputes_closed": ("disputes", "kind = 'closed'"),
    "promises_judged": ("promises", "true"),
    "promises_kept": ("promises", "kept_minor > 0"),
    "reminders": ("reminders", "true"),
    "reminders_paid": ("reminders", "paid"),
    "bank_in": ("bank", "true"),
    "bank_by_rule": ("bank", "by_rule"),
    "issued": ("issued", "true"),
    "issued_right": ("issued", "clean"),
    "debits": ("debits", "true"),
    "debits_back": ("debits", "back"),
    "fees": ("fees", "true"),
    "received": ("received", "true"),
}
"""Every measure with its source and condition."""
AMOUNTS = {"promises_kept": "kept_minor"}
"""What is summed where it is not ``amount_minor``."""
DAYS = {"paid_late": "days_late"}
"""Which days are counted where they are not ``days``."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line behind a figure: minor units; ``days`` is late by, or since when, as the measure says."""

    customer_id: UUID | None
    customer_name: str | None
    invoice_id: UUID | None
    reference: str
    kind: str
    day: date
    due_on: date | None
    amount_minor: int
    days: int


@dataclass(frozen=True, slots=True)
class Total:
    """The sum of a measure: minor units, lines, their days, and the sum of amount times days."""

    minor: int = 0
    count: int = 0
    days: int = 0
    weighted: int = 0


def sum_measures(work: Work, names: Sequence[str], scope: Scope) -> dict[str, Total]:
    """The sums of ``names`` within ``scope``: one query for all that are of one source."""
    by_source: dict[str, list[str]] = {}
    for name in names:
        by_source.setdefault(MEASURES[name][0], []).append(name)
    found: dict[str, Total] = {}
    for source, of_source in by_source.items():
        found |= _sums(work, source, of_source, scope)
    return found


def _sums(work: Work, source: str, names: Sequence[str], scope: Scope) -> dict[str, Total]:
    columns = ", ".join(
        f"coalesce(sum({amount}) FILTER (WHERE {condition}), 0)::bigint AS {name}_minor, "
        f"count(*) FILTER (WHERE {condition}) AS {name}_count, "
        f"coalesce(sum({days}) FILTER (WHERE {condition}), 0)::bigint AS {name}_days, "
        f"coalesce(sum({amount}::numeric * {days}) FILTER (WHERE {condition}), 0)::text AS {name}_weighted"
        for name in names
        for condition, amount, days in [_read(name)]
    )
    row = work.row(
        f"SELECT {columns} FROM ({SOURCES[source]}) AS line WHERE true{scope.whose(source)}", **scope.values()
    )
    assert row is not None  # noqa: S101 -- a sum without groups has one row
    return {
        name: Total(row[f"{name}_minor"], row[f"{name}_count"], row[f"{name}_days"], int(row[f"{name}_weighted"]))
        for name in names
    }


def sum_minor(work: Work, names: Sequence[str], scope: Scope) -> dict[str, int]:
    """The amounts alone of measures of one source, in minor units: cheaper where nobody asks for lines or days."""
    (source,) = {MEASURES[name][0] for name in names}
    columns = ", ".join(
        f"coalesce(sum({amount}) FILTER (WHERE {condition}), 0)::bigint AS {name}"
        for name in names
        for condition, amount, _ in [_read(name)]
    )
    row = work.row(
        f"SELECT {columns} FROM ({SOURCES[source]}) AS line WHERE true{scope.whose(source)}", **scope.values()
    )
    assert row is not None  # noqa: S101 -- a sum without groups has one row
    return dict(row)


def _read(name: str) -> tuple[str, str, str]:
    """The condition of a measure, what it sums, and which days it counts."""
    return MEASURES[name][1], AMOUNTS.get(name, "amount_minor"), DAYS.get(name, "days")


def lines_of(work: Work, name: str, scope: Scope, *, limit: int | None = PAGE, page: int = 0) -> list[Line]:
    """The lines of a measure, the largest first; one more than ``limit`` where there are more, all without one."""
    source = MEASURES[name][0]
    condition, amount, days = _read(name)
    rows = work.rows(
        "SELECT line.customer_id, (SELECT name FROM customers AS customer WHERE customer.supplier_id = :supplier "
        "AND customer.customer_id = line.customer_id) AS customer_name, line.invoice_id, line.reference, line.kind, "
        f"line.day, line.due_on, {amount} AS amount_minor, {days} AS days FROM ({SOURCES[source]}) AS line "
        f"WHERE {condition}{scope.whose(source)} "
        f"ORDER BY {amount} DESC, line.due_on, line.reference, line.day, line.kind, line.days "
        "LIMIT :limit OFFSET :offset",
        **scope.values(),
        limit=None if limit is None else limit + 1,
        offset=0 if limit is None else page * limit,
    )
    return [Line(**row) for row in rows]


def sales_by_day(work: Work, scope: Scope) -> dict[date, int]:
    """Sales of each day of the period, VAT included; days without any are left out."""
    rows = work.rows(
        "SELECT day, sum(amount_minor)::bigint AS minor "
        f"FROM ({SOURCES['turnover']}) AS line WHERE true{scope.whose('turnover')} GROUP BY 1",
        **scope.values(),
    )
    return {row["day"]: row["minor"] for row in rows}


def payments_made(work: Work, scope: Scope) -> list[tuple[UUID, int]]:
    """Customer and days after the due day of every payment in the period, for habits."""
    rows = work.rows(
        f"SELECT customer_id, days_late AS days FROM ({_PAID}) AS line WHERE true{scope.whose('paid')}",
        **scope.values(),
    )
    return [(row["customer_id"], row["days"]) for row in rows]


def group_position(work: Work, key: str, source: str, scope: Scope) -> list[RowMapping]:
    """Sums of what is open, or disputed, by an expression of ours over a ``line`` and its customer's ``file``."""
    columns = ", ".join(
        f"coalesce(sum(amount_minor) FILTER (WHERE {condition}), 0)::bigint AS {name}_minor"
        for name, (of, condition) in MEASURES.items()
        if of == source
    )
    rows = work.rows(
        f"SELECT {key} AS key, count(DISTINCT line.customer_id) AS customers, {columns} "
        f"FROM ({SOURCES[source]}) AS line LEFT JOIN customer_files AS file ON file.supplier_id = :supplier "
        f"AND file.customer_id = line.customer_id WHERE true{scope.whose(source)} GROUP BY 1",
        **scope.values(),
    )
    return list(rows)
