"""The whole life of a payment: attempt, entries, lettering, movements at the provider, payout, refunds, disputes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from receivables.store.work import literally

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime
    from uuid import UUID

    from sqlalchemy import RowMapping

    from receivables.store.work import Work

PAGE = 50
STATES = ("processing", "succeeded", "failed", "returned", "credit", "open")
"""How a list may be narrowed; ``credit`` is money that no invoice took, ``returned`` money that went back."""


@dataclass(frozen=True, slots=True)
class PaymentLine:
    """A payment in a list, in minor units; ``at`` is when it was begun."""

    attempt_id: UUID
    customer_id: UUID
    customer_name: str
    road: str
    method: str
    provider: str | None
    live: bool | None
    state: str
    failure_code: str | None
    payment_ref: str | None
    session_ref: str | None
    account_id: UUID | None
    chosen_by: str
    amount_minor: int
    currency: str
    received_minor: int
    returned_minor: int
    credit_minor: int
    at: datetime
    changed_at: datetime
    invoices: Sequence[str]


@dataclass(frozen=True, slots=True)
class Share:
    """What a payment settles of one invoice now, and how much it was meant to."""

    invoice_id: UUID
    number: str
    aimed_minor: int
    settled_minor: int
    open_minor: int
    letters: str | None


@dataclass(frozen=True, slots=True)
class EntryLine:
    """One line of an entry behind a payment."""

    entry_id: UUID
    journal: str
    booked_on: date
    source_kind: str
    source_ref: str
    account: str
    debit_minor: int
    credit_minor: int
    currency: str


@dataclass(frozen=True, slots=True)
class Contest:
    """A payer's complaint to their bank."""

    dispute_ref: str
    reason: str
    state: str
    amount_minor: int
    currency: str
    opened_at: datetime
    answer_until: datetime | None


_LINES = (
    "SELECT attempt.attempt_id, attempt.customer_id, customer.name AS customer_name, attempt.road, "
    "attempt.method, account.provider, account.live, attempt.state, attempt.failure_code, attempt.payment_ref, "
    "attempt.session_ref, attempt.account_id, attempt.chosen_by, attempt.amount_minor, attempt.currency, "
    "money.received_minor, money.returned_minor, money.credit_minor, attempt.created_at AS at, attempt.changed_at, "
    "ARRAY(SELECT number FROM reservations JOIN invoices USING (supplier_id, invoice_id) "
    "WHERE supplier_id = :supplier AND reservations.attempt_id = attempt.attempt_id ORDER BY number) AS invoices "
    "FROM payment_attempts AS attempt "
    "JOIN customers AS customer ON customer.supplier_id = :supplier AND customer.customer_id = attempt.customer_id "
    "LEFT JOIN gateway_accounts AS account ON account.supplier_id = :supplier "
    "AND account.account_id = attempt.account_id "
    "LEFT JOIN LATERAL (SELECT "
    "coalesce(sum(amount_minor) FILTER (WHERE kind = 'receipt'), 0)::bigint AS received_minor, "
    "coalesce(sum(CASE kind WHEN 'refund' THEN amount_minor WHEN 'refund_failed' THEN -amount_minor END), 0)::bigint "
    "AS returned_minor, coalesce(sum(open_minor) FILTER (WHERE kind = 'receipt'), 0)::bigint AS credit_minor "
    "FROM receivable_items WHERE supplier_id = :supplier AND attempt_id = attempt.attempt_id) AS money ON true "
    "WHERE attempt.supplier_id = :supplier "
)
_NARROWED = {
    "processing": "AND attempt.state = 'processing' ",
    "succeeded": "AND attempt.state = 'succeeded' ",
    "failed": "AND attempt.state IN ('failed', 'expired', 'superseded') ",
    "returned": "AND attempt.attempt_id IN (SELECT attempt_id FROM receivable_items WHERE supplier_id = :supplier "
    "AND kind = 'refund') AND money.returned_minor > 0 ",
    "credit": "AND attempt.attempt_id IN (SELECT attempt_id FROM receivable_items WHERE supplier_id = :supplier "
    "AND kind = 'receipt' AND open_minor > 0) ",
    "open": "AND attempt.state IN ('created', 'open') ",
}
_WANTED = (
    "AND attempt.attempt_id IN (SELECT attempt_id FROM payment_attempts WHERE supplier_id = :supplier "
    "AND payment_ref ILIKE :wanted UNION ALL SELECT attempt_id FROM payment_attempts JOIN customers "
    "USING (supplier_id, customer_id) WHERE supplier_id = :supplier AND name ILIKE :wanted UNION ALL "
    "SELECT attempt_id FROM reservations JOIN invoices USING (supplier_id, invoice_id) "
    "WHERE supplier_id = :supplier AND number ILIKE :wanted) "
)
"""Each of the three is looked for once, not once per payment."""


def list_payments(
    work: Work,
    *,
    state: str | None = None,
    method: str | None = None,
    wanted: str = "",
    customer_id: UUID | None = None,
    after: UUID | None = None,
    limit: int = PAGE,
) -> list[PaymentLine]:
    """Payments by every road, newest first: one more than ``limit``."""
    rows = work.rows(
        _LINES
        + _NARROWED.get(state or "", "")
        + (_WANTED if wanted else "")
        + "AND (CAST(:method AS text) IS NULL OR attempt.method = :method) "
        "AND (CAST(:customer AS uuid) IS NULL OR attempt.customer_id = :customer) "
        "AND (CAST(:after AS uuid) IS NULL OR (attempt.created_at, attempt.attempt_id) < ("
        "SELECT created_at, attempt_id FROM payment_attempts WHERE supplier_id = :supplier AND attempt_id = :after)) "
        "ORDER BY attempt.created_at DESC, attempt.attempt_id DESC LIMIT :limit",
        method=method,
        customer=customer_id,
        wanted=f"%{literally(wanted)}%",
        after=after,
        limit=limit + 1,
    )
    return [_line(row) for row in rows]


