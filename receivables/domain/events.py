"""Facts that the core tells the outside, each written to the outbox in the transaction that made it true."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from uuid import UUID

INVOICE_ISSUED = "invoice.issued"
INVOICE_REPLACED = "invoice.replaced"
CASH_COLLECTED = "cash.collected"
SIGN_IN_ASKED = "sign_in.asked"
LIMIT_EXCEEDED = "credit.limit_exceeded"
CLAIM_MADE = "claim.made"


@dataclass(frozen=True, slots=True)
class Event:
    """A fact with the key that makes it unique; ``payload`` is JSON."""

    kind: str
    key: str
    payload: dict[str, Any]


def invoice_issued(invoice_id: UUID) -> Event:
    """An invoice got its number and its entry."""
    return Event(INVOICE_ISSUED, str(invoice_id), {"invoice_id": str(invoice_id)})


def invoice_replaced(invoice_id: UUID, by_id: UUID) -> Event:
    """A corrective invoice took the place of an invoice."""
    return Event(INVOICE_REPLACED, str(invoice_id), {"invoice_id": str(invoice_id), "by_id": str(by_id)})


def cash_collected(invoice_id: UUID, sequence: int) -> Event:
    """Cash or a set-off moved: up on a receipt, down on a refund or return; on a credit note it stands below zero."""
    return Event(CASH_COLLECTED, f"{invoice_id}/{sequence}", {"invoice_id": str(invoice_id), "sequence": sequence})


def claim_made(claim_id: UUID) -> Event:
    """A claim for late interest got its number: its document is to be made and sent."""
    return Event(CLAIM_MADE, str(claim_id), {"claim_id": str(claim_id)})


def limit_exceeded(customer_id: UUID, key: str, facts: dict[str, Any]) -> Event:
    """A credit limit is exceeded since this transaction; ``key`` counts how often, ``facts`` are in minor units."""
    return Event(LIMIT_EXCEEDED, key, {"customer_id": str(customer_id), **facts})
