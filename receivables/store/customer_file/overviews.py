"""What pages show: sums and lists read from the books, never written. Amounts are minor units."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from receivables.store.collecting.planned_shares import PLANNED, late_by_plan
from receivables.store.customer_file.standings import ENDED_INVOICES, most_late, read_by_line, sum_standings
from receivables.store.risk.contests import CONTESTED
from receivables.store.work import literally

if TYPE_CHECKING:
    from datetime import date, datetime
    from uuid import UUID

    from receivables.store.work import Work

PAGE = 50
"""Rows of a list that are shown at once."""

_ASKED = "(item.kind <> 'invoice' OR item.invoice_id NOT IN (SELECT invoice_id FROM ended))"
"""Whether anybody asks for an open line of 411; what is open on a refused invoice waits for its credit note."""
_FLYING = (
    "SELECT invoice_id, sum(amount_minor)::bigint AS flying FROM reservations "
    "WHERE supplier_id = :supplier AND state = 'processing' GROUP BY invoice_id"
)


_PARTS = (
    "SELECT invoice_id, coalesce(sum(amount_minor) FILTER (WHERE due_on < :today), 0)::bigint AS past "
    "FROM instalments WHERE supplier_id = :supplier GROUP BY invoice_id"
)
"""What has fallen due before today of invoices that fall due in parts: few."""
_LATE = (
    "CASE WHEN by_plan.invoice_id IS NOT NULL THEN by_plan.late + coalesce(flying, 0) "
    "WHEN parts.invoice_id IS NULL THEN CASE WHEN item.due_on < :today THEN item.open_minor ELSE 0 END "
    "ELSE least(greatest(past - item.amount_minor + item.open_minor, 0), item.open_minor) END"
)
"""What is late of an open line of 411, what is in flight included: earlier instalments are settled first, and a plan
that is under way gives its own days."""
_CLAIMS = (
    "UNION ALL SELECT claimed.currency, true, claim.outside_minor, "
    "CASE WHEN by_plan.invoice_id IS NOT NULL THEN by_plan.late + coalesce(flying.flying, 0) "
    "WHEN claimed.due_on < :today THEN claim.outside_minor ELSE 0 END, true, "
    "least(coalesce(flying.flying, 0), claim.outside_minor), true FROM interest_claims AS claim "
    "JOIN invoices AS claimed ON claimed.supplier_id = :supplier AND claimed.invoice_id = claim.claim_id "
    "LEFT JOIN flying ON flying.invoice_id = claim.claim_id LEFT JOIN by_plan ON by_plan.invoice_id = claim.claim_id "
    "WHERE claim.supplier_id = :supplier AND claim.outside_minor > 0 AND claim.customer_id = ANY(:ids)"
)
"""What is asked of one customer outside the books: claims for interest that nothing was paid of yet."""
_TAKEN = (
    "UNION ALL SELECT taken.currency, false, 0, 0, false, 0, false "
    f"FROM ({CONTESTED}) AS taken WHERE taken.customer_id = ANY(:ids)"
)
"""Nothing open, for the currency of contested money: its customer often owes nothing else."""
_CHARTED = "item.kind = 'invoice' AND item.currency = :currency"
_SOME = "item.customer_id = ANY(:ids)"
_KNOWN_AS = "(name ILIKE :wanted OR account_code ILIKE :wanted OR siren ILIKE :wanted)"


@dataclass(frozen=True, slots=True)
class Totals:
    """What is open in one currency. ``due`` and ``late`` leave out what is in flight; ``late`` is part of ``due``."""

    currency: str
    due_minor: int
    late_minor: int
    in_flight_minor: int
    credits_minor: int
    due_count: int
    late_count: int
    in_flight_count: int
    ended_minor: int
    """Open in the books on invoices that were refused or rejected: nobody asks for it, until a credit note ends it."""
    contested_minor: int = 0
    """Of paid invoices, taken by the provider until a dispute is decided."""
    outside_minor: int = 0
    """Of ``due`` and ``in_flight``, what claims for interest ask for outside the books."""

    @property
    def exposure_minor(self) -> int:
        """The exposure (encours): everything open in the books less the credits."""
        asked = self.due_minor + self.in_flight_minor - self.outside_minor
        return asked + self.ended_minor + self.contested_minor - self.credits_minor


@dataclass(frozen=True, slots=True)
class CustomerLine:
    """One customer and currency in the collector's list."""

    customer_id: UUID
    account_code: str
    name: str
    currency: str
    due_minor: int
    late_minor: int
    in_flight_minor: int
    credits_minor: int
    ended_minor: int
    oldest_due_on: date | None
    contested_minor: int = 0

    @property
    def exposure_minor(self) -> int:
        """The exposure (encours)."""
        return self.due_minor + self.ended_minor + self.in_flight_minor + self.contested_minor - self.credits_minor


