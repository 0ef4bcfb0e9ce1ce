"""A payment sandbox over real HTTP, and an endpoint that receives its signed webhooks."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import httpx
from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.wrappers import Request, Response

from config import clock
from payments.gateways.port import CheckoutOrder
from payments.gateways.signatures import SignatureRefusedError, verify
from payments.gateways.stripe import StripeGateway
from payments.gateways.stripe_facts import READERS
from portal.sandboxes.payments import PaymentSandboxSettings, create_payment_sandbox
from receivables.domain.money import Money

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from payments.gateways.port import PaymentFact

KEY = "sk_test_quittance_sandbox"
PATIENCE_S = 10.0


class Quiet(WSGIRequestHandler):
    """No line on stderr per request."""

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002 - werkzeug's name
        pass


@contextmanager
def serving(app: Callable[..., Any]) -> Iterator[str]:
    """Serve a WSGI app on a free local port; yields its address."""
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Quiet)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


class Receiver:
    """A webhook endpoint; ``refuse`` is how many deliveries it still answers with 500."""

    def __init__(self, signature: str = "Stripe-Signature") -> None:
        self.signature = signature
        """The header that holds the proof."""
        self.received: list[tuple[bytes, str]] = []
        self.refuse = 0

    def __call__(self, environ: Any, start_response: Any) -> Any:
        request = Request(environ)
        if self.refuse:
            self.refuse -= 1
            return Response("later", 500)(environ, start_response)
        self.received.append((request.get_data(), request.headers.get(self.signature, "")))
        return Response("ok")(environ, start_response)


class Sandbox:
    """A running sandbox with its gateway, its control routes and one receiving endpoint."""

    def __init__(self, url: str, hook_url: str, receiver: Receiver) -> None:
        self.url = url
        self.receiver = receiver
        self.receiver_url = hook_url
        self.http = httpx.Client(base_url=url, headers={"Authorization": f"Bearer {KEY}"}, timeout=20)
        self.gateway = self.new_gateway()
        wanted = {f"enabled_events[{index}]": kind for index, kind in enumerate(READERS)}
        made = self.http.post("/v1/webhook_endpoints", data={"url": f"{hook_url}/hook", **wanted}).json()
        self.endpoint_id, self.secret = made["id"], made["secret"]

    def new_gateway(self, **options: Any) -> StripeGateway:
        return StripeGateway(KEY, api_url=self.url, **{"network_retries": 0, **options})

    def control(self, path: str, /, **told: Any) -> Any:
        answer = self.http.post(f"/_sandbox/{path}", json=told)
        assert answer.is_success, answer.text
        return answer.json()

    def pay(self, session_id: str, card: str = "4242424242424242", **more: Any) -> Any:
        return self.control(f"pay/{session_id}", card=card, **more)

    def fault(self, kind: str, /, **more: Any) -> None:
        self.control("faults", kind=kind, **more)

    def delivered(self) -> list[bytes]:
        """The bodies received so far, each proven by its signature, once nothing is under way any more."""
        self._wait_for_deliveries()
        for body, header in self.receiver.received:
            verify((self.secret,), body, header, clock.now())
        return [body for body, _ in self.receiver.received]

    def delivered_with(self, secret: str) -> list[bytes]:
        """The bodies signed with the ``secret`` of another endpoint at the same address."""
        self._wait_for_deliveries()
        return [body for body, header in self.receiver.received if _signed(secret, body, header)]

    def _wait_for_deliveries(self) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while self.http.get("/_sandbox/log").json()["pending"]:
            assert time.monotonic() < deadline, "the sandbox is still delivering"
            time.sleep(0.02)

    def told(self) -> list[PaymentFact]:
        """The facts in everything delivered, in the order of delivery."""
        return [fact for body in self.delivered() for fact in self.gateway.facts_of(body)]


def _signed(secret: str, body: bytes, header: str) -> bool:
    try:
        verify((secret,), body, header, clock.now())
    except SignatureRefusedError:
        return False
    return True


@contextmanager
def running_sandbox(**settings: Any) -> Iterator[Sandbox]:
    """A fresh sandbox over HTTP."""
    app = create_payment_sandbox(
        PaymentSandboxSettings(**{"settle_after_s": None, "webhook_retries_s": (0.05, 0.1, 0.2), **settings})
    )
    receiver = Receiver()
    with serving(app) as url, serving(receiver) as hook_url:
        try:
            yield Sandbox(url, hook_url, receiver)
        finally:
            app.extensions["payment_sandbox"].close()


def an_order(**changes: Any) -> CheckoutOrder:
    """An order of 123.45 EUR that can be paid for an hour."""
    fields: dict[str, Any] = {
        "supplier_id": clock.new_id(),
        "attempt_id": clock.new_id(),
        "invoice_number": "F-2026-0042",
        "description": "Facture F-2026-0042, Menuiserie Dubois",
        "amount": Money(12345),
        "payer_email": "compta@client.example",
        "success_url": "https://portal.example/p/back?session={CHECKOUT_SESSION_ID}",
        "cancel_url": "https://portal.example/p/cancel",
        "expires_at": clock.now() + timedelta(hours=1),
        "locale": "fr",
        "methods": ("card",),
    }
    return CheckoutOrder(**{**fields, **changes})
