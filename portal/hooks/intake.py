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
from payments.accounts import account_at, active_account
from payments.errors import PaymentError
from payments.gateways.gocardless_signatures import verify_body
from payments.gateways.signatures import SignatureRefusedError, verify
from portal.hooks.refusals import HookRefusedError, answer_hook

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from config.database import Database
    from config.secrets import Keyring
    from receivables.store.work import Works

SOURCE = "stripe"
GOCARDLESS = "gocardless"
MAX_BATCH = 64
"""Events stored in one call: the leader must not work for others longer than for itself."""
SECRETS_LIVE_S = 10.0
"""A rotated webhook secret is known to every process within this time; the previous one is live meanwhile."""
MOST_SUPPLIERS_KNOWN = 10_000
"""Suppliers whose secrets a process keeps: guessed addresses must not fill its memory."""
MAX_EVENT_ID = 255
"""Stripe promises ids of at most 255 characters."""
MOST_EVENTS = 250
"""GoCardless promises at most so many events in one body."""

Event = tuple[str, bytes]
"""Its id at the provider, and what is kept of it."""


@dataclass(frozen=True, slots=True)
class Road:
    """Where one provider's webhooks arrive (``prefix``, then the supplier), how they are proven and taken apart."""

    source: str
    prefix: str
    header: str
    prove: Callable[[Sequence[str], bytes, str | bytes | None, datetime], None]
    events_in: Callable[[bytes], list[Event]]


@dataclass(slots=True)
class _Ticket:
    source: str
    supplier_id: UUID
    events: list[Event]
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

    def store(self, source: str, supplier_id: UUID, events: list[Event]) -> None:
        """Store the events of one webhook durably, all or none; returns after their commit.

        Raises:
            psycopg.Error: the database did not take it: the sender has to come again.
        """
        ticket = _Ticket(source, supplier_id, events)
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
        together: dict[tuple[UUID, str], list[_Ticket]] = {}
        for ticket in batch:
            together.setdefault((ticket.supplier_id, ticket.source), []).append(ticket)
        for (supplier_id, source), tickets in together.items():
            self._store_together(supplier_id, source, tickets)

    def _store_together(self, supplier_id: UUID, source: str, tickets: list[_Ticket]) -> None:
        """Store events of one supplier in one round trip; every waiter hears of a failure and answers 503."""
        rows = [{"id": key, "body": base64.b64encode(body).decode()} for t in tickets for key, body in t.events]
        try:
            self._connection().execute(
                "SELECT accept_events(%s, %s, %s::jsonb)", (supplier_id, source, json.dumps(rows)), prepare=True
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
        self._secrets: dict[tuple[UUID, str], tuple[float, tuple[str, ...]]] = {}
        self._asking = threading.Lock()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """One request."""
        path = environ["PATH_INFO"]
        for road in ROADS:
            if path.startswith(road.prefix):
                break
        else:
            return self._app(environ, start_response)
        return answer_hook(lambda: self._accept(environ, road), start_response)

    def _accept(self, environ: WSGIEnvironment, road: Road) -> None:
        """Verify and store the events of one webhook.

        Raises:
            HookRefusedError: with the status to answer.
        """
        supplier_id, body = self._read(environ, road)
        try:
            secrets = self._secrets_of(supplier_id, road.source)
            if not secrets:
                raise _unknown()
            road.prove(secrets, body, environ.get(road.header), now())
            self._batcher.store(road.source, supplier_id, road.events_in(body))
        except SignatureRefusedError as error:
            raise HookRefusedError(400, "Bad Request", error.code, str(error)) from error
        except (psycopg.Error, SQLAlchemyError) as error:
            raise HookRefusedError(
                503, "Service Unavailable", "hook.not_stored", "The event could not be stored; send it again."
            ) from error

    def _read(self, environ: WSGIEnvironment, road: Road) -> tuple[UUID, bytes]:
        if environ["REQUEST_METHOD"] != "POST":
            raise HookRefusedError(405, "Method Not Allowed", "hook.post_only", "A webhook is a POST.")
        try:
            supplier_id = UUID(environ["PATH_INFO"][len(road.prefix) :])
            length = int(environ.get("CONTENT_LENGTH") or 0)
        except ValueError as error:
            raise _unknown() from error
        if not 0 <= length <= self._max_bytes:
            raise HookRefusedError(413, "Content Too Large", "hook.too_large", f"More than {self._max_bytes} bytes.")
        return supplier_id, environ["wsgi.input"].read(length)

    def _secrets_of(self, supplier_id: UUID, source: str) -> tuple[str, ...]:
        """The live webhook secrets; one request asks again for them while the others go on with those known."""
        known = self._secrets.get((supplier_id, source))
        if known and (known[0] > time.monotonic() or not self._asking.acquire(blocking=False)):
            return known[1]
        try:
            secrets = self._ask_secrets(supplier_id, source)
            if len(self._secrets) >= MOST_SUPPLIERS_KNOWN:
                self._secrets.clear()
            self._secrets[supplier_id, source] = (time.monotonic() + SECRETS_LIVE_S, secrets)
        finally:
            if known:
                self._asking.release()
        return secrets

    def _ask_secrets(self, supplier_id: UUID, source: str) -> tuple[str, ...]:
        try:
            with self._works.begin(supplier_id) as work:
                account_id = account_at(work, source)
                return active_account(work, self._keyring, account_id).webhook_secrets if account_id else ()
        except PaymentError:
            return ()


def _unknown() -> HookRefusedError:
    return HookRefusedError(404, "Not Found", "hook.unknown", "No supplier receives webhooks here.")


def _stripe_event(body: bytes) -> list[Event]:
    """A body of Stripe's is one event, kept as it came."""
    try:
        return [(_event_id(json.loads(body)["id"]), body)]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise _no_event("The signed body is no event.") from error


def _gocardless_events(body: bytes) -> list[Event]:
    """A body of GoCardless' holds several events: each is kept on its own, for each is told once."""
    try:
        told = json.loads(body)["events"]
        if not isinstance(told, list) or len(told) > MOST_EVENTS:
            raise _no_event(f"The signed body holds no list of up to {MOST_EVENTS} events.")
        return [(_event_id(event["id"]), json.dumps(event).encode()) for event in told]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise _no_event("The signed body holds no events.") from error


def _event_id(external_id: object) -> str:
    # PostgreSQL refuses NUL and half characters, and its refusal would fail the whole batch.
    printable = isinstance(external_id, str) and external_id.isascii() and external_id.isprintable()
    if not printable or not 0 < len(str(external_id)) <= MAX_EVENT_ID:
        raise _no_event("The signed event has no id that could be one.")
    return str(external_id)


def _no_event(detail: str) -> HookRefusedError:
    return HookRefusedError(400, "Bad Request", "hook.no_event", detail)


ROADS = (
    Road(SOURCE, "/hooks/stripe/", "HTTP_STRIPE_SIGNATURE", verify, _stripe_event),
    Road(GOCARDLESS, "/hooks/gocardless/", "HTTP_WEBHOOK_SIGNATURE", verify_body, _gocardless_events),
)
"""Asked in this order: most webhooks are Stripe's."""