@dataclass(frozen=True, slots=True)
class MoneyLine:
    """Money or a credit note on a customer's account; ``letters`` is the lettering code, lower case while partial."""

    kind: str
    reference: str
    booked_on: date
    amount_minor: int
    open_minor: int
    currency: str
    letters: str | None
    method: str | None
    invoices: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DocumentLine:
    """A legal document of an invoice in the archive."""

    document_id: UUID
    form: str
    filename: str
    mime: str
    sha256: str
    size_bytes: int
    created_at: datetime


def supplier_name(work: Work) -> str:
    """The name of the supplier whose transaction this is."""
    return str(work.scalar("SELECT name FROM suppliers WHERE supplier_id = :supplier"))


def sum_open(work: Work, today: date, customer_id: UUID | None = None) -> list[Totals]:
    """What is open by currency, of one customer or of all: the largest due amount first.

    Of one customer it is what their list and basket ask for, with claims for interest that are not in the books yet;
    of all customers it is what the books hold.
    """
    if customer_id is not None:
        return _sum_lines(work, today, [customer_id], _CLAIMS)
    apart = read_by_line(work, today)
    totals = {each.currency: each for each in _sum_lines(work, today, apart, _TAKEN)}
    for kept in sum_standings(work, apart):
        read = totals.get(kept.currency, Totals(kept.currency, 0, 0, 0, 0, 0, 0, 0, 0))
        totals[kept.currency] = replace(
            read,
            due_minor=read.due_minor + kept.due_minor,
            late_minor=read.late_minor + kept.late_minor,
            credits_minor=read.credits_minor + kept.credits_minor,
            due_count=read.due_count + kept.due_count,
            late_count=read.late_count + kept.late_count,
        )
    return sorted(totals.values(), key=lambda each: (-each.due_minor, each.currency))


def _sum_lines(work: Work, today: date, ids: list[UUID], claims: str = "") -> list[Totals]:
    """What is open of these customers by currency, read from their lines; with ``claims`` what stands outside them."""
    if not ids:
        return []
    rows = work.rows(
        f"{_open_items(_SOME, 'AND plan.customer_id = ANY(:ids)')}, "
        "lines AS (SELECT currency, debit, open_minor, late, asked, flying, false AS outside "
        f"FROM open_items {claims}) "
        "SELECT currency, coalesce(sum(open_minor - flying) FILTER (WHERE asked), 0)::bigint AS due_minor, "
        "coalesce(sum(greatest(late - flying, 0)) FILTER (WHERE asked), 0)::bigint AS late_minor, "
        "coalesce(sum(flying), 0)::bigint AS in_flight_minor, "
        "coalesce(sum(open_minor) FILTER (WHERE NOT debit), 0)::bigint AS credits_minor, "
        "count(*) FILTER (WHERE asked AND open_minor > flying) AS due_count, "
        "count(*) FILTER (WHERE asked AND late > flying) AS late_count, "
        "count(*) FILTER (WHERE flying > 0) AS in_flight_count, "
        "coalesce(sum(open_minor - flying) FILTER (WHERE debit AND NOT asked), 0)::bigint AS ended_minor, "
        "coalesce(sum(open_minor) FILTER (WHERE outside), 0)::bigint AS outside_minor, "
        f"coalesce((SELECT sum(minor) FROM ({CONTESTED}) AS taken WHERE taken.currency = lines.currency "
        "AND customer_id = ANY(:ids)), 0)::bigint AS contested_minor "
        "FROM lines GROUP BY currency ORDER BY 2 DESC, currency",
        ids=ids,
        today=today,
    )
    return [Totals(**row) for row in rows]


def list_customers(work: Work, today: date, *, wanted: str = "", limit: int = PAGE) -> list[CustomerLine]:
    """Customers by what is late, then by what is open; with ``wanted``, those whose name or account holds it."""
    if wanted:
        return _list_lines(work, today, _KNOWN_AS, limit, wanted=f"%{literally(wanted)}%")
    apart = read_by_line(work, today)
    most = most_late(work, apart, limit)
    if len(most) < limit:  # the others owe nothing: they follow by name
        return _list_lines(work, today, "true", limit)
    read = _list_lines(work, today, "customer.customer_id = ANY(:ids)", limit, ids=apart) if apart else []
    found = [*read, *(CustomerLine(**row) for row in most)]
    return sorted(found, key=lambda each: (-each.late_minor, -each.due_minor, each.name, each.customer_id))[:limit]


