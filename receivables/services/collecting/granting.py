"""What time may be granted for: which invoices, and by which policy without looking."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import timedelta
from typing import TYPE_CHECKING

from config.clock import legal_day, now
from receivables.domain.collecting.plans import PlanInvoice, PlanPolicy, Standing
from receivables.errors import ConflictError, NotFoundError, ReceivablesError
from receivables.store.collecting.plans import STANDING, policy_of
from receivables.store.work import to_json

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date
    from uuid import UUID

    from receivables.store.work import Work

MOST_SHOWN = 20
"""Open invoices on one form, each with a box and an amount: a form has at most fifty fields."""
LIMITS = {
    "max_minor": (0, 100_000_000),
    "max_instalments": (2, 24),
    "max_days": (7, 1100),
    "first_percent": (0, 100),
    "first_days": (0, 62),
    "smallest_minor": (0, 1_000_000),
    "max_late_days": (0, 1825),
    "clean_months": (0, 120),
    "max_broken_promises": (0, 100),
    "grace_days": (1, 60),
    "promise_days": (0, 62),
}
"""What each figure of a policy may be."""


@dataclass(frozen=True, slots=True)
class Checked:
    """Invoices for which time may be granted, the first to fall due first."""

    currency: str
    invoices: tuple[PlanInvoice, ...]
    oldest_due_on: date


def check_invoices(work: Work, customer_id: UUID, invoice_ids: Sequence[UUID], *, whole: bool = False) -> Checked:
    """Hold invoices against the books; ``whole`` refuses those of which something is in flight or disputed.

    Raises:
        NotFoundError: ``invoice.not_found``: there is none, or it is another customer's.
        ReceivablesError: ``grant.mixed_currencies``, ``grant.nothing_open``, ``grant.assigned``, ``grant.insolvent``.
        ConflictError: ``grant.held``.
    """
    rows = work.rows(
        "SELECT invoice_id, number, currency, due_on, customer_id, "
        "EXISTS (SELECT 1 FROM assignments AS given WHERE given.supplier_id = :supplier "
        "AND given.invoice_id = invoice.invoice_id AND given.state = 'assigned') AS assigned, "
        "EXISTS (SELECT 1 FROM insolvencies AS fallen WHERE fallen.supplier_id = :supplier "
        "AND fallen.customer_id = invoice.customer_id AND fallen.state = 'open') AS insolvent, "
        f"{STANDING} FROM invoices AS invoice WHERE supplier_id = :supplier AND invoice_id = ANY(:ids) "
        "ORDER BY due_on, number",
        ids=list(invoice_ids),
    )
    if len(rows) != len(set(invoice_ids)) or any(row["customer_id"] != customer_id for row in rows):
        raise NotFoundError("invoice.not_found", "There is no such invoice.", "Cette facture n'existe pas.")
    found = tuple(
        PlanInvoice(row["invoice_id"], row["number"], row["open_minor"], row["open_minor"], row["held_minor"])
        for row in rows
    )
    _refuse(rows[0]["insolvent"], [row["number"] for row in rows if row["assigned"]], {r["currency"] for r in rows})
    for each in found:
        if each.free_minor <= 0 and not (whole and each.held_minor):
            raise ReceivablesError(
                "grant.nothing_open",
                f"Nothing is to be paid on invoice {each.number} now. Leave it out.",
                f"Rien n'est à payer sur la facture {each.number} pour l'instant. Retirez-la.",
            )
        if whole and each.held_minor:
            raise ConflictError(
                "grant.held",
                f"On invoice {each.number} a payment is on its way or a dispute is open: leave it out until that ends.",
                f"Sur la facture {each.number}, un paiement est en cours ou une réclamation est ouverte : "
                "retirez-la en attendant.",
            )
    return Checked(rows[0]["currency"], found, min(row["due_on"] for row in rows))


def _refuse(insolvent: bool, assigned: Sequence[str], currencies: set[str]) -> None:  # noqa: FBT001 -- private
    if insolvent:
        raise ReceivablesError(
            "grant.insolvent",
            "Insolvency proceedings are open: what is older than their opening may not be paid outside of them "
            "(C. com. art. L622-7).",
            "Une procédure collective est ouverte : les créances antérieures ne peuvent être payées hors d'elle "
            "(C. com. art. L622-7).",
        )
    if assigned:
        raise ReceivablesError(
            "grant.assigned",
            f"Invoice {assigned[0]} belongs to a factor: only they may grant time for it.",
            f"La facture {assigned[0]} appartient à un affactureur : lui seul peut accorder un délai.",
        )
    if len(currencies) > 1:
        raise ReceivablesError(
            "grant.mixed_currencies",
            "Choose invoices of one currency.",
            "Choisissez des factures d'une seule monnaie.",
        )


def standing_of(work: Work, customer_id: UUID, oldest_due_on: date, on: date) -> Standing:
    """What a policy looks at of a customer's past."""
    row = work.row(
        "SELECT (SELECT count(*) FROM plans WHERE supplier_id = :supplier AND customer_id = :customer "
        "AND state = 'accepted') AS under_way, (SELECT max(changed_at) FROM plans WHERE supplier_id = :supplier "
        "AND customer_id = :customer AND state = 'broken') AS last_broken, "
        "(SELECT count(*) FROM promises WHERE supplier_id = :supplier AND customer_id = :customer "
        "AND state IN ('broken', 'partly') AND judged_on > :year) AS broken",
        customer=customer_id,
        year=on - timedelta(days=365),
    )
    assert row is not None  # noqa: S101 -- a row of subqueries alone is always there
    last_broken = legal_day(row["last_broken"]) if row["last_broken"] else None
    return Standing(on, oldest_due_on, row["under_way"], last_broken, row["broken"])


