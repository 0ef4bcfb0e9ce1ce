"""Decide about a sale on credit, and keep what it was decided from.

Everything is read in few statements that only look at the customer's own rows, so that a decision costs the same in a
house of a thousand open lines and of a million.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from config.clock import new_id, now, today
from receivables.domain.risk.credit import (
    DEFAULT_CURRENCY,
    CreditFacts,
    CreditPolicy,
    Decision,
    GroupStanding,
    LimitKind,
    decide,
    insured_on,
    limit_on,
)
from receivables.domain.risk.exposure import Exposure
from receivables.errors import ReceivablesError
from receivables.services.risk.exposing import exposures
from receivables.services.risk.insurance_alarms import stopped_customers
from receivables.services.risk.watching import sum_group
from receivables.store.risk.credit import GroupLimit, group_limits_above
from receivables.store.risk.credit_facts import overdue_minor, read_standing

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from receivables.store.work import Work


@dataclass(frozen=True, slots=True)
class AskDecision:
    """The question: may this customer be sold to for ``amount_minor`` more? ``purpose`` names the order or quote."""

    customer_id: UUID
    amount_minor: int
    asked_by: str
    currency: str = "EUR"
    purpose: str | None = None


@dataclass(frozen=True, slots=True)
class Decided:
    """A decision that was kept, with what it was made from."""

    decision_id: UUID
    decision: Decision
    facts: CreditFacts
    policy: CreditPolicy
    currency: str
    decided_at: datetime


def decide_credit(work: Work, asked: AskDecision) -> Decided:
    """Decide, and keep the decision with its reasons, its facts and the version of the policy.

    Raises:
        NotFoundError: ``customer.not_found``.
        ReceivablesError: ``credit.bad_amount``: below zero.
    """
    if asked.amount_minor < 0:
        raise ReceivablesError(
            "credit.bad_amount",
            "Ask about an amount of 0 or more, VAT included.",
            "Demandez une décision pour un montant de 0 ou plus, TTC.",
        )
    facts, policy = standing_of(work, asked.customer_id, asked.currency)
    decision = decide(facts, asked.amount_minor, policy)
    decided = Decided(new_id(), decision, facts, policy, asked.currency, now())
    work.insert(
        "credit_decisions",
        [
            {
                "decision_id": decided.decision_id,
                "customer_id": asked.customer_id,
                "amount_minor": asked.amount_minor,
                "currency": asked.currency,
                "verdict": decision.verdict,
                "reasons": [asdict(each) for each in decision.reasons],
                "facts": kept_facts(facts),
                "policy_version": policy.version,
                "purpose": asked.purpose,
                "asked_by": asked.asked_by,
                "decided_at": decided.decided_at,
            }
        ],
    )
    return decided


def standing_of(work: Work, customer_id: UUID, currency: str = DEFAULT_CURRENCY) -> tuple[CreditFacts, CreditPolicy]:
    """What a decision about a customer would be made from now, and by which policy.

    Raises:
        NotFoundError: ``customer.not_found``.
    """
    day, standing = today(), read_standing(work, customer_id, currency, today())
    policy = standing.policy
    exposure = exposures(work, [customer_id], currency).get(customer_id, Exposure())
    own = policy if currency == DEFAULT_CURRENCY else replace(policy, default_limit_minor=None, cap_minor=None)
    insured = standing.limits.get(LimitKind.INSURED)
    groups = group_limits_above(work, [customer_id], currency) if standing.grouped else []
    facts = CreditFacts(
        exposure=exposure,
        limit_minor=limit_on(standing.limits, day, own),
        derogation_minor=standing.derogation_minor,
        overdue_minor=overdue_minor(work, customer_id, currency, policy, day) if standing.has_late else 0,
        insolvency=standing.insolvency,
        broken_plan=standing.broken_plan,
        insured_minor=insured_on(standing.limits, day),
        insurer_withdrew=insured is not None and insured.holds_on(day) and not insured.amount_minor,
        cover_stopped=standing.has_late
        and standing.has_insurance
        and bool(stopped_customers(work, [customer_id], day)),
        groups=tuple(_group(work, each) for each in groups if each.limit.holds_on(day)),
        other_currencies=standing.other_currencies,
    )
    return facts, policy


def _group(work: Work, group: GroupLimit) -> GroupStanding:
    return GroupStanding(group.siren, group.limit.amount_minor, sum_group(work, group.siren, group.limit.currency))


def kept_facts(facts: CreditFacts) -> dict[str, Any]:
    """Facts as they are kept and answered: the exposure by component with its sum, and what may still be sold."""
    told = asdict(facts)
    told["exposure"]["total_minor"] = facts.exposure.total_minor
    return told | {"available_minor": facts.available_minor}
