"""Promises to pay: written down, withdrawn, and judged by final money (3.12 of the domain)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from config.clock import legal_day, new_id, now, today
from config.law.days import BANKING, add_days
from receivables.domain.collecting.chasing import Hold
from receivables.domain.collecting.promises import TOLERANCE_BANKING_DAYS, PromiseState, Source, judge_in_turn
from receivables.domain.money import Money
from receivables.errors import ConflictError, ReceivablesError
from receivables.services.collecting.granting import check_invoices
from receivables.services.collecting.tasking import NewTask, drop_tasks, open_task
from receivables.store.collecting.plans import plans_on, policy_of
from receivables.store.collecting.promises import Awaited, find_promises, get_promise, loose_money, pending_on
from receivables.store.customer_file.customers import lock_customers
from receivables.store.customer_file.journal import AccountEvent, note_event

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date
    from uuid import UUID

    from receivables.domain.collecting.promises import Promise, Verdict
    from receivables.store.work import Work

MOST_INVOICES = 50
MOST_DAYS_OF_COLLECTOR = 62
"""Further ahead it is a payment plan, with its clause."""
MOST_PER_DAY = 20
"""Promises of one customer in a day: more are an accident."""
WATCHED_DAYS = 60
"""A debit may come back eight weeks after it was final (SEPA Core, refund without a reason)."""
LONGEST_REASON = 500
PAID_BACK = "money_returned"


@dataclass(frozen=True, slots=True)
class NewPromise:
    """Somebody says that they will pay: ``wishes`` in minor units by invoice, ``None`` for all that is asked of it.

    ``said_by`` is the name of who said it, ``actor`` who wrote it down.
    """

    customer_id: UUID
    wishes: Mapping[UUID, int | None]
    promised_on: date
    source: Source
    said_by: str
    actor: str
    contact_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Judged:
    """A promise with its new verdict."""

    promise: Promise
    verdict: Verdict


def make_promise(work: Work, command: NewPromise) -> Promise:
    """Write a promise down; said twice it is one.

    A customer has one promise without a verdict for an invoice, and none where they broke one: then a collector
    decides. What a collector notes takes the place of what stood before.

    Raises:
        NotFoundError: ``invoice.not_found``.
        ReceivablesError: ``promise.nothing_chosen``, ``promise.bad_day``, ``promise.too_much``, ``promise.too_many``,
            ``promise.broken_before``; those of ``check_invoices``.
        ConflictError: ``promise.pending``, ``promise.planned``.
    """
    _check_day(work, command)
    lock_customers(work, [command.customer_id])
    pending = pending_on(work, list(command.wishes))
    same = next((each for each in pending if _is_same(each, command)), None)
    if same is not None:
        return same
    amounts, currency = _amounts(work, command)
    _make_room(work, command, pending)
    promise_id = _insert(work, command, amounts, currency)
    total = sum(amounts.values())
    facts = {
        "promise_id": str(promise_id),
        "amount_minor": total,
        "currency": currency,
        "promised_on": command.promised_on.isoformat(),
        "said_by": command.said_by.strip(),
    }
    about = _only(amounts)
    note_event(
        work,
        AccountEvent(command.customer_id, "promise.made", command.actor, shown=True, facts=facts, invoice_id=about),
    )
    work.audit(command.actor, "promise.made", str(promise_id), amount_minor=total, promised_on=command.promised_on)
    return get_promise(work, promise_id)


def withdraw_promise(work: Work, promise_id: UUID, actor: str, reason: str) -> None:
    """Take a promise back that has no verdict yet; its invoices are chased again.

    Raises:
        NotFoundError: ``promise.not_found``.
        ConflictError: ``promise.judged``.
        ReceivablesError: ``promise.no_reason``.
    """
    promise = get_promise(work, promise_id)
    lock_customers(work, [promise.customer_id])
    promise = get_promise(work, promise_id)
    if not promise.is_pending:
        raise ConflictError(
            "promise.judged",
            "This promise has its verdict already: it cannot be withdrawn any more.",
            "Cette promesse a déjà son verdict : elle ne peut plus être retirée.",
        )
    if not reason.strip():
        raise ReceivablesError("promise.no_reason", "Say why in a few words.", "Dites pourquoi en quelques mots.")
    _withdraw(work, promise, actor, reason.strip()[:LONGEST_REASON])


def withdraw_promises_on(work: Work, invoice_ids: Sequence[UUID], actor: str, reason: str) -> None:
    """Take back what stands on invoices that something stronger took over, a plan; customers are locked."""
    for promise in pending_on(work, invoice_ids):
        _withdraw(work, promise, actor, reason)


def judge_promises(work: Work, on: date) -> list[Judged]:
    """Give their verdict to the promises that are ripe, and take it from those whose money went back.

    A promise is kept as soon as its final money is there; nothing else is said before ``judged_on`` is over.
    """
    ripe = _find_ripe(work, on)
    lock_customers(work, {each.customer_id for each in ripe})
    ripe = _find_ripe(work, on)
    verdicts: dict[UUID, Verdict] = {}
    by_customer = _by_customer(ripe)
    loose = loose_money(
        work,
        [
            Awaited(*key, min(legal_day(each.made_at) for each in promises), max(each.judged_on for each in promises))
            for key, promises in by_customer.items()
        ],
    )
    for key, promises in by_customer.items():
        verdicts |= judge_in_turn(promises, on, loose.get(key, 0))
    return [
        _conclude(work, each, verdicts[each.promise_id])
        for each in ripe
        if verdicts[each.promise_id].state not in (PromiseState.PENDING, each.state)
    ]


def promised(work: Work, invoice_ids: Sequence[UUID], today: date) -> dict[UUID, Hold]:
    """What is promised on invoices and has not come yet, until the day of its verdict: a reason not to chase it."""
    holds: dict[UUID, Hold] = {}
    for promise in pending_on(work, invoice_ids):
        if promise.judged_on < today:
            continue
        for each in promise.invoices:
            minor = max(each.left_minor - each.flying_minor, 0)
            known = holds.get(each.invoice_id)
            until = max(promise.judged_on, known.until) if known and known.until else promise.judged_on
            holds[each.invoice_id] = Hold("promised", minor + (known.amount_minor if known else 0), until)
    return {invoice_id: hold for invoice_id, hold in holds.items() if hold.amount_minor}


def promised_by_customer(work: Work, invoice_ids: Sequence[UUID]) -> set[UUID]:
    """Invoices that only the customer's own word holds: it pauses reminders, never a legal step by itself (3.12)."""
    return {
        each.invoice_id
        for promise in pending_on(work, invoice_ids)
        if promise.source is Source.CUSTOMER
        for each in promise.invoices
    }


