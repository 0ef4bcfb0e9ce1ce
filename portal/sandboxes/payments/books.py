"""What the simulated provider knows of one account: objects by kind, its agenda, idempotency keys, log. One lock."""

from __future__ import annotations

import copy
import threading
from collections import deque
from typing import TYPE_CHECKING, Any

from config import clock
from portal.sandboxes.letters import draw_letters
from portal.sandboxes.payments import shapes
from portal.sandboxes.payments.agenda import Agenda
from portal.sandboxes.payments.refusals import StripeRefusal, missing

if TYPE_CHECKING:
    from collections.abc import Callable

    from portal.sandboxes.payments.settings import PaymentSandboxSettings

    Json = dict[str, Any]

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
ID_LETTERS = 24
LOG_LENGTH = 2_000
"""Calls and deliveries that the log remembers."""

KINDS = {
    "cs": "checkout.session",
    "pi": "payment_intent",
    "seti": "setup_intent",
    "pm": "payment_method",
    "mandate": "mandate",
    "ch": "charge",
    "re": "refund",
    "dp": "dispute",
    "file": "file",
    "txn": "balance_transaction",
    "po": "payout",
    "ccsbtxn": "customer_cash_balance_transaction",
    "evt": "event",
    "we": "webhook_endpoint",
    "cus": "customer",
}
"""The kind of an object by the shelf it stands on."""

OTHER_PREFIXES = {"py": "ch", "pyr": "re"}
"""Ids of charges and refunds that are not of a card begin otherwise, as the provider's own do."""

PASSING = frozenset({"evt"})
"""Kinds that nothing else needs, once they are old."""


class Mint:
    """Ids and time of a whole sandbox, shared by its accounts."""

    def __init__(self, seed: int | None) -> None:
        self._lock = threading.Lock()
        self._ids = draw_letters(seed, ALPHABET, ID_LETTERS)
        self.advanced_s = 0
        """What the control API added to the clock, in seconds."""

    def letters(self) -> str:
        """The part of an id behind its prefix."""
        with self._lock:
            return next(self._ids)

    def now(self) -> int:
        """The sandbox's time in Unix seconds."""
        return int(clock.now().timestamp()) + self.advanced_s


class Books:
    """The state of one account. Hold ``lock`` around everything that reads twice or writes."""

    def __init__(
        self,
        settings: PaymentSandboxSettings,
        mint: Mint | None = None,
        *,
        account_id: str = "acct_sandbox",
        connected: bool = False,
    ) -> None:
        self.settings = settings
        self.account_id = account_id
        self.connected = connected
        """Belongs to a platform, so that its events name it."""
        self.name = settings.merchant
        self.lock = threading.RLock()
        self.objects: dict[str, dict[str, Json]] = {prefix: {} for prefix in KINDS}
        self.answers: dict[str, tuple[str, int, Json, int]] = {}
        self.contents: dict[str, bytes] = {}
        """The bytes of files by id."""
        self.log: deque[Json] = deque(maxlen=LOG_LENGTH)
        self.listeners: list[Callable[[Books, Json], None]] = []
        self.agenda = Agenda()
        self.mint = mint or Mint(settings.seed)
        self.moment: int | None = None
        """The moment of the agenda that is being played, while one is."""
        self.merchants: dict[str, str] = {}
        """Names for the hosted page by the ``supplier_id`` in a session's metadata: one sandbox serves a whole demo."""

    def now(self) -> int:
        """The sandbox's time in Unix seconds: the clock plus what the control API advanced it by."""
        return self.mint.now() if self.moment is None else self.moment

    def new_id(self, prefix: str) -> str:
        """An id in the provider's style, such as ``pi_...``."""
        return f"{prefix}_{self.mint.letters()}"

    def add(self, prefix: str, thing: Json) -> Json:
        """Keep a new object; events push out the oldest of their kind when there are too many.

        Raises:
            StripeRefusal: The sandbox is full.
        """
        shelf = self.objects[prefix]
        if len(shelf) >= self.settings.most_objects and prefix in PASSING:
            del shelf[next(iter(shelf))]
        elif len(shelf) >= self.settings.most_objects:
            raise StripeRefusal("The sandbox is full; restart it.", status=500, kind="api_error")
        shelf[thing["id"]] = thing
        return thing

    def get(self, prefix: str, identifier: str, param: str = "id") -> Json:
        """The object itself, to be changed under the lock.

        Raises:
            StripeRefusal: ``resource_missing``.
        """
        found = self.objects[prefix].get(identifier)
        if found is None:
            raise missing(KINDS[prefix], identifier, param)
        return found

    def remember_answer(self, key: str, asked: str, status: int, body: Json) -> None:
        """Keep what an idempotency key got, and forget the oldest key when there are too many."""
        if len(self.answers) >= self.settings.most_objects:
            del self.answers[next(iter(self.answers))]
        self.answers[key] = (asked, status, body, self.now())

    def find(self, identifier: str) -> Json | None:
        """The object with this id, of whatever kind."""
        prefix = identifier.split("_", 1)[0]
        return self.objects.get(OTHER_PREFIXES.get(prefix, prefix), {}).get(identifier)

    def emit(self, kind: str, thing: Json, changed: Json | None = None) -> Json:
        """Record an event about ``thing`` as it is now, and tell who delivers it; ``changed`` has former values."""
        if changed is not None:
            changed = {name: before for name, before in changed.items() if thing[name] != before}
        event = shapes.event(self.new_id("evt"), self.now(), kind, copy.deepcopy(thing), changed)
        if self.connected:
            event["account"] = self.account_id
        self.add("evt", event)
        for listener in self.listeners:
            listener(self, event)
        return event
