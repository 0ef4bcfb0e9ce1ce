"""The caller's ``Idempotency-Key``: the same key with the same input issues once, and answers the same."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from config.clock import now
from config.secrets import fingerprint
from receivables.errors import ConflictError
from receivables.store.invoicing.invoices import get_invoice
from receivables.store.work import to_json

if TYPE_CHECKING:
    from receivables.domain.invoicing.invoices import Invoice
    from receivables.store.work import Work


def known_request(work: Work, key: str | None, content: bytes) -> Invoice | None:
    """The invoice that a repeated request already issued; a racer with the same key waits for the first here.

    Raises:
        ConflictError: ``request.key_reused``.
    """
    if key is None:
        return None
    fresh = work.execute(
        "INSERT INTO idempotent_requests (supplier_id, request_key, input_hash, created_at) "
        "VALUES (:supplier, :key, :hash, :at) ON CONFLICT DO NOTHING",
        key=key,
        hash=fingerprint(content),
        at=now(),
    )
    if fresh:
        return None
    return answered_request(work, key, content)


def answered_request(work: Work, key: str | None, content: bytes) -> Invoice | None:
    """The invoice that an earlier request with this key and content issued, or ``None`` where there was none.

    Raises:
        ConflictError: ``request.key_reused``.
    """
    known = work.row(
        "SELECT input_hash, answer FROM idempotent_requests WHERE supplier_id = :supplier AND request_key = :key",
        key=key,
    )
    if known is None:
        return None
    if bytes(known["input_hash"]) != fingerprint(content):
        raise ConflictError(
            "request.key_reused",
            "This Idempotency-Key was used with another input. Send the same input, or take a new key.",
        )
    return get_invoice(work, UUID(known["answer"]["invoice_id"]))


def note_request(work: Work, key: str | None, invoice: Invoice) -> None:
    """Keep that the request with this key issued ``invoice``."""
    if key is not None:
        work.execute(
            "UPDATE idempotent_requests SET answer = CAST(:answer AS jsonb) "
            "WHERE supplier_id = :supplier AND request_key = :key",
            key=key,
            answer=to_json({"invoice_id": invoice.invoice_id}),
        )
