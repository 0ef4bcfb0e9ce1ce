"""The webhook road: read the raw body, verify, store in the inbox, answer 200. Nothing else happens here.

It is answered ahead of Flask, whose routing alone costs three quarters of an empty request. Requests that wait at the
same time are stored by one of them in one round trip.
"""

from __future__ import annotations

import base64
import json
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import UUID

import psycopg
from sqlalchemy.exc import SQLAlchemyError

from config.clock import now
from payments.accounts import active_account
from payments.errors import PaymentError
from payments.gateways.signatures import SignatureRefusedError, verify

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from config.database import Database
    from config.secrets import Keyring
    from receivables.store.work import Works

PREFIX = "/hooks/stripe/"
SOURCE = "stripe"
MAX_BATCH = 64
"""Events stored in one call: the leader must not work for others longer than for itself."""
SECRETS_LIVE_S = 10.0
"""A rotated webhook secret is known to every process within this time; the previous one is live meanwhile."""
MOST_SUPPLIERS_KNOWN = 10_000
"""Suppliers whose secrets a process keeps: guessed addresses must not fill its memory."""
MAX_EVENT_ID = 255
"""Stripe promises ids of at most 255 characters."""


class HookRefusedError(Exception):
    """A webhook that is not taken: the status to answer, and the problem (RFC 9457) that says why."""

    def __init__(self, status: int, title: str, code: str, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.title = title
        self.problem: dict[str, object] = {
            "type": f"urn:quittance:{code}",
            "code": code,
            "title": title,
            "status": status,
            "detail": detail,
        }


@dataclass(slots=True)
class _Ticket:
    supplier_id: UUID
    external_id: str
    body: bytes
    woken: threading.Event = field(default_factory=threading.Event)
    done: bool = False
    error: Exception | None = None


class InboxBatcher:
    """Stores events of concurrent requests together: the first in leads, the oldest waiter leads next.

    One leads at a time, so one connection serves them all, with its statement prepared once.
    """

    def __init__(self, connect: Callable[[], psycopg.Connection[Any]]) -> None:
        self._connect = connect
        self._kept: psycopg.Connection[Any] | None = None
        self._lock = threading.Lock()
        self._waiting: deque[_Ticket] = deque()
        self._led = False

    def store(self, supplier_id: UUID, external_id: str, body: bytes) -> None:
        """Store one event durably; returns after its commit.

        Raises:
            psycopg.Error: the database did not take it: the sender has to come again.
        """
        ticket = _Ticket(supplier_id, external_id, body)
        with self._lock:
            self._waiting.append(ticket)
            leads, self._led = not self._led, True
        if not leads:
            ticket.woken.wait()
        if not ticket.done:
            self._lead()
        if ticket.error:
            raise ticket.error

    def _lead(self) -> None:
        with self._lock:
            batch = [self._waiting.popleft() for _ in range(min(len(self._waiting), MAX_BATCH))]
        try:
            self._store_batch(batch)
        finally:
            with self._lock:
                if self._waiting:
                    self._waiting[0].woken.set()
                else:
                    self._led = False
            for ticket in batch:
                ticket.done = True
                ticket.woken.set()

    def _store_batch(self, batch: list[_Ticket]) -> None:
        by_supplier: dict[UUID, list[_Ticket]] = {}
        for ticket in batch:
            by_supplier.setdefault(ticket.supplier_id, []).append(ticket)
        for supplier_id, tickets in by_supplier.items():
            self._store_together(supplier_id, tickets)

    def _store_together(self, supplier_id: UUID, tickets: list[_Ticket]) -> None:
        """Store events of one supplier in one round trip; every waiter hears of a failure and answers 503."""
        events = json.dumps([{"id": t.external_id, "body": base64.b64encode(t.body).decode()} for t in tickets])
        try:
            self._connection().execute(
                "SELECT accept_events(%s, %s, %s::jsonb)", (supplier_id, SOURCE, events), prepare=True
            )
        except Exception as error:  # noqa: BLE001 -- it belongs to the waiters, not to their leader
            self._kept = None
            for ticket in tickets:
                ticket.error = error

    def _connection(self) -> psycopg.Connection[Any]:
        if self._kept is None or self._kept.closed:
            self._kept = self._connect()
        return self._kept


class WebhookIntake:
    """WSGI: answers provider's webhooks, passes everything else on."""

    def __init__(
        self, app: WSGIApplication, database: Database, works: Works, keyring: Keyring, max_bytes: int
    ) -> None:
        self._app = app
        self._works = works
        self._keyring = keyring
        self._max_bytes = max_bytes
        self._batcher = InboxBatcher(database.raw)
        self._secrets: dict[UUID, tuple[float, tuple[str, ...]]] = {}
        self._asking = threading.Lock()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """One request."""
        if not environ["PATH_INFO"].startswith(PREFIX):
            return self._app(environ, start_response)
        status, problem = self._answer(environ)
        body = b"" if problem is None else json.dumps(problem).encode()
        kind = "text/plain" if problem is None else "application/problem+json"
        start_response(status, [("Content-Type", kind), ("Content-Length", str(len(body)))])
        return [body]

    def _answer(self, environ: WSGIEnvironment) -> tuple[str, dict[str, object] | None]:
        try:
            self._accept(environ)
        except HookRefusedError as error:
            return f"{error.status} {error.title}", error.problem
        return "200 OK", None

    def _accept(self, environ: WSGIEnvironment) -> None:
        """Verify and store one event.

        Raises:
            HookRefusedError: with the status to answer.
        """
        supplier_id, body = self._read(environ)
        try:
            secrets = self._secrets_of(supplier_id)
            if not secrets:
                raise _unknown()
            verify(secrets, body, environ.get("HTTP_STRIPE_SIGNATURE"), now())
            self._batcher.store(supplier_id, _event_id(body), body)
        except SignatureRefusedError as error:
            raise HookRefusedError(400, "Bad Request", error.code, str(error)) from error
        except (psycopg.Error, SQLAlchemyError) as error:
            raise HookRefusedError(
                503, "Service Unavailable", "hook.not_stored", "The event could not be stored; send it again."
            ) from error

    def _read(self, environ: WSGIEnvironment) -> tuple[UUID, bytes]:
        if environ["REQUEST_METHOD"] != "POST":
            raise HookRefusedError(405, "Method Not Allowed", "hook.post_only", "A webhook is a POST.")
        try:
            supplier_id = UUID(environ["PATH_INFO"][len(PREFIX) :])
            length = int(environ.get("CONTENT_LENGTH") or 0)
        except ValueError as error:
            raise _unknown() from error
        if not 0 <= length <= self._max_bytes:
            raise HookRefusedError(413, "Content Too Large", "hook.too_large", f"More than {self._max_bytes} bytes.")
        return supplier_id, environ["wsgi.input"].read(length)

    def _secrets_of(self, supplier_id: UUID) -> tuple[str, ...]:
        """The live webhook secrets; one request asks again for them while the others go on with those known."""
        known = self._secrets.get(supplier_id)
        if known and (known[0] > time.monotonic() or not self._asking.acquire(blocking=False)):
            return known[1]
        try:
            secrets = self._ask_secrets(supplier_id)
            if len(self._secrets) >= MOST_SUPPLIERS_KNOWN:
                self._secrets.clear()
            self._secrets[supplier_id] = (time.monotonic() + SECRETS_LIVE_S, secrets)
        finally:
            if known:
                self._asking.release()
        return secrets

    def _ask_secrets(self, supplier_id: UUID) -> tuple[str, ...]:
        try:
            with self._works.begin(supplier_id) as work:
                return active_account(work, self._keyring).webhook_secrets
        except PaymentError:
            return ()


def _unknown() -> HookRefusedError:
    return HookRefusedError(404, "Not Found", "hook.unknown", "No supplier receives webhooks here.")


def _event_id(body: bytes) -> str:
    try:
        external_id = json.loads(body)["id"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise HookRefusedError(400, "Bad Request", "hook.no_event", "The signed body is no event.") from error
    # PostgreSQL refuses NUL and half characters, and its refusal would fail the whole batch.
    printable = isinstance(external_id, str) and external_id.isascii() and external_id.isprintable()
    if not printable or not 0 < len(external_id) <= MAX_EVENT_ID:
        raise HookRefusedError(400, "Bad Request", "hook.no_event", "The signed event has no id that could be one.")
    return str(external_id)
