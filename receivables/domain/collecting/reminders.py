"""What dunning knows of customers and invoices, and what it decides: facts in, reminders and silences out."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from receivables.domain.collecting.scenarios import BEFORE, Approval

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date
    from uuid import UUID

    from receivables.domain.collecting.chasing import Hold
    from receivables.domain.collecting.scenarios import Channel, Step

BUSINESS, PUBLIC, CONSUMER = "business", "public", "consumer"
OFFSET, BROKEN_PROMISE, DEBIT_BACK = "offset", "broken_promise", "debit_back"
"""Why a step is taken: its day has come, a promise was broken, a debit came back."""


@dataclass(frozen=True, slots=True)
class Done:
    """A step that was taken on an invoice, for the days that are late since the same day."""

    step: str
    level: int
    on: date


@dataclass(frozen=True, slots=True)
class InvoiceFacts:
    """What is known of one open invoice; amounts in minor units.

    ``late_from`` is the day of the part that is unpaid: of the invoice, or of its instalment.
    ``late_minor`` fell due and nothing holds it; ``coming_minor`` is what may be asked for at ``late_from`` where that
    day has not come. ``own_promise_minor`` is held by the customer's own word alone, which stops no legal step.
    """

    invoice_id: UUID
    number: str
    currency: str
    late_from: date
    late_minor: int
    coming_minor: int
    open_minor: int
    holds: tuple[Hold, ...] = ()
    done: tuple[Done, ...] = ()
    promise_broken: bool = False
    """Since the last step."""
    resume_level: int = 0
    """A debit came back since the last step: where reminders resume, 0 for nowhere."""
    own_promise_minor: int = 0

    @property
    def level(self) -> int:
        """The highest level taken."""
        return max((each.level for each in self.done), default=BEFORE)


@dataclass(frozen=True, slots=True)
class Recipient:
    """Whom a mail may go to."""

    name: str
    email: str
    language: str
    phone: str | None = None
    wants_early: bool = True
    """Whether reminders before the due date are wanted: a service, which one may do without."""


@dataclass(frozen=True, slots=True)
class CustomerFacts:
    """What is known of one customer. ``credits`` is their money that settles nothing yet, by currency."""

    customer_id: UUID
    name: str
    kind: str
    segment: str
    language: str
    invoices: tuple[InvoiceFacts, ...]
    recipients: Mapping[str, Recipient] = field(default_factory=dict)
    """By role; nobody where mails come back or none is known."""
    mails_come_back: bool = False
    credits: Mapping[str, int] = field(default_factory=dict)
    last_mail_on: date | None = None
    last_call_on: date | None = None
    stopped_until: date | None = None
    autopay: bool = False
    is_new: bool = False
    is_risky: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """What is asked of one invoice in a message; ``why`` is one of :data:`OFFSET` and its fellows."""

    invoice_id: UUID
    number: str
    step: Step
    late_from: date
    amount_minor: int
    currency: str
    why: str


@dataclass(frozen=True, slots=True)
class Reminder:
    """One message to one customer, or one task about them."""

    customer_id: UUID
    scenario_id: UUID
    channel: Channel
    step: Step
    """The step of its highest level: its tone, its contact, who approves it."""
    parts: tuple[Part, ...]
    recipient: Recipient | None

    @property
    def level(self) -> int:
        """Its highest level."""
        return self.step.level

    @property
    def approval(self) -> Approval:
        """Who has to look at it first."""
        order = list(Approval)
        return max((part.step.approval for part in self.parts), key=order.index)

    @property
    def fingerprint(self) -> str:
        """What names exactly this message: whoever approves one approves what they saw."""
        asked = sorted(f"{p.invoice_id}/{p.step.key}/{p.amount_minor}/{p.currency}" for p in self.parts)
        return hashlib.sha256("|".join([self.channel, str(self.scenario_id), *asked]).encode()).hexdigest()[:32]

    @property
    def totals(self) -> dict[str, int]:
        """What it asks for in all, by currency, in minor units."""
        sums: dict[str, int] = {}
        for part in self.parts:
            sums[part.currency] = sums.get(part.currency, 0) + part.amount_minor
        return sums


@dataclass(frozen=True, slots=True)
class Silence:
    """Why nothing is sent about an invoice, until when as far as that is known, and for how much."""

    customer_id: UUID
    invoice_id: UUID
    number: str
    why: str
    amount_minor: int
    currency: str
    until: date | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """Who gets what, and who does not and why."""

    reminders: tuple[Reminder, ...]
    silences: tuple[Silence, ...]
