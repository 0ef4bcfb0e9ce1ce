"""Signed delivery of events to webhook endpoints: several in one body, retries with pauses, faults. One thread."""

from __future__ import annotations

import heapq
import itertools
import json
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx

from config import clock
from payments.gateways.gocardless_signatures import sign_body
from portal.sandboxes.gocardless import flow

if TYPE_CHECKING:
    from portal.sandboxes.gocardless.books import Books
    from portal.sandboxes.payments.faults import Faults

    Json = dict[str, Any]

LONGEST_SLEEP_S = 0.5
GATHERED_S = 0.02
"""How long events are gathered for one body, in seconds."""
MOST_TOGETHER = 250
JOIN_S = 5.0


@dataclass(slots=True)
class Letter:
    """One webhook on its way to one endpoint."""

    endpoint: str
    events: list[Json]
    tried: int = 0


class Postman:
    """Delivers events. Listens to the books; `close` ends its thread."""

    def __init__(self, books: Books, faults: Faults) -> None:
        self._books = books
        self._faults = faults
        self._due: list[tuple[float, int, Letter]] = []
        self._fresh: list[Json] = []
        self._order = itertools.count()
        self._wake = threading.Condition()
        self._closing = False
        self._busy = False
        self._thread = threading.Thread(target=self._run, name="gocardless-sandbox-postman", daemon=True)
        books.listeners.append(self.accept)
        self._thread.start()

    def accept(self, event: Json) -> None:
        """Plan the delivery of a new event."""
        with self._wake:
            self._fresh.append(event)
            self._wake.notify_all()

    def pending(self) -> int:
        """Events and webhooks that are still to be delivered, retries included."""
        with self._wake:
            return len(self._due) + len(self._fresh) + self._busy

    def close(self) -> None:
        """End the thread; what is not delivered stays so."""
        with self._wake:
            self._closing = True
            self._wake.notify_all()
        self._thread.join(JOIN_S)

    def _run(self) -> None:
        with httpx.Client(timeout=self._books.settings.webhook_timeout_s, follow_redirects=False) as client:
            while True:
                with self._wake:
                    self._busy = False
                    letter = self._next()
                    if self._closing:
                        return
                    self._busy = letter is not None
                flow.sweep(self._books)
                if letter is not None:
                    self._deliver(client, letter)

    def _next(self) -> Letter | None:
        """The webhook that is due, after waiting for one a little."""
        for last in (False, True):
            if self._fresh:
                self._wake.wait(GATHERED_S)
                self._gather()
            if self._due and self._due[0][0] <= time.monotonic():
                return heapq.heappop(self._due)[2]
            if last or self._closing:
                break
            wait_s = self._due[0][0] - time.monotonic() if self._due else LONGEST_SLEEP_S
            self._wake.wait(max(0.0, min(wait_s, LONGEST_SLEEP_S)))
        return None

    def _gather(self) -> None:
        """Put fresh events into bodies, as faults have it."""
        now = time.monotonic()
        for endpoint in list(self._books.endpoints):
            plain: list[Json] = []
            for event in self._fresh:
                kind = f"{event['resource_type']}.{event['action']}"
                fault = self._faults.for_event(endpoint, kind)
                if fault is None:
                    plain.append(event)
                elif fault.kind == "drop":
                    self._books.log.append({"what": "delivery", "event": event["id"], "outcome": "dropped"})
                elif fault.kind == "duplicate":
                    for _ in range(fault.copies):
                        self._push(now, Letter(endpoint, [event]))
                else:
                    self._push(now + fault.seconds, Letter(endpoint, [event]))
            for start in range(0, len(plain), MOST_TOGETHER):
                self._push(now, Letter(endpoint, plain[start : start + MOST_TOGETHER]))
        self._fresh.clear()

    def _push(self, due: float, letter: Letter) -> None:
        heapq.heappush(self._due, (due, next(self._order), letter))

    def _deliver(self, client: httpx.Client, letter: Letter) -> None:
        url, secret = self._books.endpoints[letter.endpoint]
        body = json.dumps({"events": letter.events, "meta": {"webhook_id": f"WB{clock.new_id().hex}"}}).encode()
        headers = {"Content-Type": "application/json", "Webhook-Signature": sign_body(secret, body)}
        try:
            status = client.post(url, content=body, headers=headers).status_code
            outcome = "delivered" if httpx.codes.is_success(status) else "refused"
        except httpx.HTTPError as error:
            status, outcome = 0, type(error).__name__
        told = {"what": "delivery", "events": [each["id"] for each in letter.events], "endpoint": letter.endpoint}
        self._books.log.append(told | {"try": letter.tried + 1, "outcome": outcome, "status": status})
        pauses = self._books.settings.webhook_retries_s
        if outcome != "delivered" and letter.tried < len(pauses):
            due = time.monotonic() + pauses[letter.tried]
            letter.tried += 1
            with self._wake:
                self._push(due, letter)
