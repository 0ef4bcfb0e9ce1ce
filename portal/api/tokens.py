"""API tokens: 256 random bits behind the supplier they open, stored as a hash, shown once."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from config.clock import now
from config.secrets import fingerprint, new_token, token_bytes, token_text

if TYPE_CHECKING:
    from receivables.store.work import Work, Works

PREFIX = "qt_"
SUPPLIER_BYTES = 16
TOKEN_LENGTH = SUPPLIER_BYTES + 32


def create_token(work: Work, label: str) -> str:
    """A new token of this work's supplier."""
    raw = work.supplier_id.bytes + new_token()
    work.execute(
        "INSERT INTO api_tokens (supplier_id, token_hash, label, created_at) VALUES (:supplier, :hash, :label, :at)",
        hash=fingerprint(raw),
        label=label,
        at=now(),
    )
    work.audit("staff", "api_token.created", label)
    return PREFIX + token_text(raw)


def supplier_of_token(works: Works, text: str) -> UUID | None:
    """The supplier that a token opens, or ``None`` where it opens nothing."""
    raw = token_bytes(text.removeprefix(PREFIX)) if text.startswith(PREFIX) else None
    if raw is None or len(raw) != TOKEN_LENGTH:
        return None
    supplier_id = UUID(bytes=raw[:SUPPLIER_BYTES])
    with works.begin(supplier_id) as work:
        live = work.scalar(
            "SELECT 1 FROM api_tokens WHERE supplier_id = :supplier AND token_hash = :hash AND revoked_at IS NULL",
            hash=fingerprint(raw),
        )
    return supplier_id if live else None
