"""Record facts about money: entry, lettering, exposure and announcement, a batch of facts in one transaction.

The batch is loaded as a set, decided in pure Python fact by fact, and written as a set.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from config.clock import legal_day, new_id, now
from config.law import accounts_on
from receivables.domain.collected import CollectedPart, split_movement
from receivables.domain.events import Event, cash_collected
from receivables.domain.invoices import cash_at_issue
from receivables.domain.ledger import BANK_JOURNAL, Chart, Entry, Posting, signed, without_zeros
from receivables.domain.lettering import Item, Sheet, plan_changes
from receivables.domain.receipts import (
    AttemptMoved,
    AttemptState,
    Fact,
    MoneyReceived,
    MoneyReturned,
    MoneyReturnFailed,
    Outcome,
)
from receivables.services.matching import letter
from receivables.store.attempts import Attempt, InvoiceCash, load_attempts, load_cash, move_attempts
from receivables.store.books import known_sources, load_sheet, update_items, write_entries, write_items
from receivables.store.customers import lock_customers

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime
    from uuid import UUID

    from receivables.store.work import Work

RECEIPT = "receipt"
RETURN = "return"
RETURN_FAILED = "return_failed"


@dataclass(slots=True)
class _Batch:
    """What is loaded for a batch of facts, and what they add to the books."""

    sheet: Sheet
    attempts: dict[UUID, Attempt]
    cash: dict[UUID, InvoiceCash]
    chart: Chart
    at: datetime
    booked: dict[str, set[str]]
    entries: list[Entry] = field(default_factory=list)
    fresh: list[UUID] = field(default_factory=list)
    changed: set[UUID] = field(default_factory=set)
    allocations: list[dict[str, Any]] = field(default_factory=list)
    collections: list[dict[str, Any]] = field(default_factory=list)
    moves: dict[UUID, AttemptMoved] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)


def record_facts(work: Work, facts: Sequence[Fact]) -> list[Outcome]:
    """Record ``facts`` about money of this supplier and say what each came to.

    A fact already booked is ``KNOWN``; several provider events about one payment carry the same fact. Returns come
    after their receipt: until then they are ``WAITING``. Money in another currency than was asked for is a human's.
    """
    batch = _load(work, facts)
    outcomes = [_record(batch, fact) for fact in facts]
    _write(work, batch)
    return outcomes


def _load(work: Work, facts: Sequence[Fact]) -> _Batch:
    """Lock the customers concerned in ascending order, then read everything the facts touch."""
    backwards = [fact for fact in facts if isinstance(fact, MoneyReturned | MoneyReturnFailed)]
    returned = [fact.payment_ref for fact in backwards]
    named = [fact.attempt_id for fact in facts if not isinstance(fact, MoneyReturned | MoneyReturnFailed)]
    attempts = load_attempts(work, named, returned)
    lock_customers(work, (attempt.customer_id for attempt in attempts.values()))
    invoices = {invoice_id for attempt in attempts.values() for invoice_id in attempt.invoice_ids}
    booked = {
        RECEIPT: known_sources(work, RECEIPT, [f.payment_ref for f in facts if isinstance(f, MoneyReceived)]),
        RETURN: known_sources(work, RETURN, [fact.return_ref for fact in backwards]),
        RETURN_FAILED: known_sources(work, RETURN_FAILED, [fact.return_ref for fact in backwards]),
    }
    at = now()
    sheet = load_sheet(work, invoices)
    return _Batch(
        sheet=sheet,
        attempts=load_attempts(work, list(attempts), []),
        cash=load_cash(work, sheet.attempts_by_invoice),
        chart=Chart(**accounts_on(legal_day(at))),
        at=at,
        booked=booked,
    )


def _record(batch: _Batch, fact: Fact) -> Outcome:
    if isinstance(fact, MoneyReceived):
        return _receive(batch, fact)
    if isinstance(fact, MoneyReturned):
        return _return(batch, fact)
    if isinstance(fact, MoneyReturnFailed):
        return _return_failed(batch, fact)
    return _move(batch, fact)


def _receive(batch: _Batch, fact: MoneyReceived) -> Outcome:
    attempt = batch.attempts.get(fact.attempt_id)
    if attempt is None:
        return Outcome.UNKNOWN
    if fact.payment_ref in batch.booked[RECEIPT]:
        return Outcome.KNOWN
    if fact.currency != attempt.currency:
        return Outcome.OTHER_CURRENCY
    batch.booked[RECEIPT].add(fact.payment_ref)
    _move(batch, AttemptMoved(fact.attempt_id, AttemptState.SUCCEEDED, fact.payment_ref))
    day = legal_day(fact.received_at)
    item = _item(batch, attempt, fact.payment_ref, kind="receipt", amount_minor=fact.amount_minor, day=day)
    _book(batch, attempt, item, source_kind=RECEIPT, reason=None)
    return Outcome.POSTED


def _return(batch: _Batch, fact: MoneyReturned) -> Outcome:
    if fact.return_ref in batch.booked[RETURN]:
        return Outcome.KNOWN
    attempt = _paid_attempt(batch, fact.payment_ref)
    if attempt is None:
        return Outcome.WAITING
    if fact.currency != attempt.currency:
        return Outcome.OTHER_CURRENCY
    batch.booked[RETURN].add(fact.return_ref)
    day = legal_day(fact.returned_at)
    item = _item(batch, attempt, fact.return_ref, kind="refund", amount_minor=fact.amount_minor, day=day)
    _book(batch, attempt, item, source_kind=RETURN, reason=fact.kind)
    return Outcome.POSTED


def _return_failed(batch: _Batch, fact: MoneyReturnFailed) -> Outcome:
    """Book the money back; where its refund was not told yet, book both: what is told of it later is known."""
    if fact.return_ref in batch.booked[RETURN_FAILED]:
        return Outcome.KNOWN
    attempt = _paid_attempt(batch, fact.payment_ref)
    if attempt is None:
        return Outcome.WAITING
    if fact.currency != attempt.currency:
        return Outcome.OTHER_CURRENCY
    day = legal_day(fact.failed_at)
    ref, amount = fact.return_ref, fact.amount_minor
    untold = ref not in batch.booked[RETURN]
    refund = _item(batch, attempt, ref, kind="refund", amount_minor=amount, day=day) if untold else None
    back = _item(batch, attempt, ref, kind="refund_failed", amount_minor=amount, day=day)
    if refund:  # both lines are there before either is lettered: no cash of an invoice moves
        batch.booked[RETURN].add(ref)
        _book(batch, attempt, refund, source_kind=RETURN, reason="refund")
    batch.booked[RETURN_FAILED].add(ref)
    _book(batch, attempt, back, source_kind=RETURN_FAILED, reason=RETURN_FAILED)
    return Outcome.POSTED


def _paid_attempt(batch: _Batch, payment_ref: str) -> Attempt | None:
    """The attempt whose receipt is booked; a racer's, booked after ours were loaded, has to wait like one to come."""
    for item in batch.sheet.items.values():
        if item.kind == "receipt" and item.reference == payment_ref and item.attempt_id:
            return batch.attempts.get(item.attempt_id)
    return None


