"""Pay links: an opaque token per sending, for one invoice, for as long as the invoice lives.

A token is 16 bytes of supplier and 32 bytes derived (HMAC-SHA-256) from the house's secret and the link's id; only
its SHA-256 is stored. So whoever reads the database cannot pay a visit, while producing the same document twice
gives the same bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from config.clock import new_id, now
from config.secrets import fingerprint, token_bytes, token_text
from receivables.store.settlement.settlements import latest_of

if TYPE_CHECKING:
    from config.secrets import Keyring
    from receivables.store.work import Work

SUPPLIER_BYTES = 16
TOKEN_LENGTH = SUPPLIER_BYTES + 32


@dataclass(frozen=True, slots=True)
class LinkTarget:
    """What a token opens: one invoice; ``revoked`` links still say so, they are never a blank 404.

    The link of an invoice that was replaced opens the corrective one, where it is the same customer's.
    """

    link_id: UUID
    invoice_id: UUID
    revoked: bool


def mint_link(work: Work, keyring: Keyring, invoice_id: UUID, purpose: str) -> str:
    """The token for ``purpose`` (``document``, ``mail`` ...) of an invoice; the same one when asked again."""
    known = _live_link(work, invoice_id, purpose)
    if known is None:  # one transaction at a time: two at once must not mint two
        work.scalar("SELECT pg_advisory_xact_lock(hashtextextended(:key, 0))", key=f"pay-link:{invoice_id}:{purpose}")
        known = _live_link(work, invoice_id, purpose)
    link_id = known or new_id()
    token = work.supplier_id.bytes + keyring.derive("pay-link", link_id.bytes)
    if known is None:
        work.execute(
            "INSERT INTO pay_links (supplier_id, link_id, invoice_id, token_hash, purpose, minted_at) "
            "VALUES (:supplier, :link, :invoice, :hash, :purpose, :at)",
            link=link_id,
            invoice=invoice_id,
            hash=fingerprint(token),
            purpose=purpose,
            at=now(),
        )
    return token_text(token)


def read_token(text: str) -> tuple[UUID, bytes] | None:
    """The supplier and the stored form of a token, or ``None`` where the text is no token of ours."""
    raw = token_bytes(text)
    if raw is None or len(raw) != TOKEN_LENGTH:
        return None
    return UUID(bytes=raw[:SUPPLIER_BYTES]), fingerprint(raw)


def find_link(work: Work, token_hash: bytes) -> LinkTarget | None:
    """What the token with this hash opens, or ``None``."""
    row = work.row(
        "SELECT link_id, invoice_id, revoked_at IS NOT NULL AS revoked FROM pay_links "
        "WHERE supplier_id = :supplier AND token_hash = :hash",
        hash=token_hash,
    )
    return LinkTarget(row["link_id"], latest_of(work, row["invoice_id"]), row["revoked"]) if row else None


def _live_link(work: Work, invoice_id: UUID, purpose: str) -> UUID | None:
    link_id: UUID | None = work.scalar(
        "SELECT link_id FROM pay_links WHERE supplier_id = :supplier AND invoice_id = :invoice "
        "AND purpose = :purpose AND revoked_at IS NULL ORDER BY minted_at LIMIT 1",
        invoice=invoice_id,
        purpose=purpose,
    )
    return link_id


def revoke_links(work: Work, invoice_id: UUID, actor: str) -> int:
    """Revoke every link of an invoice; returns how many were live."""
    count = work.execute(
        "UPDATE pay_links SET revoked_at = :at WHERE supplier_id = :supplier AND invoice_id = :invoice "
        "AND revoked_at IS NULL",
        invoice=invoice_id,
        at=now(),
    )
    work.audit(actor, "pay_links.revoked", str(invoice_id), count=count)
    return count