def _insert(work: Work, command: NewPromise, amounts: Mapping[UUID, int], currency: str) -> UUID:
    """Write the rows of a promise; it is judged two banking days after its day."""
    promise_id, at = new_id(), now()
    judged_on = add_days(command.promised_on, TOLERANCE_BANKING_DAYS, BANKING)
    work.execute(
        "INSERT INTO promises (supplier_id, promise_id, customer_id, source, said_by, contact_id, amount_minor, "
        "currency, promised_on, judged_on, state, made_at, changed_at) VALUES (:supplier, :id, :customer, :source, "
        ":said_by, :contact, :amount, :currency, :promised, :judged, 'pending', :at, :at)",
        id=promise_id,
        customer=command.customer_id,
        source=command.source,
        said_by=command.said_by.strip()[:200] or command.actor,
        contact=command.contact_id,
        amount=sum(amounts.values()),
        currency=currency,
        promised=command.promised_on,
        judged=judged_on,
        at=at,
    )
    work.insert(
        "promised_invoices",
        [
            {"promise_id": promise_id, "invoice_id": invoice_id, "amount_minor": minor}
            for invoice_id, minor in amounts.items()
        ],
    )
    return promise_id


def _check_day(work: Work, command: NewPromise) -> None:
    if not command.wishes or len(command.wishes) > MOST_INVOICES:
        raise ReceivablesError(
            "promise.nothing_chosen",
            f"Choose between one and {MOST_INVOICES} invoices.",
            f"Choisissez entre une et {MOST_INVOICES} factures.",
        )
    most = MOST_DAYS_OF_COLLECTOR if command.source is Source.COLLECTOR else policy_of(work).promise_days
    if not today() <= command.promised_on <= today() + timedelta(days=most):
        raise ReceivablesError(
            "promise.bad_day",
            f"Give a day from today on, within {most} days. For later, propose a payment plan.",
            f"Donnez un jour à partir d'aujourd'hui, dans les {most} jours. Au-delà, proposez un échéancier.",
        )


