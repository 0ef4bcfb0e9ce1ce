"""What the insurance pages show: insured and uninsured parts, customer by customer, and overdue invoices to declare."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from receivables.services.risk.insuring import covers, insured_debts
from receivables.store.risk.insurance import open_debts, policies

if TYPE_CHECKING:
    from datetime import date
    from uuid import UUID

    from sqlalchemy import RowMapping

    from receivables.services.risk.insuring import Insured
    from receivables.store.work import Work

LARGEST = 200
"""Debtors of a page: those that owe most."""


@dataclass(frozen=True, slots=True)
class Split:
    """All that is owed in one currency, in minor units: insured, beyond a limit, disputed; the insurer's share."""

    currency: str
    open_minor: int
    insured_minor: int
    beyond_minor: int
    disputed_minor: int
    borne_minor: int


@dataclass(frozen=True, slots=True)
class ToDeclare:
    """An overdue invoice of an insured customer, with its last day; ``None`` where the policy has no such term."""

    invoice_id: UUID
    policy_id: UUID
    customer_id: UUID
    customer_name: str
    number: str
    due_on: date
    open_minor: int
    currency: str
    deadline_on: date | None
    declared: bool


def largest_debtors(work: Work, currency: str = "EUR") -> list[RowMapping]:
    """Who owes most, the most first."""
    return list(
        work.rows(
            "SELECT item.customer_id, customer.name, sum(item.open_minor)::bigint AS minor FROM receivable_items "
            "AS item JOIN customers AS customer ON customer.supplier_id = :supplier "
            "AND customer.customer_id = item.customer_id WHERE item.supplier_id = :supplier AND item.kind = 'invoice' "
            "AND item.open_minor > 0 AND item.currency = :currency GROUP BY item.customer_id, customer.name "
            "ORDER BY minor DESC, item.customer_id LIMIT :limit",
            currency=currency,
            limit=LARGEST,
        )
    )


def insured_of(work: Work, debtors: list[RowMapping], on: date) -> list[tuple[str, Insured]]:
    """How each debtor stands with the insurer, by name; those of no policy are left out."""
    found = insured_debts(work, on, [row["customer_id"] for row in debtors])
    return [(row["name"], found[row["customer_id"]]) for row in debtors if row["customer_id"] in found]


def split_of(insured: list[tuple[str, Insured]], debtors: list[RowMapping], currency: str = "EUR") -> Split:
    """The sums of a page: what nobody insures counts as beyond."""
    known = [each for _, each in insured if each.cover.currency == currency]
    owed = sum(row["minor"] for row in debtors)
    within, disputed = sum(each.insured_minor for each in known), sum(each.disputed_minor for each in known)
    return Split(currency, owed, within, owed - within - disputed, disputed, sum(each.borne_minor for each in known))


def to_declare(work: Work, debtors: list[RowMapping], on: date) -> list[ToDeclare]:
    """Overdue invoices of insured customers, the nearest deadline first, those declared last."""
    names = {row["customer_id"]: row["name"] for row in debtors}
    covered = {customer_id: cover for customer_id, cover in covers(work, on, list(names)).items() if cover.limit_minor}
    terms = {policy.policy_id: policy.terms for policy in policies(work, on)}
    found = [
        ToDeclare(
            row["invoice_id"],
            covered[row["customer_id"]].policy_id,
            row["customer_id"],
            names[row["customer_id"]],
            row["number"],
            row["due_on"],
            row["open_minor"],
            currency,
            terms[covered[row["customer_id"]].policy_id].deadline(row["due_on"]),
            row["declared"],
        )
        for currency in sorted({cover.currency for cover in covered.values()})
        for row in open_debts(work, list(covered), currency)
        if row["due_on"] < on
    ]
    return sorted(found, key=lambda each: (each.declared, each.deadline_on or each.due_on, each.number))[:LARGEST]