def _list_lines(work: Work, today: date, which: str, limit: int, **values: Any) -> list[CustomerLine]:
    """The first customers of those that meet a condition on the row ``customer``, read from their lines."""
    rows = work.rows(
        f"{_open_items(_SOME if 'ids' in values else 'true')}, sums AS (SELECT customer_id, currency, "
        "coalesce(sum(open_minor - flying) FILTER (WHERE asked), 0)::bigint AS due_minor, "
        "coalesce(sum(greatest(late - flying, 0)) FILTER (WHERE asked), 0)::bigint AS late_minor, "
        "coalesce(sum(flying), 0)::bigint AS in_flight_minor, "
        "coalesce(sum(open_minor) FILTER (WHERE NOT debit), 0)::bigint AS credits_minor, "
        "min(due_on) FILTER (WHERE asked AND open_minor > flying) AS oldest_due_on, "
        "coalesce(sum(open_minor - flying) FILTER (WHERE debit AND NOT asked), 0)::bigint AS ended_minor "
        "FROM open_items GROUP BY customer_id, currency), "
        f"taken AS (SELECT customer_id, currency, sum(minor)::bigint AS contested_minor FROM ({CONTESTED}) AS contest "
        "GROUP BY customer_id, currency), "
        "both_sums AS (SELECT * FROM sums FULL JOIN taken USING (customer_id, currency)) "
        "SELECT customer_id, account_code, name, coalesce(currency, 'EUR') AS currency, "
        "coalesce(due_minor, 0) AS due_minor, coalesce(late_minor, 0) AS late_minor, "
        "coalesce(in_flight_minor, 0) AS in_flight_minor, coalesce(credits_minor, 0) AS credits_minor, "
        "coalesce(ended_minor, 0) AS ended_minor, oldest_due_on, coalesce(contested_minor, 0) AS contested_minor "
        f"FROM customers AS customer LEFT JOIN both_sums USING (customer_id) WHERE supplier_id = :supplier AND {which} "
        "ORDER BY coalesce(late_minor, 0) DESC, coalesce(due_minor, 0) DESC, name, customer_id LIMIT :limit",
        today=today,
        limit=limit,
        **values,
    )
    return [CustomerLine(**row) for row in rows]


def _open_items(some: str, of_plan: str = "") -> str:
    """The open lines of 411 that meet a condition on the row ``item``: what of each is late, in flight, asked for."""
    return (
        f"WITH flying AS ({_FLYING}), parts AS ({_PARTS}), by_plan AS ({late_by_plan(of_plan)}), "
        f"ended AS MATERIALIZED ({ENDED_INVOICES}), "
        "open_items AS (SELECT item.customer_id, item.currency, item.debit, item.due_on, item.open_minor, "
        f"{_LATE} AS late, item.debit AND {_ASKED} AS asked, "
        "CASE WHEN item.kind = 'invoice' THEN least(coalesce(flying, 0), item.open_minor) ELSE 0 END AS flying "
        "FROM receivable_items AS item LEFT JOIN flying USING (invoice_id) LEFT JOIN parts USING (invoice_id) "
        "LEFT JOIN by_plan USING (invoice_id) "
        f"WHERE item.supplier_id = :supplier AND item.open_minor > 0 AND {some})"
    )


def list_money(work: Work, customer_id: UUID, *, limit: int = PAGE) -> list[MoneyLine]:
    """Receipts, refunds and credit notes of a customer, newest first, with their letters and invoices."""
    rows = work.rows(
        "SELECT item.kind, item.reference, item.booked_on, item.amount_minor, item.open_minor, item.currency, "
        "lettering.code AS letters, account.provider AS method, "
        "ARRAY(SELECT number FROM reservations JOIN invoices USING (supplier_id, invoice_id) "
        "WHERE supplier_id = :supplier AND reservations.attempt_id = item.attempt_id ORDER BY number) AS invoices "
        "FROM receivable_items AS item "
        "LEFT JOIN letterings AS lettering ON lettering.supplier_id = :supplier "
        "AND lettering.lettering_id = item.lettering_id "
        "LEFT JOIN payment_attempts AS attempt ON attempt.supplier_id = :supplier "
        "AND attempt.attempt_id = item.attempt_id "
        "LEFT JOIN gateway_accounts AS account ON account.supplier_id = :supplier "
        "AND account.account_id = attempt.account_id "
        "WHERE item.supplier_id = :supplier AND item.customer_id = :customer "
        "AND item.kind NOT IN ('invoice', 'reversal', 'assigned', 'assigned_back') "
        "ORDER BY item.booked_on DESC, item.posting_id DESC LIMIT :limit",
        customer=customer_id,
        limit=limit,
    )
    return [MoneyLine(**{**row, "invoices": tuple(row["invoices"])}) for row in rows]


