"""What pages show: lists and sums read from the books, never written. Amounts are minor units."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from receivables.domain.disputes import ENDED
from receivables.domain.invoices import CREDIT_NOTES
from receivables.store.contests import CONTESTED
from receivables.store.disputes import ENDED_BY

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime
    from uuid import UUID

    from receivables.store.work import Work

PAGE = 50
"""Rows of a list that are shown at once."""

TO_PAY = ("due", "late", "part_paid")
FILTERS: dict[str, tuple[str, ...] | None] = {
    "all": None,
    "to_pay": TO_PAY,
    "late": ("late",),
    "in_flight": ("in_flight",),
    "paid": ("paid", "credited"),
    "credits": ("credit_open", "credit_used"),
}
"""What a list of invoices can be narrowed to: the states behind each choice."""
_ENDS = " ".join(f"WHEN '{code}' THEN '{state}'" for code, state in ENDED.items())
_OPEN_STATES = frozenset({*TO_PAY, "in_flight"})

_ENDED = (
    "SELECT invoice_id FROM invoices AS invoice WHERE invoice.supplier_id = :supplier AND invoice_id IN ("
    f"SELECT invoice_id FROM statuses WHERE supplier_id = :supplier AND code IN ({', '.join(map(repr, ENDED))}) "
    f"UNION ALL SELECT replaced_id FROM replacements WHERE supplier_id = :supplier) AND {ENDED_BY} IS NOT NULL"
)
"""Invoices whose money nobody asks for any more: few, so that they are found first and once."""
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
    "CASE WHEN parts.invoice_id IS NULL THEN CASE WHEN item.due_on < :today THEN item.open_minor ELSE 0 END "
    "ELSE least(greatest(past - item.amount_minor + item.open_minor, 0), item.open_minor) END"
)
"""What is late of an open line of 411, what is in flight included: earlier instalments are settled first."""
_NEXT_DUE = (
    "coalesce((SELECT min(part.due_on) FROM (SELECT due_on, sum(amount_minor) OVER (ORDER BY position) AS upto "
    "FROM instalments WHERE supplier_id = :supplier AND invoice_id = figures.invoice_id) AS part "
    "WHERE part.upto > total_minor - open_minor + in_flight_minor), figures.due_on)"
)
"""The day of the first instalment that is not settled."""


@dataclass(frozen=True, slots=True)
class InvoiceLine:
    """One invoice in a list; ``state`` is one of those in :data:`FILTERS`."""

    invoice_id: UUID
    number: str
    customer_id: UUID
    customer_name: str
    issued_on: date
    due_on: date
    currency: str
    total_minor: int
    open_minor: int
    in_flight_minor: int
    state: str

    @property
    def payable_minor(self) -> int:
        """What may be paid now; nothing of an invoice that was refused or replaced."""
        if self.state in ENDED.values():
            return 0
        return max(self.open_minor - self.in_flight_minor, 0)

    @property
    def is_credit_note(self) -> bool:
        """Whether it is in the customer's favour."""
        return self.state.startswith("credit_")


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

    @property
    def exposure_minor(self) -> int:
        """The exposure (encours): everything open less the credits."""
        return self.due_minor + self.ended_minor + self.in_flight_minor + self.contested_minor - self.credits_minor


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


