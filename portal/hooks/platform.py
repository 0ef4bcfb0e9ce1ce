"""Calls from platforms: ``POST /hooks/platform/<supplier>/<account>``. Verified, they wake the worker; nothing else.

What a call says is not believed: the worker asks the platform itself. So a replayed call costs one look at most, and a
forged one nothing.
"""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy.exc import SQLAlchemyError

from config.clock import now
from einvoice.platform.hooks import HINT_PATH, LEAST_GAP_S, note_hint, signing_keys
from einvoice.platform.signature import is_signed
from portal.hooks.intake import MOST_SUPPLIERS_KNOWN, SECRETS_LIVE_S
from portal.hooks.refusals import HookRefusedError, answer_hook

if TYPE_CHECKING:
    from collections.abc import Iterable
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from config.secrets import Keyring
    from receivables.store.work import Works

PREFIX = f"{HINT_PATH}/"
log = logging.getLogger("quittance.hooks")


class PlatformHooks:
    """WSGI: answers platforms' calls, passes everything else on. ``refused`` counts calls with a wrong signature."""

    def __init__(self, app: WSGIApplication, works: Works, keyring: Keyring, max_bytes: int) -> None:
        self._app = app
        self._works = works
        self._keyring = keyring
        self._max_bytes = max_bytes
        self._keys: dict[tuple[UUID, UUID], tuple[float, tuple[bytes, ...]]] = {}
        self._hinted: dict[UUID, float] = {}
        self._lock = threading.Lock()
        self.refused = 0

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """One request."""
        if not environ["PATH_INFO"].startswith(PREFIX):
            return self._app(environ, start_response)
        return answer_hook(lambda: self._take(environ), start_response)

    def _take(self, environ: WSGIEnvironment) -> None:
        """Verify one call and wake the worker.

        Raises:
            HookRefusedError: with the status to answer.
        """
        supplier_id, account_id, body = self._read(environ)
        try:
            keys = self._keys_of(supplier_id, account_id)
            if not keys:
                raise _unknown()
            self._verify(environ, keys, body, supplier_id)
            if self._is_news(account_id):
                self._works.run(supplier_id, lambda work: note_hint(work, account_id))
        except SQLAlchemyError as error:
            raise HookRefusedError(
                503, "Service Unavailable", "hook.not_stored", "The hint could not be stored; send it again."
            ) from error

    def _read(self, environ: WSGIEnvironment) -> tuple[UUID, UUID, bytes]:
        if environ["REQUEST_METHOD"] != "POST":
            raise HookRefusedError(405, "Method Not Allowed", "hook.post_only", "A webhook is a POST.")
        try:
            supplier, account = environ["PATH_INFO"][len(PREFIX) :].split("/")
            supplier_id, account_id = UUID(supplier), UUID(account)
            length = int(environ.get("CONTENT_LENGTH") or 0)
        except ValueError as error:
            raise _unknown() from error
        if not 0 <= length <= self._max_bytes:
            raise HookRefusedError(413, "Content Too Large", "hook.too_large", f"More than {self._max_bytes} bytes.")
        return supplier_id, account_id, environ["wsgi.input"].read(length)

    def _verify(self, environ: WSGIEnvironment, keys: tuple[bytes, ...], body: bytes, supplier_id: UUID) -> None:
        signature = environ.get("HTTP_AFNOR_SIGNATURE", "")
        stamp = environ.get("HTTP_AFNOR_SIGNATURE_TIMESTAMP", "")
        epoch_s = int(now().timestamp())
        if any(is_signed(key, body, signature, stamp, epoch_s) for key in keys):
            return
        self.refused += 1
        log.warning(
            "A platform's call was refused: its signature does not match, or is older than five minutes",
            extra={"supplier": str(supplier_id), "refused": self.refused},
        )
        raise HookRefusedError(
            400, "Bad Request", "hook.bad_signature", "The signature does not match this body and its time stamp."
        )

    def _keys_of(self, supplier_id: UUID, account_id: UUID) -> tuple[bytes, ...]:
        """The live keys, asked for again every few seconds: a renewed subscription is known soon."""
        known = self._keys.get((supplier_id, account_id))
        if known and known[0] > time.monotonic():
            return known[1]
        with self._works.begin(supplier_id) as work:
            keys = signing_keys(work, self._keyring, account_id)
        with self._lock:
            if len(self._keys) >= MOST_SUPPLIERS_KNOWN:
                self._keys.clear()
            self._keys[supplier_id, account_id] = (time.monotonic() + SECRETS_LIVE_S, keys)
        return keys

    def _is_news(self, account_id: UUID) -> bool:
        """Whether the last hint of this account is a while ago: a storm of calls writes one row."""
        at_s = time.monotonic()
        with self._lock:
            if at_s - self._hinted.get(account_id, -at_s - LEAST_GAP_S) < LEAST_GAP_S:
                return False
            if len(self._hinted) >= MOST_SUPPLIERS_KNOWN:
                self._hinted.clear()
            self._hinted[account_id] = at_s
        return True


def _unknown() -> HookRefusedError:
    return HookRefusedError(404, "Not Found", "hook.unknown", "No platform is listened to here.")
