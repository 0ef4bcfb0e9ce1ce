"""Statuses of buyers as they come in, for tests of disputes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from config.clock import new_id
from einvoice.lifecycle.history import note_status
from einvoice.lifecycle.message import (
    BUYER,
    Datum,
    Detail,
    InvoiceReference,
    Note,
    Reason,
    StatusMessage,
    StatusParty,
)
from einvoice.reactions import react_to_status
from receivables.domain.conversations.disputes import Origin, Scope
from receivables.services.conversations.disputing import OpenDispute, open_dispute

if TYPE_CHECKING:
    from typing import Any

    from receivables.domain.conversations.disputes import Dispute
    from receivables.domain.invoicing.invoices import Invoice
    from receivables.store.work import Work

NOON = datetime(2026, 10, 20, 10, 0, tzinfo=UTC)


def status_message(
    invoice: Invoice,
    code: str,
    *reasons: str,
    hours: float = 0,
    said: str | None = None,
    amount: str | None = None,
    kind: str = "MNATTC",
    issuer: str = BUYER,
    at: datetime | None = None,
) -> StatusMessage:
    """A status set ``hours`` after noon, or at ``at``, with an amount where one is given."""
    data = (Datum(kind, Decimal(amount), "EUR"),) if amount else ()
    notes = (Note(said),) if said else ()
    details = tuple(Detail(n, Reason(each), notes, data) for n, each in enumerate(reasons, 1)) or (
        (Detail(1, None, notes, data),) if data or notes else ()
    )
    occurred = at or NOON + timedelta(hours=hours)
    return StatusMessage(
        f"{invoice.number}_{code}_{new_id().hex}",
        code,
        occurred,
        InvoiceReference(invoice.number, issued_on=invoice.issued_on),
        set_at=occurred,
        issuer=StatusParty(issuer),
        details=details,
    )


def receive(work: Work, invoice: Invoice, message: StatusMessage) -> bool:
    """Note a status and react to it, as the reception does; whether it was new."""
    fresh = note_status(work, invoice.invoice_id, message, direction="in", flow_ref=None)
    if fresh:
        react_to_status(work, invoice, message)
    return fresh


def claim(work: Work, invoice: Invoice, reason: str = "QTE_ERR", **changes: Any) -> Dispute:
    """The customer contests the whole on our page, unless told otherwise."""
    values: dict[str, Any] = {
        "invoice_id": invoice.invoice_id,
        "reason": reason,
        "scope": Scope.WHOLE,
        "said": "Deux cartons manquent.",
        "origin": Origin.PORTAL,
        "actor": "customer",
        "once": new_id().hex,
    }
    return open_dispute(work, OpenDispute(**{**values, **changes}))
