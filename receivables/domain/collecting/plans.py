"""Payment plans (échéanciers amiables): instalments of what is owed, what is left of them, and when a plan is broken.

A plan is no novation (C. civ. art. 1330): its invoices stay what they are, the supplier only grants time. It covers an
invoice whole or not at all, so that what it still asks for is what the books say is open, to the cent.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from receivables.domain.money import apportion
from receivables.domain.settlement.terms import Instalment, due_by, parts_left

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime
    from uuid import UUID

    from receivables.domain.collecting.promises import Source

_MONTHS, _LAST = 12, 28


class PlanState(StrEnum):
    """Where a plan stands. Only an accepted one grants time."""

    PROPOSED = "proposed"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    KEPT = "kept"
    BROKEN = "broken"
    WITHDRAWN = "withdrawn"


class Rhythm(StrEnum):
    """How far instalments are apart."""

    WEEKLY = "weekly"
    FORTNIGHTLY = "fortnightly"
    MONTHLY = "monthly"


@dataclass(frozen=True, slots=True)
class PlanInvoice:
    """One invoice of a plan as the books see it now, in minor units; ``amount_minor`` was open when it was proposed.

    ``held_minor`` is what is in flight or disputed of ``open_minor``. An invoice that was refused or replaced since
    counts as settled: nobody asks for its money.
    """

    invoice_id: UUID
    number: str
    amount_minor: int
    open_minor: int
    held_minor: int = 0

    @property
    def settled_minor(self) -> int:
        """What the books have settled of it since; what went back from before the plan is not the plan's."""
        return max(self.amount_minor - self.open_minor, 0)

    @property
    def free_minor(self) -> int:
        """What the plan still asks for, and nothing holds."""
        return max(min(self.open_minor - self.held_minor, self.amount_minor), 0)


@dataclass(frozen=True, slots=True)
class Part:
    """One instalment as it stands: its amount, and what is not settled of it (``left``), nor held (``asked``)."""

    position: int
    due_on: date
    amount_minor: int
    left_minor: int
    asked_minor: int


@dataclass(frozen=True, slots=True)
class Plan:
    """A plan with its instalments and its invoices, in the order in which money settles them."""

    plan_id: UUID
    customer_id: UUID
    proposed_by: str
    source: Source
    currency: str
    total_minor: int
    interest: bool
    grace_days: int
    language: str
    state: PlanState
    decided_by: str | None
    reason: str | None
    policy_version: int
    beyond: tuple[str, ...]
    proposed_at: datetime
    accepted_at: datetime | None
    changed_at: datetime
    instalments: tuple[Instalment, ...] = ()
    invoices: tuple[PlanInvoice, ...] = ()

    @property
    def settled_minor(self) -> int:
        """What the books have settled of it: final money, credit notes, what was given up."""
        return sum(each.settled_minor for each in self.invoices)

    @property
    def left_minor(self) -> int:
        """What is still open of it: exactly what is open on its invoices, at most what it is for."""
        return self.total_minor - self.settled_minor

    @property
    def met_minor(self) -> int:
        """What is settled, on its way or disputed: nobody is late for it."""
        return self.total_minor - sum(each.free_minor for each in self.invoices)

    @property
    def parts(self) -> tuple[Part, ...]:
        """Every instalment as it stands: what is settled takes them in their order."""
        left, asked = self._left(self.settled_minor), self._left(self.met_minor)
        return tuple(
            Part(place, each.due_on, each.amount_minor, left[place - 1], asked[place - 1])
            for place, each in enumerate(self.instalments, 1)
        )

    def fallen_minor(self, on: date) -> int:
        """What of it has fallen due by the day ``on`` and is neither settled nor held."""
        return due_by(self.instalments, on, self.met_minor)

    def asked_minor(self, on: date) -> int:
        """What to pay now: what has fallen due, else the next instalment."""
        coming = next((each.asked_minor for each in self.parts if each.asked_minor), 0)
        return self.fallen_minor(on) or coming

    def late_part(self, on: date) -> Part | None:
        """The first instalment whose day is before ``on`` and of which something is asked for."""
        return next((each for each in self.parts if each.asked_minor and each.due_on < on), None)

    def next_part(self) -> Part | None:
        """The first instalment of which something is asked for."""
        return next((each for each in self.parts if each.asked_minor), None)

    def shares(self, amount_minor: int) -> dict[UUID, int]:
        """What an amount pays of each invoice, in the plan's order."""
        found = {}
        for each in self.invoices:
            part = min(each.free_minor, amount_minor)
            if part > 0:
                found[each.invoice_id] = part
                amount_minor -= part
        return found

    def terms_of(self, invoice_id: UUID) -> tuple[Instalment, ...]:
        """When what is free of one invoice falls due by the plan: its instalments, laid over its invoices in order."""
        before = sum(self._free_before(invoice_id))
        upto = before + next(each.free_minor for each in self.invoices if each.invoice_id == invoice_id)
        reached, found = 0, []
        for part in parts_left(self.instalments, self.met_minor):
            start, reached = reached, reached + part.amount_minor
            share = min(reached, upto) - max(start, before)
            if share > 0:
                found.append(Instalment(part.due_on, share))
        return tuple(found)

    def _free_before(self, invoice_id: UUID) -> list[int]:
        free = []
        for each in self.invoices:
            if each.invoice_id == invoice_id:
                break
            free.append(each.free_minor)
        return free

    def _left(self, settled_minor: int) -> list[int]:
        upto, found = 0, []
        for each in self.instalments:
            upto += each.amount_minor
            found.append(min(max(upto - settled_minor, 0), each.amount_minor))
        return found