def set_policy(work: Work, policy: PlanPolicy, actor: str) -> PlanPolicy:
    """Set what is agreed to without looking, as a new version; what stands already keeps its terms.

    Raises:
        ReceivablesError: ``policy.out_of_range``.
        ConflictError: ``policy.changed``: somebody else has set one meanwhile (``policy.version`` is not the latest).
    """
    rules = {each.name: getattr(policy, each.name) for each in fields(policy) if each.name != "version"}
    for name, (least, most) in LIMITS.items():
        if not least <= rules[name] <= most:
            raise ReceivablesError(
                "policy.out_of_range",
                f"{name} must lie between {least} and {most}.",
                f"{name} doit être compris entre {least} et {most}.",
            )
    written = work.execute(
        "INSERT INTO plan_policies (supplier_id, version, rules, changed_by, changed_at) "
        "VALUES (:supplier, :version, CAST(:rules AS jsonb), :actor, :at) ON CONFLICT DO NOTHING",
        version=policy.version + 1,
        rules=to_json(rules),
        actor=actor,
        at=now(),
    )
    if not written:
        raise ConflictError(
            "policy.changed",
            "Somebody else has changed the policy meanwhile: look again.",
            "Quelqu'un d'autre a modifié la politique entre-temps : vérifiez.",
        )
    work.audit(actor, "plan_policy.set", str(policy.version + 1), rules=rules)
    return policy_of(work)


@dataclass(frozen=True, slots=True)
class Grantable:
    """An open invoice to choose from, with what is free of it; ``why`` says what keeps it out of a plan, if anything.

    ``planned``, ``assigned``, or ``held``: in flight or disputed, in part or whole.
    """

    invoice_id: UUID
    number: str
    due_on: date
    currency: str
    open_minor: int
    free_minor: int
    why: str = ""


def grantable(work: Work, customer_id: UUID) -> list[Grantable]:
    """The open invoices of a customer, the first to fall due first, at most as many as a form can show."""
    rows = work.rows(
        "SELECT invoice_id, number, due_on, currency, "
        "EXISTS (SELECT 1 FROM assignments AS given WHERE given.supplier_id = :supplier "
        "AND given.invoice_id = invoice.invoice_id AND given.state = 'assigned') AS assigned, "
        "EXISTS (SELECT 1 FROM plan_invoices AS line JOIN plans AS plan USING (supplier_id, plan_id) "
        "WHERE supplier_id = :supplier AND line.invoice_id = invoice.invoice_id AND plan.state = 'accepted') "
        f"AS planned, {STANDING} FROM invoices AS invoice WHERE supplier_id = :supplier AND invoice_id IN ("
        "SELECT invoice_id FROM receivable_items WHERE supplier_id = :supplier AND customer_id = :customer "
        "AND kind = 'invoice' AND open_minor > 0) ORDER BY due_on, number LIMIT :limit",
        customer=customer_id,
        limit=MOST_SHOWN,
    )
    found = []
    for row in rows:
        free = max(row["open_minor"] - row["held_minor"], 0)
        why = next((name for name in ("planned", "assigned") if row[name]), "held" if row["held_minor"] else "")
        if row["open_minor"]:
            told = (row["invoice_id"], row["number"], row["due_on"], row["currency"], row["open_minor"])
            found.append(Grantable(*told, free, why))
    return found