def list_documents(work: Work, invoice_id: UUID) -> list[DocumentLine]:
    """The legal documents of an invoice; life-cycle messages are not among them."""
    rows = work.rows(
        "SELECT document_id, form, filename, mime, sha256, size_bytes, created_at FROM documents "
        "WHERE supplier_id = :supplier AND invoice_id = :invoice AND form <> 'cdar' ORDER BY created_at, filename",
        invoice=invoice_id,
    )
    return [DocumentLine(**row) for row in rows]


def find_document(work: Work, invoice_id: UUID, document_id: UUID) -> DocumentLine | None:
    """One document of one invoice."""
    row = work.row(
        "SELECT document_id, form, filename, mime, sha256, size_bytes, created_at FROM documents "
        "WHERE supplier_id = :supplier AND invoice_id = :invoice AND document_id = :document",
        invoice=invoice_id,
        document=document_id,
    )
    return DocumentLine(**row) if row else None


def letters_on(work: Work, invoice_id: UUID) -> str | None:
    """The lettering code that an invoice carries now."""
    code: str | None = work.scalar(
        "SELECT code FROM receivable_items JOIN letterings USING (supplier_id, lettering_id) "
        "WHERE supplier_id = :supplier AND invoice_id = :invoice",
        invoice=invoice_id,
    )
    return code


def late_by_age(work: Work, today: date, currency: str) -> list[int]:
    """What is open in ``currency`` by age: not due yet, 1-30 days late, 31-60, 61-90, more.

    Invoices in a plan that is under way count by the days of the plan; what is disputed of them is not late.
    """
    apart = read_by_line(work, today)
    read = _age_lines(work, today, currency, apart) if apart else [0] * 5
    kept = next((each.ages for each in sum_standings(work, apart) if each.currency == currency), (0,) * 5)
    return [one + other for one, other in zip(read, kept, strict=True)]


def _age_lines(work: Work, today: date, currency: str, ids: list[UUID]) -> list[int]:
    """The same of these customers, read from their lines."""
    row = work.row(
        f"WITH flying AS ({_FLYING}), ended AS MATERIALIZED ({ENDED_INVOICES}), "
        "left_open AS (SELECT item.invoice_id, item.due_on, item.amount_minor, "
        "item.open_minor - least(coalesce(flying, 0), item.open_minor) AS open_minor "
        "FROM receivable_items AS item LEFT JOIN flying USING (invoice_id) WHERE item.supplier_id = :supplier "
        f"AND item.open_minor > 0 AND {_CHARTED} AND {_SOME} AND {_ASKED}), "
        "slices AS (SELECT left_open.invoice_id, part.due_on, least(part.amount_minor, greatest("
        "sum(part.amount_minor) OVER (PARTITION BY part.invoice_id ORDER BY position) "
        "- left_open.amount_minor + left_open.open_minor, 0)) AS open_minor FROM instalments AS part "
        "JOIN left_open USING (invoice_id) WHERE part.supplier_id = :supplier), "
        f"by_plan AS MATERIALIZED ({PLANNED}), "
        "items AS (SELECT CAST(:today AS date) - due_on AS days, open_minor FROM slices "
        "WHERE invoice_id NOT IN (SELECT invoice_id FROM by_plan) UNION ALL "
        "SELECT CAST(:today AS date) - due_on, open_minor FROM left_open WHERE invoice_id NOT IN ("
        "SELECT invoice_id FROM slices UNION ALL SELECT invoice_id FROM by_plan) UNION ALL "
        "SELECT CAST(:today AS date) - by_plan.due_on, minor FROM by_plan JOIN left_open USING (invoice_id) UNION ALL "
        "SELECT 0, open_minor - (SELECT sum(minor) FROM by_plan WHERE by_plan.invoice_id = left_open.invoice_id) "
        "FROM left_open WHERE invoice_id IN (SELECT invoice_id FROM by_plan)) "
        "SELECT coalesce(sum(open_minor) FILTER (WHERE days <= 0), 0)::bigint AS a, "
        "coalesce(sum(open_minor) FILTER (WHERE days BETWEEN 1 AND 30), 0)::bigint AS b, "
        "coalesce(sum(open_minor) FILTER (WHERE days BETWEEN 31 AND 60), 0)::bigint AS c, "
        "coalesce(sum(open_minor) FILTER (WHERE days BETWEEN 61 AND 90), 0)::bigint AS d, "
        "coalesce(sum(open_minor) FILTER (WHERE days > 90), 0)::bigint AS e FROM items",
        today=today,
        currency=currency,
        ids=ids,
    )
    assert row is not None  # noqa: S101 -- a sum without groups has one row
    return [row["a"], row["b"], row["c"], row["d"], row["e"]]
