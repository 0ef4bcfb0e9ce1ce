"""Signed delivery of events to webhook endpoints: one background thread, retries with pauses, faults."""

from __future__ import annotations

import heapq
import itertools
import json
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx

from config import clock
from payments.gateways.signatures import sign

if TYPE_CHECKING:
    from portal.sandboxes.payments.accounts import Accounts
    from portal.sandboxes.payments.books import Books
    from portal.sandboxes.payments.faults import Fault, Faults

LONGEST_SLEEP_S = 0.5
"""How often the thread looks at the time for expiring sessions and settling payments, in seconds."""

JOIN_S = 5.0


@dataclass(slots=True)
class Delivery:
    """One event on its way to one endpoint; ``tried`` counts the deliveries so far."""

    event: dict[str, Any]
    endpoint: dict[str, Any]
    tried: int = 0


@dataclass(slots=True)
class Held:
    """Deliveries that a ``shuffle`` fault holds back, until ``release_at`` (monotonic seconds) at the latest."""

    release_at: float
    size: int
    deliveries: list[Delivery] = field(default_factory=list)


class Postman:
    """Delivers events. Listens to every account; `close` ends its thread."""

    def __init__(self, accounts: Accounts, faults: Faults) -> None:
        self._accounts = accounts
        self._settings = accounts.settings
        self._faults = faults
        self._due: list[tuple[float, int, Delivery]] = []
        self._held: dict[str, Held] = {}
        self._order = itertools.count()
        self._wake = threading.Condition()
        self._closing = False
        self._busy = False
        self._thread = threading.Thread(target=self._run, name="payment-sandbox-postman", daemon=True)
        accounts.listen(self.accept)
        self._thread.start()

    def accept(self, books: Books, event: dict[str, Any]) -> None:
        """Plan the deliveries of a new event: to its account's endpoints, and to the platform's for connected ones."""
        endpoints = [one for one in list(books.objects["we"].values()) if not one["_connect"]]
        if books.connected:
            endpoints += [one for one in list(self._accounts.first.objects["we"].values()) if one["_connect"]]
        for endpoint in endpoints:
            wanted = endpoint["enabled_events"]
            if endpoint["status"] == "enabled" and ("*" in wanted or event["type"] in wanted):
                self._plan(Delivery(event, endpoint))

    def pending(self) -> int:
        """Deliveries that are still to be made, retries included."""
        with self._wake:
            return len(self._due) + sum(len(held.deliveries) for held in self._held.values()) + self._busy

    def close(self) -> None:
        """End the thread; what is not delivered stays so."""
        with self._wake:
            self._closing = True
            self._wake.notify_all()
        self._thread.join(JOIN_S)

    def _plan(self, delivery: Delivery) -> None:
        fault = self._faults.for_event(delivery.endpoint["id"], delivery.event["type"])
        now = time.monotonic()
        with self._wake:
            if fault is None:
                self._push(now, delivery)
            elif fault.kind == "drop":
                self._log(delivery, "dropped", fault="drop")
            elif fault.kind == "duplicate":
                for _ in range(fault.copies):
                    self._push(now, Delivery(delivery.event, delivery.endpoint))
            elif fault.kind == "delay":
                self._push(now + fault.seconds, delivery)
            else:
                self._hold(now, delivery, fault)
            self._wake.notify_all()

    def _push(self, due: float, delivery: Delivery) -> None:
        heapq.heappush(self._due, (due, next(self._order), delivery))

    def _hold(self, now: float, delivery: Delivery, fault: Fault) -> None:
        held = self._held.setdefault(delivery.endpoint["id"], Held(now + fault.seconds, fault.size))
        held.deliveries.append(delivery)
        if len(held.deliveries) >= held.size:
            held.release_at = now

    def _release_held(self, now: float) -> None:
        """Let held deliveries go, the last one first."""
        for endpoint_id in [key for key, held in self._held.items() if held.release_at <= now]:
            for delivery in reversed(self._held.pop(endpoint_id).deliveries):
                self._push(now, delivery)

    def _run(self) -> None:
        with httpx.Client(timeout=self._settings.webhook_timeout_s, follow_redirects=False) as client:
            while True:
                with self._wake:
                    self._busy = False
                    delivery = self._next()
                    if self._closing:
                        return
                    self._busy = delivery is not None
                self._accounts.sweep()
                if delivery is not None:
                    self._deliver(client, delivery)

    def _next(self) -> Delivery | None:
        """The delivery that is due, after waiting for one a little."""
        for last in (False, True):
            now = time.monotonic()
            self._release_held(now)
            if self._due and self._due[0][0] <= now:
                return heapq.heappop(self._due)[2]
            if last or self._closing:
                break
            moments = [due for due, _, _ in self._due[:1]] + [held.release_at for held in self._held.values()]
            self._wake.wait(min([LONGEST_SLEEP_S, *(max(0.0, moment - now) for moment in moments)]))
        return None

    def _deliver(self, client: httpx.Client, delivery: Delivery) -> None:
        body = json.dumps(delivery.event, ensure_ascii=False).encode()
        secret = delivery.endpoint["secret"]
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "Stripe-Signature": sign(secret, body, clock.now()),
            "User-Agent": "QuittanceSandbox/1.0",
        }
        try:
            status = client.post(delivery.endpoint["url"], content=body, headers=headers).status_code
            outcome = "delivered" if httpx.codes.is_success(status) else "refused"
        except httpx.HTTPError as error:
            status, outcome = 0, type(error).__name__
        self._log(delivery, outcome, status=status)
        if outcome != "delivered":
            self._retry(delivery)

    def _retry(self, delivery: Delivery) -> None:
        pauses = self._settings.webhook_retries_s
        if delivery.tried >= len(pauses):
            self._log(delivery, "given up")
            return
        due = time.monotonic() + pauses[delivery.tried]
        delivery.tried += 1
        with self._wake:
            self._push(due, delivery)

    def _log(self, delivery: Delivery, outcome: str, **more: Any) -> None:
        self._accounts.first.log.append(
            {
                "what": "delivery",
                "event": delivery.event["id"],
                "type": delivery.event["type"],
                "endpoint": delivery.endpoint["id"],
                "try": delivery.tried + 1,
                "outcome": outcome,
                **more,
            }
        )
