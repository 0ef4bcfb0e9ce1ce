"""What the credit pages show: customers by how much of their limit is used, and one customer's standing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from config.clock import today
from portal.telling.credit_words import VERDICTS, reason_sentence
from portal.words import gettext
from receivables.domain.risk.credit import DEFAULT_CURRENCY, decide, limit_on
from receivables.services.risk.deciding import standing_of
from receivables.services.risk.exposing import exposures
from receivables.store.risk.credit import current_policy, derogated, limits_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from uuid import UUID

    from receivables.domain.risk.credit import CreditFacts, CreditPolicy, Decision
    from receivables.store.risk.credit import KeptDecision
    from receivables.store.work import Work

WHOLE = 100


@dataclass(frozen=True, slots=True)
class Use:
    """How much of a customer's limit is used; ``limit_minor`` is ``None`` where there is none."""

    customer_id: UUID
    account_code: str
    name: str
    currency: str
    exposure_minor: int
    limit_minor: int | None
    derogation_minor: int

    @property
    def percent(self) -> int:
        """Of the limit and what was agreed above it; 100 at most where it is drawn."""
        room = (self.limit_minor or 0) + self.derogation_minor
        return self.exposure_minor * WHOLE // room if room > 0 else WHOLE * 10

    @property
    def over_minor(self) -> int:
        """How much too much."""
        if self.limit_minor is None:
            return 0
        return max(self.exposure_minor - self.limit_minor - self.derogation_minor, 0)


def uses(work: Work, choice: str) -> list[Use]:
    """Customers by the use of their limits, in the house's currency: the nearest first.

    ``choice``: ``over``, ``near`` (from the policy's warning on, those over it among them), ``none`` (no limit, but
    something is owed), ``all`` (with a limit).
    """
    return uses_by(work, (choice,))[choice]


def uses_by(work: Work, choices: Iterable[str]) -> dict[str, list[Use]]:
    """The same for each of ``choices``, from one reading."""
    policy = current_policy(work)
    found = _read_uses(work, policy)
    return {each: _choose(found, each, policy) for each in choices}


def _read_uses(work: Work, policy: CreditPolicy) -> list[Use]:
    day = today()
    owed = exposures(work, None, DEFAULT_CURRENCY)
    limited = {row["customer_id"] for row in work.rows(_LIMITED)}
    ids = [*limited, *(key for key in owed if key not in limited)]
    held, more = limits_of(work, ids), derogated(work, ids, day)
    found = []
    for row in work.rows(_NAMES, ids=ids):
        key = (row["customer_id"], DEFAULT_CURRENCY)
        exposure = owed.get(row["customer_id"])
        found.append(
            Use(
                **row,
                currency=DEFAULT_CURRENCY,
                exposure_minor=exposure.total_minor if exposure else 0,
                limit_minor=limit_on(held.get(key, {}), day, policy),
                derogation_minor=more.get(key, 0),
            )
        )
    return found


def _choose(found: list[Use], choice: str, policy: CreditPolicy) -> list[Use]:
    kept = [each for each in found if _fits(each, choice, policy)]
    if choice == "none":
        return sorted(kept, key=lambda each: (-each.exposure_minor, each.name))
    return sorted(kept, key=lambda each: (-each.percent, -each.exposure_minor, each.name))


_LIMITED = (
    "SELECT DISTINCT customer_id FROM credit_limits WHERE supplier_id = :supplier AND ended_at IS NULL "
    "AND customer_id IS NOT NULL AND kind IN ('internal', 'temporary')"
)
_NAMES = (
    "SELECT customer_id, account_code, name FROM customers WHERE supplier_id = :supplier AND customer_id = ANY(:ids)"
)


def _fits(use: Use, choice: str, policy: CreditPolicy) -> bool:
    if choice == "none":
        return use.limit_minor is None and use.exposure_minor > 0
    if use.limit_minor is None:
        return False
    if choice == "over":
        return use.over_minor > 0
    return choice == "all" or (use.exposure_minor > 0 and use.percent >= policy.warn_percent)


@dataclass(frozen=True, slots=True)
class Told:
    """A decision in words."""

    name: str
    tone: str
    icon: str
    sentences: tuple[str, ...]


def tell_decision(verdict: str, reasons: Sequence[tuple[str, dict[str, object]]], currency: str) -> Told:
    """A decision with its reasons, in the reader's language."""
    name, tone, icon = VERDICTS[verdict]
    return Told(gettext(name), tone, icon, tuple(reason_sentence(code, facts, currency) for code, facts in reasons))


def tell_kept(kept: KeptDecision) -> Told:
    """A decision that was kept."""
    return tell_decision(kept.verdict, [(each["code"], each["facts"]) for each in kept.reasons], kept.currency)


@dataclass(frozen=True, slots=True)
class Standing:
    """One customer's credit now."""

    facts: CreditFacts
    policy: CreditPolicy
    decision: Decision
    told: Told

    @property
    def percent(self) -> int | None:
        """How much of the limit is used, drawn up to 100."""
        if self.facts.limit_minor is None:
            return None
        room = self.facts.limit_minor + self.facts.derogation_minor
        return max(min(self.facts.exposure.total_minor * WHOLE // room, WHOLE), 0) if room > 0 else WHOLE


def show_standing(work: Work, customer_id: UUID, currency: str) -> Standing:
    """What stands now, decided about as it is.

    Raises:
        NotFoundError: ``customer.not_found``.
    """
    facts, policy = standing_of(work, customer_id, currency)
    decision = decide(facts, 0, policy)
    told = tell_decision(decision.verdict, [(each.code, each.facts) for each in decision.reasons], currency)
    return Standing(facts, policy, decision, told)
