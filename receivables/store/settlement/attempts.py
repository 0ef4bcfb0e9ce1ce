"""Payment attempts and reservations in PostgreSQL, and the cash that invoices have collected."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from receivables.domain.settlement.receipts import RESERVATION_STATE, AttemptState
from receivables.store.invoicing.invoices import vat_rows_from_json
from receivables.store.work import to_json

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime
    from uuid import UUID

    from receivables.domain.settlement.collected import VatRow
    from receivables.domain.settlement.receipts import AttemptMoved
    from receivables.store.work import Work


@dataclass(slots=True)
class Attempt:
    """An attempt to pay: who, how much, for which invoices."""

    attempt_id: UUID
    customer_id: UUID
    customer_name: str
    currency: str
    state: AttemptState
    payment_ref: str | None
    created_at: datetime
    invoice_ids: set[UUID] = field(default_factory=set)


@dataclass(slots=True)
class InvoiceCash:
    """What an invoice has collected so far, and what its movements need."""

    vat_rows: tuple[VatRow, ...]
    vat_on_collection: bool
    prepaid_minor: int
    payable_minor: int
    collected_minor: int
    sequence: int
    currency: str
    number: str


def load_attempts(work: Work, attempt_ids: Collection[UUID], payment_refs: Collection[str]) -> dict[UUID, Attempt]:
    """Attempts named by id, or by the payment that their receipt was booked under."""
    rows = work.rows(
        "WITH wanted AS MATERIALIZED (SELECT :ids || ARRAY(SELECT attempt_id FROM receivable_items "
        "WHERE supplier_id = :supplier AND kind = 'receipt' AND reference = ANY(:refs)) AS ids), "
        "aim AS (SELECT attempt_id, invoice_id FROM reservations WHERE supplier_id = :supplier "
        "AND attempt_id = ANY(CAST((SELECT ids FROM wanted) AS uuid[])) "
        "UNION SELECT attempt_id, invoice_id FROM aim_choices WHERE supplier_id = :supplier "
        "AND attempt_id = ANY(CAST((SELECT ids FROM wanted) AS uuid[]))) "
        "SELECT attempt.attempt_id, attempt.customer_id, customer.name AS customer_name, attempt.currency, "
        "attempt.state, attempt.payment_ref, attempt.created_at, aim.invoice_id "
        "FROM payment_attempts AS attempt LEFT JOIN aim USING (attempt_id) "
        "JOIN customers AS customer ON customer.supplier_id = :supplier "
        "AND customer.customer_id = attempt.customer_id "
        "WHERE attempt.supplier_id = :supplier AND attempt.attempt_id = ANY(CAST((SELECT ids FROM wanted) AS uuid[]))",
        ids=list(attempt_ids),
        refs=list(payment_refs),
    )
    found: dict[UUID, Attempt] = {}
    for row in rows:
        attempt = found.get(row["attempt_id"])
        if attempt is None:
            attempt = found[row["attempt_id"]] = Attempt(
                row["attempt_id"],
                row["customer_id"],
                row["customer_name"],
                row["currency"],
                AttemptState(row["state"]),
                row["payment_ref"],
                row["created_at"],
            )
        if row["invoice_id"]:  # money may come before anybody knows what for
            attempt.invoice_ids.add(row["invoice_id"])
    return found


def load_cash(work: Work, invoice_ids: Collection[UUID]) -> dict[UUID, InvoiceCash]:
    """The cash state of invoices: one row each, summed from the append-only collections."""
    rows = work.rows(
        "SELECT invoice.invoice_id, invoice.vat_rows, invoice.vat_on_collection, invoice.prepaid_minor, "
        "invoice.payable_minor, invoice.currency, invoice.number, "
        "coalesce(sum(movement.amount_minor), 0)::bigint AS collected_minor, "
        "coalesce(max(movement.sequence), 0) AS sequence "
        "FROM invoices AS invoice LEFT JOIN collections AS movement USING (supplier_id, invoice_id) "
        "WHERE invoice.supplier_id = :supplier AND invoice.invoice_id = ANY(:ids) "
        "GROUP BY invoice.supplier_id, invoice.invoice_id",
        ids=list(invoice_ids),
    )
    return {
        row["invoice_id"]: InvoiceCash(
            vat_rows_from_json(row["vat_rows"]),
            row["vat_on_collection"],
            row["prepaid_minor"],
            row["payable_minor"],
            row["collected_minor"],
            row["sequence"],
            row["currency"],
            row["number"],
        )
        for row in rows
    }


def move_attempts(work: Work, moves: Sequence[AttemptMoved], at: datetime) -> None:
    """Write the new states of attempts and of what they reserve."""
    if not moves:
        return
    given = to_json(
        [
            {
                "attempt_id": move.attempt_id,
                "state": move.state,
                "payment_ref": move.payment_ref,
                "failure_code": move.failure_code,
                "reservation": RESERVATION_STATE[move.state],
            }
            for move in moves
        ]
    )
    work.execute(
        "WITH given AS MATERIALIZED (SELECT * FROM jsonb_to_recordset(CAST(:given AS jsonb)) "
        "AS given (attempt_id uuid, state text, payment_ref text, failure_code text, reservation text)), "
        "moved AS (UPDATE payment_attempts AS attempt SET state = given.state, changed_at = :at, "
        "payment_ref = coalesce(given.payment_ref, attempt.payment_ref), "
        "failure_code = coalesce(given.failure_code, attempt.failure_code), "
        "flew_at = CASE WHEN given.state = 'processing' THEN coalesce(attempt.flew_at, :at) ELSE attempt.flew_at END, "
        "landed_at = CASE WHEN given.state <> 'processing' AND attempt.flew_at IS NOT NULL "
        "THEN coalesce(attempt.landed_at, :at) END FROM given "
        "WHERE attempt.supplier_id = :supplier AND attempt.attempt_id = given.attempt_id) "
        "UPDATE reservations AS reservation SET state = given.reservation FROM given "
        "WHERE reservation.supplier_id = :supplier AND reservation.attempt_id = given.attempt_id",
        given=given,
        at=at,
    )
