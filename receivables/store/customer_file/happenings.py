"""What happened, for time lines: read from every table that remembers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from receivables.domain.invoicing.invoices import CREDIT_NOTES

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy import RowMapping

    from receivables.store.work import Work

RECENT = 20
"""Events of a customer's time line."""


@dataclass(frozen=True, slots=True)
class Happening:
    """One event: ``kind`` says which words tell it, ``facts`` what fills them; amounts are minor units."""

    at: datetime
    kind: str
    facts: dict[str, Any]


@dataclass(frozen=True, slots=True)
class MailLine:
    """One mail in the book of mails."""

    mail_id: UUID
    mail_key: str
    recipient: str
    subject: str
    text_body: str
    invoice_id: UUID | None
    state: str
    created_at: datetime
    sent_at: datetime | None


_STATUSES = (
    "SELECT set_at AS at, code, direction, reasons, amounts, note, number FROM statuses "
    "JOIN invoices USING (supplier_id, invoice_id) WHERE supplier_id = :supplier AND invoice_id = ANY(:ids)"
)
_SHARED = {
    "issued": "SELECT created_at AS at, number, currency, payable_minor AS amount_minor, due_on, "
    "type_code = ANY(:credit_notes) AS is_credit, coalesce(series, '') = 'N' AS is_claim, opening_id IS NOT NULL "
    "AS is_taken_over FROM invoices WHERE supplier_id = :supplier AND invoice_id = ANY(:ids)",
    "cash": "SELECT movement.created_at AS at, movement.sequence, movement.kind AS movement, movement.amount_minor, "
    "movement.currency, movement.reason, movement.collected_on, "
    "CASE WHEN entry.source_kind IN ('receipt', 'return', 'return_failed') THEN entry.source_ref "
    "ELSE entry.document_ref END AS reference, number, type_code = ANY(:credit_notes) AS is_credit "
    "FROM collections AS movement JOIN entries AS entry USING (supplier_id, entry_id) "
    "JOIN invoices USING (supplier_id, invoice_id) "
    "WHERE supplier_id = :supplier AND invoice_id = ANY(:ids)",
    "waived": "SELECT entry.created_at AS at, item.kind AS waived, item.amount_minor, item.currency, number "
    "FROM receivable_items AS item JOIN postings USING (supplier_id, posting_id) "
    "JOIN entries AS entry USING (supplier_id, entry_id) "
    "JOIN invoices ON invoices.supplier_id = :supplier AND invoices.invoice_id = item.invoice_id "
    "WHERE item.supplier_id = :supplier AND item.invoice_id = ANY(:ids) "
    "AND item.kind IN ('discount', 'waiver', 'charge', 'waived_back')",
    "attempt": "SELECT attempt.changed_at AS at, attempt.state, reservation.amount_minor, attempt.currency, "
    "attempt.failure_code, attempt.payment_ref AS reference, number "
    "FROM payment_attempts AS attempt JOIN reservations AS reservation USING (supplier_id, attempt_id) "
    "JOIN invoices USING (supplier_id, invoice_id) "
    "WHERE supplier_id = :supplier AND invoice_id = ANY(:ids) AND attempt.state IN ('processing', 'failed')",
    "status": f"{_STATUSES} AND code <> '226'",
    "dispute": "SELECT happened_at AS at, event.kind AS act, event.facts ->> 'origin' AS origin, dispute.reason, "
    "CASE WHEN event.kind = 'claimed' THEN NULL ELSE event.said END AS said, dispute.currency, "
    "CAST(event.facts ->> 'amount_minor' AS bigint) AS amount_minor, number FROM dispute_events AS event "
    "JOIN disputes AS dispute USING (supplier_id, dispute_id) JOIN invoices USING (supplier_id, invoice_id) "
    "WHERE supplier_id = :supplier AND dispute.invoice_id = ANY(:ids) "
    "AND event.kind IN ('claimed', 'answered', 'documents_sent', 'accepted', 'partly', 'rejected', 'closed')",
}
"""What the customer reads too: an invoice is assigned in confidence (226) from the customer above all."""
_NEWEST = (
    "WITH newest AS MATERIALIZED (SELECT invoice_id FROM invoices WHERE supplier_id = :supplier "
    "AND customer_id = :customer ORDER BY issued_on DESC, invoice_id DESC LIMIT :most) "
)
_INTERNAL = {
    "status": _STATUSES,
    "document": "SELECT created_at AS at, form, filename, size_bytes, report IS NOT NULL AS checked FROM documents "
    "WHERE supplier_id = :supplier AND invoice_id = ANY(:ids)",
    "flow": "SELECT changed_at AS at, kind AS flow, state, refusal, tracking_id, sends FROM platform_flows "
    "WHERE supplier_id = :supplier AND invoice_id = ANY(:ids)",
    "lettered": "SELECT lettered_at AS at, code, balanced, lettered_on FROM letterings "
    "WHERE supplier_id = :supplier AND lettering_id IN (SELECT line.lettering_id FROM lettering_lines AS line "
    "JOIN receivable_items AS item USING (supplier_id, posting_id) "
    "WHERE line.supplier_id = :supplier AND item.invoice_id = ANY(:ids))",
    "unlettered": "SELECT ended_at AS at, code, reason FROM lettering_ends JOIN letterings "
    "USING (supplier_id, lettering_id) WHERE supplier_id = :supplier AND lettering_id IN "
    "(SELECT line.lettering_id FROM lettering_lines AS line JOIN receivable_items AS item "
    "USING (supplier_id, posting_id) WHERE line.supplier_id = :supplier AND item.invoice_id = ANY(:ids))",
    "link": "SELECT minted_at AS at, purpose FROM pay_links WHERE supplier_id = :supplier AND invoice_id = ANY(:ids)",
    "revoked": "SELECT revoked_at AS at, count(*) AS links FROM pay_links WHERE supplier_id = :supplier "
    "AND invoice_id = ANY(:ids) AND revoked_at IS NOT NULL GROUP BY revoked_at",
    "mail": "SELECT coalesce(sent_at, created_at) AS at, recipient, subject, state FROM mails "
    "WHERE supplier_id = :supplier AND invoice_id = ANY(:ids)",
}


