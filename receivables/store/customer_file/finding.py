"""Everything found by a few words: customers, documents, money, contacts, messages; each group read at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from receivables.store.accounting.former_lines import STANDING, compact_of, last_of
from receivables.store.conversations.message_words import holding
from receivables.store.invoicing.choices import candidates, choose_numbered
from receivables.store.work import literally

if TYPE_CHECKING:
    from datetime import date
    from uuid import UUID

    from receivables.store.work import Work

MOST_OF_A_KIND = 8
SHORTEST = 2
"""Characters: one alone finds everything, which is nothing."""
_KINDS = {
    "customer": (
        "SELECT 'customer' AS kind, customer_id AS id, customer_id, name AS customer, name AS title, "
        "account_code AS detail, CAST(NULL AS bigint) AS minor, CAST(NULL AS char(3)) AS currency, "
        "CAST(NULL AS date) AS on_day FROM customers WHERE supplier_id = :supplier AND (name ILIKE :like "
        "OR account_code ILIKE :like OR siren ILIKE :start OR email ILIKE :like) ORDER BY name, customer_id"
    ),
    "invoice": (
        "SELECT 'invoice', invoice.invoice_id, invoice.customer_id, customer.name, invoice.number, "
        "coalesce(invoice.buyer_reference, ''), invoice.payable_minor, invoice.currency, invoice.issued_on "
        "FROM invoices AS invoice JOIN customers AS customer USING (supplier_id, customer_id) "
        "WHERE supplier_id = :supplier AND invoice.invoice_id = ANY(:invoices) "
        "ORDER BY invoice.issued_on DESC, invoice.invoice_id"
    ),
    "former": (
        "SELECT 'former', former.line_id, former.customer_id, customer.name, former.piece, former.letters, "
        "former.debit_minor + former.credit_minor, former.currency, former.day FROM former_lines AS former "
        "JOIN customers AS customer USING (supplier_id, customer_id) WHERE supplier_id = :supplier "
        "AND :compact <> '' AND former.compact_piece >= :compact AND former.compact_piece <= :last "
        f"AND {STANDING} ORDER BY former.compact_piece, former.day DESC, former.line_id"
    ),
    "payment": (
        "SELECT 'payment', attempt.attempt_id, attempt.customer_id, customer.name, "
        "coalesce(attempt.payment_ref, ''), '', attempt.amount_minor, attempt.currency, "
        "CAST(attempt.created_at AT TIME ZONE 'Europe/Paris' AS date) FROM payment_attempts AS attempt "
        "JOIN customers AS customer USING (supplier_id, customer_id) WHERE supplier_id = :supplier "
        "AND attempt.state IN ('processing', 'succeeded') AND (attempt.payment_ref ILIKE :like "
        "OR attempt.amount_minor = :minor) ORDER BY attempt.created_at DESC, attempt.attempt_id"
    ),
    "bank": (
        "SELECT 'bank', line.line_id, line.customer_id, coalesce(customer.name, line.counterparty), "
        "line.remittance, line.counterparty, line.amount_minor, line.currency, line.booked_on "
        "FROM bank_lines AS line LEFT JOIN customers AS customer USING (supplier_id, customer_id) "
        "WHERE supplier_id = :supplier AND (line.remittance ILIKE :like OR line.structured_reference ILIKE :like "
        "OR line.end_to_end_id ILIKE :like OR line.counterparty ILIKE :like OR line.amount_minor = :minor) "
        "ORDER BY line.booked_on DESC, line.line_id"
    ),
    "contact": (
        "SELECT 'contact', contact.contact_id, contact.customer_id, customer.name, contact.name, "
        "concat_ws(' · ', contact.phone, contact.email), CAST(NULL AS bigint), CAST(NULL AS char(3)), "
        "CAST(NULL AS date) FROM customer_contacts AS contact "
        "JOIN customers AS customer USING (supplier_id, customer_id) WHERE supplier_id = :supplier "
        "AND contact.removed_at IS NULL AND (contact.name ILIKE :like OR contact.email ILIKE :like "
        "OR (length(:digits) > 3 AND regexp_replace(contact.phone, '[^0-9]', '', 'g') LIKE '%' || :digits || '%')) "
        "ORDER BY contact.name, contact.contact_id"
    ),
    "message": (
        "SELECT 'message', coalesce(thread.invoice_id, thread.customer_id), thread.customer_id, customer.name, "
        "left(message.said, 200), CASE WHEN thread.invoice_id IS NULL THEN 'customers' ELSE 'invoices' END, "
        "CAST(NULL AS bigint), CAST(NULL AS char(3)), CAST(message.said_at AT TIME ZONE 'Europe/Paris' AS date) "
        "FROM (SELECT * FROM messages WHERE supplier_id = :supplier AND message_id IN ({holding}) "
        "ORDER BY said_at DESC, message_id LIMIT :most) AS message JOIN message_threads AS thread "
        "USING (supplier_id, thread_id) JOIN customers AS customer USING (supplier_id, customer_id) "
        "WHERE supplier_id = :supplier ORDER BY message.said_at DESC, message.message_id"
    ),
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found; ``kind`` says what ``id`` names. For a message ``detail`` is the kind of its conversation."""

    kind: str
    id: UUID
    customer_id: UUID | None
    customer: str
    title: str
    detail: str
    minor: int | None
    currency: str | None
    on_day: date | None


def find(work: Work, words: str, minor: int | None) -> dict[str, list[Finding]]:
    """What holds ``words``, or is for exactly ``minor``, by kind; at most :data:`MOST_OF_A_KIND` and one more of each.

    Each kind is looked for with a limit of its own; invoices begin or end with the words, in messages each word begins
    one, the others hold them.
    """
    found: dict[str, list[Finding]] = {kind: [] for kind in _KINDS}
    if len(words) < SHORTEST:
        return found
    plain = literally(words)
    said, values = holding(work, words)
    parts = " UNION ALL ".join(
        f"SELECT * FROM ({sql.replace('{holding}', said)} LIMIT :most) AS {kind}" for kind, sql in _KINDS.items()
    )
    rows = work.rows(
        parts,
        like=f"%{plain}%",
        start=f"{plain.replace(' ', '')}%",
        digits="".join(c for c in words if c.isdigit()),
        compact=compact_of(words),
        last=last_of(words),
        minor=minor,
        invoices=candidates(work, choose_numbered(words, minor), None, MOST_OF_A_KIND + 1),
        most=MOST_OF_A_KIND + 1,
        **values,
    )
    for row in rows:
        found[row["kind"]].append(Finding(**row))
    return found
