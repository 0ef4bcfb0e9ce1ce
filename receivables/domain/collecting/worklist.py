"""Whom to call first, and why: accounts ranked by the cash that one more word today may bring.

The rank is arithmetic that anybody can redo from the reasons shown, not a model: what may be asked for, times a chance
by its age and by how this customer has behaved, less where somebody has just spoken to them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date
    from uuid import UUID

CHANCES = ((15, Decimal("0.85")), (30, Decimal("0.75")), (60, Decimal("0.60")), (90, Decimal("0.45")))
"""By days late: the chance that what is asked for comes after a word. Older debts come rarely."""
OLD = Decimal("0.25")
CLASSES = {"A": Decimal("1.10"), "B": Decimal("1.05"), "C": Decimal("0.95"), "D": Decimal("0.80"), "E": Decimal("0.60")}
"""By class of the score: good payers have forgotten, bad ones have decided."""
JUST_SPOKEN, LATELY = (2, Decimal("0.15")), (5, Decimal("0.50"))
"""Days since somebody spoke to the customer, with what is left of the chance."""
BROKEN = Decimal("1.15")
"""A broken promise is worth a call: the customer has said how much and when."""
MOST = Decimal("0.95")


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason of a rank: ``code`` says which words tell it, ``facts`` what fills them."""

    code: str
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Account:
    """What is known of a customer's account in one currency, in minor units.

    ``chaseable`` is late and may be asked for; ``late`` is all that is late; ``held`` says why not the rest.
    ``spoken_on`` is when somebody of ours last reminded, called or wrote, ``level`` the last reminder's.
    """

    customer_id: UUID
    account_code: str
    name: str
    currency: str
    chaseable_minor: int
    late_minor: int
    held: Mapping[str, int]
    invoices: int
    oldest_on: date
    segment: str = "standard"
    collector_id: UUID | None = None
    grade: str | None = None
    spoken_on: date | None = None
    level: int | None = None
    broken_on: date | None = None
    next_task: str | None = None
    next_task_on: date | None = None
    waits_since: date | None = None
    """Since when they wait for an answer of ours."""


@dataclass(frozen=True, slots=True)
class Ranked:
    """An account with the cash expected of one more word, and why."""

    account: Account
    expected_minor: int
    chance: Decimal
    reasons: tuple[Reason, ...]


def rank(account: Account, today: date) -> Ranked:
    """The cash that a word today may bring from an account, and the reasons, the heaviest first."""
    days = (today - account.oldest_on).days
    reasons = [Reason("late", {"days": days, "count": account.invoices})]
    if account.broken_on:
        reasons.append(Reason("promise_broken", {"day": account.broken_on}))
    if account.grade in CLASSES:
        reasons.append(Reason("class", {"grade": account.grade}))
    if account.waits_since:
        reasons.append(Reason("waits_for_answer", {"day": account.waits_since}))
    chance = min(_by_behaviour(days, account.grade, is_broken=account.broken_on is not None), MOST)
    if account.spoken_on is None:
        reasons.append(Reason("never_spoken"))
    else:
        since = (today - account.spoken_on).days
        for upto, left in (JUST_SPOKEN, LATELY):
            if since <= upto:
                chance *= left
                break
        reasons.append(Reason("spoken", {"days": since, "level": account.level}))
    reasons += [Reason(f"held_{why}", {"minor": minor}) for why, minor in account.held.items() if minor]
    return Ranked(account, _cash(account.chaseable_minor, chance), chance, tuple(reasons))


def most_expected(late_minor: int, oldest_on: date, today: date, *, is_broken: bool, grade: str | None) -> int:
    """The most that a word may bring of what is late since a day: nothing of it held, and nobody spoken to lately."""
    return _cash(late_minor, min(_by_behaviour((today - oldest_on).days, grade, is_broken=is_broken), MOST))


def _by_behaviour(days: int, grade: str | None, *, is_broken: bool) -> Decimal:
    """The chance by the age of what is late, and by how this customer has behaved."""
    chance = next((chance for upto, chance in CHANCES if days <= upto), OLD)
    return chance * (BROKEN if is_broken else 1) * CLASSES.get(grade or "", Decimal(1))


def _cash(minor: int, chance: Decimal) -> int:
    return int((minor * chance).quantize(Decimal(1), ROUND_HALF_UP))


def by_expected_cash(ranked: Ranked) -> tuple[int, int, str]:
    """The order of the list: the most cash first; of nothing to ask for, what is held back most."""
    return -ranked.expected_minor, -ranked.account.late_minor, ranked.account.name