def list_invoices(
    work: Work,
    today: date,
    *,
    customer_id: UUID | None = None,
    narrowed: str = "all",
    wanted: str = "",
    after: UUID | None = None,
    most_urgent: bool = False,
    limit: int = PAGE,
) -> Sequence[InvoiceLine]:
    """Invoices, newest first: of one customer or of all, in some states, whose number or customer holds ``wanted``.

    ``after`` is the last invoice of the page before; ``most_urgent`` puts the earliest due date first instead. One
    more than ``limit`` is returned where there are more.
    """
    states = FILTERS[narrowed]
    conditions, values = _narrowed_to(
        customer_id, wanted, after, only_open=states is not None and _OPEN_STATES.issuperset(states)
    )
    rows = work.rows(
        "WITH figures AS (SELECT invoice.invoice_id, invoice.number, invoice.customer_id, "
        "customer.name AS customer_name, invoice.issued_on, invoice.due_on, invoice.currency, "
        "invoice.payable_minor AS total_minor, invoice.type_code = ANY(:credit_notes) AS is_credit, "
        "coalesce((SELECT sum(open_minor) FROM receivable_items AS item WHERE item.supplier_id = :supplier "
        "AND item.invoice_id = invoice.invoice_id), 0)::bigint AS open_minor, "
        "coalesce((SELECT sum(amount_minor) FROM reservations AS held WHERE held.supplier_id = :supplier "
        "AND held.invoice_id = invoice.invoice_id AND held.state = 'processing'), 0)::bigint AS in_flight_minor, "
        f"{ENDED_BY} AS ended_by "
        "FROM invoices AS invoice JOIN customers AS customer USING (supplier_id, customer_id) "
        f"WHERE {' AND '.join(conditions)}), "
        f"timed AS (SELECT figures.*, {_NEXT_DUE} AS next_due_on FROM figures), "
        "stated AS (SELECT *, CASE WHEN ended_by = '220' THEN 'cancelled' "
        "WHEN is_credit AND open_minor > 0 THEN 'credit_open' "
        "WHEN is_credit THEN 'credit_used' "
        "WHEN open_minor = 0 THEN CASE WHEN total_minor > 0 AND total_minor <= (SELECT sum(amount_minor) "
        "FROM collections AS moved WHERE moved.supplier_id = :supplier AND moved.invoice_id = timed.invoice_id "
        "AND moved.kind = 'set_off') THEN 'credited' ELSE 'paid' END "
        f"WHEN ended_by IS NOT NULL THEN CASE ended_by {_ENDS} END "
        "WHEN open_minor <= in_flight_minor THEN 'in_flight' WHEN next_due_on < :today THEN 'late' "
        "WHEN open_minor < total_minor THEN 'part_paid' ELSE 'due' END AS state FROM timed) "
        "SELECT invoice_id, number, customer_id, customer_name, issued_on, next_due_on AS due_on, currency, "
        "total_minor, open_minor, in_flight_minor, state FROM stated "
        "WHERE CAST(:states AS text[]) IS NULL OR state = ANY(:states) "
        f"ORDER BY {'next_due_on, invoice_id' if most_urgent else 'issued_on DESC, invoice_id DESC'} LIMIT :limit",
        credit_notes=sorted(CREDIT_NOTES),
        today=today,
        states=list(states) if states is not None else None,
        limit=limit + 1,
        **values,
    )
    return [InvoiceLine(**row) for row in rows]


def _narrowed_to(
    customer_id: UUID | None, wanted: str, after: UUID | None, *, only_open: bool
) -> tuple[list[str], dict[str, Any]]:
    """The conditions of a list of invoices, with their values."""
    conditions = ["invoice.supplier_id = :supplier"]
    values: dict[str, Any] = {}
    if customer_id is not None:
        conditions.append("invoice.customer_id = :customer")
        values["customer"] = customer_id
    if wanted:
        conditions.append(
            "(invoice.number ILIKE :wanted OR customer.name ILIKE :wanted OR invoice.buyer_reference ILIKE :wanted)"
        )
        values["wanted"] = f"%{_literally(wanted)}%"
    if only_open:
        conditions.append(
            "invoice.invoice_id IN (SELECT invoice_id FROM receivable_items WHERE supplier_id = :supplier "
            f"AND open_minor > 0 AND invoice_id IS NOT NULL{' AND customer_id = :customer' if customer_id else ''})"
        )
    if after is not None:
        conditions.append(
            "(invoice.issued_on, invoice.invoice_id) < (SELECT issued_on, invoice_id FROM invoices "
            "WHERE supplier_id = :supplier AND invoice_id = :after)"
        )
        values["after"] = after
    return conditions, values


def sum_open(work: Work, today: date, customer_id: UUID | None = None) -> list[Totals]:
    """What is asked for, of one customer or of all, by currency; the largest first. Ended invoices are left out."""
    rows = work.rows(
        f"WITH flying AS ({_FLYING}), parts AS ({_PARTS}), ended AS MATERIALIZED ({_ENDED}), "
        "open_items AS (SELECT item.currency, item.debit, item.open_minor, "
        f"{_LATE} AS late, item.debit AND {_ASKED} AS asked, "
        "CASE WHEN item.kind = 'invoice' THEN least(coalesce(flying, 0), item.open_minor) ELSE 0 END AS flying "
        "FROM receivable_items AS item LEFT JOIN flying USING (invoice_id) LEFT JOIN parts USING (invoice_id) "
        "WHERE item.supplier_id = :supplier "
        "AND item.open_minor > 0 AND (CAST(:customer AS uuid) IS NULL OR item.customer_id = :customer)) "
        "SELECT currency, coalesce(sum(open_minor - flying) FILTER (WHERE asked), 0)::bigint AS due_minor, "
        "coalesce(sum(greatest(late - flying, 0)) FILTER (WHERE asked), 0)::bigint AS late_minor, "
        "coalesce(sum(flying), 0)::bigint AS in_flight_minor, "
        "coalesce(sum(open_minor) FILTER (WHERE NOT debit), 0)::bigint AS credits_minor, "
        "count(*) FILTER (WHERE asked AND open_minor > flying) AS due_count, "
        "count(*) FILTER (WHERE asked AND late > flying) AS late_count, "
        "count(*) FILTER (WHERE flying > 0) AS in_flight_count, "
        "coalesce(sum(open_minor - flying) FILTER (WHERE debit AND NOT asked), 0)::bigint AS ended_minor, "
        f"coalesce((SELECT sum(minor) FROM ({CONTESTED}) AS taken WHERE taken.currency = open_items.currency "
        "AND (CAST(:customer AS uuid) IS NULL OR customer_id = :customer)), 0)::bigint AS contested_minor "
        "FROM open_items GROUP BY currency ORDER BY 2 DESC, currency",
        customer=customer_id,
        today=today,
    )
    return [Totals(**row) for row in rows]