def life_of_invoice(work: Work, invoice_id: UUID, *, internal: bool) -> list[Happening]:
    """Everything that happened to an invoice, newest first; ``internal`` adds what is the supplier's own business."""
    return _read(work, {**_SHARED, **_INTERNAL} if internal else _SHARED, ids=[invoice_id])


def life_of_customer(work: Work, customer_id: UUID) -> list[Happening]:
    """The latest events of a customer's newest invoices."""
    newest = "ARRAY(SELECT invoice_id FROM newest)"
    queries = {kind: sql.replace(":ids", newest) for kind, sql in _SHARED.items()}
    return _read(work, queries, _NEWEST, customer=customer_id, most=RECENT)[:RECENT]


def latest_attempt(work: Work, invoice_id: UUID) -> RowMapping | None:
    """State, failure code and age of the last attempt to pay an invoice, and how much of it is for this one."""
    return work.row(
        "SELECT attempt.attempt_id, attempt.state, attempt.failure_code, attempt.changed_at, "
        "reservation.amount_minor FROM payment_attempts AS attempt "
        "JOIN reservations AS reservation USING (supplier_id, attempt_id) "
        "WHERE supplier_id = :supplier AND reservation.invoice_id = :invoice ORDER BY attempt.created_at DESC LIMIT 1",
        invoice=invoice_id,
    )


def last_receipt(work: Work, invoice_id: UUID) -> RowMapping | None:
    """Amount and day of the last cash that came in on an invoice."""
    return work.row(
        "SELECT amount_minor, currency, collected_on FROM collections WHERE supplier_id = :supplier "
        "AND invoice_id = :invoice AND amount_minor > 0 ORDER BY sequence DESC LIMIT 1",
        invoice=invoice_id,
    )


def find_mail(work: Work, mail_id: UUID) -> MailLine | None:
    """One mail."""
    row = work.row(
        "SELECT mail_id, mail_key, recipient, subject, text_body, invoice_id, state, created_at, sent_at FROM mails "
        "WHERE supplier_id = :supplier AND mail_id = :mail",
        mail=mail_id,
    )
    return MailLine(**row) if row else None


def _read(work: Work, queries: dict[str, str], about: str = "", **values: Any) -> list[Happening]:
    """What every query tells, in one statement: each row is its instant and, as JSON, its facts."""
    told = " UNION ALL ".join(
        f"SELECT {position} AS position, '{kind}' AS kind, at, to_jsonb(told) - 'at' AS facts FROM ({sql}) AS told"
        for position, (kind, sql) in enumerate(queries.items())
    )
    rows = work.rows(f"{about}{told} ORDER BY at DESC, position", credit_notes=sorted(CREDIT_NOTES), **values)
    return [Happening(row["at"], row["kind"], _with_days(row["facts"])) for row in rows]


def _with_days(facts: dict[str, Any]) -> dict[str, Any]:
    """The facts of a row with days as days: JSON has none."""
    return {
        name: date.fromisoformat(value) if name.endswith("_on") and value else value for name, value in facts.items()
    }
