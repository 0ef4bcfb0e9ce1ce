"""Addresses that a supplier's programs listen at: opened, changed, given a new secret, left."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from config.clock import new_id, now
from config.outgoing import AddressRefusedError, Reach, check_url
from portal.webhooks.signing import new_secret
from receivables.domain.told import KINDS
from receivables.errors import ConflictError, NotFoundError, ReceivablesError

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime
    from uuid import UUID

    from config.secrets import Keyring
    from portal.wiring import Services
    from receivables.store.work import Work

SEAL = "webhook endpoint"
MOST_ENDPOINTS = 20
LONGEST_LABEL, LONGEST_URL = 80, 500
BOTH_SIGN = timedelta(hours=24)
"""How long the secret before still signs: a deployment on the other side fits in."""
BY_PERSON, GONE, FAILED_FOR_DAYS = "webhook.by_person", "webhook.gone", "webhook.failed_for_days"
_COLUMNS = (
    "endpoint_id, label, url, kinds, state, reason, failures, failing_since, paused_until, before_until, created_at, "
    "changed_at"
)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One address; no ``kinds`` means every kind. ``reason`` says why it is disabled."""

    endpoint_id: UUID
    label: str
    url: str
    kinds: list[str]
    state: str
    reason: str | None
    failures: int
    failing_since: datetime | None
    paused_until: datetime | None
    before_until: datetime | None
    created_at: datetime
    changed_at: datetime

    @property
    def is_active(self) -> bool:
        """Whether events go there."""
        return self.state == "active"

    def wants(self, kind: str) -> bool:
        """Whether an event of this kind goes there."""
        return not self.kinds or kind in self.kinds


@dataclass(frozen=True, slots=True)
class EndpointWish:
    """What somebody asks for: a name, an address, and the kinds of events (none: all)."""

    label: str
    url: str
    kinds: tuple[str, ...]
    actor: str


def open_endpoint(services: Services, work: Work, wish: EndpointWish) -> tuple[UUID, str]:
    """Begin to tell an address; returns its id and the secret, which is not shown again.

    Raises:
        ReceivablesError: ``webhook.wrong_url``, ``webhook.address_refused``, ``webhook.no_label``,
            ``webhook.unknown_kind``.
        ConflictError: ``webhook.too_many``.
    """
    label, url = _checked(services, wish)
    if len(list_endpoints(work)) >= MOST_ENDPOINTS:
        raise ConflictError(
            "webhook.too_many",
            f"{MOST_ENDPOINTS} addresses are there already: remove one first.",
            f"{MOST_ENDPOINTS} adresses existent déjà : supprimez-en une d'abord.",
        )
    endpoint_id, secret, at = new_id(), new_secret(), now()
    work.execute(
        "INSERT INTO webhook_endpoints (supplier_id, endpoint_id, label, url, kinds, sealed_secret, created_by, "
        "created_at, changed_at) VALUES (:supplier, :id, :label, :url, :kinds, :sealed, :actor, :at, :at)",
        id=endpoint_id,
        label=label,
        url=url,
        kinds=sorted(wish.kinds),
        sealed=services.keyring.seal(secret, SEAL),
        actor=wish.actor,
        at=at,
    )
    work.audit(wish.actor, "webhook.opened", str(endpoint_id), url=url, kinds=sorted(wish.kinds))
    return endpoint_id, secret


def change_endpoint(services: Services, work: Work, endpoint_id: UUID, wish: EndpointWish) -> None:
    """Another name, address or choice of kinds; what waits goes to the new address.

    Raises:
        ReceivablesError: as :func:`open_endpoint`.
        NotFoundError: ``webhook.not_found``.
    """
    get_endpoint(work, endpoint_id)
    label, url = _checked(services, wish)
    work.execute(
        "UPDATE webhook_endpoints SET label = :label, url = :url, kinds = :kinds, changed_at = :at "
        "WHERE supplier_id = :supplier AND endpoint_id = :id",
        id=endpoint_id,
        label=label,
        url=url,
        kinds=sorted(wish.kinds),
        at=now(),
    )
    work.audit(wish.actor, "webhook.changed", str(endpoint_id), url=url, kinds=sorted(wish.kinds))


def set_state(work: Work, endpoint_id: UUID, state: str, actor: str, reason: str | None = None) -> None:
    """Stop telling an address (``disabled``, ``removed``), or go on (``active``): then its failures are forgotten.

    Raises:
        NotFoundError: ``webhook.not_found``.
    """
    get_endpoint(work, endpoint_id)
    work.execute(
        "UPDATE webhook_endpoints SET state = :state, reason = :reason, failures = 0, paused_until = NULL, "
        "failing_since = NULL, changed_at = :at WHERE supplier_id = :supplier AND endpoint_id = :id",
        id=endpoint_id,
        state=state,
        reason=reason,
        at=now(),
    )
    work.audit(actor, f"webhook.{state}", str(endpoint_id), reason=reason)