@dataclass(frozen=True, slots=True)
class PlanPolicy:
    """What a supplier agrees to without looking; amounts in euro cents. ``version`` 0 is the usual one."""

    automatic: bool = True
    max_minor: int = 500_000
    """More than that, and a collector decides."""
    max_instalments: int = 6
    max_days: int = 186
    """From the proposal to the last instalment."""
    first_percent: int = 20
    """The least that the first instalment pays of the whole."""
    first_days: int = 15
    """The latest day of the first instalment."""
    smallest_minor: int = 5_000
    max_late_days: int = 90
    """How old the oldest invoice may be, after its day."""
    clean_months: int = 24
    """No plan was broken in that time."""
    max_broken_promises: int = 1
    """In the last twelve months."""
    grace_days: int = 8
    """After an instalment's day, before the whole falls due again."""
    interest: bool = False
    """Whether late interest runs on while a plan is kept."""
    promise_days: int = 15
    """How far ahead a customer may promise by themselves."""
    version: int = 0


@dataclass(frozen=True, slots=True)
class Standing:
    """What a policy looks at beside the proposal itself."""

    today: date
    oldest_due_on: date
    plans_under_way: int = 0
    last_broken_on: date | None = None
    broken_promises: int = 0


@dataclass(frozen=True, slots=True)
class Assessment:
    """Whether a plan is agreed to by policy; ``beyond`` names the rules that it does not meet."""

    beyond: tuple[str, ...] = field(default=())

    @property
    def automatic(self) -> bool:
        """Whether nobody has to look."""
        return not self.beyond


def assess(policy: PlanPolicy, instalments: Sequence[Instalment], currency: str, standing: Standing) -> Assessment:
    """Hold a proposal against a policy: every rule that it does not meet, in a fixed order."""
    total = sum(each.amount_minor for each in instalments)
    first, last = instalments[0], instalments[-1]
    clean_since = standing.today - timedelta(days=policy.clean_months * 365 // 12)
    rules = (
        ("manual", policy.automatic),
        ("currency", currency == "EUR"),
        ("amount", total <= policy.max_minor),
        ("count", len(instalments) <= policy.max_instalments),
        ("length", last.due_on <= standing.today + timedelta(days=policy.max_days)),
        ("first_amount", first.amount_minor * 100 >= total * policy.first_percent),
        ("first_day", first.due_on <= standing.today + timedelta(days=policy.first_days)),
        ("smallest", min(each.amount_minor for each in instalments) >= policy.smallest_minor),
        ("late", standing.oldest_due_on >= standing.today - timedelta(days=policy.max_late_days)),
        ("under_way", standing.plans_under_way == 0),
        ("broken_plan", standing.last_broken_on is None or standing.last_broken_on < clean_since),
        ("broken_promises", standing.broken_promises <= policy.max_broken_promises),
    )
    return Assessment(tuple(name for name, met in rules if not met))


def schedule(
    total_minor: int,
    first_on: date,
    count: int,
    rhythm: Rhythm,
    *,
    first_minor: int | None = None,
    open_day: Callable[[date], date] = lambda day: day,
) -> tuple[Instalment, ...]:
    """``count`` instalments from ``first_on``: equal to the cent, or a first one and equal ones after it.

    ``open_day`` moves a day to one on which banks work. The caller has checked that each gets at least a cent.
    """
    if first_minor is None:
        amounts = apportion(total_minor, [1] * count)
    else:
        amounts = (first_minor, *apportion(total_minor - first_minor, [1] * (count - 1)))
    days = (_step(first_on, number, rhythm) for number in range(count))
    return tuple(Instalment(open_day(day), minor) for day, minor in zip(days, amounts, strict=True))


def _step(start: date, number: int, rhythm: Rhythm) -> date:
    """The day of an instalment: the same day of later months, the last one of a month that is shorter."""
    if rhythm is not Rhythm.MONTHLY:
        return start + timedelta(days=number * (7 if rhythm is Rhythm.WEEKLY else 14))
    month = start.month - 1 + number
    first = date(start.year + month // _MONTHS, month % _MONTHS + 1, 1)
    if start.day <= _LAST:
        return first.replace(day=start.day)
    following = (first + timedelta(days=31)).replace(day=1)
    return min(first + timedelta(days=start.day - 1), following - timedelta(days=1))