def _move(batch: _Batch, fact: AttemptMoved) -> Outcome:
    attempt = batch.attempts.get(fact.attempt_id)
    if attempt is None:
        return Outcome.UNKNOWN
    goes_on = fact.state.rank > attempt.state.rank
    if goes_on or (fact.payment_ref and not attempt.payment_ref):  # a late word may still name the payment
        attempt.state = fact.state if goes_on else attempt.state
        attempt.payment_ref = fact.payment_ref or attempt.payment_ref
        told = fact if goes_on else batch.moves.get(fact.attempt_id, fact)
        batch.moves[fact.attempt_id] = replace(told, state=attempt.state, payment_ref=attempt.payment_ref)
    return Outcome.POSTED if goes_on else Outcome.KNOWN


def _item(batch: _Batch, attempt: Attempt, reference: str, *, kind: str, amount_minor: int, day: date) -> Item:
    item = Item(
        posting_id=new_id(),
        customer_id=attempt.customer_id,
        kind=kind,
        debit=kind == "refund",
        amount_minor=amount_minor,
        open_minor=amount_minor,
        reference=reference,
        booked_on=day,
        due_on=day,
        ranked_at=attempt.created_at,
        currency=attempt.currency,
        attempt_id=attempt.attempt_id,
    )
    batch.sheet.add_item(item)
    batch.fresh.append(item.posting_id)
    return item


def _book(batch: _Batch, attempt: Attempt, item: Item, *, source_kind: str, reason: str | None) -> None:
    """Letter what the fact changes, then write its entry: 511 against 411, and the VAT that moves with the cash."""
    moved = _letter(batch, attempt, reason or source_kind)
    entry_id = new_id()
    postings = [*_cash_postings(batch.chart, item)]
    for invoice_id, delta in moved.items():
        part = _collect(batch, invoice_id, delta, item, entry_id=entry_id, reason=reason)
        postings += _vat_postings(batch.chart, batch.cash[invoice_id], part, invoice_id)
    batch.entries.append(
        Entry(
            entry_id=entry_id,
            journal=BANK_JOURNAL,
            booked_on=item.booked_on,
            source_kind=source_kind,
            source_ref=item.reference,
            document_ref=item.reference,
            label=attempt.customer_name,
            currency=item.currency,
            postings=without_zeros(postings),
        )
    )