def rotate_secret(services: Services, work: Work, endpoint_id: UUID, actor: str) -> str:
    """A new secret, returned once; for :data:`BOTH_SIGN` the one before signs as well.

    Raises:
        NotFoundError: ``webhook.not_found``.
    """
    get_endpoint(work, endpoint_id)
    secret, at = new_secret(), now()
    work.execute(
        "UPDATE webhook_endpoints SET sealed_before = sealed_secret, before_until = :until, sealed_secret = :sealed, "
        "changed_at = :at WHERE supplier_id = :supplier AND endpoint_id = :id",
        id=endpoint_id,
        until=at + BOTH_SIGN,
        sealed=services.keyring.seal(secret, SEAL),
        at=at,
    )
    work.audit(actor, "webhook.secret_changed", str(endpoint_id))
    return secret


def secrets_of(work: Work, keyring: Keyring, endpoint_id: UUID) -> list[str]:
    """The secrets that sign for an address now, the newest first."""
    row = work.row(
        "SELECT sealed_secret, CASE WHEN before_until > :at THEN sealed_before END AS sealed_before "
        "FROM webhook_endpoints WHERE supplier_id = :supplier AND endpoint_id = :id",
        id=endpoint_id,
        at=now(),
    )
    sealed = (row["sealed_secret"], row["sealed_before"]) if row else ()
    return [keyring.unseal(bytes(each), SEAL) for each in sealed if each is not None]


def list_endpoints(work: Work) -> list[Endpoint]:
    """Every address that was not removed, the oldest first."""
    rows = work.rows(
        f"SELECT {_COLUMNS} FROM webhook_endpoints WHERE supplier_id = :supplier AND state <> 'removed' "  # noqa: S608 -- columns of this module
        "ORDER BY created_at, endpoint_id"
    )
    return [Endpoint(**row) for row in rows]


def get_endpoint(work: Work, endpoint_id: UUID) -> Endpoint:
    """One address.

    Raises:
        NotFoundError: ``webhook.not_found``.
    """
    row = work.row(
        f"SELECT {_COLUMNS} FROM webhook_endpoints WHERE supplier_id = :supplier AND endpoint_id = :id "  # noqa: S608 -- columns of this module
        "AND state <> 'removed'",
        id=endpoint_id,
    )
    if row is None:
        raise NotFoundError("webhook.not_found", "There is no such address.", "Cette adresse n'existe pas.")
    return Endpoint(**row)


def _checked(services: Services, wish: EndpointWish) -> tuple[str, str]:
    """The name and the address without blanks around them, once both make sense."""
    label, url = wish.label.strip()[:LONGEST_LABEL], wish.url.strip()
    if not label:
        raise ReceivablesError("webhook.no_label", "Give the address a name.", "Donnez un nom à cette adresse.")
    _check_kinds(wish.kinds)
    _check_address(services.reach, url)
    return label, url


def _check_kinds(kinds: Collection[str]) -> None:
    if "" in kinds:
        raise ReceivablesError("webhook.no_kind", "Choose at least one event.", "Choisissez au moins un événement.")
    unknown = sorted(set(kinds) - KINDS.keys())
    if unknown:
        raise ReceivablesError(
            "webhook.unknown_kind",
            f"There is no event {unknown[0]!r}.",
            f"L'événement {unknown[0]!r} n'existe pas.",
        )


def _check_address(reach: Reach, url: str) -> None:
    """HTTPS to a public address without a password in it, unless this house may call its own network."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    schemes = {"https", "http"} if reach is Reach.PRIVATE else {"https"}
    if (
        parts.scheme not in schemes
        or not parts.hostname
        or parts.username is not None
        or parts.fragment
        or port == 0
        or len(url) > LONGEST_URL
        or not url.isascii()
        or any(c.isspace() for c in url)
    ):
        raise ReceivablesError(
            "webhook.wrong_url",
            f"The address begins with https://, names a host, and has no password, no # and up to {LONGEST_URL} "
            "characters.",
            f"L'adresse commence par https://, nomme un serveur, sans mot de passe ni # et en {LONGEST_URL} "
            "caractères au plus.",
        )
    try:
        check_url(url, reach=reach)
    except AddressRefusedError as error:
        raise ReceivablesError(
            "webhook.address_refused",
            "This address leads into a private network: it is not called.",
            "Cette adresse mène dans un réseau privé : elle n'est pas appelée.",
        ) from error
    except OSError as error:
        raise ReceivablesError(
            "webhook.wrong_url",
            "The server's name is unknown: check how the address is written.",
            "Le nom du serveur est inconnu : vérifiez l'adresse.",
        ) from error
