"""The statuses of an invoice received: an append-only list in both directions, each message once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from einvoice.lifecycle.history import row_of

if TYPE_CHECKING:
    from uuid import UUID

    from einvoice.lifecycle.message import StatusMessage
    from receivables.store.work import Work

COUNTS = (
    "(said.direction = 'in' OR EXISTS (SELECT 1 FROM platform_flows AS flow WHERE flow.supplier_id = said.supplier_id "
    "AND flow.document_id = said.document_id AND flow.state <> 'refused'))"
)
"""SQL: a status ``said`` counts if it came in, or if a flow that carries it was not refused by the platform."""


def note_received_status(
    work: Work,
    received_id: UUID,
    message: StatusMessage,
    *,
    direction: str,
    flow_ref: str | None = None,
    document_id: UUID | None = None,
) -> bool:
    """Append a status to the life of an invoice received; returns whether it was new."""
    return bool(
        work.execute(
            "INSERT INTO received_statuses (supplier_id, received_id, message_id, code, direction, set_at, reasons, "
            "amounts, note, flow_ref, document_id, created_at) VALUES (:supplier, :received, :message, :code, "
            ":direction, :set_at, CAST(:reasons AS jsonb), CAST(:amounts AS jsonb), :note, :flow, :document, :at) "
            "ON CONFLICT DO NOTHING",
            received=received_id,
            **row_of(message, direction, flow_ref),
            document=document_id,
        )
    )


def codes_of_received(work: Work, received_id: UUID) -> list[str]:
    """The codes that count, as they were set, of an invoice received and of every other file of the same invoice.

    A status names the seller, the number and the date: what was said of one file was said of its duplicates too.
    """
    rows = work.rows(
        "SELECT said.code FROM received_invoices AS meant JOIN received_invoices AS same "  # noqa: S608 -- our own
        "ON same.supplier_id = meant.supplier_id AND (same.received_id = meant.received_id "
        "OR same.seller_ref = meant.seller_ref AND same.number = meant.number "
        "AND extract(year FROM same.issued_on) = extract(year FROM meant.issued_on)) "
        "JOIN received_statuses AS said ON said.supplier_id = same.supplier_id AND said.received_id = same.received_id "
        f"WHERE meant.supplier_id = :supplier AND meant.received_id = :received AND {COUNTS} "
        "ORDER BY said.set_at, said.created_at",
        received=received_id,
    )
    return [row["code"] for row in rows]
