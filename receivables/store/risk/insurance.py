"""Insurance policies, decisions of insurers and declarations of overdue invoices, in PostgreSQL."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from config.clock import new_id, now
from receivables.domain.risk.insurance import PolicyTerms, read_terms
from receivables.errors import NotFoundError
from receivables.store.work import to_json

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import date
    from uuid import UUID

    from sqlalchemy import RowMapping

    from receivables.store.work import Work

PAGE = 50
"""Decisions that a page shows."""


@dataclass(frozen=True, slots=True)
class Policy:
    """A credit insurance policy; ``insurer`` is the name of its driver."""

    policy_id: UUID
    insurer: str
    policy_number: str
    currency: str
    terms: PolicyTerms
    starts_on: date
    ends_on: date | None


@dataclass(frozen=True, slots=True)
class InsurerDecision:
    """What an insurer decided about a customer; ``asked`` while it has not. Amounts in minor units."""

    policy_id: UUID
    customer_id: UUID
    kind: str
    state: str
    amount_minor: int
    currency: str
    decided_on: date
    effective_on: date
    reference: str
    source: str
    asked_minor: int | None = None
    ends_on: date | None = None


def policies(work: Work, on: date | None = None) -> list[Policy]:
    """The supplier's policies, those in force on a day or all, the newest first."""
    rows = work.rows(
        "SELECT policy_id, insurer, policy_number, currency, terms, starts_on, ends_on FROM insurance_policies "
        "WHERE supplier_id = :supplier AND (CAST(:on AS date) IS NULL OR (starts_on <= :on "
        "AND (ends_on IS NULL OR ends_on >= :on))) ORDER BY starts_on DESC, policy_id DESC",
        on=on,
    )
    return [_policy(row) for row in rows]


def get_policy(work: Work, policy_id: UUID) -> Policy:
    """One policy.

    Raises:
        NotFoundError: ``insurance.policy_not_found``.
    """
    row = work.row(
        "SELECT policy_id, insurer, policy_number, currency, terms, starts_on, ends_on FROM insurance_policies "
        "WHERE supplier_id = :supplier AND policy_id = :id",
        id=policy_id,
    )
    if row is None:
        raise NotFoundError("insurance.policy_not_found", "There is no such policy.", "Cette police n'existe pas.")
    return _policy(row)


def insert_policy(work: Work, policy: Policy, actor: str) -> None:
    """Keep a policy; other terms are another row from their day on."""
    work.execute(
        "INSERT INTO insurance_policies (supplier_id, policy_id, insurer, policy_number, currency, terms, starts_on, "
        "ends_on, noted_by, noted_at) VALUES (:supplier, :policy, :insurer, :number, :currency, "
        "CAST(:terms AS jsonb), :starts, :ends, :actor, :at)",
        policy=policy.policy_id,
        insurer=policy.insurer,
        number=policy.policy_number,
        currency=policy.currency,
        terms=to_json(policy.terms.told()),
        starts=policy.starts_on,
        ends=policy.ends_on,
        actor=actor,
        at=now(),
    )


def insert_decisions(work: Work, decisions: Sequence[InsurerDecision], actor: str) -> None:
    """Keep decisions, as one set; the same state of one reference is kept once."""
    at = now()
    work.insert(
        "insurer_decisions",
        [{**asdict(each), "decision_id": new_id(), "noted_by": actor, "noted_at": at} for each in decisions],
        on_conflict="ON CONFLICT (supplier_id, policy_id, customer_id, reference, state) DO NOTHING",
    )


def decisions_in_force(work: Work, on: date, customer_ids: Collection[UUID] | None = None) -> list[InsurerDecision]:
    """Every decision that has taken effect by a day, of policies in force then, oldest first."""
    rows = work.rows(
        "SELECT decision.policy_id, customer_id, kind, state, asked_minor, amount_minor, decision.currency, "
        "decided_on, effective_on, decision.ends_on, reference, source FROM insurer_decisions AS decision "
        "JOIN insurance_policies AS policy USING (supplier_id, policy_id) WHERE supplier_id = :supplier "
        "AND state <> 'asked' AND effective_on <= :on AND starts_on <= :on "
        "AND (policy.ends_on IS NULL OR policy.ends_on >= :on) "
        "AND (CAST(:ids AS uuid[]) IS NULL OR customer_id = ANY(:ids)) "
        "ORDER BY customer_id, effective_on, decided_on, decision.noted_at, decision_id",
        on=on,
        ids=list(customer_ids) if customer_ids is not None else None,
    )
    return [InsurerDecision(**row) for row in rows]


