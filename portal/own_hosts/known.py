"""Under which names the house answers: its own, and the proven hosts of suppliers, looked up twice a minute at most."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from flask import redirect, request

from payments.links import read_token
from receivables.store.domains import proven_domains

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from uuid import UUID

    from werkzeug import Response

    from config.database import Database
    from receivables.store.domains import Domain

FRESH_S = 30.0
"""How long a look into the register counts."""
SETTLED = timedelta(minutes=5)
"""How long a host has to be proven before it stands in documents: by then every process knows it."""
OPEN_PATHS = ("/static/", "/favicon.ico", "/robots.txt", "/healthz")
"""What belongs to no supplier."""


@dataclass(slots=True)
class OwnHosts:
    """The proven hosts, by supplier and by host; one per process."""

    database: Database
    _domains: dict[str, Domain] = field(default_factory=dict)
    _read_at: float | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def by_host(self) -> dict[str, Domain]:
        """Every proven host."""
        with self._lock:
            if self._read_at is None or time.monotonic() - self._read_at > FRESH_S:
                self._domains = {each.host: each for each in proven_domains(self.database)}
                self._read_at = time.monotonic()
            return self._domains

    def forget(self) -> None:
        """Look again at the next question: something was changed here."""
        with self._lock:
            self._read_at = None

    def address_of(self, supplier_id: UUID, before: datetime | None = None) -> str | None:
        """Where the supplier's payment pages are, ``None`` where it has no host of its own.

        ``before``: only one that had settled by then, so that a document is the same whoever makes it again.
        """
        found = next((each for each in self.by_host().values() if each.belongs_to == supplier_id), None)
        if found is None or found.proven_at is None or (before and found.proven_at + SETTLED > before):
            return None
        return f"https://{found.host}"


@dataclass(frozen=True, slots=True)
class TrustedHosts:
    """What Flask compares the name in a request with: the register is only asked about names that are not ours."""

    ours: tuple[str, ...]
    hosts: OwnHosts

    def __iter__(self) -> Iterator[str]:
        """Our names first."""
        yield from self.ours
        yield from self.hosts.by_host()


def stay_on_payment_pages(hosts: OwnHosts, trusted: TrustedHosts, public_url: str) -> Response | None:
    """On a supplier's host: its payment pages and its terms, and for all else the way to the house."""
    host = urlsplit(f"//{request.host}").hostname or ""
    if host in trusted.ours:
        return None
    domain = hosts.by_host().get(host)
    if domain is None or request.path.startswith(OPEN_PATHS) or _supplier_asked_for() == domain.belongs_to:
        return None
    return redirect(f"{public_url}{request.full_path.rstrip('?')}", 303)


def _supplier_asked_for() -> UUID | None:
    """Whose payment page, terms, colour or logo the address names."""
    values = request.view_args or {}
    token = values.get("token")
    if request.path.startswith("/p/") and isinstance(token, str):
        known = read_token(token)
        return known[0] if known else None
    supplier_id: UUID | None = values.get("supplier_id") if request.path.startswith(("/terms/", "/look/")) else None
    return supplier_id
