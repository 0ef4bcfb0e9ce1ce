"""The statuses of an invoice as they came and went: an append-only list, each message once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from config.clock import now
from receivables.domain.told import Told
from receivables.store.event_log import tell
from receivables.store.work import to_json

if TYPE_CHECKING:
    from uuid import UUID

    from einvoice.lifecycle.message import StatusMessage
    from receivables.store.work import Work


def note_status(work: Work, invoice_id: UUID, message: StatusMessage, *, direction: str, flow_ref: str | None) -> bool:
    """Append a status to an invoice's life, and tell it; returns whether it was new."""
    is_new = bool(
        work.execute(
            "INSERT INTO statuses (supplier_id, invoice_id, message_id, code, direction, set_at, reasons, amounts, "
            "note, flow_ref, created_at) VALUES (:supplier, :invoice, :message, :code, :direction, :set_at, "
            "CAST(:reasons AS jsonb), CAST(:amounts AS jsonb), :note, :flow, :at) ON CONFLICT DO NOTHING",
            invoice=invoice_id,
            **row_of(message, direction, flow_ref),
        )
    )
    if is_new:
        _tell(work, invoice_id, message, direction)
    return is_new


def _tell(work: Work, invoice_id: UUID, message: StatusMessage, direction: str) -> None:
    about = work.row(
        "SELECT number, customer_id FROM invoices WHERE supplier_id = :supplier AND invoice_id = :id", id=invoice_id
    )
    if about is not None:
        reasons = [each.code for each in message.reasons]
        data = {"number": about["number"], "code": message.status, "direction": direction, "reasons": reasons}
        tell(work, [Told("invoice.status", data, about["customer_id"], invoice_id)])


def row_of(message: StatusMessage, direction: str, flow_ref: str | None) -> dict[str, Any]:
    """What is kept of a status, whoever's invoice it is about: the values of its row."""
    amounts = [{"kind": e.kind, "amount": e.amount, "currency": e.currency, "rate": e.rate} for e in message.amounts]
    return {
        "message": message.message_id,
        "code": message.status,
        "direction": direction,
        "set_at": message.occurred_at,
        "reasons": to_json([{"code": each.code, "label": each.label} for each in message.reasons]),
        "amounts": to_json(amounts),
        "note": message.note,
        "flow": flow_ref,
        "at": now(),
    }


def codes_of(work: Work, invoice_id: UUID) -> list[str]:
    """The codes of an invoice's statuses, in both directions, in the order in which they were set."""
    rows = work.rows(
        "SELECT code FROM statuses WHERE supplier_id = :supplier AND invoice_id = :invoice ORDER BY set_at, created_at",
        invoice=invoice_id,
    )
    return [row["code"] for row in rows]
