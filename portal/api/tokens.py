"""API tokens: 256 random bits behind the supplier they open, stored as a hash, shown once.

One table holds the three sorts: the house's own (by command), a person's (with scopes and an end), and the short-lived
ones that a client gets by OAuth 2. Whose a token is, is known from its row alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from config.clock import new_id, now
from config.secrets import fingerprint, new_token, token_bytes, token_text
from portal.access.people import memberships_of
from portal.api.scopes import SCOPES, known_scopes, scopes_of_role

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from config.database import Database
    from receivables.store.work import Work, Works

PREFIX = "qt_"
SUPPLIER_BYTES = 16
TOKEN_LENGTH = SUPPLIER_BYTES + 32
MOST_LISTED = 200
USE_NOTED_EVERY = timedelta(hours=1)
"""How exactly the last use of a token is known: a look at the table would otherwise be a write at every call."""


@dataclass(frozen=True, slots=True)
class Caller:
    """A program that calls: for which supplier, what it may do, and the name that the audit trail keeps."""

    supplier_id: UUID
    token_id: UUID
    label: str
    scopes: frozenset[str]
    client_id: UUID | None = None
    person_id: UUID | None = None

    @property
    def counted_as(self) -> str:
        """Whose calls are counted together: all tokens of a client are one caller."""
        return f"{self.supplier_id}/{self.client_id or self.token_id}"


def create_token(
    work: Work,
    label: str,
    *,
    scopes: Collection[str] | None = None,
    expires_at: datetime | None = None,
    client_id: UUID | None = None,
    person_id: UUID | None = None,
    actor: str = "staff",
) -> str:
    """A new token of this work's supplier; without ``scopes`` it may do everything, without an end it stays good.

    Tokens that a client gets by itself stand in no audit trail: the client does.
    """
    raw = work.supplier_id.bytes + new_token()
    work.execute(
        "INSERT INTO api_tokens (supplier_id, token_hash, token_id, label, scopes, expires_at, client_id, person_id, "
        "created_at) VALUES (:supplier, :hash, :id, :label, :scopes, :expires, :client, :person, :at)",
        hash=fingerprint(raw),
        id=new_id(),
        label=label,
        scopes=None if scopes is None else sorted(scopes),
        expires=expires_at,
        client=client_id,
        person=person_id,
        at=now(),
    )
    if client_id is None:
        work.audit(actor, "api_token.created", label, scopes=None if scopes is None else sorted(scopes))
    return PREFIX + token_text(raw)


def read_token(text: str) -> tuple[UUID, bytes] | None:
    """The supplier that stands in a token, and the hash to look for; ``None`` where it cannot be one."""
    raw = token_bytes(text.removeprefix(PREFIX)) if text.startswith(PREFIX) else None
    if raw is None or len(raw) != TOKEN_LENGTH:
        return None
    return UUID(bytes=raw[:SUPPLIER_BYTES]), fingerprint(raw)


def caller_of_token(works: Works, database: Database, text: str) -> Caller | None:
    """The caller that a token opens for, or ``None`` where it opens nothing: unknown, ended, revoked, or orphaned."""
    known = read_token(text)
    if known is None:
        return None
    supplier_id, token_hash = known
    with works.begin(supplier_id) as work:
        row = work.row(
            "SELECT token_id, label, token.scopes, token.client_id, client.name, client.scopes AS client_scopes, "
            "person_id, last_used_at FROM api_tokens AS token LEFT JOIN api_clients AS client "
            "USING (supplier_id, client_id) WHERE supplier_id = :supplier AND token_hash = :hash "
            "AND token.revoked_at IS NULL AND client.revoked_at IS NULL "
            "AND (expires_at IS NULL OR expires_at > :now)",
            hash=token_hash,
            now=now(),
        )
        if row is None:
            return None
        if row["last_used_at"] is None or row["last_used_at"] < now() - USE_NOTED_EVERY:
            work.execute(
                "UPDATE api_tokens SET last_used_at = :now WHERE supplier_id = :supplier AND token_hash = :hash",
                hash=token_hash,
                now=now(),
            )
    scopes = known_scopes(SCOPES if row["scopes"] is None else row["scopes"])
    if row["client_id"]:
        scopes &= known_scopes(row["client_scopes"])
    if row["person_id"]:
        scopes &= _scopes_of_person(database, supplier_id, row["person_id"])
        if not scopes:
            return None
    return Caller(supplier_id, row["token_id"], row["name"] or row["label"], scopes, row["client_id"], row["person_id"])


def revoke_token(work: Work, token_id: UUID, actor: str) -> bool:
    """End a token; whether there was one that was good."""
    done = work.execute(
        "UPDATE api_tokens SET revoked_at = :at WHERE supplier_id = :supplier AND token_id = :id "
        "AND revoked_at IS NULL",
        id=token_id,
        at=now(),
    )
    if done:
        work.audit(actor, "api_token.revoked", str(token_id))
    return bool(done)


def _scopes_of_person(database: Database, supplier_id: UUID, person_id: UUID) -> frozenset[str]:
    """What a person may do there today: nothing once they left, or where they see a part of the customers only."""
    found: frozenset[str] = frozenset()
    for membership in memberships_of(database, person_id):
        if membership.supplier_id == supplier_id and membership.is_staff and not membership.portfolio:
            found |= scopes_of_role(membership.role)
    return found


@dataclass(frozen=True, slots=True)
class TokenLine:
    """A token in a list; its text is known to whoever was shown it once. ``scopes`` is ``None``: everything."""

    token_id: UUID
    label: str
    scopes: tuple[str, ...] | None
    person_id: UUID | None
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None

    @property
    def is_good(self) -> bool:
        """Whether it still opens something."""
        return self.revoked_at is None and (self.expires_at is None or self.expires_at > now())


def list_tokens(work: Work, person_id: UUID | None = None) -> list[TokenLine]:
    """The tokens of a person, or of everybody and the house; those of clients are the clients' own affair."""
    rows = work.rows(
        "SELECT token_id, label, scopes, person_id, created_at, expires_at, last_used_at, revoked_at FROM api_tokens "
        "WHERE supplier_id = :supplier AND client_id IS NULL "
        "AND (CAST(:person AS uuid) IS NULL OR person_id = :person) "
        "ORDER BY revoked_at IS NOT NULL, created_at DESC LIMIT :most",
        person=person_id,
        most=MOST_LISTED,
    )
    return [TokenLine(**{**row, "scopes": None if row["scopes"] is None else tuple(row["scopes"])}) for row in rows]
