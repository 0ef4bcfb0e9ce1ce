"""Scores, credit insurance and factoring in the demonstration: opinions of an agency, a policy, claims at a factor."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from config.clock import new_id, now, today
from portal.access.people import find_person
from portal.agencies.asking import take_file
from receivables.domain.risk.insurance import PolicyTerms
from receivables.services.factoring.assigning import AssignInvoices, assign_invoices
from receivables.services.factoring.factor_money import book_factor_move
from receivables.services.risk.insurance_alarms import tend_insurance
from receivables.services.risk.insuring import add_policy, new_policy, note_decisions
from receivables.services.risk.scoring import keep_scores
from receivables.store.accounting.factors import Factor, FactorMove, keep_factor
from receivables.store.risk.insurance import InsurerDecision

if TYPE_CHECKING:
    from uuid import UUID

    from sqlalchemy import RowMapping

    from portal.wiring import Services
    from receivables.store.work import Work

KNOWN = 5
"""So many of those who owe most are insured and were looked up at an agency."""
ASSIGNED = 4
OPINIONS = ((38, "down"), (71, "flat"), (64, "up"), (55, "flat"), (82, "up"))
COVERED_PERCENT = (60, 150, 120, 100, 200)
"""What the insurer covers of what each owes."""
FACTOR_IBAN = "FR7610107001011234567890129"
"""The published example of an account at a French bank."""


def add_risks(services: Services, supplier_id: UUID, collector: str, payer_id: UUID) -> None:
    """Scores of today, what an agency and an insurer say of those who owe most, and a few claims at a factor."""
    person = find_person(services.database, collector)
    if person is None:
        return
    actor = f"person {person.person_id}"
    with services.works.begin(supplier_id) as work:
        keep_scores(work, today())
        debtors = _debtors(work, payer_id)
        if debtors:
            _look_up(work, debtors[:KNOWN], actor)
            _insure(work, debtors[:KNOWN], actor)
            _assign(work, [row["customer_id"] for row in debtors[KNOWN:]], actor)


def _debtors(work: Work, payer_id: UUID) -> list[RowMapping]:
    """Businesses by what they owe, the most first; not who is signed in as a customer."""
    return list(
        work.rows(
            "SELECT item.customer_id, customer.siren, sum(item.open_minor)::bigint AS minor FROM receivable_items "
            "AS item JOIN customers AS customer ON customer.supplier_id = :supplier "
            "AND customer.customer_id = item.customer_id WHERE item.supplier_id = :supplier AND item.kind = 'invoice' "
            "AND item.open_minor > 0 AND customer.kind = 'business' AND customer.siren IS NOT NULL "
            "AND customer.customer_id <> :payer AND item.currency = 'EUR' GROUP BY item.customer_id, customer.siren "
            "ORDER BY minor DESC, item.customer_id",
            payer=payer_id,
        )
    )


def _look_up(work: Work, debtors: list[RowMapping], actor: str) -> None:
    rows = [
        f"{row['siren']};{today() - timedelta(days=12)};{score};{trend};{row['minor'] // 100};EUR;"
        for row, (score, trend) in zip(debtors, OPINIONS, strict=False)
    ]
    head = "siren;reported_on;score;trend;advised_exposure;currency;legal_events"
    take_file(work, "general", "\n".join([head, *rows]).encode(), actor)


def _insure(work: Work, debtors: list[RowMapping], actor: str) -> None:
    """A policy of half a year with a limit on each; what is beyond a limit becomes a task."""
    terms = PolicyTerms(
        coverage_percent=90, unnamed_minor=500_000, declaration_days=60, extension_days=30, stop_days=90
    )
    policy = add_policy(work, new_policy("coface", "CF-2026-4471", terms, today() - timedelta(days=180)), actor)
    decided_on = today() - timedelta(days=30)
    decisions = [
        InsurerDecision(
            policy.policy_id,
            row["customer_id"],
            "permanent",
            "granted",
            max(row["minor"] * percent // 100 // 100_000, 1) * 100_000,
            "EUR",
            decided_on,
            decided_on,
            f"AGR-{place:03d}",
            "file",
        )
        for place, (row, percent) in enumerate(zip(debtors, COVERED_PERCENT, strict=False), start=1)
    ]
    note_decisions(work, decisions, actor)
    tend_insurance(work, today())


def _assign(work: Work, customer_ids: list[UUID], actor: str) -> None:
    """A few claims that a factor has, one of them in confidence, and what it paid in advance."""
    factor = Factor(
        factor_id=new_id(),
        name="Facto Démonstration",
        siren="910007772",
        address=None,
        holder="Facto Démonstration SA",
        iban=FACTOR_IBAN,
        bic=None,
        mention="Créance cédée à Facto Démonstration par subrogation : seul un paiement à son compte vous libère.",
        advance_percent=90,
        recourse=True,
        confidential=False,
    )
    keep_factor(work, factor, actor)
    rows = work.rows(
        "SELECT invoice_id FROM receivable_items WHERE supplier_id = :supplier AND kind = 'invoice' "
        "AND open_minor = amount_minor AND due_on > :today AND customer_id = ANY(:ids) "
        "ORDER BY due_on, invoice_id LIMIT :most",
        today=today(),
        ids=customer_ids,
        most=ASSIGNED,
    )
    ids = [row["invoice_id"] for row in rows]
    if not ids:
        return
    quiet = assign_invoices(work, AssignInvoices(factor.factor_id, ids[:1], actor, confidential=True)).made
    told = assign_invoices(work, AssignInvoices(factor.factor_id, ids[1:], actor)).made
    total = sum(each.amount_minor for each in (*quiet, *told))
    for kind, minor in (("advance", total * 90 // 100), ("commission", total // 100)):
        if minor:
            book_factor_move(work, factor.factor_id, FactorMove(kind, minor, "EUR", today(), "RELEVE-11", now()), actor)
