"""A GoCardless sandbox over real HTTP, and an endpoint that receives its signed webhooks."""

from __future__ import annotations

import json
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import httpx
from payment_sandbox import PATIENCE_S, Receiver, serving

from config import clock
from payments.gateways.gocardless import GoCardlessGateway
from payments.gateways.gocardless_signatures import verify_body
from portal.sandboxes.gocardless import GoCardlessSandboxSettings, create_gocardless_sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator

    from payments.gateways.port import PaymentFact

KEY = "sandbox_quittance"
SECRET = "a webhook secret for tests"


class GoCardlessSandbox:
    """A running sandbox with its gateway, its control routes and one receiving endpoint."""

    def __init__(self, url: str, hook_url: str, receiver: Receiver) -> None:
        self.url = url
        self.receiver = receiver
        self.http = httpx.Client(base_url=url, headers={"Authorization": f"Bearer {KEY}"}, timeout=20)
        self.gateway = self.new_gateway()
        self.control("endpoints", url=f"{hook_url}/hook", secret=SECRET)

    def new_gateway(self, **options: Any) -> GoCardlessGateway:
        return GoCardlessGateway(KEY, api_url=self.url, **{"network_retries": 0, **options})

    def control(self, path: str, /, **told: Any) -> Any:
        answer = self.http.post(f"/_sandbox/{path}", json=told)
        assert answer.is_success, answer.text
        return answer.json()

    def scenario(self, name: str, resource: str) -> None:
        """Run one of the provider's scenario simulators."""
        answer = self.http.post(
            f"/scenario_simulators/{name}/actions/run", json={"data": {"links": {"resource": resource}}}
        )
        assert answer.is_success, answer.text

    def pay(self, session_id: str, payer: str = "Successful", **more: Any) -> Any:
        return self.control(f"pay/{session_id}", payer=payer, **more)

    def fault(self, kind: str, /, **more: Any) -> None:
        self.control("faults", kind=kind, **more)

    def delivered(self) -> list[bytes]:
        """The bodies received so far, each proven by its signature, once nothing is under way any more."""
        deadline = time.monotonic() + PATIENCE_S
        while self.http.get("/_sandbox/log").json()["pending"]:
            assert time.monotonic() < deadline, "the sandbox is still delivering"
            time.sleep(0.02)
        for body, header in self.receiver.received:
            verify_body((SECRET,), body, header, clock.now())
        return [body for body, _ in self.receiver.received]

    def events(self) -> list[tuple[str, bytes]]:
        """Every event delivered, by its id, as the intake keeps it."""
        return [
            (event["id"], json.dumps(event).encode())
            for body in self.delivered()
            for event in json.loads(body)["events"]
        ]

    def told(self) -> list[PaymentFact]:
        """The facts in everything delivered, in the order of delivery."""
        return [fact for body in self.delivered() for fact in self.gateway.facts_of(body)]


@contextmanager
def running_gocardless(**settings: Any) -> Iterator[GoCardlessSandbox]:
    """A fresh sandbox over HTTP."""
    app = create_gocardless_sandbox(
        GoCardlessSandboxSettings(
            **{"instant_after_s": None, "debit_after_s": None, "webhook_retries_s": (0.05, 0.1, 0.2), **settings}
        )
    )
    receiver = Receiver("Webhook-Signature")
    with serving(app) as url, serving(receiver) as hook_url:
        try:
            yield GoCardlessSandbox(url, hook_url, receiver)
        finally:
            app.extensions["gocardless_sandbox"].close()
