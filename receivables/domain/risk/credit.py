"""Credit: limits, the policy, and what is decided about a sale from the exposure and what is known of the customer.

Sources: the rules of credit decisions in ``docs/credit.md``; proceedings C. com. L620-1, L631-1, L640-1.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from receivables.errors import ReceivablesError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date
    from uuid import UUID

    from receivables.domain.risk.exposure import Exposure

DEFAULT_CURRENCY = "EUR"
"""The currency of the policy's amounts."""


class Verdict(StrEnum):
    """What is decided about a sale, from the mildest to the hardest."""

    OK = "OK"
    WARN = "WARN"
    REVIEW = "REVIEW"
    BLOCK = "BLOCK"

    @property
    def rank(self) -> int:
        """The harder, the higher."""
        return tuple(Verdict).index(self)


class LimitKind(StrEnum):
    """Whose limit it is. A temporary one counts instead of the internal one until its end; insured ones add up."""

    INTERNAL = "internal"
    TEMPORARY = "temporary"
    INSURED = "insured"
    INSURED_TEMPORARY = "insured_temporary"
    GROUP = "group"


@dataclass(frozen=True, slots=True)
class CreditPolicy:
    """By which rules is decided; amounts are minor units, ``version`` 0 is what a new supplier begins with."""

    version: int = 0
    warn_percent: int = 80
    """From which part of the limit a decision warns."""
    overdue_days: int = 30
    """More than ``overdue_minor`` undisputed and late for longer than this blocks."""
    overdue_minor: int = 0
    default_limit_minor: int | None = None
    """The limit of a customer who was given none; without it, somebody has to look."""
    cap_minor: int | None = None
    """No limit counts for more."""
    order_weight_percent: int = 100
    """How much of a firm order counts, until it is delivered."""
    provisional_minor: int = 0
    """Money in flight up to this lets what is late rest; above it, only final money does."""
    derogation_days: int = 90
    """The longest life of a derogation."""
    coverage_percent: int = 90
    """What an insurer bears of what is insured."""
    cover_stopped: str = Verdict.REVIEW.value
    """What is decided while an invoice is later than the insurer's policy allows: ``REVIEW`` or ``BLOCK``."""

    def rules(self) -> dict[str, Any]:
        """Everything but the version, as it is kept."""
        return {name: value for name, value in asdict(self).items() if name != "version"}


PERCENTS = ("warn_percent", "order_weight_percent", "coverage_percent")
MOST_DAYS = 730
WHOLE = 100
STOPPED_COVER = (Verdict.REVIEW.value, Verdict.BLOCK.value)
"""What a policy may decide while the insurer covers no new deliveries."""


