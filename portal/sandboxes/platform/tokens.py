"""OAuth 2 client credentials (RFC 6749, 4.4): opaque bearer tokens that live in memory."""

from __future__ import annotations

import hmac
import secrets
import threading
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from config.clock import now

if TYPE_CHECKING:
    from collections.abc import Mapping


class TokenDesk:
    """Gives tokens to known clients and recognises them."""

    def __init__(self, clients: Mapping[str, str], lifetime_s: int) -> None:
        self._clients = dict(clients)
        self._lifetime_s = lifetime_s
        self._lock = threading.Lock()
        self._tokens: dict[str, tuple[str, datetime]] = {}

    @property
    def lifetime_s(self) -> int:
        """Seconds that a token lives."""
        return self._lifetime_s

    def issue(self, client_id: str, client_secret: str) -> str | None:
        """A token for the client, or None where id and secret do not fit."""
        expected = self._clients.get(client_id, "")
        known = hmac.compare_digest(expected.encode(), client_secret.encode())
        if not (known and expected):
            return None
        token = secrets.token_urlsafe(32)
        present = now()
        with self._lock:
            self._tokens = {held: owner for held, owner in self._tokens.items() if owner[1] > present}
            self._tokens[token] = client_id, present + timedelta(seconds=self._lifetime_s)
        return token

    def client_of(self, token: str) -> str | None:
        """The client that holds ``token``; None where it is unknown or over."""
        with self._lock:
            client_id, expires_at = self._tokens.get(token, ("", now()))
        return client_id if client_id and expires_at > now() else None

    def revoke(self, token: str) -> None:
        """Make one token invalid before its time."""
        with self._lock:
            self._tokens.pop(token, None)

    def revoke_all(self) -> None:
        """Make every token invalid before its time."""
        with self._lock:
            self._tokens.clear()