def _is_same(promise: Promise, command: NewPromise) -> bool:
    named = {each.invoice_id: each.amount_minor for each in promise.invoices}
    return (promise.source, promise.promised_on) == (command.source, command.promised_on) and all(
        invoice_id in named and minor in (None, named[invoice_id]) for invoice_id, minor in command.wishes.items()
    )


def _amounts(work: Work, command: NewPromise) -> tuple[dict[UUID, int], str]:
    """What is promised of each invoice, at most what is asked for."""
    found = check_invoices(work, command.customer_id, list(command.wishes))
    amounts = {}
    for each in found.invoices:
        wished = command.wishes[each.invoice_id]
        amounts[each.invoice_id] = each.free_minor if wished is None else wished
        if not 0 < amounts[each.invoice_id] <= each.free_minor:
            most = Money(each.free_minor, found.currency)
            raise ReceivablesError(
                "promise.too_much",
                f"Invoice {each.number} asks for {most}: promise more than nothing and at most that.",
                f"La facture {each.number} demande {most} : promettez plus que zéro et au plus cette somme.",
            )
    return amounts, found.currency


def _make_room(work: Work, command: NewPromise, pending: Sequence[Promise]) -> None:
    """Refuse what stands in the way, or withdraw it where a collector says something new."""
    ids = list(command.wishes)
    if plans_on(work, ids):
        raise ConflictError(
            "promise.planned",
            "A payment plan says already when these invoices are paid.",
            "Un échéancier dit déjà quand ces factures sont réglées.",
        )
    if command.source is Source.COLLECTOR:
        for promise in pending:
            _withdraw(work, promise, command.actor, "replaced")
        return
    if pending:
        raise ConflictError(
            "promise.pending",
            f"You have promised a payment for {pending[0].promised_on:%d/%m/%Y} already. To move it, write to us.",
            f"Vous avez déjà promis un règlement pour le {pending[0].promised_on:%d/%m/%Y}. Pour le déplacer, "
            "écrivez-nous.",
        )
    _check_past(work, command, ids)


def _check_past(work: Work, command: NewPromise, invoice_ids: Sequence[UUID]) -> None:
    row: Any = work.row(
        "SELECT (SELECT count(*) FROM promises WHERE supplier_id = :supplier AND customer_id = :customer "
        "AND made_at > :since) AS lately, EXISTS (SELECT 1 FROM promised_invoices AS named JOIN promises AS promise "
        "USING (supplier_id, promise_id) WHERE supplier_id = :supplier AND named.invoice_id = ANY(:ids) "
        "AND promise.source = 'customer' AND promise.state IN ('broken', 'partly')) AS broken",
        customer=command.customer_id,
        since=now() - timedelta(days=1),
        ids=list(invoice_ids),
    )
    if row["broken"]:
        raise ReceivablesError(
            "promise.broken_before",
            "A promise for one of these invoices was not kept. Pay it now, or propose a payment plan.",
            "Une promesse sur l'une de ces factures n'a pas été tenue. Réglez-la, ou proposez un échéancier.",
        )
    if row["lately"] >= MOST_PER_DAY:
        raise ReceivablesError(
            "promise.too_many",
            f"{MOST_PER_DAY} promises came today already: wait until tomorrow.",
            f"{MOST_PER_DAY} promesses sont déjà venues aujourd'hui : attendez demain.",
        )


