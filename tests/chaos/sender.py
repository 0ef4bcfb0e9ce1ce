"""The payment provider's side: parallel connections that deliver each event until it is answered 200."""

from __future__ import annotations

import http.client
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from config.clock import now
from payments.gateways.signatures import sign

if TYPE_CHECKING:
    from chaos.traffic import Delivery, Traffic

ACCEPTED = 200
ANSWER_WITHIN_S = 10.0
PAUSE_S = 0.2
"""Between two tries: the provider's own backoff is longer."""


@dataclass(slots=True)
class Sending:
    """What was sent and how it was answered; times in seconds."""

    acknowledged: set[str] = field(default_factory=set)
    answered: int = 0
    tries: int = 0
    refusals: dict[str, int] = field(default_factory=dict)
    times_s: list[float] = field(default_factory=list)


class Sender:
    """Delivers a plan over ``connections``, ``rate`` deliveries per second at most, each until it is accepted."""

    def __init__(self, traffic: Traffic, port: int, *, connections: int, rate: float) -> None:
        self.sending = Sending()
        self._traffic = traffic
        self._port = port
        self._rate = rate
        self._next = 0
        self._began = 0.0
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._deliver, name=f"sender-{i}") for i in range(connections)]

    def start(self) -> None:
        """Begin."""
        self._began = time.monotonic()
        for thread in self._threads:
            thread.start()

    def join(self, within_s: float) -> bool:
        """Wait until everything is accepted; whether it was in time. What is left is given up."""
        deadline = time.monotonic() + within_s
        for thread in self._threads:
            thread.join(max(deadline - time.monotonic(), 0))
        done = not any(thread.is_alive() for thread in self._threads)
        self._over.set()
        for thread in self._threads:
            thread.join()
        return done

    def _deliver(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=ANSWER_WITHIN_S)
        while (delivery := self._take()) is not None:
            while not self._over.is_set() and not self._try(connection, delivery):
                time.sleep(PAUSE_S)
        connection.close()

    def _take(self) -> Delivery | None:
        with self._lock:
            if self._next >= len(self._traffic.deliveries) or self._over.is_set():
                return None
            number, self._next = self._next, self._next + 1
        time.sleep(max(self._began + number / self._rate - time.monotonic(), 0))
        return self._traffic.deliveries[number]

    def _try(self, connection: http.client.HTTPConnection, delivery: Delivery) -> bool:
        supplier = self._traffic.suppliers[delivery.supplier]
        body = delivery.body.encode()
        headers = {"Stripe-Signature": sign(supplier["secret"], body, now()), "Content-Type": "application/json"}
        began = time.monotonic()
        try:
            connection.request("POST", f"/hooks/stripe/{supplier['supplier_id']}", body, headers)
            answer = connection.getresponse()
            answer.read()
            outcome = str(answer.status)
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            outcome = type(error).__name__
        took_s = time.monotonic() - began
        with self._lock:
            sending = self.sending
            sending.tries += 1
            if outcome == str(ACCEPTED):
                sending.acknowledged.add(delivery.event_id)
                sending.answered += 1
                sending.times_s.append(took_s)
                return True
            sending.refusals[outcome] = sending.refusals.get(outcome, 0) + 1
            return False
