"""Payment plans in PostgreSQL: each with its instalments and its invoices as the books see them now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from receivables.domain.collecting.plans import Plan, PlanInvoice, PlanPolicy, PlanState
from receivables.domain.collecting.promises import Source
from receivables.domain.settlement.terms import Instalment
from receivables.errors import NotFoundError
from receivables.store.collecting.claims import OUTSIDE
from receivables.store.collecting.promises import DISPUTED
from receivables.store.conversations.disputes import ENDED_BY

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from receivables.store.work import Work

PAGE = 50
_PLAN = (
    "SELECT plan_id, customer_id, proposed_by, source, currency, total_minor, interest, grace_days, language, state, "
    "decided_by, reason, policy_version, beyond, proposed_at, accepted_at, changed_at, "
    "(SELECT jsonb_agg(jsonb_build_array(part.due_on, part.amount_minor) ORDER BY position) "
    "FROM plan_instalments AS part WHERE part.supplier_id = :supplier AND part.plan_id = plan.plan_id) AS instalments "
    "FROM plans AS plan WHERE supplier_id = :supplier "
)
STANDING = (
    f"CASE WHEN {ENDED_BY} IS NULL THEN coalesce((SELECT sum(item.open_minor) FROM receivable_items AS item "
    "WHERE item.supplier_id = :supplier AND item.invoice_id = invoice.invoice_id AND item.kind = 'invoice'), 0) "
    f"+ {OUTSIDE} ELSE 0 END::bigint AS open_minor, "
    "(coalesce((SELECT sum(held.amount_minor) FROM reservations AS held WHERE held.supplier_id = :supplier "
    f"AND held.invoice_id = invoice.invoice_id AND held.state = 'processing'), 0) + ({DISPUTED}))::bigint "
    "AS held_minor "
)
"""What is open of the row ``invoice`` and asked for, and what is in flight or disputed of it."""


@dataclass(frozen=True, slots=True)
class Signature:
    """A click by which a customer agreed: who, when, to which words (with their SHA-256), from where."""

    person_id: UUID
    name: str
    email: str
    words: str
    words_sha256: str
    language: str
    ip: str
    user_agent: str
    signed_at: datetime


def find_plans(work: Work, condition: str, order: str = "plan_id", **values: Any) -> list[Plan]:
    """Plans that meet an SQL ``condition`` on the row ``plan``, each with its instalments and invoices."""
    rows = work.rows(f"{_PLAN} AND {condition} ORDER BY {order}", **values)
    invoices: dict[UUID, list[PlanInvoice]] = {row["plan_id"]: [] for row in rows}
    lines = work.rows(
        "SELECT line.plan_id, line.invoice_id, invoice.number, line.amount_minor, "
        f"{STANDING} FROM plan_invoices AS line JOIN invoices AS invoice USING (supplier_id, invoice_id) "
        "WHERE supplier_id = :supplier AND line.plan_id = ANY(:ids) ORDER BY line.plan_id, line.position",
        ids=list(invoices),
    )
    for line in lines if rows else ():
        told = {name: value for name, value in line.items() if name != "plan_id"}
        invoices[line["plan_id"]].append(PlanInvoice(**told))
    return [
        Plan(
            **{
                **row,
                "source": Source(row["source"]),
                "state": PlanState(row["state"]),
                "beyond": tuple(row["beyond"]),
                "instalments": tuple(Instalment(date.fromisoformat(day), minor) for day, minor in row["instalments"]),
                "invoices": tuple(invoices[row["plan_id"]]),
            }
        )
        for row in rows
    ]


def get_plan(work: Work, plan_id: UUID) -> Plan:
    """One plan.

    Raises:
        NotFoundError: ``plan.not_found``.
    """
    found = find_plans(work, "plan_id = :id", id=plan_id)
    if not found:
        raise NotFoundError("plan.not_found", "There is no such payment plan.", "Cet échéancier n'existe pas.")
    return found[0]


def plans_on(work: Work, invoice_ids: Sequence[UUID], states: Sequence[str] = ("accepted",)) -> list[Plan]:
    """The plans in some states that name any of these invoices, with all of their invoices."""
    return find_plans(
        work,
        "state = ANY(:states) AND EXISTS (SELECT 1 FROM plan_invoices AS named WHERE named.supplier_id = :supplier "
        "AND named.plan_id = plan.plan_id AND named.invoice_id = ANY(:ids))",
        states=list(states),
        ids=list(invoice_ids),
    )


def plans_of(work: Work, customer_id: UUID, limit: int = PAGE) -> list[Plan]:
    """The plans of a customer, the newest first."""
    return find_plans(
        work,
        "customer_id = :customer",
        "proposed_at DESC, plan_id DESC LIMIT :limit",
        customer=customer_id,
        limit=limit,
    )


def live_plans(work: Work, customer_id: UUID) -> list[Plan]:
    """The plans of a customer that are under way, or wait for their answer."""
    return find_plans(
        work,
        "customer_id = :customer AND (state = 'accepted' OR state = 'proposed' AND source = 'collector')",
        customer=customer_id,
    )


def list_plans(work: Work, states: Sequence[str], after: UUID | None = None, limit: int = PAGE) -> list[Plan]:
    """A page of plans in some states, the newest first, and one more where there is one."""
    return find_plans(
        work,
        "state = ANY(:states) AND (CAST(:after AS uuid) IS NULL OR plan_id < :after)",
        "plan_id DESC LIMIT :limit",
        states=list(states),
        after=after,
        limit=limit + 1,
    )


def planned_terms(work: Work, invoice_ids: Sequence[UUID]) -> dict[UUID, tuple[Instalment, ...]]:
    """When what is left of invoices falls due by an accepted plan; those without one are missing."""
    wanted = set(invoice_ids)
    return {
        each.invoice_id: plan.terms_of(each.invoice_id)
        for plan in plans_on(work, invoice_ids)
        for each in plan.invoices
        if each.invoice_id in wanted
    }


def signature_of(work: Work, plan_id: UUID) -> Signature | None:
    """The customer's click, where there was one."""
    row = work.row(
        "SELECT person_id, name, email, words, words_sha256, language, ip, user_agent, signed_at FROM plan_signatures "
        "WHERE supplier_id = :supplier AND plan_id = :plan",
        plan=plan_id,
    )
    return Signature(**row) if row else None