def list_customers(work: Work, today: date, *, wanted: str = "", limit: int = PAGE) -> list[CustomerLine]:
    """Customers by what is late, then by what is open; with ``wanted``, those whose name or account holds it."""
    rows = work.rows(
        f"WITH flying AS ({_FLYING}), parts AS ({_PARTS}), ended AS MATERIALIZED ({_ENDED}), "
        "open_items AS (SELECT item.customer_id, item.currency, item.debit, item.due_on, item.open_minor, "
        f"{_LATE} AS late, item.debit AND {_ASKED} AS asked, "
        "CASE WHEN item.kind = 'invoice' THEN least(coalesce(flying, 0), item.open_minor) ELSE 0 END AS flying "
        "FROM receivable_items AS item LEFT JOIN flying USING (invoice_id) LEFT JOIN parts USING (invoice_id) "
        "WHERE item.supplier_id = :supplier AND item.open_minor > 0), "
        "sums AS (SELECT customer_id, currency, "
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
        "FROM customers LEFT JOIN both_sums USING (customer_id) WHERE supplier_id = :supplier "
        "AND (CAST(:wanted AS text) IS NULL OR name ILIKE :wanted OR account_code ILIKE :wanted OR siren ILIKE :wanted)"
        " ORDER BY coalesce(late_minor, 0) DESC, coalesce(due_minor, 0) DESC, name LIMIT :limit",
        today=today,
        wanted=f"%{_literally(wanted)}%" if wanted else None,
        limit=limit,
    )
    return [CustomerLine(**row) for row in rows]


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
        "AND item.kind NOT IN ('invoice', 'reversal') "
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
    """What is open in ``currency`` by age: not due yet, 1-30 days late, 31-60, 61-90, more."""
    row = work.row(
        f"WITH flying AS ({_FLYING}), ended AS MATERIALIZED ({_ENDED}), "
        "left_open AS (SELECT item.invoice_id, item.due_on, item.amount_minor, "
        "item.open_minor - least(coalesce(flying, 0), item.open_minor) AS open_minor "
        "FROM receivable_items AS item LEFT JOIN flying USING (invoice_id) WHERE item.supplier_id = :supplier "
        f"AND item.open_minor > 0 AND item.kind = 'invoice' AND item.currency = :currency AND {_ASKED}), "
        "slices AS (SELECT left_open.invoice_id, part.due_on, least(part.amount_minor, greatest("
        "sum(part.amount_minor) OVER (PARTITION BY part.invoice_id ORDER BY position) "
        "- left_open.amount_minor + left_open.open_minor, 0)) AS open_minor FROM instalments AS part "
        "JOIN left_open USING (invoice_id) WHERE part.supplier_id = :supplier), "
        "items AS (SELECT CAST(:today AS date) - due_on AS days, open_minor FROM slices UNION ALL "
        "SELECT CAST(:today AS date) - due_on, open_minor FROM left_open "
        "WHERE invoice_id NOT IN (SELECT invoice_id FROM slices)) "
        "SELECT coalesce(sum(open_minor) FILTER (WHERE days <= 0), 0)::bigint AS a, "
        "coalesce(sum(open_minor) FILTER (WHERE days BETWEEN 1 AND 30), 0)::bigint AS b, "
        "coalesce(sum(open_minor) FILTER (WHERE days BETWEEN 31 AND 60), 0)::bigint AS c, "
        "coalesce(sum(open_minor) FILTER (WHERE days BETWEEN 61 AND 90), 0)::bigint AS d, "
        "coalesce(sum(open_minor) FILTER (WHERE days > 90), 0)::bigint AS e FROM items",
        today=today,
        currency=currency,
    )
    assert row is not None  # noqa: S101 -- a sum without groups has one row
    return [row["a"], row["b"], row["c"], row["d"], row["e"]]


def _literally(wanted: str) -> str:
    """``wanted`` for ILIKE, with its wildcards taken as they are."""
    return wanted.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")