def check_policy(rules: Mapping[str, Any]) -> CreditPolicy:
    """The policy with ``rules``, as version 0.

    Raises:
        ReceivablesError: ``credit.bad_policy``.
    """
    known = {each.name for each in fields(CreditPolicy)} - {"version"}
    optional = {"default_limit_minor", "cap_minor"}
    for name, value in rules.items():
        absent = value is None and name in optional
        fits = absent or (value in STOPPED_COVER if name == "cover_stopped" else isinstance(value, int) and value >= 0)
        top = WHOLE if name in PERCENTS else MOST_DAYS if name.endswith("_days") else None
        if name not in known or not fits or (top is not None and fits and value > top):
            raise ReceivablesError(
                "credit.bad_policy",
                f"The credit policy cannot have {name} = {value!r}: see docs/credit.md for what each rule may be.",
                f"La politique de crédit n'admet pas {name} = {value!r} : voir docs/credit.md.",
            )
    return CreditPolicy(**rules)


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit as it stands: ``amount_minor`` of ``currency``, from a day until the end of another."""

    limit_id: UUID
    kind: LimitKind
    currency: str
    amount_minor: int
    valid_from: date
    valid_until: date | None
    reason: str
    set_by: str

    def holds_on(self, day: date) -> bool:
        """Whether it counts on ``day``."""
        return self.valid_from <= day and (self.valid_until is None or day <= self.valid_until)


@dataclass(frozen=True, slots=True)
class GroupStanding:
    """The limit of a group (its parent's SIREN) and the exposure of everybody in it, in minor units."""

    siren: str
    limit_minor: int
    exposure_minor: int


@dataclass(frozen=True, slots=True)
class CreditFacts:
    """Everything that a decision is made from; amounts are minor units of one currency.

    ``limit_minor`` is ``None`` where there is none; ``overdue_minor`` is undisputed, due for longer than the policy
    allows and not covered by money in flight that may be trusted; ``other_currencies`` hold exposure that is not in it.
    ``cover_stopped``: an invoice is so late that the insurer does not cover new deliveries.
    """

    exposure: Exposure
    limit_minor: int | None
    derogation_minor: int = 0
    overdue_minor: int = 0
    insolvency: str | None = None
    broken_plan: bool = False
    insured_minor: int | None = None
    insurer_withdrew: bool = False
    cover_stopped: bool = False
    groups: tuple[GroupStanding, ...] = ()
    other_currencies: tuple[str, ...] = ()

    @property
    def available_minor(self) -> int | None:
        """What may still be sold: the limit and derogations less the exposure."""
        return (
            None if self.limit_minor is None else self.limit_minor + self.derogation_minor - self.exposure.total_minor
        )


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a decision is not ``OK``: ``code`` picks the words, ``facts`` fill them."""

    code: str
    verdict: Verdict
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Decision:
    """What is decided about a sale of ``amount_minor``, and why: the hardest reason first."""

    verdict: Verdict
    amount_minor: int
    reasons: tuple[Reason, ...]


def limit_on(limits: Mapping[LimitKind, Limit], day: date, policy: CreditPolicy) -> int | None:
    """The limit on ``day``: temporary before internal, the policy's default without either, capped."""
    held = [limits[kind] for kind in (LimitKind.TEMPORARY, LimitKind.INTERNAL) if kind in limits]
    amount = next((each.amount_minor for each in held if each.holds_on(day)), policy.default_limit_minor)
    if amount is None or policy.cap_minor is None:
        return amount
    return min(amount, policy.cap_minor)


def insured_on(limits: Mapping[LimitKind, Limit], day: date) -> int | None:
    """What an insurer covers on ``day``: the permanent limit, and the temporary one within its dates."""
    held = [
        limits[kind].amount_minor
        for kind in (LimitKind.INSURED, LimitKind.INSURED_TEMPORARY)
        if kind in limits and limits[kind].holds_on(day)
    ]
    return sum(held) if held else None


def at_risk_minor(exposure: Exposure, insured_minor: int | None, disputed_minor: int, coverage_percent: int) -> int:
    """What would be lost: the exposure less what the insurer bears; disputed debts are not insured until settled."""
    insurable = max(exposure.total_minor - disputed_minor, 0)
    covered = min(insurable, insured_minor or 0)
    return exposure.total_minor - covered * coverage_percent // WHOLE


def decide(facts: CreditFacts, amount_minor: int, policy: CreditPolicy) -> Decision:
    """Decide about selling for ``amount_minor`` more (0: what stands already)."""
    found = [
        *_against_limit(facts, amount_minor, policy),
        *_against_conduct(facts, policy),
        *_against_cover(facts, amount_minor, policy),
    ]
    for group in facts.groups:
        found += _against_group(group, amount_minor, policy)
    ranked = tuple(sorted(found, key=lambda each: -each.verdict.rank))
    return Decision(ranked[0].verdict if ranked else Verdict.OK, amount_minor, ranked)


def _against_limit(facts: CreditFacts, amount_minor: int, policy: CreditPolicy) -> list[Reason]:
    reached = facts.exposure.total_minor + amount_minor
    if reached <= 0:
        return []
    if facts.limit_minor is None:
        return [Reason("no_limit", Verdict.REVIEW, {"reached_minor": reached})]
    told = {"reached_minor": reached, "limit_minor": facts.limit_minor}
    if reached > facts.limit_minor + facts.derogation_minor:
        over = reached - facts.limit_minor - facts.derogation_minor
        return [Reason("over_limit", Verdict.BLOCK, {**told, "over_minor": over})]
    if reached > facts.limit_minor:
        return [Reason("derogated", Verdict.WARN, {**told, "derogation_minor": facts.derogation_minor})]
    if reached * WHOLE >= facts.limit_minor * policy.warn_percent:
        return [Reason("near_limit", Verdict.WARN, {**told, "percent": reached * WHOLE // facts.limit_minor})]
    return []


def _against_conduct(facts: CreditFacts, policy: CreditPolicy) -> list[Reason]:
    found = []
    if facts.insolvency:
        found.append(Reason("insolvent", Verdict.BLOCK, {"kind": facts.insolvency}))
    if facts.broken_plan:
        found.append(Reason("broken_plan", Verdict.BLOCK))
    if facts.overdue_minor > policy.overdue_minor:
        told = {"overdue_minor": facts.overdue_minor, "days": policy.overdue_days}
        found.append(Reason("overdue", Verdict.BLOCK, told))
    if facts.other_currencies:
        found.append(Reason("other_currency", Verdict.REVIEW, {"currencies": ", ".join(facts.other_currencies)}))
    return found


def _against_cover(facts: CreditFacts, amount_minor: int, policy: CreditPolicy) -> list[Reason]:
    if facts.insurer_withdrew:
        return [Reason("insurer_withdrew", Verdict.BLOCK)]
    found = [Reason("cover_stopped", Verdict(policy.cover_stopped))] if facts.cover_stopped else []
    reached = facts.exposure.total_minor + amount_minor
    if facts.insured_minor is not None and reached > facts.insured_minor:
        told = {"reached_minor": reached, "insured_minor": facts.insured_minor}
        found.append(Reason("not_covered", Verdict.REVIEW, told))
    return found


def _against_group(group: GroupStanding, amount_minor: int, policy: CreditPolicy) -> list[Reason]:
    reached = group.exposure_minor + amount_minor
    told = {"siren": group.siren, "reached_minor": reached, "limit_minor": group.limit_minor}
    if reached > max(group.limit_minor, 0) and reached > 0:
        return [Reason("group_over_limit", Verdict.BLOCK, told)]
    if reached > 0 and reached * WHOLE >= group.limit_minor * policy.warn_percent:
        return [Reason("group_near_limit", Verdict.WARN, told)]
    return []