def insert_plan(work: Work, plan: Plan) -> None:
    """Write a new plan with its instalments and invoices."""
    work.insert(
        "plans",
        [
            {
                "plan_id": plan.plan_id,
                "customer_id": plan.customer_id,
                "proposed_by": plan.proposed_by,
                "source": plan.source,
                "currency": plan.currency,
                "total_minor": plan.total_minor,
                "interest": plan.interest,
                "grace_days": plan.grace_days,
                "language": plan.language,
                "policy_version": plan.policy_version,
                "beyond": list(plan.beyond),
                "state": plan.state,
                "proposed_at": plan.proposed_at,
                "changed_at": plan.changed_at,
            }
        ],
    )
    work.insert(
        "plan_instalments",
        [
            {"plan_id": plan.plan_id, "position": place, "due_on": each.due_on, "amount_minor": each.amount_minor}
            for place, each in enumerate(plan.instalments, 1)
        ],
    )
    work.insert(
        "plan_invoices",
        [
            {
                "plan_id": plan.plan_id,
                "invoice_id": each.invoice_id,
                "position": place,
                "amount_minor": each.amount_minor,
            }
            for place, each in enumerate(plan.invoices, 1)
        ],
    )


def insert_signature(work: Work, plan_id: UUID, signature: Signature) -> None:
    """Keep a customer's click."""
    work.execute(
        "INSERT INTO plan_signatures (supplier_id, plan_id, person_id, name, email, words, words_sha256, language, "
        "ip, user_agent, signed_at) VALUES (:supplier, :plan, :person, :name, :email, :words, :sha256, :language, "
        ":ip, :agent, :at)",
        plan=plan_id,
        person=signature.person_id,
        name=signature.name,
        email=signature.email,
        words=signature.words,
        sha256=signature.words_sha256,
        language=signature.language,
        ip=signature.ip,
        agent=signature.user_agent,
        at=signature.signed_at,
    )


def policy_of(work: Work) -> PlanPolicy:
    """What the supplier agrees to without looking now; the usual policy where none was set."""
    row = work.row(
        "SELECT version, rules FROM plan_policies WHERE supplier_id = :supplier ORDER BY version DESC LIMIT 1"
    )
    return PlanPolicy(**row["rules"], version=row["version"]) if row else PlanPolicy()
