"""Webhooks: who wants to be told of which flows, and the signed calls that tell them.

A sandbox calls back the program beside it, so that addresses of this machine are allowed, as a real platform would not.
"""

from __future__ import annotations

import json
import logging
import secrets
import threading
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import requests

from config.clock import new_id, now
from einvoice.platform.signature import sign
from portal.sandboxes.platform.faults import FaultKind, Operation
from portal.sandboxes.platform.flows import StoredFlow, flow_json, iso

if TYPE_CHECKING:
    from datetime import datetime

    from portal.sandboxes.platform.faults import FaultBox

TIMEOUT_S = 3.0
"""A callback that does not answer in this time is given up: webhooks are hints, the flows can be polled."""
MAX_WEBHOOKS = 20
"""Per owner: each change of a flow calls all of them."""
_KEY_BYTES = 32

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Webhook:
    """A subscription; empty filters let everything pass."""

    webhook_id: str
    owner: str
    callback_url: str
    signing_key: bytes
    created_at: datetime
    flow_types: tuple[str, ...] = ()
    direction: str | None = None
    ack_status: str | None = None

    def wants(self, flow: StoredFlow) -> bool:
        """Whether this subscription is for ``flow`` as it is now."""
        return (
            flow.owner == self.owner
            and (not self.flow_types or flow.flow_type in self.flow_types)
            and self.direction in {None, flow.direction.value}
            and self.ack_status in {None, flow.status.value}
        )

    def listed(self) -> dict[str, Any]:
        """The norm's ``Webhook`` without its key, which is shown once only."""
        content = {
            "webhookId": self.webhook_id,
            "createdAt": iso(self.created_at),
            "callbackUrl": self.callback_url,
            "flowTypes": list(self.flow_types) or None,
            "flowDirection": self.direction,
            "ackStatus": self.ack_status,
        }
        return {name: value for name, value in content.items() if value is not None}


class WebhookDesk:
    """Subscriptions, and one thread that calls them."""

    def __init__(self, faults: FaultBox, *, enabled: bool = True) -> None:
        self._faults = faults
        self._enabled = enabled
        self._lock = threading.Lock()
        self._webhooks: dict[str, Webhook] = {}
        self._caller = ThreadPoolExecutor(max_workers=1, thread_name_prefix="sandbox-webhook")

    def subscribe(
        self, owner: str, callback_url: str, flow_types: tuple[str, ...], direction: str | None, ack_status: str | None
    ) -> Webhook | None:
        """A new subscription with its own key; None where the owner has too many."""
        key = secrets.token_bytes(_KEY_BYTES)
        webhook = Webhook(str(new_id()), owner, callback_url, key, now(), flow_types, direction, ack_status)
        with self._lock:
            if sum(held.owner == owner for held in self._webhooks.values()) >= MAX_WEBHOOKS:
                return None
            self._webhooks[webhook.webhook_id] = webhook
        return webhook

    def of(self, owner: str) -> list[Webhook]:
        """The subscriptions of ``owner``."""
        with self._lock:
            return [webhook for webhook in self._webhooks.values() if webhook.owner == owner]

    def cancel(self, owner: str, webhook_id: str) -> bool:
        """End a subscription; False where ``owner`` has none of this id."""
        with self._lock:
            held = self._webhooks.get(webhook_id)
            if held is None or held.owner != owner:
                return False
            del self._webhooks[webhook_id]
            return True

    def clear(self) -> None:
        """End all subscriptions."""
        with self._lock:
            self._webhooks.clear()

    def tell(self, flow: StoredFlow) -> None:
        """Call everyone who wants to know of ``flow`` as it is now."""
        body = json.dumps(flow_json(flow)).encode()
        with self._lock:
            wanting = [webhook for webhook in self._webhooks.values() if webhook.wants(flow)]
        for webhook in wanting if self._enabled else ():
            fault = self._faults.strike(Operation.CALLBACK)
            if fault and fault.kind is FaultKind.LOST_WEBHOOK:
                continue
            for _ in range(2 if fault else 1):
                self._caller.submit(_call, webhook, body)

    def close(self) -> None:
        """Stop calling."""
        self._caller.shutdown(wait=False, cancel_futures=True)


def _call(webhook: Webhook, body: bytes) -> None:
    stamp = int(now().timestamp())
    headers = {
        "Content-Type": "application/json",
        "Afnor-Signature": sign(webhook.signing_key, body, stamp),
        "Afnor-Signature-Timestamp": str(stamp),
    }
    with requests.Session() as session:
        session.trust_env = False
        try:
            session.post(webhook.callback_url, data=body, headers=headers, timeout=TIMEOUT_S, allow_redirects=False)
        except requests.RequestException as error:
            log.info("webhook %s not delivered: %s", webhook.webhook_id, type(error).__name__)


def shown_once(webhook: Webhook) -> dict[str, str]:
    """The norm's ``WebhookIdParam``: the only answer that holds the key."""
    return {
        "webhookId": webhook.webhook_id,
        "signingKey": b64encode(webhook.signing_key).decode(),
        "createdAt": iso(webhook.created_at),
    }
