"""Payment plans: proposed, held against the policy, agreed to by a click, refused, withdrawn (3.12 of the domain)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from config.clock import legal_day, new_id, now, today
from config.law.days import BANKING, PUBLIC, add_days, on_or_after
from receivables.domain.collecting.chasing import Hold
from receivables.domain.collecting.plans import Assessment, Plan, PlanState, Rhythm, assess, schedule
from receivables.domain.collecting.promises import Source
from receivables.domain.money import Money
from receivables.errors import ConflictError, ReceivablesError
from receivables.services.collecting.granting import check_invoices, standing_of
from receivables.services.collecting.promising import withdraw_promises_on
from receivables.services.collecting.tasking import NewTask, drop_tasks, open_task
from receivables.store.collecting.plans import (
    get_plan,
    insert_plan,
    insert_signature,
    plans_on,
    policy_of,
)
from receivables.store.customer_file.customers import lock_customers
from receivables.store.customer_file.journal import AccountEvent, note_event

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date
    from uuid import UUID

    from receivables.services.collecting.granting import Checked
    from receivables.store.collecting.plans import Signature
    from receivables.store.work import Work

MOST_INVOICES = 30
LEAST_PARTS, MOST_PARTS = 2, 24
MOST_DAYS = 1100
"""Three years: beyond it is a loan."""
MOST_TO_FIRST = 92
BY_POLICY = "policy"
"""Who decided, where nobody had to look."""
LONGEST_REASON = 500


@dataclass(frozen=True, slots=True)
class Terms:
    """The instalments that somebody asks for: ``first_minor`` where the first is not like the others.

    ``interest`` and ``grace_days`` are the policy's where they are not given; only a collector gives them.
    """

    first_on: date
    count: int
    rhythm: Rhythm = Rhythm.MONTHLY
    first_minor: int | None = None
    interest: bool | None = None
    grace_days: int | None = None


@dataclass(frozen=True, slots=True)
class Proposer:
    """Who proposes a plan, and in which language its words are."""

    source: Source
    actor: str
    language: str = "fr"


def draft_plan(work: Work, customer_id: UUID, invoice_ids: Sequence[UUID], terms: Terms, by: Proposer) -> Plan:
    """A plan as it would be: nothing is written. It pays the invoices that fell due first, first.

    Raises:
        NotFoundError: ``invoice.not_found``.
        ReceivablesError: ``plan.nothing_chosen``, ``plan.bad_count``, ``plan.bad_day``, ``plan.bad_first``,
            and those of ``check_invoices``.
        ConflictError: ``plan.planned``, ``grant.held``.
    """
    found = _choose(work, customer_id, invoice_ids)
    total = sum(each.amount_minor for each in found.invoices)
    _check_terms(terms, Money(total, found.currency))
    instalments = schedule(
        total,
        terms.first_on,
        terms.count,
        terms.rhythm,
        first_minor=terms.first_minor,
        open_day=lambda day: on_or_after(day, BANKING),
    )
    policy = policy_of(work)
    judged = assess(policy, instalments, found.currency, standing_of(work, customer_id, found.oldest_due_on, today()))
    at = now()
    return Plan(
        plan_id=new_id(),
        customer_id=customer_id,
        proposed_by=by.actor,
        source=by.source,
        currency=found.currency,
        total_minor=total,
        interest=policy.interest if terms.interest is None else terms.interest,
        grace_days=policy.grace_days if terms.grace_days is None else terms.grace_days,
        language=by.language,
        state=PlanState.PROPOSED,
        decided_by=None,
        reason=None,
        policy_version=policy.version,
        beyond=judged.beyond,
        proposed_at=at,
        accepted_at=None,
        changed_at=at,
        instalments=instalments,
        invoices=found.invoices,
    )


def _choose(work: Work, customer_id: UUID, invoice_ids: Sequence[UUID]) -> Checked:
    """The invoices that a plan would pay, whole, none of them in another plan."""
    if not 0 < len(set(invoice_ids)) <= MOST_INVOICES:
        raise ReceivablesError(
            "plan.nothing_chosen",
            f"Choose between one and {MOST_INVOICES} invoices.",
            f"Choisissez entre une et {MOST_INVOICES} factures.",
        )
    found = check_invoices(work, customer_id, invoice_ids, whole=True)
    if plans_on(work, invoice_ids):
        raise ConflictError(
            "plan.planned",
            "One of these invoices is in a payment plan already. Leave it out.",
            "L'une de ces factures est déjà dans un échéancier. Retirez-la.",
        )
    return found


def propose_plan(work: Work, plan: Plan, signature: Signature | None = None) -> Plan:
    """Write down a plan that was drafted in this transaction, after its customer was locked.

    A customer's proposal carries their click; where the policy agrees, it holds at once, else a collector decides. A
    collector's waits for the customer's click. An earlier proposal for any of its invoices gives way.

    Raises:
        ReceivablesError: ``plan.unsigned``.
    """
    if plan.source is Source.CUSTOMER and signature is None:
        raise ReceivablesError(
            "plan.unsigned", "The customer's click is missing.", "L'accord du client par clic manque."
        )
    for earlier in plans_on(work, [each.invoice_id for each in plan.invoices], ["proposed"]):
        _end(work, earlier, PlanState.WITHDRAWN, plan.proposed_by, "replaced")
    insert_plan(work, plan)
    if signature is not None:
        insert_signature(work, plan.plan_id, signature)
    work.audit(
        plan.proposed_by,
        "plan.proposed",
        str(plan.plan_id),
        total_minor=plan.total_minor,
        beyond=list(plan.beyond),
        words_sha256=signature.words_sha256 if signature else None,
    )
    _note(work, plan, "plan.proposed", plan.proposed_by, shown=True)
    if plan.source is Source.COLLECTOR:
        return plan
    if Assessment(plan.beyond).automatic:
        return _accept(work, plan, BY_POLICY)
    due_on = add_days(today(), 2, PUBLIC)
    open_task(work, NewTask(_task_key(plan), "plan.decide", due_on, plan.customer_id, facts=_facts(plan)))
    return plan


def agree_to_plan(work: Work, plan_id: UUID, actor: str) -> Plan:
    """Accept what a customer proposed: their click stands with the proposal.

    Raises:
        NotFoundError: ``plan.not_found``.
        ConflictError: ``plan.decided``, ``plan.not_yours``, ``plan.out_of_date``, ``plan.changed``.
    """
    plan = _lock(work, plan_id, PlanState.PROPOSED)
    if plan.source is not Source.CUSTOMER:
        raise ConflictError(
            "plan.not_yours",
            "This plan waits for the customer's agreement, not for ours.",
            "Cet échéancier attend l'accord du client, pas le nôtre.",
        )
    return _accept(work, plan, actor)


def sign_plan(work: Work, plan_id: UUID, signature: Signature) -> Plan:
    """Accept what a collector proposed, by the customer's click.

    Raises:
        NotFoundError: ``plan.not_found``.
        ConflictError: ``plan.decided``, ``plan.not_yours``, ``plan.out_of_date``, ``plan.changed``.
    """
    plan = _lock(work, plan_id, PlanState.PROPOSED)
    if plan.source is not Source.COLLECTOR:
        raise ConflictError(
            "plan.not_yours",
            "You have agreed to this plan already: it waits for the supplier's answer.",
            "Vous avez déjà donné votre accord : l'échéancier attend la réponse du fournisseur.",
        )
    insert_signature(work, plan_id, signature)
    actor = f"person {signature.person_id}"
    work.audit(actor, "plan.signed", str(plan_id), words_sha256=signature.words_sha256)
    return _accept(work, plan, actor)


def refuse_plan(work: Work, plan_id: UUID, actor: str, reason: str) -> Plan:
    """Say no to a proposal, and why: the supplier to the customer's, or the customer to the supplier's.

    Raises:
        NotFoundError: ``plan.not_found``.
        ConflictError: ``plan.decided``.
        ReceivablesError: ``plan.no_reason``.
    """
    return _end(work, _lock(work, plan_id, PlanState.PROPOSED), PlanState.REFUSED, actor, _words(reason))


def withdraw_plan(work: Work, plan_id: UUID, actor: str, reason: str) -> Plan:
    """Take a proposal back, or end a plan that is under way by agreement: the whole falls due as it was.

    Raises:
        NotFoundError: ``plan.not_found``.
        ConflictError: ``plan.decided``.
        ReceivablesError: ``plan.no_reason``.
    """
    plan = _lock(work, plan_id, PlanState.PROPOSED, PlanState.ACCEPTED)
    return _end(work, plan, PlanState.WITHDRAWN, actor, _words(reason))


def planned(work: Work, invoice_ids: Sequence[UUID], today: date) -> dict[UUID, Hold]:
    """What of invoices a plan gives time for: instalments whose day is not over; a reason not to chase it.

    What fell due by an earlier day and was not paid is not held; the invoices that money settles first carry it.
    """
    wanted, holds = set(invoice_ids), {}
    for plan in plans_on(work, invoice_ids):
        late = plan.shares(plan.fallen_minor(today - timedelta(days=1)))
        until = next((each.due_on for each in plan.parts if each.asked_minor and each.due_on >= today), None)
        for each in plan.invoices:
            minor = each.free_minor - late.get(each.invoice_id, 0)
            if each.invoice_id in wanted and minor > 0:
                holds[each.invoice_id] = Hold("planned", minor, until)
    return holds


def interest_pauses(work: Work, invoice_ids: Sequence[UUID]) -> dict[UUID, tuple[date, date | None]]:
    """Days (first, last or still) for which plans without interest stop it, by invoice.

    Only while a plan is kept: one that was broken or ended early stopped nothing, as its words say.
    """
    rows = work.rows(
        "SELECT line.invoice_id, min(plan.accepted_at) AS since, "
        "CASE WHEN bool_or(plan.state = 'accepted') THEN NULL ELSE max(plan.changed_at) END AS until "
        "FROM plan_invoices AS line JOIN plans AS plan USING (supplier_id, plan_id) WHERE supplier_id = :supplier "
        "AND line.invoice_id = ANY(:ids) AND plan.state IN ('accepted', 'kept') AND NOT plan.interest "
        "GROUP BY line.invoice_id",
        ids=list(invoice_ids),
    )
    return {
        row["invoice_id"]: (legal_day(row["since"]), legal_day(row["until"]) if row["until"] else None) for row in rows
    }


def _check_terms(terms: Terms, total: Money) -> None:
    if not LEAST_PARTS <= terms.count <= MOST_PARTS or total.minor < terms.count:
        raise ReceivablesError(
            "plan.bad_count",
            f"Choose between {LEAST_PARTS} and {MOST_PARTS} instalments.",
            f"Choisissez entre {LEAST_PARTS} et {MOST_PARTS} échéances.",
        )
    if not today() <= terms.first_on <= today() + timedelta(days=MOST_TO_FIRST):
        raise ReceivablesError(
            "plan.bad_day",
            f"Give the day of the first instalment: from today on, within {MOST_TO_FIRST} days.",
            f"Donnez le jour de la première échéance : à partir d'aujourd'hui, dans les {MOST_TO_FIRST} jours.",
        )
    others = terms.count - 1
    if terms.first_minor is not None and not 0 < terms.first_minor <= total.minor - others:
        raise ReceivablesError(
            "plan.bad_first",
            f"The first instalment must be more than nothing and less than {total}.",
            f"La première échéance doit être supérieure à zéro et inférieure à {total}.",
        )


def _lock(work: Work, plan_id: UUID, *states: PlanState) -> Plan:
    lock_customers(work, [get_plan(work, plan_id).customer_id])
    plan = get_plan(work, plan_id)
    if plan.state not in states:
        raise ConflictError(
            "plan.decided",
            "This payment plan is decided already. Look again.",
            "Cet échéancier est déjà décidé. Vérifiez.",
        )
    return plan


def _accept(work: Work, plan: Plan, actor: str) -> Plan:
    ids = [each.invoice_id for each in plan.invoices]
    if plan.instalments[0].due_on < today():
        raise ConflictError(
            "plan.out_of_date",
            "The day of the first instalment has passed: propose the plan again.",
            "Le jour de la première échéance est passé : proposez l'échéancier de nouveau.",
        )
    unlike = [each.number for each in plan.invoices if (each.open_minor, each.held_minor) != (each.amount_minor, 0)]
    if unlike or plans_on(work, ids):
        raise ConflictError(
            "plan.changed",
            "Since the proposal, an invoice of it was paid, disputed or planned otherwise: propose the plan again.",
            "Depuis la proposition, une de ses factures a été réglée, contestée ou planifiée autrement : proposez "
            "l'échéancier de nouveau.",
        )
    check_invoices(work, plan.customer_id, ids, whole=True)
    withdraw_promises_on(work, ids, actor, "planned")
    at = now()
    done = replace(plan, state=PlanState.ACCEPTED, decided_by=actor, accepted_at=at, changed_at=at)
    work.execute(
        "UPDATE plans SET state = 'accepted', decided_by = :actor, accepted_at = :at, changed_at = :at "
        "WHERE supplier_id = :supplier AND plan_id = :id",
        actor=actor,
        at=at,
        id=plan.plan_id,
    )
    work.audit(actor, "plan.accepted", str(plan.plan_id))
    _note(work, done, "plan.accepted", actor, shown=True)
    drop_tasks(work, _task_key(plan), "plan.accepted")
    return done


def _end(work: Work, plan: Plan, state: PlanState, actor: str, reason: str) -> Plan:
    done = end_plan(work, plan, state, actor, reason)
    _note(work, done, f"plan.{state}", actor, shown=True)
    return done


def end_plan(work: Work, plan: Plan, state: PlanState, actor: str, reason: str | None) -> Plan:
    """Write how a plan ended; its customer is locked."""
    at = now()
    work.execute(
        "UPDATE plans SET state = :state, decided_by = :actor, reason = :reason, changed_at = :at "
        "WHERE supplier_id = :supplier AND plan_id = :id",
        state=state,
        actor=actor,
        reason=reason,
        at=at,
        id=plan.plan_id,
    )
    work.audit(actor, f"plan.{state}", str(plan.plan_id), reason=reason)
    drop_tasks(work, _task_key(plan), f"plan.{state}")
    return replace(plan, state=state, decided_by=actor, reason=reason, changed_at=at)


def _note(work: Work, plan: Plan, kind: str, actor: str, *, shown: bool) -> None:
    note_event(work, AccountEvent(plan.customer_id, kind, actor, shown, _facts(plan)))


def _facts(plan: Plan) -> dict[str, Any]:
    return {
        "plan_id": str(plan.plan_id),
        "amount_minor": plan.total_minor,
        "currency": plan.currency,
        "count": len(plan.instalments),
        "last_on": plan.instalments[-1].due_on.isoformat(),
        "reason": plan.reason,
    }


def _task_key(plan: Plan) -> str:
    return f"plan/{plan.plan_id}/decide"


def _words(reason: str) -> str:
    if not reason.strip():
        raise ReceivablesError("plan.no_reason", "Say why in a few words.", "Dites pourquoi en quelques mots.")
    return reason.strip()[:LONGEST_REASON]


def proposals_waiting(work: Work) -> int:
    """How many proposals of customers wait for the supplier's answer."""
    count: int = work.scalar(
        "SELECT count(*) FROM plans WHERE supplier_id = :supplier AND state = 'proposed' AND source = 'customer'"
    )
    return count
