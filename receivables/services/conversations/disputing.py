"""Dispute an invoice, answer, decide.

Whoever writes holds the lock of the customer's row first, so that a page and a platform that speak at once make one
dispute. After every fact the disputes of its invoice are computed again from all their events.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from config.clock import legal_day, now
from config.law.days import add_days
from receivables.domain.conversations.disputes import (
    ANSWER_WORKING_DAYS,
    APPROVED,
    CLOSE_WORKING_DAYS,
    UNDECIDED,
    DisputeEvent,
    EventKind,
    Origin,
    Scope,
    State,
    Team,
    belongs,
    stand,
)
from receivables.domain.money import Money
from receivables.errors import ConflictError, ReceivablesError
from receivables.services.collecting.tasking import drop_tasks
from receivables.services.conversations.contesting import MAX_SAID, check_claim
from receivables.store.conversations.disputes import (
    append_event,
    disputes_on,
    events_of,
    get_dispute,
    insert_dispute,
    turns_of,
    update_dispute,
)
from receivables.store.customer_file.customers import lock_customers
from receivables.store.invoicing.invoices import get_invoice

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime
    from uuid import UUID

    from receivables.domain.conversations.disputes import Dispute, Standing, Turn
    from receivables.domain.invoicing.invoices import Invoice
    from receivables.store.work import Work

LATE_ANSWER, LATE_OUTCOME = "dispute.late_answer", "dispute.late_outcome"
"""Kinds of tasks: nobody answered in two working days; nobody decided in fifteen."""


@dataclass(frozen=True, slots=True)
class OpenDispute:
    """Somebody contests an invoice.

    ``amount_minor`` goes with ``lines`` (their gross) and ``amount``; ``once`` names the form that was sent, so that
    sending it twice says it once. ``documents`` are the ids of files kept with it.
    """

    invoice_id: UUID
    reason: str
    scope: Scope
    said: str
    origin: Origin
    actor: str
    once: str
    amount_minor: int | None = None
    line_ids: tuple[str, ...] = ()
    documents: tuple[UUID, ...] = ()


def open_dispute(work: Work, command: OpenDispute) -> Dispute:
    """Take in what a customer or a collector contests: a new dispute, or one more claim of one that is open.

    Raises:
        ReceivablesError: ``dispute.no_words``, ``dispute.bad_amount``, ``dispute.too_much``, ``dispute.credit_note``,
            ``dispute.too_many``.
        NotFoundError: ``invoice.not_found``.
    """
    invoice = get_invoice(work, command.invoice_id)
    lock_customers(work, [invoice.customer_id])
    known = _told_before(work, invoice.invoice_id, command.once)
    if known is not None:
        return known
    check_claim(work, invoice, command)
    facts: dict[str, Any] = {"origin": command.origin, "scope": command.scope}
    if command.scope is not Scope.WHOLE:
        facts |= {"amount_minor": command.amount_minor, "line_ids": list(command.line_ids)}
    if command.documents:
        facts["documents"] = [str(each) for each in command.documents]
    event = DisputeEvent(
        EventKind.CLAIMED, now(), command.actor, command.said.strip() or None, None, command.once, facts
    )
    dispute = take_claim(work, invoice, command.reason, event)
    work.audit(command.actor, "dispute.claimed", str(dispute.dispute_id), invoice=invoice.number, reason=command.reason)
    return dispute


def take_claim(work: Work, invoice: Invoice, reason: str, event: DisputeEvent) -> Dispute:
    """Give a claim to the dispute that it belongs to, joining those that it shows to be one, or to a new one.

    The caller holds the customer's lock. A message that is known already changes nothing.
    """
    told = events_of(work, invoice.invoice_id)
    alike = [each for each in disputes_on(work, invoice.invoice_id) if each.reason == reason]
    for each in alike:
        if any(event.message_id == known.message_id for known in told[each.dispute_id]):
            return each
    homes = [each for each in alike if belongs(event, told[each.dispute_id])]
    if homes:
        append_event(work, homes[0].dispute_id, event)
        for late in homes[1:]:
            _join(work, homes[0], late)
        dispute_id = homes[0].dispute_id
    else:
        standing = stand(reason, [event], turns_of(work, invoice.invoice_id))
        dispute_id = insert_dispute(work, invoice, reason, _within(standing, invoice), _dues(standing.opened_at))
        append_event(work, dispute_id, event)
    review_disputes(work, invoice)
    return get_dispute(work, dispute_id)


def review_disputes(work: Work, invoice: Invoice) -> None:
    """Compute where every dispute of an invoice stands from everything that is known; the caller holds the lock."""
    turns = turns_of(work, invoice.invoice_id)
    told = events_of(work, invoice.invoice_id)
    for dispute in disputes_on(work, invoice.invoice_id):
        events = told[dispute.dispute_id]
        standing = _within(stand(dispute.reason, events, turns), invoice)
        update_dispute(work, dispute, standing, _dues(standing.opened_at))
        _drop_tasks(work, dispute, standing)
        _tell_what_follows(work, dispute, standing, events, turns)


def _drop_tasks(work: Work, dispute: Dispute, standing: Standing) -> None:
    """Nobody has to answer or decide any more: what was opened because it was late is dropped."""
    if dispute.answered_at is None and standing.answered_at is not None:
        drop_tasks(work, f"{LATE_ANSWER}/{dispute.dispute_id}", "answered")
    if dispute.closed_at is None and standing.closed_at is not None:
        for kind in (LATE_ANSWER, LATE_OUTCOME):
            drop_tasks(work, f"{kind}/{dispute.dispute_id}", "closed")


def add_event(work: Work, dispute_id: UUID, event: DisputeEvent) -> Dispute:
    """Add an act of ours (answer, documents, owner) to a dispute.

    Raises:
        NotFoundError: ``dispute.not_found``.
        ConflictError: ``dispute.closed``: nothing more can be decided.
    """
    dispute = get_dispute(work, dispute_id)
    lock_customers(work, [dispute.customer_id])
    dispute = get_dispute(work, dispute_id)
    if event.message_id and _told_before(work, dispute.invoice_id, event.message_id):
        return dispute
    if not dispute.is_open and event.kind not in (EventKind.ANSWERED, EventKind.DOCUMENTS_SENT):
        raise ConflictError(
            "dispute.closed",
            "This dispute is closed: nothing more can be decided about it.",
            "Ce litige est clos : plus rien ne peut y être décidé.",
        )
    append_event(work, dispute.dispute_id, event)
    review_disputes(work, get_invoice(work, dispute.invoice_id))
    work.audit(event.actor, f"dispute.{event.kind}", str(dispute.dispute_id), **event.facts)
    return get_dispute(work, dispute.dispute_id)


def answer_dispute(work: Work, dispute_id: UUID, actor: str, said: str, *, once: str | None = None) -> Dispute:
    """Answer the customer.

    Raises:
        ReceivablesError: ``dispute.no_words``.
    """
    return add_event(work, dispute_id, DisputeEvent(EventKind.ANSWERED, now(), actor, _words(said), None, once))


def assign_dispute(work: Work, dispute_id: UUID, actor: str, owner: str) -> Dispute:
    """Give a dispute to another team.

    Raises:
        ReceivablesError: ``dispute.unknown_team``.
    """
    if owner not in set(Team):
        raise ReceivablesError(
            "dispute.unknown_team", f"There is no team {owner!r}.", f"Il n'y a pas d'équipe {owner!r}."
        )
    return add_event(work, dispute_id, DisputeEvent(EventKind.ASSIGNED, now(), actor, facts={"owner": owner}))


def note_documents_sent(
    work: Work, dispute_id: UUID, actor: str, said: str, *, once: str, documents: Sequence[UUID], told: str | None
) -> Dispute:
    """Note the documents that a customer was sent; ``told`` is the message (209) that their platform gets."""
    facts = {"documents": [str(each) for each in documents], "status_message": told}
    event = DisputeEvent(EventKind.DOCUMENTS_SENT, now(), actor, said.strip() or None, None, once, facts)
    return add_event(work, dispute_id, event)


def accept_dispute(
    work: Work,
    dispute_id: UUID,
    actor: str,
    said: str,
    *,
    amount_minor: int,
    credit_note_id: UUID | None = None,
    corrective_id: UUID | None = None,
) -> Dispute:
    """Give way in whole or, below what is disputed, in part, by the credit note or corrective invoice that was made.

    Raises:
        ReceivablesError: ``dispute.bad_amount``.
    """
    dispute = get_dispute(work, dispute_id)
    invoice = get_invoice(work, dispute.invoice_id)
    disputed = invoice.payable_minor if dispute.amount_minor is None else dispute.amount_minor
    if not 0 < amount_minor <= disputed:
        raise ReceivablesError(
            "dispute.bad_amount",
            f"Accept more than nothing and at most {Money(disputed, invoice.currency)}.",
            f"Acceptez un montant positif, au plus {Money(disputed, invoice.currency)}.",
        )
    kind = EventKind.ACCEPTED if amount_minor == disputed else EventKind.PARTLY
    facts: dict[str, Any] = {"amount_minor": amount_minor}
    if credit_note_id is not None:
        facts["credit_note_id"] = str(credit_note_id)
    if corrective_id is not None:
        facts["corrective_id"] = str(corrective_id)
    return add_event(work, dispute_id, DisputeEvent(kind, now(), actor, said.strip() or None, facts=facts))


def reject_dispute(work: Work, dispute_id: UUID, actor: str, said: str) -> Dispute:
    """Stand by the invoice, and say why.

    Raises:
        ReceivablesError: ``dispute.no_words``.
    """
    return add_event(work, dispute_id, DisputeEvent(EventKind.REJECTED, now(), actor, _words(said)))


def close_refusal(work: Work, dispute_id: UUID, actor: str, said: str) -> Dispute:
    """Say that a refused invoice is dealt with: credited inside, and issued anew where that was right.

    Raises:
        ConflictError: ``dispute.not_refused``: other disputes are accepted or rejected.
    """
    if get_dispute(work, dispute_id).state is not State.REFUSED:
        raise ConflictError(
            "dispute.not_refused",
            "Accept or reject this dispute: its invoice was not refused.",
            "Acceptez ou rejetez ce litige : sa facture n'a pas été refusée.",
        )
    return add_event(work, dispute_id, DisputeEvent(EventKind.CLOSED, now(), actor, said.strip() or None))


def _words(said: str) -> str:
    said = said.strip()
    if not said:
        raise ReceivablesError(
            "dispute.no_words", "Write to the customer what you answer.", "Écrivez au client ce que vous répondez."
        )
    if len(said) > MAX_SAID:
        raise ReceivablesError(
            "dispute.too_long",
            f"The text is longer than {MAX_SAID} characters: shorten it.",
            f"Le texte dépasse {MAX_SAID} caractères : raccourcissez-le.",
        )
    return said


def _told_before(work: Work, invoice_id: UUID, message_id: str) -> Dispute | None:
    """The dispute of this invoice that holds a message already."""
    dispute_id = work.scalar(
        "SELECT dispute_id FROM dispute_events JOIN disputes USING (supplier_id, dispute_id) "
        "WHERE supplier_id = :supplier AND message_id = :message AND invoice_id = :invoice LIMIT 1",
        message=message_id,
        invoice=invoice_id,
    )
    return get_dispute(work, dispute_id) if dispute_id else None


def _join(work: Work, home: Dispute, late: Dispute) -> None:
    """One that was thought to be two: what came later shows that it is one."""
    unchanged = replace(late, closed_at=late.closed_at or now())
    work.execute(
        "UPDATE disputes SET merged_into = :home, closed_at = :closed, changed_at = :at "
        "WHERE supplier_id = :supplier AND dispute_id = :id",
        home=home.dispute_id,
        closed=unchanged.closed_at,
        at=now(),
        id=late.dispute_id,
    )
    append_event(
        work,
        home.dispute_id,
        DisputeEvent(EventKind.MERGED, now(), "system", facts={"dispute_id": str(late.dispute_id)}),
    )


def _within(standing: Standing, invoice: Invoice) -> Standing:
    """No more is disputed than was invoiced, whatever a message says."""
    amount = standing.amount_minor
    if amount is None or standing.scope is Scope.WHOLE or not 0 < amount < invoice.payable_minor:
        return replace(standing, scope=Scope.WHOLE, amount_minor=None, line_ids=())
    return standing


def _dues(opened_at: datetime) -> tuple[date, date]:
    """The days until which the customer has a first answer and an outcome."""
    day = legal_day(opened_at)
    return add_days(day, ANSWER_WORKING_DAYS), add_days(day, CLOSE_WORKING_DAYS)


def _tell_what_follows(
    work: Work, dispute: Dispute, standing: Standing, events: Sequence[DisputeEvent], turns: Sequence[Turn]
) -> None:
    """Say in the dispute's own story what a status of the whole invoice did to it."""
    if dispute.state not in UNDECIDED or standing.state is dispute.state or standing.closed_at is None:
        return
    told = {each.message_id for each in events}
    turn = next((each for each in turns if each.at == standing.closed_at and each.message_id not in told), None)
    if turn is not None:
        kind = EventKind.APPROVED if turn.code == APPROVED else EventKind.REFUSED
        append_event(
            work,
            dispute.dispute_id,
            DisputeEvent(kind, turn.at, "customer", None, turn.code, turn.message_id),
        )
