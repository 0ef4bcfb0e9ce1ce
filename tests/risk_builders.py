"""A factor with a claim, a policy with a decision, and scores, in a house of the page tests; made once."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from factor_builders import factor_of
from ledger_builders import customer_facts, issue

from config.clock import new_id, today
from payments.links import mint_link
from receivables.domain.risk.insurance import PolicyTerms
from receivables.services.factoring.assigning import AssignInvoices, assign_invoices
from receivables.services.risk.insuring import add_policy, new_policy, note_decisions
from receivables.services.risk.scoring import keep_scores
from receivables.store.risk.insurance import InsurerDecision

if TYPE_CHECKING:
    from uuid import UUID

    from portal_house import House

MADE: dict[UUID, dict[str, UUID]] = {}
LINKS: dict[UUID, dict[str, str]] = {}


def risk_links(house: House) -> dict[str, str]:
    """The pay links of the claims: ``assigned`` and ``quiet``."""
    risk_things(house)
    return LINKS[house.supplier.supplier_id]


def risk_things(house: House) -> dict[str, UUID]:
    """Ids of a factor, a claim that it holds, its debtor, and of a policy."""
    supplier_id = house.supplier.supplier_id
    if supplier_id not in MADE:
        due_on = today() - timedelta(days=20)
        with house.services.works.begin(supplier_id) as work:
            invoice = issue(
                work,
                customer=customer_facts("Menuiserie Chevalier", "409876549"),
                issued_on=due_on - timedelta(days=30),
                due_on=due_on,
            )
            quiet = issue(work, customer=customer_facts("Menuiserie Chevalier", "409876549"), due_on=due_on)
            factor = factor_of(work)
            (made,) = assign_invoices(work, AssignInvoices(factor.factor_id, [invoice.invoice_id], "test")).made
            told_not = AssignInvoices(factor.factor_id, [quiet.invoice_id], "test", confidential=True)
            (hidden,) = assign_invoices(work, told_not).made
            terms = PolicyTerms(unnamed_minor=500_000, declaration_days=60, stop_days=45)
            policy = add_policy(work, new_policy("general", f"P-{new_id().hex[:8]}", terms, due_on), "test")
            decision = InsurerDecision(
                policy.policy_id,
                house.customer_id,
                "permanent",
                "granted",
                50_000,
                "EUR",
                today(),
                today(),
                "A-1",
                "hand",
            )
            note_decisions(work, [decision], "test")
            keep_scores(work, today())
            link = mint_link(work, house.services.keyring, invoice.invoice_id, "document")
            quiet_link = mint_link(work, house.services.keyring, quiet.invoice_id, "document")
        MADE[supplier_id] = {
            "factor": factor.factor_id,
            "assignment": made.assignment_id,
            "hidden": hidden.assignment_id,
            "assigned": invoice.invoice_id,
            "quiet": quiet.invoice_id,
            "debtor": invoice.customer_id,
            "policy": policy.policy_id,
        }
        LINKS[supplier_id] = {"assigned": f"/p/{link}", "quiet": f"/p/{quiet_link}"}
    return MADE[supplier_id]
