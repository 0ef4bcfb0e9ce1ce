"""A program that listens to webhooks, to look at: it checks every signature and shows the last deliveries.

Signatures are those of Standard Webhooks. Some addresses are steady, some stumble before they answer, some are gone.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections import deque
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from flask import Flask, Response, render_template, request

from config.clock import now
from portal.sandboxes.strangers import refuse_strangers

if TYPE_CHECKING:
    from datetime import datetime

STEADY, STUMBLING, GONE = "steady", "stumbling", "gone"
"""How an address answers: well; not before it was called twice, for its first events; never again (410)."""
STUMBLES = 3
"""Events at which a stumbling address stumbles."""
TOLERANCE_S = 300
"""How old a signature may be (Standard Webhooks asks for a limit, so that nobody plays a call again)."""
MOST_KEPT = 50
MOST_BODY_BYTES = 256 * 1024
PREFIX = "whsec_"


@dataclass(frozen=True, slots=True)
class Heard:
    """One call: whether its signature was right, what it told, what was answered."""

    at: datetime
    name: str
    webhook_id: str
    kind: str
    verified: bool
    status: int
    tries: int


@dataclass(slots=True)
class Receiver:
    """What listens: addresses with their secrets, and the last calls. Nothing outlives the process."""

    calls: deque[Heard] = field(default_factory=lambda: deque(maxlen=MOST_KEPT))
    _secrets: dict[str, tuple[str, str]] = field(default_factory=dict)
    _tries: dict[tuple[str, str], int] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def listen(self, name: str, secret: str, mood: str = STEADY) -> None:
        """Answer at ``/hooks/<name>``; ``secret`` is what our page of webhooks gave."""
        self._secrets[name] = secret, mood

    def hear(self, name: str, headers: dict[str, str], body: bytes) -> int:
        """Check a call and note it; the status of the answer."""
        secret, mood = self._secrets.get(name, ("", GONE))
        verified = bool(secret) and is_signed(secret, headers, body)
        webhook_id = headers.get("webhook-id", "")[:100]
        with self._lock:
            tries = self._tries[name, webhook_id] = self._tries.get((name, webhook_id), 0) + 1
            events = sum(known == name for known, _ in self._tries)
            status = _answer(mood, verified=verified, tries=tries, events=events)
            self.calls.appendleft(Heard(now(), name, webhook_id, _kind_of(body), verified, status, tries))
        return status


def is_signed(secret: str, headers: dict[str, str], body: bytes) -> bool:
    """Whether one of the signatures is ours, and young."""
    stamp = headers.get("webhook-timestamp", "")
    if not stamp.isascii() or not stamp.isdecimal() or abs(now().timestamp() - int(stamp[:12])) > TOLERANCE_S:
        return False
    key = base64.b64decode(secret.removeprefix(PREFIX))
    told = f"{headers.get('webhook-id', '')}.{stamp}.".encode() + body
    right = b"v1," + base64.b64encode(hmac.digest(key, told, hashlib.sha256))
    given = headers.get("webhook-signature", "").encode().split(b" ")
    return any(hmac.compare_digest(right, each) for each in given)


def create_receiver(receiver: Receiver) -> Flask:
    """The program as an app of its own: ``POST /hooks/<name>``, and a page of what it heard."""
    app = Flask("webhook_receiver", template_folder=str(Path(__file__).parent / "templates"), static_folder=None)
    app.config.update(MAX_CONTENT_LENGTH=MOST_BODY_BYTES)
    refuse_strangers(app)

    @app.post("/hooks/<name>")
    def hook(name: str) -> Response:
        headers = {key.lower(): value for key, value in request.headers.items()}
        return Response(status=receiver.hear(name, headers, request.get_data()))

    @app.get("/")
    def log() -> str:
        french = request.accept_languages.best_match(("fr", "en")) != "en"
        return render_template("receiver/log.html", calls=list(receiver.calls), french=french)

    return app


def _answer(mood: str, *, verified: bool, tries: int, events: int) -> int:
    if mood == GONE:
        return HTTPStatus.GONE
    if not verified:
        return HTTPStatus.UNAUTHORIZED
    stumbles = mood == STUMBLING and tries == 1 and events <= STUMBLES
    return HTTPStatus.SERVICE_UNAVAILABLE if stumbles else HTTPStatus.NO_CONTENT


def _kind_of(body: bytes) -> str:
    try:
        told = json.loads(body)
    except ValueError:
        return "-"
    return str(told.get("type", "-"))[:80] if isinstance(told, dict) else "-"