def _withdraw(work: Work, promise: Promise, actor: str, reason: str) -> None:
    _write_state(work, promise, PromiseState.WITHDRAWN, promise.kept_minor, reason)
    facts = {"amount_minor": promise.amount_minor, "currency": promise.currency, "reason": reason}
    facts["promised_on"] = promise.promised_on.isoformat()
    note_event(work, AccountEvent(promise.customer_id, "promise.withdrawn", actor, shown=False, facts=facts))
    work.audit(actor, "promise.withdrawn", str(promise.promise_id), reason=reason)


def _write_state(work: Work, promise: Promise, state: PromiseState, kept_minor: int, reason: str | None) -> None:
    work.execute(
        "UPDATE promises SET state = :state, kept_minor = :kept, reason = :reason, changed_at = :at "
        "WHERE supplier_id = :supplier AND promise_id = :id",
        state=state,
        kept=kept_minor,
        reason=reason,
        at=now(),
        id=promise.promise_id,
    )


def _find_ripe(work: Work, on: date) -> list[Promise]:
    """Promises without a verdict, and kept ones of which money went back since.

    Nobody breaks a promise by proceedings: what was promised before may not be paid (C. com. art. L622-7).
    """
    return find_promises(
        work,
        "NOT EXISTS (SELECT 1 FROM insolvencies AS fallen WHERE fallen.supplier_id = :supplier "
        "AND fallen.customer_id = promise.customer_id AND fallen.state = 'open' "
        "AND fallen.opened_on > (promise.made_at AT TIME ZONE 'Europe/Paris')::date) "
        "AND (state = 'pending' OR state = 'kept' AND judged_on >= :watched AND EXISTS ("
        "SELECT 1 FROM promised_invoices AS named JOIN receivable_items AS claim USING (supplier_id, invoice_id) "
        "JOIN allocations AS moved ON moved.supplier_id = :supplier AND moved.debit_posting_id = claim.posting_id "
        "WHERE named.supplier_id = :supplier AND named.promise_id = promise.promise_id AND claim.kind = 'invoice' "
        "AND moved.amount_minor < 0 AND moved.created_at > promise.changed_at))",
        watched=on - timedelta(days=WATCHED_DAYS),
    )


def _by_customer(promises: Sequence[Promise]) -> dict[tuple[UUID, str], list[Promise]]:
    found: dict[tuple[UUID, str], list[Promise]] = {}
    for each in promises:
        found.setdefault((each.customer_id, each.currency), []).append(each)
    return found


def _conclude(work: Work, promise: Promise, verdict: Verdict) -> Judged:
    """Write a verdict down, with what a collector has to do about it."""
    reason = PAID_BACK if promise.state is PromiseState.KEPT else verdict.reason
    _write_state(work, promise, verdict.state, verdict.kept_minor, reason)
    facts = {
        "promise_id": str(promise.promise_id),
        "amount_minor": promise.amount_minor,
        "kept_minor": verdict.kept_minor,
        "currency": promise.currency,
        "promised_on": promise.promised_on.isoformat(),
    }
    event = AccountEvent(
        promise.customer_id,
        f"promise.{verdict.state}",
        "rule",
        verdict.state is PromiseState.KEPT,
        facts,
        _only({each.invoice_id: 0 for each in promise.invoices}),
    )
    note_event(work, event)
    work.audit("worker", f"promise.{verdict.state}", str(promise.promise_id), kept_minor=verdict.kept_minor)
    if verdict.state in (PromiseState.BROKEN, PromiseState.PARTLY):
        key = f"promise/{promise.promise_id}/{verdict.state}"
        open_task(work, NewTask(key, "promise.broken", today(), promise.customer_id, event.invoice_id, facts))
    else:
        drop_tasks(work, f"promise/{promise.promise_id}/", f"promise.{verdict.state}")
    return Judged(promise, verdict)


def _only(amounts: Mapping[UUID, int]) -> UUID | None:
    """The invoice, where there is one alone."""
    return next(iter(amounts)) if len(amounts) == 1 else None
