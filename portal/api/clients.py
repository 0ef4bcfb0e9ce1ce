"""API clients (OAuth 2): a program with a name, a secret that is stored as a hash, and what it may do at most.

The id of a client carries its supplier, as a token does: nothing has to be searched over suppliers.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from authlib.oauth2.rfc6749 import ClientMixin

from config.clock import new_id, now
from config.secrets import fingerprint, new_token, same, token_bytes, token_text
from portal.api.scopes import known_scopes
from receivables.errors import NotFoundError, ReceivablesError

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from sqlalchemy import RowMapping

    from receivables.store.work import Work, Works

ID_PREFIX, SECRET_PREFIX = "qc_", "qs_"
ID_BYTES = 32
CHANGEOVER = timedelta(hours=24)
"""How long the secret before the last one stays good."""
MAX_NAME = 80
METHODS = ("client_secret_basic", "client_secret_post")
GRANT = "client_credentials"


@dataclass(frozen=True, slots=True)
class ApiClient(ClientMixin):  # type: ignore[misc]  # the library has no types
    """A client, as the authorisation server asks about it (RFC 6749)."""

    supplier_id: UUID
    client_id: UUID
    name: str
    scopes: frozenset[str]
    secret_hashes: tuple[bytes, ...]
    created_at: datetime
    created_by: str
    rotated_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None = None

    @property
    def public_id(self) -> str:
        """What the program calls itself."""
        return ID_PREFIX + token_text(self.supplier_id.bytes + self.client_id.bytes)

    def get_client_id(self) -> str:
        """The same, for the library."""
        return self.public_id

    def get_allowed_scope(self, scope: str) -> str:
        """What of a wish is granted; everything it may do where it wishes nothing in particular."""
        wanted = known_scopes(scope.split()) if scope else self.scopes
        return " ".join(sorted(wanted & self.scopes))

    def check_client_secret(self, client_secret: str) -> bool:
        """Whether this is its secret, or the one before while that is good; in constant time."""
        raw = token_bytes(client_secret.removeprefix(SECRET_PREFIX)) or b""
        given = fingerprint(raw)
        return any(same(given, each) for each in self.secret_hashes)

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:  # noqa: ARG002 -- the library's name
        """By which ways it may prove itself."""
        return method in METHODS

    def check_grant_type(self, grant_type: str) -> bool:
        """Client credentials alone: nobody signs in here."""
        return grant_type == GRANT


_SELECT = (
    "SELECT client_id, name, scopes, secret_hash, previous_hash, previous_until, created_at, created_by, rotated_at, "
    "revoked_at, (SELECT max(last_used_at) FROM api_tokens AS token WHERE token.supplier_id = :supplier "
    "AND token.client_id = client.client_id) AS last_used_at FROM api_clients AS client WHERE supplier_id = :supplier "
)


def find_client(works: Works, public_id: str) -> ApiClient | None:
    """The live client that calls itself so."""
    raw = token_bytes(public_id.removeprefix(ID_PREFIX)) if public_id.startswith(ID_PREFIX) else None
    if raw is None or len(raw) != ID_BYTES:
        return None
    with works.begin(UUID(bytes=raw[:16])) as work:
        row = work.row(_SELECT + "AND client_id = :id AND revoked_at IS NULL", id=UUID(bytes=raw[16:]))
        return _client(work, row) if row else None


def get_client(work: Work, client_id: UUID) -> ApiClient:
    """One client.

    Raises:
        NotFoundError: ``client.not_found``.
    """
    row = work.row(_SELECT + "AND client_id = :id", id=client_id)
    if row is None:
        raise NotFoundError("client.not_found", "There is no such program.", "Ce programme n'existe pas.")
    return _client(work, row)


def list_clients(work: Work) -> list[ApiClient]:
    """Every client of the supplier, live ones first."""
    return [_client(work, row) for row in work.rows(_SELECT + "ORDER BY revoked_at IS NOT NULL, created_at DESC")]


def create_client(work: Work, name: str, scopes: Collection[str], actor: str) -> tuple[ApiClient, str]:
    """A new client and its secret, which is shown once.

    Raises:
        ReceivablesError: ``client.no_name``, ``client.no_scope``.
    """
    wanted, raw, client_id = _wanted(name, scopes), new_token(), new_id()
    work.execute(
        "INSERT INTO api_clients (supplier_id, client_id, name, scopes, secret_hash, created_by, created_at) "
        "VALUES (:supplier, :id, :name, :scopes, :hash, :actor, :at)",
        id=client_id,
        name=name.strip(),
        scopes=wanted,
        hash=fingerprint(raw),
        actor=actor,
        at=now(),
    )
    work.audit(actor, "api_client.created", str(client_id), name=name.strip(), scopes=wanted)
    return get_client(work, client_id), SECRET_PREFIX + token_text(raw)


def change_client(work: Work, client_id: UUID, name: str, scopes: Collection[str], actor: str) -> None:
    """Another name, or more or less that it may do: tokens that it holds follow at once.

    Raises:
        NotFoundError: ``client.not_found``.
        ReceivablesError: ``client.no_name``, ``client.no_scope``.
    """
    get_client(work, client_id)
    wanted = _wanted(name, scopes)
    work.execute(
        "UPDATE api_clients SET name = :name, scopes = :scopes WHERE supplier_id = :supplier AND client_id = :id",
        id=client_id,
        name=name.strip(),
        scopes=wanted,
    )
    work.audit(actor, "api_client.changed", str(client_id), name=name.strip(), scopes=wanted)


def rotate_secret(work: Work, client_id: UUID, actor: str) -> str:
    """A new secret; the one before stays good for :data:`CHANGEOVER`.

    Raises:
        NotFoundError: ``client.not_found``.
    """
    get_client(work, client_id)
    raw = new_token()
    work.execute(
        "UPDATE api_clients SET previous_hash = secret_hash, previous_until = :until, secret_hash = :hash, "
        "rotated_at = :at WHERE supplier_id = :supplier AND client_id = :id",
        id=client_id,
        hash=fingerprint(raw),
        until=now() + CHANGEOVER,
        at=now(),
    )
    work.audit(actor, "api_client.secret_changed", str(client_id))
    return SECRET_PREFIX + token_text(raw)


def revoke_client(work: Work, client_id: UUID, actor: str) -> None:
    """End a client with every token that it holds.

    Raises:
        NotFoundError: ``client.not_found``.
    """
    get_client(work, client_id)
    done = work.execute(
        "UPDATE api_clients SET revoked_at = :at WHERE supplier_id = :supplier AND client_id = :id "
        "AND revoked_at IS NULL",
        id=client_id,
        at=now(),
    )
    if done:
        work.audit(actor, "api_client.revoked", str(client_id))


def _wanted(name: str, scopes: Collection[str]) -> list[str]:
    if not 0 < len(name.strip()) <= MAX_NAME:
        raise ReceivablesError(
            "client.no_name",
            f"Name the program in 1 to {MAX_NAME} characters: the audit trail keeps it.",
            f"Nommez le programme en 1 à {MAX_NAME} caractères : la piste d'audit le garde.",
        )
    found = sorted(known_scopes(scopes))
    if not found:
        raise ReceivablesError(
            "client.no_scope", "Choose what the program may do.", "Choisissez ce que le programme peut faire."
        )
    return found


def _client(work: Work, row: RowMapping) -> ApiClient:
    facts: dict[str, Any] = {name: value for name, value in row.items() if name in ApiClient.__dataclass_fields__}
    hashes = [bytes(row["secret_hash"])]
    if row["previous_hash"] is not None and row["previous_until"] > now():
        hashes.append(bytes(row["previous_hash"]))
    return ApiClient(
        **facts | {"scopes": frozenset(row["scopes"])}, supplier_id=work.supplier_id, secret_hashes=tuple(hashes)
    )