def find_payment(work: Work, attempt_id: UUID) -> PaymentLine | None:
    """One payment."""
    row = work.row(_LINES + "AND attempt.attempt_id = :id", id=attempt_id)
    return _line(row) if row else None


def find_payments(work: Work, attempt_ids: Sequence[UUID]) -> dict[UUID, PaymentLine]:
    """Several payments, by their ids."""
    rows = work.rows(_LINES + "AND attempt.attempt_id = ANY(:ids)", ids=list(attempt_ids))
    return {row["attempt_id"]: _line(row) for row in rows}


def methods_used(work: Work) -> list[str]:
    """The methods by which payments came, for a choice."""
    return [
        row["method"]
        for row in work.rows(
            "SELECT DISTINCT method FROM payment_attempts WHERE supplier_id = :supplier AND method <> '' ORDER BY 1"
        )
    ]


def shares_of(work: Work, attempt_id: UUID) -> list[Share]:
    """What a payment was meant for and what it settles, invoice by invoice."""
    rows = work.rows(
        "WITH aims AS (SELECT invoice_id, sum(minor)::bigint AS minor FROM (SELECT invoice_id, amount_minor AS minor "
        "FROM reservations WHERE supplier_id = :supplier AND attempt_id = :id UNION ALL SELECT invoice_id, "
        "amount_minor FROM aim_choices WHERE supplier_id = :supplier AND attempt_id = :id) AS each GROUP BY 1), "
        "settled AS (SELECT debit.invoice_id, sum(allocation.amount_minor)::bigint AS minor "
        "FROM receivable_items AS credit JOIN allocations AS allocation ON allocation.supplier_id = :supplier "
        "AND allocation.credit_posting_id = credit.posting_id JOIN receivable_items AS debit "
        "ON debit.supplier_id = :supplier AND debit.posting_id = allocation.debit_posting_id "
        "WHERE credit.supplier_id = :supplier AND credit.attempt_id = :id AND credit.kind = 'receipt' "
        "AND debit.kind = 'invoice' GROUP BY 1) "
        "SELECT invoice.invoice_id, number, coalesce(aims.minor, 0)::bigint AS aimed_minor, "
        "coalesce(settled.minor, 0)::bigint AS settled_minor, coalesce(item.open_minor, 0) AS open_minor, "
        "lettering.code AS letters FROM aims FULL JOIN settled USING (invoice_id) "
        "JOIN invoices AS invoice USING (invoice_id) "
        "LEFT JOIN receivable_items AS item ON item.supplier_id = :supplier AND item.invoice_id = invoice.invoice_id "
        "AND item.kind = 'invoice' LEFT JOIN letterings AS lettering ON lettering.supplier_id = :supplier "
        "AND lettering.lettering_id = item.lettering_id WHERE invoice.supplier_id = :supplier ORDER BY number",
        id=attempt_id,
    )
    return [Share(**row) for row in rows]


def references_of(work: Work, attempt_id: UUID) -> list[str]:
    """Everything under which a payment is booked or known: its receipts, its refunds, its disputes."""
    rows = work.rows(
        "SELECT reference FROM receivable_items WHERE supplier_id = :supplier AND attempt_id = :id "
        "UNION SELECT payment_ref FROM payment_attempts WHERE supplier_id = :supplier AND attempt_id = :id "
        "AND payment_ref IS NOT NULL "
        "UNION SELECT dispute_ref FROM provider_disputes WHERE supplier_id = :supplier AND attempt_id = :id",
        id=attempt_id,
    )
    return [row["reference"] for row in rows]


def entries_on(work: Work, references: Sequence[str]) -> list[EntryLine]:
    """The lines of every entry about these references, in the order of booking."""
    rows = work.rows(
        "SELECT entry_id, journal, booked_on, source_kind, source_ref, account, debit_minor, credit_minor, currency "
        "FROM entries JOIN postings USING (supplier_id, entry_id) WHERE supplier_id = :supplier "
        "AND source_ref = ANY(:refs) ORDER BY booked_on, entries.created_at, entry_id, debit_minor = 0, account",
        refs=list(references),
    )
    return [EntryLine(**row) for row in rows]


def contests_of(work: Work, references: Sequence[str]) -> list[Contest]:
    """The disputes about these payments, oldest first."""
    rows = work.rows(
        "SELECT dispute_ref, reason, state, amount_minor, currency, opened_at, answer_until FROM provider_disputes "
        "WHERE supplier_id = :supplier AND payment_ref = ANY(:refs) ORDER BY opened_at, dispute_ref",
        refs=list(references),
    )
    return [Contest(**row) for row in rows]


def line_of_payment(work: Work, attempt_id: UUID) -> UUID | None:
    """The bank's line on which a payment arrived."""
    found: UUID | None = work.scalar(
        "SELECT line_id FROM bank_lines WHERE supplier_id = :supplier AND attempt_id = :id "
        "AND amount_minor > 0 ORDER BY booked_on LIMIT 1",
        id=attempt_id,
    )
    return found


def _line(row: RowMapping) -> PaymentLine:
    return PaymentLine(**{**row, "invoices": tuple(row["invoices"])})