def list_decisions(work: Work, customer_id: UUID | None = None, after: UUID | None = None) -> list[RowMapping]:
    """Decisions and requests, newest first, one more than :data:`PAGE` where there are more."""
    return list(
        work.rows(
            "SELECT decision_id, decision.customer_id, customer.name AS customer_name, policy.insurer, decision.kind, "
            "state, asked_minor, amount_minor, decision.currency, decided_on, effective_on, decision.ends_on, "
            "reference, source FROM insurer_decisions AS decision JOIN insurance_policies AS policy "
            "ON policy.supplier_id = :supplier AND policy.policy_id = decision.policy_id "
            "JOIN customers AS customer ON customer.supplier_id = :supplier "
            "AND customer.customer_id = decision.customer_id WHERE decision.supplier_id = :supplier "
            "AND (CAST(:customer AS uuid) IS NULL OR decision.customer_id = :customer) "
            "AND (CAST(:after AS uuid) IS NULL OR decision_id < :after) ORDER BY decision_id DESC LIMIT :limit",
            customer=customer_id,
            after=after,
            limit=PAGE + 1,
        )
    )


def insert_declaration(work: Work, declaration: dict[str, Any]) -> bool:
    """Keep that an overdue invoice was declared; returns whether it was not yet."""
    return bool(
        work.execute(
            "INSERT INTO insurance_declarations (supplier_id, declaration_id, policy_id, invoice_id, deadline_on, "
            "declared_on, amount_minor, currency, reference, declared_by, declared_at) VALUES (:supplier, "
            ":declaration, :policy_id, :invoice_id, :deadline_on, :declared_on, :amount_minor, :currency, :reference, "
            ":actor, :at) ON CONFLICT (supplier_id, policy_id, invoice_id) DO NOTHING",
            declaration=new_id(),
            at=now(),
            **declaration,
        )
    )


def open_debts(work: Work, customer_ids: Collection[UUID], currency: str) -> Sequence[RowMapping]:
    """The open invoices of customers, with the parts without VAT, what is disputed, and whether they were declared.

    ``given_until`` is the last day that a promise or an accepted plan gives their debtor.
    """
    return work.rows(
        "SELECT item.customer_id, item.invoice_id, item.reference AS number, item.due_on, item.open_minor, "
        "invoice.total_minor, (SELECT sum(CAST(vat ->> 'taxable_minor' AS bigint)) FROM "
        "jsonb_array_elements(invoice.vat_rows) AS vat)::bigint AS net_minor, "
        "(SELECT least(coalesce(sum(coalesce(dispute.amount_minor, item.open_minor)), 0), item.open_minor) "
        "FROM disputes AS dispute WHERE dispute.supplier_id = :supplier AND dispute.invoice_id = item.invoice_id "
        "AND closed_at IS NULL AND merged_into IS NULL)::bigint AS disputed_minor, "
        "EXISTS (SELECT 1 FROM insurance_declarations AS told WHERE told.supplier_id = :supplier "
        "AND told.invoice_id = item.invoice_id) AS declared, greatest((SELECT max(part.due_on) "
        "FROM plan_invoices AS line JOIN plans AS plan USING (supplier_id, plan_id) JOIN plan_instalments AS part "
        "USING (supplier_id, plan_id) WHERE line.supplier_id = :supplier AND line.invoice_id = item.invoice_id "
        "AND plan.state = 'accepted'), (SELECT max(promised_on) FROM promised_invoices AS line "
        "JOIN promises AS promise USING (supplier_id, promise_id) WHERE line.supplier_id = :supplier "
        "AND line.invoice_id = item.invoice_id AND promise.state = 'pending')) AS given_until "
        "FROM receivable_items AS item JOIN invoices AS invoice USING (supplier_id, invoice_id) "
        "WHERE supplier_id = :supplier AND item.kind = 'invoice' AND item.open_minor > 0 AND item.currency = :currency "
        "AND item.customer_id = ANY(:ids) ORDER BY item.due_on, item.invoice_id",
        ids=list(customer_ids),
        currency=currency,
    )


def _policy(row: RowMapping) -> Policy:
    return Policy(**{**row, "terms": read_terms(row["terms"])})