def _letter(batch: _Batch, attempt: Attempt, cause: str) -> dict[UUID, int]:
    """Change the allocations as the facts now ask; returns by how much cash moved on which invoice."""
    moved: dict[UUID, int] = {}
    for pair, delta in plan_changes(batch.sheet, attempt.attempt_id):
        batch.sheet.change(pair, delta)
        batch.changed.update(pair)
        debit = batch.sheet.items[pair[0]]
        batch.allocations.append(
            {
                "allocation_id": new_id(),
                "customer_id": debit.customer_id,
                "debit_posting_id": pair[0],
                "credit_posting_id": pair[1],
                "amount_minor": delta,
                "cause": cause,
                "created_at": batch.at,
            }
        )
        if debit.kind == "invoice" and debit.invoice_id:
            moved[debit.invoice_id] = moved.get(debit.invoice_id, 0) + delta
    return {invoice_id: delta for invoice_id, delta in moved.items() if delta}


def _collect(
    batch: _Batch, invoice_id: UUID, delta: int, item: Item, *, entry_id: UUID, reason: str | None
) -> CollectedPart:
    """Note that final cash moved on an invoice, with its split, and announce it."""
    cash = batch.cash[invoice_id]
    at_issue, due = cash_at_issue(cash.prepaid_minor, cash.payable_minor)
    before = at_issue + cash.collected_minor
    part = split_movement(cash.vat_rows, before, before + delta, due)
    cash.collected_minor += delta
    cash.sequence += 1
    batch.collections.append(
        {
            "invoice_id": invoice_id,
            "sequence": cash.sequence,
            "entry_id": entry_id,
            "kind": "cash",
            "amount_minor": delta,
            "currency": item.currency,
            "split": [{"rate": str(each.rate), "amount_minor": each.amount_minor} for each in part.split],
            "reason": reason,
            "collected_on": item.booked_on,
            "created_at": batch.at,
        }
    )
    batch.events.append(cash_collected(invoice_id, cash.sequence))
    return part


def _cash_postings(chart: Chart, item: Item) -> tuple[Posting, ...]:
    """Clearing account of the provider against the customer: the item is the line on 411."""
    sense = -1 if item.debit else 1
    return (
        signed(new_id(), chart.provider_clearing, sense * item.amount_minor),
        signed(item.posting_id, chart.customers, -sense * item.amount_minor, customer_id=item.customer_id),
    )


def _vat_postings(chart: Chart, cash: InvoiceCash, part: CollectedPart, invoice_id: UUID) -> tuple[Posting, ...]:
    """VAT that falls due with the cash leaves 44574 for 44571, and comes back with a refund."""
    if not cash.vat_on_collection:
        return ()
    return (
        signed(new_id(), chart.vat_pending, part.vat_minor, invoice_id=invoice_id),
        signed(new_id(), chart.vat_due, -part.vat_minor, invoice_id=invoice_id),
    )


def _write(work: Work, batch: _Batch) -> None:
    """Everything the batch decided, table by table."""
    if batch.entries:
        write_entries(work, batch.entries)
        fresh = set(batch.fresh)
        batch.changed |= letter(work, batch.sheet, batch.changed, batch.at, fresh=fresh)
        write_items(work, [_item_row(batch.sheet.items[posting_id]) for posting_id in batch.fresh])
        update_items(work, (batch.sheet.items[posting_id] for posting_id in batch.changed - fresh))
        work.insert("allocations", batch.allocations)
        work.insert("collections", batch.collections)
        work.emit(batch.events)
        work.audit_all(
            [
                {
                    "actor": "worker",
                    "act": f"{entry.source_kind}.booked",
                    "object": entry.source_ref,
                    "details": {"entry_id": entry.entry_id},
                }
                for entry in batch.entries
            ]
        )
    move_attempts(work, list(batch.moves.values()), batch.at)


def _item_row(item: Item) -> dict[str, Any]:
    return {
        "posting_id": item.posting_id,
        "customer_id": item.customer_id,
        "invoice_id": item.invoice_id,
        "attempt_id": item.attempt_id,
        "reference": item.reference,
        "kind": item.kind,
        "debit": item.debit,
        "amount_minor": item.amount_minor,
        "open_minor": item.open_minor,
        "currency": item.currency,
        "booked_on": item.booked_on,
        "due_on": item.due_on,
        "ranked_at": item.ranked_at,
        "lettering_id": item.lettering_id,
    }
