"""What the simulated GoCardless knows: objects by kind, its clock, its keys, its events. One lock."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from config import clock
from portal.sandboxes.letters import draw_letters

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    Json = dict[str, Any]

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
ID_LETTERS = 16
LOG_LENGTH = 2_000
KINDS = {
    "billing_requests": "BRQ",
    "billing_request_flows": "BRF",
    "customers": "CU",
    "customer_bank_accounts": "BA",
    "mandates": "MD",
    "payments": "PM",
    "refunds": "RF",
    "payouts": "PO",
    "events": "EV",
    "creditors": "CR",
}
"""The beginning of an id by the kind of object."""


@dataclass(frozen=True, slots=True)
class GoCardlessSandboxSettings:
    """How a sandbox behaves.

    Attributes:
        key: The only access token that is let in; must be a sandbox token, for this is never real money.
        merchant: The name on the hosted page.
        public_url: Where browsers reach the hosted page; None for the address the API was called at.
        seed: Makes ids the same in every run; None for unguessable ones.
        instant_after_s: How long an instant payment is under way, in seconds; None until told by a scenario.
        debit_after_s: The same for a SEPA debit, which takes days at the real provider.
        webhook_timeout_s: Longest wait for an endpoint's answer, in seconds.
        webhook_retries_s: Pauses between deliveries of one webhook, in seconds; after the last one it is given up.
        most_objects: Objects of one kind that are kept.
    """

    key: str = "sandbox_quittance"
    merchant: str = "Quittance"
    public_url: str | None = None
    seed: int | None = None
    instant_after_s: float | None = 3.0
    debit_after_s: float | None = 12.0
    webhook_timeout_s: float = 10.0
    webhook_retries_s: tuple[float, ...] = (1.0, 5.0, 30.0, 120.0, 600.0)
    most_objects: int = 20_000

    def __post_init__(self) -> None:
        if not self.key.startswith("sandbox_"):
            raise ValueError("The sandbox's key must begin with sandbox_: it never handles real money.")


class Refusal(Exception):  # noqa: N818 -- an answer of the simulated provider, not a failure of ours
    """An error answer of the simulated API: HTTP status, type, and the errors with their reasons."""

    def __init__(self, message: str, status: int = 422, kind: str = "validation_failed", **error: Any) -> None:
        super().__init__(message)
        self.status = status
        self.body: Json = {
            "error": {
                "message": message,
                "type": kind,
                "code": status,
                "errors": [{"message": message, **error}],  # no pointer, as in some answers of theirs
                "documentation_url": "https://developer.gocardless.com/api-reference",
            }
        }


class Books:
    """The state of one sandbox. Hold ``lock`` around everything that reads twice or writes."""

    def __init__(self, settings: GoCardlessSandboxSettings) -> None:
        self.settings = settings
        self.lock = threading.RLock()
        self.objects: dict[str, dict[str, Json]] = {kind: {} for kind in KINDS}
        self.made: dict[tuple[str, str], str] = {}
        """What an idempotency key made, by kind and key."""
        self.items: dict[str, list[Json]] = {}
        """The items of each payout."""
        self.endpoints: dict[str, tuple[str, str]] = {}
        """Address and secret of the webhook endpoints, by a name."""
        self.log: deque[Json] = deque(maxlen=LOG_LENGTH)
        self.listeners: list[Callable[[Json], None]] = []
        self.waiting: dict[str, datetime] = {}
        """Payments under way, with the instant at which time ends the wait."""
        self.advanced = timedelta()
        self.merchants: dict[str, str] = {}
        self._ids = draw_letters(settings.seed, ALPHABET, ID_LETTERS)
        self.add("creditors", {"name": settings.merchant})

    def now(self) -> datetime:
        """The sandbox's time: the clock plus what the control API advanced it by."""
        return clock.now() + self.advanced

    def stamp(self) -> str:
        """Now as they write it, with milliseconds."""
        return self.now().isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def add(self, kind: str, thing: Json) -> Json:
        """Keep a new object under an id of its own.

        Raises:
            Refusal: the sandbox is full.
        """
        shelf = self.objects[kind]
        if len(shelf) >= self.settings.most_objects:
            if kind != "events":
                raise Refusal("The sandbox is full; restart it.", 500, "gocardless")
            del shelf[next(iter(shelf))]
        made = {"id": f"{KINDS[kind]}{next(self._ids)}", "created_at": self.stamp(), **thing}
        shelf[made["id"]] = made
        return made

    def get(self, kind: str, identity: str) -> Json:
        """The object itself, to be changed under the lock.

        Raises:
            Refusal: ``resource_not_found``.
        """
        found = self.objects[kind].get(identity)
        if found is None:
            raise Refusal("Resource not found", 404, "invalid_api_usage", reason="resource_not_found")
        return found

    def emit(self, kind: str, action: str, thing: Json, details: Json | None = None, **links: str | None) -> Json:
        """Record that something happened to ``thing``, and tell those who deliver it."""
        singular = kind.removesuffix("s")
        event = self.add(
            "events",
            {
                "resource_type": kind,
                "action": action,
                "links": {singular: thing["id"], **{name: value for name, value in links.items() if value}},
                "details": {"origin": "gocardless", "cause": f"{singular}_{action}", **(details or {})},
                "metadata": {},
                "resource_metadata": dict(thing.get("metadata") or {}),
            },
        )
        for listener in self.listeners:
            listener(event)
        return event


def public(thing: Json) -> Json:
    """The object as outsiders see it: what begins with an underscore is ours."""
    return {name: value for name, value in thing.items() if not name.startswith("_")}
