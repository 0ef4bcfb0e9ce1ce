"""Everything about one customer that the customer may see, as plain rows: for its own export of its data.

What stays inside (notes, scores, limits, reminders' reasoning) is not asked for here, so that no page can hand it out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date
    from uuid import UUID

    from sqlalchemy import RowMapping

    from receivables.store.work import Work

MOST_ROWS = 20_000
"""Rows of one list: an export of more is asked for by period."""
_LISTS = {
    "invoices": (
        "SELECT number, type_code, issued_on, due_on, currency, total_minor, prepaid_minor, payable_minor, "
        "buyer_reference, coalesce((SELECT sum(open_minor) FROM receivable_items AS item "
        "WHERE item.supplier_id = :supplier AND item.invoice_id = invoices.invoice_id), 0)::bigint AS open_minor "
        "FROM invoices WHERE supplier_id = :supplier AND customer_id = :customer "
        "AND issued_on BETWEEN :first AND :last ORDER BY issued_on, number LIMIT :most"
    ),
    "payments": (
        "SELECT kind, reference, booked_on, currency, amount_minor, open_minor FROM receivable_items "
        "WHERE supplier_id = :supplier AND customer_id = :customer "
        "AND kind NOT IN ('invoice', 'reversal', 'assigned', 'assigned_back') "
        "AND booked_on BETWEEN :first AND :last ORDER BY booked_on, reference LIMIT :most"
    ),
    "disputes": (
        "SELECT number, reason, scope, dispute.amount_minor, dispute.currency, state, opened_at, answered_at, "
        "closed_at FROM disputes AS dispute JOIN invoices AS invoice USING (supplier_id, invoice_id) "
        "WHERE supplier_id = :supplier AND dispute.customer_id = :customer AND merged_into IS NULL "
        "AND opened_at::date BETWEEN :first AND :last ORDER BY opened_at LIMIT :most"
    ),
    "messages": (
        "SELECT invoice.number, side, channel, author, said, said_at FROM messages AS message "
        "JOIN message_threads AS thread USING (supplier_id, thread_id) LEFT JOIN invoices AS invoice "
        "ON invoice.supplier_id = :supplier AND invoice.invoice_id = thread.invoice_id "
        "WHERE message.supplier_id = :supplier AND thread.customer_id = :customer "
        "AND said_at::date BETWEEN :first AND :last ORDER BY said_at LIMIT :most"
    ),
    "promises": (
        "SELECT amount_minor, currency, promised_on, state, kept_minor, made_at FROM promises "
        "WHERE supplier_id = :supplier AND customer_id = :customer AND made_at::date BETWEEN :first AND :last "
        "ORDER BY made_at LIMIT :most"
    ),
    "plans": (
        "SELECT total_minor, currency, state, proposed_at, accepted_at, (SELECT jsonb_agg(jsonb_build_object("
        "'due_on', due_on, 'amount_minor', amount_minor) ORDER BY position) FROM plan_instalments AS part "
        "WHERE part.supplier_id = :supplier AND part.plan_id = plans.plan_id) AS instalments FROM plans "
        "WHERE supplier_id = :supplier AND customer_id = :customer AND proposed_at::date BETWEEN :first AND :last "
        "ORDER BY proposed_at LIMIT :most"
    ),
    "mandates": (
        "SELECT rum, scheme, debtor_name, iban_last4, state, signed_at FROM mandates WHERE supplier_id = :supplier "
        "AND customer_id = :customer AND state <> 'drafted' AND created_at::date <= :last AND :first <= :last "
        "ORDER BY created_at LIMIT :most"
    ),
    "advices": (
        "SELECT form, currency, told_minor, total_minor, paid_on, reference, state, read_at FROM remittance_advices "
        "WHERE supplier_id = :supplier AND customer_id = :customer AND read_at::date BETWEEN :first AND :last "
        "ORDER BY read_at LIMIT :most"
    ),
    "terms_shown": (
        "SELECT attempt_id, version, known.sha256, effective_on, shown_at FROM terms_shown AS shown "
        "JOIN terms_versions AS known USING (supplier_id, version_id) WHERE supplier_id = :supplier "
        "AND customer_id = :customer AND shown_at::date BETWEEN :first AND :last ORDER BY shown_at LIMIT :most"
    ),
}
"""The lists of an export, each with its query."""


@dataclass(frozen=True, slots=True)
class OwnFile:
    """A file of the archive that the customer may fetch; ``folder`` is the invoice's number, or what it belongs to."""

    folder: str
    filename: str
    sha256: str
    size_bytes: int


def customer_lists(work: Work, customer_id: UUID, first: date, last: date) -> dict[str, Sequence[dict[str, Any]]]:
    """Every list of a customer, of what happened from ``first`` to ``last``, both included."""
    values = {"customer": customer_id, "first": first, "last": last, "most": MOST_ROWS}
    return {name: [dict(row) for row in _rows(work, sql, values)] for name, sql in _LISTS.items()}


def customer_files(work: Work, customer_id: UUID, first: date, last: date) -> list[OwnFile]:
    """The documents of a customer's invoices, the files of its messages and of its advices."""
    rows = work.rows(
        "SELECT invoice.number AS folder, filename, sha256, size_bytes FROM documents JOIN invoices AS invoice "
        "USING (supplier_id, invoice_id) WHERE supplier_id = :supplier AND customer_id = :customer AND form <> 'cdar' "
        "AND issued_on BETWEEN :first AND :last UNION ALL "
        "SELECT 'messages', document.filename, document.sha256, document.size_bytes FROM message_files AS file "
        "JOIN messages AS message USING (supplier_id, message_id) "
        "JOIN message_threads AS thread USING (supplier_id, thread_id) "
        "JOIN documents AS document USING (supplier_id, document_id) WHERE supplier_id = :supplier "
        "AND thread.customer_id = :customer AND said_at::date BETWEEN :first AND :last UNION ALL "
        "SELECT 'advices', document.filename, document.sha256, document.size_bytes FROM remittance_advices AS advice "
        "JOIN documents AS document USING (supplier_id, document_id) WHERE supplier_id = :supplier "
        "AND advice.customer_id = :customer AND read_at::date BETWEEN :first AND :last "
        "ORDER BY folder, filename, sha256 LIMIT :most",
        customer=customer_id,
        first=first,
        last=last,
        most=MOST_ROWS,
    )
    return [OwnFile(**row) for row in rows]


def _rows(work: Work, sql: str, values: dict[str, Any]) -> Sequence[RowMapping]:
    return work.rows(sql, **values)
