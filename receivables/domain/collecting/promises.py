"""Promises to pay (promesses de règlement): what was said, and what final money says of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date, datetime
    from uuid import UUID

TOLERANCE_BANKING_DAYS = 2
"""A transfer ordered on the promised day takes one banking day, and its statement comes the next morning."""


class Source(StrEnum):
    """Who wrote a promise or a plan down."""

    CUSTOMER = "customer"
    COLLECTOR = "collector"


class PromiseState(StrEnum):
    """Where a promise stands; the last four are a verdict."""

    PENDING = "pending"
    KEPT = "kept"
    PARTLY = "partly"
    BROKEN = "broken"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class PromisedInvoice:
    """One invoice of a promise as the books see it now, in minor units.

    ``in_time_minor`` is final money of receipts since the promise that counts for it, ``since_minor`` all that came
    since. ``open_minor`` is what is open and asked for: not what is disputed, refused or replaced. ``flying_minor`` is
    money on its way that its payer sent off by the promised day.
    """

    invoice_id: UUID
    amount_minor: int
    open_minor: int
    in_time_minor: int = 0
    since_minor: int = 0
    flying_minor: int = 0

    @property
    def asked_minor(self) -> int:
        """What the promise still stands for: what was credited or is disputed meanwhile, nobody has to pay."""
        return min(self.amount_minor, self.since_minor + self.open_minor)

    @property
    def left_minor(self) -> int:
        """What is promised and has not come."""
        return max(min(self.amount_minor - self.since_minor, self.open_minor), 0)


@dataclass(frozen=True, slots=True)
class Promise:
    """A promise with its invoices."""

    promise_id: UUID
    customer_id: UUID
    source: Source
    said_by: str
    contact_id: UUID | None
    amount_minor: int
    currency: str
    promised_on: date
    judged_on: date
    state: PromiseState
    kept_minor: int
    reason: str | None
    made_at: datetime
    invoices: tuple[PromisedInvoice, ...] = ()

    @property
    def left_minor(self) -> int:
        """What is promised and has not come."""
        return sum(each.left_minor for each in self.invoices)

    @property
    def is_pending(self) -> bool:
        """Whether it still stands, without a verdict."""
        return self.state is PromiseState.PENDING


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of a promise: its state, the money that counts for it, and a reason where the state needs one."""

    state: PromiseState
    kept_minor: int
    reason: str | None = None


def judge(invoices: Sequence[PromisedInvoice], on: date, judged_on: date, loose_minor: int = 0) -> Verdict:
    """Judge a promise by final money, as seen on the day ``on``.

    ``loose_minor`` is final money of the customer's that came in time and that no invoice has taken yet: who kept
    their word is not told otherwise because nobody has matched the transfer. Money on its way decides nothing: until
    the bank has spoken about what was sent off in time, the promise waits.
    """
    asked = sum(each.asked_minor for each in invoices)
    came = min(sum(each.in_time_minor for each in invoices) + loose_minor, asked)
    if asked == 0:
        return Verdict(PromiseState.WITHDRAWN, 0, "nothing_left")
    if came >= asked:
        return Verdict(PromiseState.KEPT, came)
    if on <= judged_on or came + sum(each.flying_minor for each in invoices) >= asked:
        return Verdict(PromiseState.PENDING, came)
    return Verdict(PromiseState.PARTLY if came else PromiseState.BROKEN, came)


def judge_in_turn(promises: Iterable[Promise], on: date, loose_minor: int) -> dict[UUID, Verdict]:
    """Judge the promises of one customer in one currency, the first promised first: loose money counts once."""
    verdicts: dict[UUID, Verdict] = {}
    for promise in sorted(promises, key=lambda each: (each.promised_on, each.made_at)):
        verdict = judge(promise.invoices, on, promise.judged_on, loose_minor)
        own = sum(each.in_time_minor for each in promise.invoices)
        loose_minor -= max(verdict.kept_minor - own, 0)
        verdicts[promise.promise_id] = verdict
    return verdicts
