"""Credit insurance: decisions of insurers become limits, deadlines become tasks, overdue invoices are declared.

An insurer's limit stands in the credit limits (kinds ``insured`` and ``insured_temporary``; 0 is a cover refused or
taken back) from the day on which its decision takes effect, so that every credit decision knows it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from config.clock import new_id, today
from receivables.domain.risk.credit import LimitKind
from receivables.domain.risk.insurance import Cover, PolicyTerms, borne_minor, insured_minor, read_terms
from receivables.errors import ConflictError, ReceivablesError
from receivables.services.collecting.tasking import drop_tasks
from receivables.services.risk.limiting import NewLimit, end_limit, set_limit
from receivables.store.customer_file.customers import lock_customers
from receivables.store.customer_file.journal import AccountEvent, note_events
from receivables.store.invoicing.invoices import get_invoice
from receivables.store.risk.insurance import (
    InsurerDecision,
    Policy,
    decisions_in_force,
    get_policy,
    insert_decisions,
    insert_declaration,
    insert_policy,
    open_debts,
    policies,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import date
    from uuid import UUID

    from sqlalchemy import RowMapping

    from receivables.store.work import Work

GRANTED, REDUCED, REFUSED, CANCELLED, ASKED = "granted", "reduced", "refused", "cancelled", "asked"
PERMANENT, TEMPORARY = "permanent", "temporary"
KINDS = {PERMANENT: LimitKind.INSURED, TEMPORARY: LimitKind.INSURED_TEMPORARY}
RULE = "rule"
"""The actor of limits that follow a decision by themselves."""


@dataclass(frozen=True, slots=True)
class Insured:
    """How a customer's debts stand with the insurer today, in minor units.

    ``insured_minor`` is within the limit, ``beyond_minor`` is not; the insurer bears ``borne_minor`` of what is within.
    """

    cover: Cover
    open_minor: int
    disputed_minor: int
    insured_minor: int
    beyond_minor: int
    borne_minor: int


def add_policy(work: Work, policy: Policy, actor: str) -> Policy:
    """Keep a policy; its customers are covered from its first day.

    Raises:
        ReceivablesError: ``insurance.wrong_terms`` or ``insurance.wrong_days``.
        ConflictError: ``insurance.known_policy``.
    """
    read_terms(policy.terms.told())
    if not policy.policy_number.strip() or (policy.ends_on and policy.ends_on < policy.starts_on):
        raise ReceivablesError(
            "insurance.wrong_days",
            "Give the policy's number, and a last day that is not before its first.",
            "Donnez le numéro de la police, et une fin qui ne précède pas son début.",
        )
    for known in policies(work):
        if (known.insurer, known.policy_number, known.starts_on) == (
            policy.insurer,
            policy.policy_number,
            policy.starts_on,
        ):
            raise ConflictError(
                "insurance.known_policy",
                f"Policy {policy.policy_number} from that day is known already.",
                f"La police {policy.policy_number} à partir de ce jour est déjà connue.",
            )
    insert_policy(work, policy, actor)
    work.audit(actor, "insurance.policy_kept", str(policy.policy_id), number=policy.policy_number)
    return policy


def note_decisions(work: Work, decisions: Sequence[InsurerDecision], actor: str) -> int:
    """Keep what insurers decided, as one set, and bring the limits of their customers up to date.

    Returns how many limits changed. A decision that takes effect later is kept, and counts on its day.

    Raises:
        ReceivablesError: ``insurance.wrong_decision``.
    """
    for each in decisions:
        _check(each)
    customers = {each.customer_id for each in decisions}
    lock_customers(work, customers)
    insert_decisions(work, decisions, actor)
    note_events(
        work,
        [
            AccountEvent(
                each.customer_id,
                f"insurance.{each.state}",
                actor,
                shown=False,
                facts={
                    "amount_minor": (each.asked_minor if each.state == ASKED else each.amount_minor) or 0,
                    "currency": each.currency,
                    "effective_on": each.effective_on.isoformat(),
                    "reference": each.reference,
                },
            )
            for each in decisions
        ],
    )
    return feed_limits(work, today(), customers)


def covers(work: Work, on: date, customer_ids: Collection[UUID] | None = None) -> dict[UUID, Cover]:
    """What insurers cover of each customer that they decided about, on a day; one query for all of them.

    Where ``customer_ids`` are given, those without a decision have the unnamed limit of a policy, if any has one.
    """
    known = {policy.policy_id: policy for policy in policies(work, on)}
    found: dict[UUID, Cover] = {}
    for decision in decisions_in_force(work, on, customer_ids):
        found[decision.customer_id] = _after(found.get(decision.customer_id), decision, known, on)
    unnamed = next((policy for policy in known.values() if policy.terms.unnamed_minor), None)
    if unnamed is not None:
        for customer_id in set(customer_ids or ()) - found.keys():
            found[customer_id] = Cover(
                customer_id,
                unnamed.policy_id,
                unnamed.insurer,
                unnamed.currency,
                unnamed.terms.coverage_percent,
                unnamed.terms.unnamed_minor,
                0,
                named=False,
                refused=False,
            )
    return found


def feed_limits(work: Work, on: date, customer_ids: Collection[UUID] | None = None) -> int:
    """Bring the limits of kinds ``insured`` and ``insured_temporary`` to what insurers decided; how many changed.

    The worker does so daily for all: decisions take effect and end by their days.
    """
    present = _present_limits(work, customer_ids)
    changed = 0
    for customer_id, cover in covers(work, on, customer_ids).items():
        if not cover.named:
            continue
        for kind, wanted in ((PERMANENT, cover.permanent_minor), (TEMPORARY, cover.temporary_minor)):
            row = present.get((customer_id, KINDS[kind], cover.currency))
            needed = wanted or (kind == PERMANENT and cover.refused)
            if row is None and not needed:
                continue
            if row is not None and row["amount_minor"] == wanted:
                continue
            changed += 1
            if row is not None and not needed:
                end_limit(work, row["limit_id"], RULE, "insurer")
            else:
                set_limit(
                    work,
                    NewLimit(
                        KINDS[kind],
                        wanted,
                        cover.insurer,
                        RULE,
                        currency=cover.currency,
                        customer_id=customer_id,
                        valid_from=on,
                        valid_until=cover.ends_on if kind == TEMPORARY else None,
                    ),
                )
    return changed


def insured_debts(work: Work, on: date, customer_ids: Collection[UUID]) -> dict[UUID, Insured]:
    """How the debts of these customers stand with their insurers, from the open invoices."""
    found: dict[UUID, Insured] = {}
    covered = covers(work, on, customer_ids)
    for currency in {cover.currency for cover in covered.values()}:
        by_customer: dict[UUID, list[RowMapping]] = {}
        for row in open_debts(work, list(covered), currency):
            by_customer.setdefault(row["customer_id"], []).append(row)
        for customer_id, rows in by_customer.items():
            found[customer_id] = weigh(covered[customer_id], rows)
    return found


def weigh(cover: Cover, rows: Sequence[RowMapping]) -> Insured:
    """How the open invoices of one customer stand with the insurer; disputed debts are not insured."""
    owed = sum(row["open_minor"] for row in rows)
    disputed = sum(row["disputed_minor"] for row in rows)
    without_vat = sum(row["open_minor"] * row["net_minor"] // row["total_minor"] for row in rows if row["total_minor"])
    within = insured_minor(owed, disputed, cover)
    return Insured(
        cover, owed, disputed, within, owed - disputed - within, borne_minor(within, without_vat, owed, cover.percent)
    )


def declare(work: Work, policy_id: UUID, invoice_id: UUID, *, reference: str, declared_on: date, actor: str) -> bool:
    """Keep that an overdue invoice was declared to the insurer; its task is done. Returns whether it was not yet.

    Raises:
        NotFoundError: ``insurance.policy_not_found`` or ``invoice.not_found``.
        ConflictError: ``insurance.nothing_open``.
    """
    policy, invoice = get_policy(work, policy_id), get_invoice(work, invoice_id)
    lock_customers(work, [invoice.customer_id])
    rows = {row["invoice_id"]: row for row in open_debts(work, [invoice.customer_id], policy.currency)}
    if invoice_id not in rows:
        raise ConflictError(
            "insurance.nothing_open",
            f"Nothing is open of {invoice.number} in {policy.currency}: there is nothing to declare.",
            f"Il ne reste rien dû de {invoice.number} en {policy.currency} : il n'y a rien à déclarer.",
        )
    row = rows[invoice_id]
    fresh = insert_declaration(
        work,
        {
            "policy_id": policy_id,
            "invoice_id": invoice_id,
            "deadline_on": policy.terms.deadline(row["due_on"]) or declared_on,
            "declared_on": declared_on,
            "amount_minor": row["open_minor"],
            "currency": policy.currency,
            "reference": reference.strip() or invoice.number,
            "actor": actor,
        },
    )
    if fresh:
        work.audit(actor, "insurance.declared", str(invoice_id), policy=policy.policy_number, reference=reference)
        facts = {"number": invoice.number, "amount_minor": row["open_minor"], "currency": policy.currency}
        told = AccountEvent(
            invoice.customer_id, "insurance.declared", actor, shown=False, facts=facts, invoice_id=invoice_id
        )
        note_events(work, [told])
        drop_tasks(work, f"insurance.declare/{invoice_id}", "declared")
    return fresh


def new_policy(insurer: str, number: str, terms: PolicyTerms, starts_on: date, currency: str = "EUR") -> Policy:
    """A policy that is not kept yet."""
    return Policy(new_id(), insurer, number.strip(), currency, terms, starts_on, None)


def _after(before: Cover | None, decision: InsurerDecision, known: dict[UUID, Policy], on: date) -> Cover:
    """The cover after one more decision took effect; a refusal to raise a limit leaves it as it is."""
    policy = known[decision.policy_id]
    cover = before or Cover(
        decision.customer_id,
        policy.policy_id,
        policy.insurer,
        policy.currency,
        policy.terms.coverage_percent,
        0,
        0,
        named=True,
        refused=False,
    )
    over = decision.ends_on is not None and decision.ends_on < on
    if decision.state == REFUSED:
        return replace(cover, refused=cover.limit_minor == 0)
    amount = 0 if over or decision.state == CANCELLED else decision.amount_minor
    if decision.kind == TEMPORARY:
        cover = replace(cover, temporary_minor=amount, ends_on=decision.ends_on if amount else None)
    else:
        cover = replace(cover, permanent_minor=amount)
    return replace(cover, policy_id=policy.policy_id, insurer=policy.insurer, refused=cover.limit_minor == 0)


def _present_limits(work: Work, customer_ids: Collection[UUID] | None) -> dict[tuple[UUID, LimitKind, str], RowMapping]:
    rows = work.rows(
        "SELECT limit_id, customer_id, kind, currency, amount_minor FROM credit_limits WHERE supplier_id = :supplier "
        "AND ended_at IS NULL AND kind IN ('insured', 'insured_temporary') "
        "AND (CAST(:ids AS uuid[]) IS NULL OR customer_id = ANY(:ids))",
        ids=list(customer_ids) if customer_ids is not None else None,
    )
    return {(row["customer_id"], LimitKind(row["kind"]), row["currency"]): row for row in rows}


def _check(decision: InsurerDecision) -> None:
    wrong = (
        decision.kind not in KINDS
        or decision.state not in {GRANTED, REDUCED, REFUSED, CANCELLED, ASKED}
        or decision.amount_minor < 0
        or (decision.state in {GRANTED, REDUCED} and not decision.amount_minor)
        or (decision.state == ASKED and not decision.asked_minor)
        or (decision.ends_on is not None and decision.ends_on < decision.effective_on)
        or not decision.reference.strip()
    )
    if wrong:
        raise ReceivablesError(
            "insurance.wrong_decision",
            f"Decision {decision.reference!r}: give a reference, an amount above zero where a limit is granted, and a "
            "last day that is not before the first.",
            f"Décision {decision.reference!r} : il faut une référence, un montant positif si une limite est accordée, "
            "et une fin qui ne précède pas le début.",
        )
