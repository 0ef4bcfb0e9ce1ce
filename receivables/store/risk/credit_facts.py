"""What a credit decision reads of a customer beside the exposure: everything about them in one row."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from receivables.domain.risk.credit import CreditPolicy, Limit, LimitKind
from receivables.errors import NotFoundError
from receivables.store.conversations.disputes import ENDED_BY

if TYPE_CHECKING:
    from receivables.store.work import Work


@dataclass(frozen=True, slots=True)
class Standing:
    """Limits in force or to come, what was agreed above them, and what speaks against the customer."""

    policy: CreditPolicy
    limits: dict[LimitKind, Limit]
    derogation_minor: int
    insolvency: str | None
    broken_plan: bool
    other_currencies: tuple[str, ...]
    grouped: bool
    has_late: bool
    has_insurance: bool


_STANDING = (
    "SELECT (SELECT jsonb_build_object('version', version, 'rules', rules) FROM credit_policies "
    "WHERE supplier_id = :supplier ORDER BY version DESC LIMIT 1) AS policy, "
    "(SELECT jsonb_agg(held) FROM (SELECT limit_id, kind, currency, amount_minor, valid_from, valid_until, reason, "
    "set_by FROM credit_limits WHERE supplier_id = :supplier AND customer_id = :customer AND currency = :currency "
    "AND ended_at IS NULL) AS held) AS limits, "
    "(SELECT coalesce(sum(amount_minor), 0)::bigint FROM derogations WHERE supplier_id = :supplier "
    "AND customer_id = :customer AND currency = :currency AND state = 'agreed' AND expires_on >= :today) "
    "AS derogation_minor, "
    "(SELECT kind FROM insolvencies WHERE supplier_id = :supplier AND customer_id = :customer AND state = 'open') "
    "AS insolvency, "
    "EXISTS (SELECT 1 FROM plans WHERE supplier_id = :supplier AND customer_id = :customer AND state = 'broken' "
    "AND EXISTS (SELECT 1 FROM plan_invoices JOIN receivable_items AS item USING (supplier_id, invoice_id) "
    "WHERE plan_invoices.supplier_id = :supplier AND plan_invoices.plan_id = plans.plan_id AND item.debit "
    "AND item.open_minor > 0)) AS broken_plan, "
    "EXISTS (SELECT 1 FROM credit_limits WHERE supplier_id = :supplier AND group_siren IS NOT NULL "
    "AND ended_at IS NULL AND currency = :currency) AS grouped, "
    "EXISTS (SELECT 1 FROM receivable_items WHERE supplier_id = :supplier AND customer_id = :customer "
    "AND open_minor > 0 AND due_on < :today) OR EXISTS (SELECT 1 FROM instalments JOIN receivable_items AS item "
    "USING (supplier_id, invoice_id) WHERE supplier_id = :supplier AND item.customer_id = :customer "
    "AND item.open_minor > 0 AND instalments.due_on < :today) AS has_late, "
    "EXISTS (SELECT 1 FROM insurance_policies WHERE supplier_id = :supplier) AS has_insurance, "
    "(SELECT array_agg(DISTINCT currency::text) FROM receivable_items WHERE supplier_id = :supplier "
    "AND customer_id = :customer AND open_minor > 0 AND debit AND currency <> :currency) AS other_currencies "
    "FROM customers WHERE supplier_id = :supplier AND customer_id = :customer"
)


def read_standing(work: Work, customer_id: UUID, currency: str, today: date) -> Standing:
    """What is known of a customer's credit in one currency.

    Raises:
        NotFoundError: ``customer.not_found``.
    """
    row = work.row(_STANDING, customer=customer_id, currency=currency, today=today)
    if row is None:
        raise NotFoundError("customer.not_found", "There is no such customer.", "Ce client n'existe pas.")
    policy = row["policy"]
    held = [_limit(each) for each in row["limits"] or ()]
    return Standing(
        CreditPolicy(version=policy["version"], **policy["rules"]) if policy else CreditPolicy(),
        {each.kind: each for each in held},
        row["derogation_minor"],
        row["insolvency"],
        row["broken_plan"],
        tuple(sorted(row["other_currencies"] or ())),
        row["grouped"],
        row["has_late"],
        row["has_insurance"],
    )


def _limit(told: dict[str, Any]) -> Limit:
    return Limit(
        UUID(told["limit_id"]),
        LimitKind(told["kind"]),
        told["currency"],
        told["amount_minor"],
        date.fromisoformat(told["valid_from"]),
        date.fromisoformat(told["valid_until"]) if told["valid_until"] else None,
        told["reason"],
        told["set_by"],
    )


def overdue_minor(work: Work, customer_id: UUID, currency: str, policy: CreditPolicy, today: date) -> int:
    """What is undisputed and due for longer than the policy lets rest, in minor units.

    Instalments fall due one by one; what a plan that is kept holds rests. Money in flight counts as paid only up to
    the policy's amount for it: above, only final money lets a block go. What nobody asks for any more (refused,
    rejected, replaced) is not late.
    """
    minor: int = work.scalar(
        "WITH late AS (SELECT item.invoice_id, item.open_minor, CASE WHEN parts.past IS NULL THEN CASE WHEN "
        "item.due_on < :before THEN item.open_minor ELSE 0 END ELSE least(greatest(parts.past - item.amount_minor "
        "+ item.open_minor, 0), item.open_minor) END AS minor FROM receivable_items AS item LEFT JOIN LATERAL ("
        "SELECT coalesce(sum(amount_minor) FILTER (WHERE due_on < :before), 0) AS past FROM instalments "
        "WHERE instalments.supplier_id = :supplier AND instalments.invoice_id = item.invoice_id HAVING count(*) > 0) "
        "AS parts ON item.due_on >= :before WHERE item.supplier_id = :supplier AND item.customer_id = :customer "
        "AND item.open_minor > 0 "
        "AND item.kind = 'invoice' AND item.debit AND item.currency = :currency), "
        "asked AS (SELECT minor, open_minor, coalesce((SELECT sum(held.amount_minor) FROM reservations AS held "
        "WHERE held.supplier_id = :supplier AND held.invoice_id = invoice.invoice_id "
        "AND held.state = 'processing'), 0) AS flying, "
        "coalesce((SELECT sum(coalesce(dispute.amount_minor, open_minor)) FROM disputes AS dispute "
        "WHERE dispute.supplier_id = :supplier AND dispute.invoice_id = invoice.invoice_id "
        "AND dispute.closed_at IS NULL AND dispute.merged_into IS NULL), 0) "
        "+ coalesce((SELECT sum(plan_invoices.amount_minor) FROM plan_invoices JOIN plans "
        "USING (supplier_id, plan_id) WHERE plan_invoices.supplier_id = :supplier "
        "AND plan_invoices.invoice_id = invoice.invoice_id AND plans.state = 'accepted'), 0) AS resting "
        f"FROM late AS invoice WHERE minor > 0 AND {ENDED_BY} IS NULL) "
        "SELECT coalesce(sum(least(minor, greatest(open_minor - resting "
        "- CASE WHEN flying <= :trusted THEN flying ELSE 0 END, 0))), 0)::bigint FROM asked",
        customer=customer_id,
        currency=currency,
        before=today - timedelta(days=policy.overdue_days),
        trusted=policy.provisional_minor,
    )
    return minor
