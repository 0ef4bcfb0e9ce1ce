"""Record facts about money: entry, lettering, exposure and announcement, a batch of facts in one transaction.

The batch is loaded as a set, decided in pure Python fact by fact, and written as a set.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from config.clock import legal_day, new_id
from receivables.domain.accounting.ledger import (
    BANK_JOURNAL,
    OPENING_JOURNAL,
    Chart,
    Entry,
    Posting,
    signed,
    without_zeros,
)
from receivables.domain.accounting.opening import OPENING
from receivables.domain.settlement.lettering import Item
from receivables.domain.settlement.moves import back
from receivables.domain.settlement.receipts import (
    AttemptMoved,
    AttemptState,
    ClearingFact,
    Fact,
    MoneyReceived,
    MoneyReturned,
    MoneyReturnFailed,
    Outcome,
)
from receivables.domain.told import Told
from receivables.services.collecting.entering import enter_claims
from receivables.services.risk.watching import watch_limits
from receivables.services.settlement.clearing import book_clearing, known_clearing
from receivables.services.settlement.settling import (
    Cause,
    Settling,
    allocate,
    collect,
    load_settling,
    settle,
    write_settling,
)
from receivables.services.settlement.waiving import take_back_waived
from receivables.store.customer_file.customers import lock_customers
from receivables.store.event_log import tell
from receivables.store.settlement.attempts import Attempt, load_attempts, move_attempts
from receivables.store.settlement.books import known_sources
from receivables.store.settlement.moves import moves_from

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import date
    from uuid import UUID

    from receivables.store.work import Work

RECEIPT = "receipt"
RETURN = "return"
RETURN_FAILED = "return_failed"
_NOT_MONEY = {AttemptState.PROCESSING: "payment.in_flight", AttemptState.FAILED: "payment.failed"}


@dataclass(slots=True)
class _Batch:
    """What is loaded for a batch of facts, and what they add to the books."""

    settling: Settling
    attempts: dict[UUID, Attempt]
    booked: dict[str, set[str]]
    backwards: bool
    """Whether any money went back."""
    moves: dict[UUID, AttemptMoved] = field(default_factory=dict)


def record_facts(work: Work, facts: Sequence[Fact]) -> list[Outcome]:
    """Record ``facts`` about money of this supplier and say what each came to.

    A fact already booked is ``KNOWN``; several provider events about one payment carry the same fact. Returns come
    after their receipt: until then they are ``WAITING``. Money in another currency than was asked for is the
    customer's credit in that currency.
    """
    batch = _load(work, facts)
    outcomes = [_record(batch, fact) for fact in facts]
    _write(work, batch)
    if follow := _moves_back(work, batch):
        record_facts(work, follow)
    return outcomes


def _load(work: Work, facts: Sequence[Fact]) -> _Batch:
    """Lock the customers concerned in ascending order, then read everything the facts touch."""
    backwards = [fact for fact in facts if isinstance(fact, MoneyReturned | MoneyReturnFailed)]
    returned = [fact.payment_ref for fact in backwards]
    named = [fact.attempt_id for fact in facts if isinstance(fact, MoneyReceived | AttemptMoved)]
    attempts = load_attempts(work, named, returned)
    takers = {move.to_customer for move in moves_from(work, attempts)} if backwards else set()
    lock_customers(work, {attempt.customer_id for attempt in attempts.values()} | takers)
    invoices = {invoice_id for attempt in attempts.values() for invoice_id in attempt.invoice_ids}
    booked = {
        RECEIPT: known_sources(work, RECEIPT, [f.payment_ref for f in facts if isinstance(f, MoneyReceived)]),
        RETURN: known_sources(work, RETURN, [fact.return_ref for fact in backwards]),
        RETURN_FAILED: known_sources(work, RETURN_FAILED, [fact.return_ref for fact in backwards]),
        **known_clearing(work, [fact for fact in facts if isinstance(fact, ClearingFact)]),
    }
    _enter_claims(work, facts, attempts)
    again = load_attempts(work, list(attempts), [])
    return _Batch(load_settling(work, invoices, attempts), again, booked, bool(backwards))


def _enter_claims(work: Work, facts: Sequence[Fact], attempts: Mapping[UUID, Attempt]) -> None:
    """Claims for interest that wait outside the books enter them with the first money that is for them."""
    paid = [fact for fact in facts if isinstance(fact, MoneyReceived) and fact.attempt_id in attempts]
    if paid:
        meant = {invoice_id for fact in paid for invoice_id in attempts[fact.attempt_id].invoice_ids}
        enter_claims(work, meant, min(legal_day(fact.received_at) for fact in paid))


def _moves_back(work: Work, batch: _Batch) -> list[Fact]:
    """What was moved of a payment to other accounts comes back, the newest first, until what went back is covered."""
    facts: list[Fact] = []
    if batch.backwards:
        sheet = batch.settling.sheet
        for move in moves_from(work, batch.attempts):
            short = sum(line.open_minor for line in sheet.lines_of(move.from_attempt, {"refund"}))
            given = sum(
                fact.amount_minor
                for fact in facts
                if isinstance(fact, MoneyReturnFailed) and fact.payment_ref == move.payment_ref
            )
            if short > given:
                facts += back(move, batch.settling.at, legal_day(batch.settling.at))
    return facts


def _record(batch: _Batch, fact: Fact) -> Outcome:
    if isinstance(fact, MoneyReceived):
        return _receive(batch, fact)
    if isinstance(fact, MoneyReturned):
        return _return(batch, fact)
    if isinstance(fact, MoneyReturnFailed):
        return _return_failed(batch, fact)
    if isinstance(fact, ClearingFact):
        return book_clearing(batch.settling, batch.booked, fact)
    return _move(batch, fact)


def _receive(batch: _Batch, fact: MoneyReceived) -> Outcome:
    attempt = batch.attempts.get(fact.attempt_id)
    if attempt is None:
        return Outcome.UNKNOWN
    if fact.payment_ref in batch.booked[RECEIPT]:
        return Outcome.KNOWN
    batch.booked[RECEIPT].add(fact.payment_ref)
    _goes_on(batch, attempt, AttemptMoved(fact.attempt_id, AttemptState.SUCCEEDED, fact.payment_ref))
    _flies(batch, attempt)
    line = _Line(fact.payment_ref, "receipt", fact.amount_minor, fact.currency, legal_day(fact.received_at))
    _book(batch, attempt, _item(batch, attempt, line), RECEIPT, counter=fact.counter)
    return Outcome.POSTED


def _return(batch: _Batch, fact: MoneyReturned) -> Outcome:
    if fact.return_ref in batch.booked[RETURN]:
        return Outcome.KNOWN
    attempt, currency = _paid_attempt(batch, fact.payment_ref)
    if attempt is None:
        return Outcome.WAITING
    if fact.currency != currency:
        return Outcome.OTHER_CURRENCY
    batch.booked[RETURN].add(fact.return_ref)
    line = _Line(fact.return_ref, "refund", fact.amount_minor, fact.currency, legal_day(fact.returned_at))
    _book(batch, attempt, _item(batch, attempt, line), RETURN, reason=fact.kind, counter=fact.counter)
    take_back_waived(batch.settling, attempt, line.day)
    return Outcome.POSTED


def _return_failed(batch: _Batch, fact: MoneyReturnFailed) -> Outcome:
    """Book the money back; where its refund was not told yet, book both: what is told of it later is known."""
    if fact.return_ref in batch.booked[RETURN_FAILED]:
        return Outcome.KNOWN
    attempt, currency = _paid_attempt(batch, fact.payment_ref)
    if attempt is None:
        return Outcome.WAITING
    if fact.currency != currency:
        return Outcome.OTHER_CURRENCY
    day = legal_day(fact.failed_at)
    ref, amount = fact.return_ref, fact.amount_minor
    untold = ref not in batch.booked[RETURN]
    refund = _item(batch, attempt, _Line(ref, "refund", amount, fact.currency, day)) if untold else None
    back = _item(batch, attempt, _Line(ref, "refund_failed", amount, fact.currency, day))
    if refund:  # both lines are there before either is lettered: no cash of an invoice moves
        batch.booked[RETURN].add(ref)
        _book(batch, attempt, refund, RETURN, reason="refund", counter=fact.counter)
    batch.booked[RETURN_FAILED].add(ref)
    _book(batch, attempt, back, RETURN_FAILED, reason=RETURN_FAILED, counter=fact.counter)
    return Outcome.POSTED


def _paid_attempt(batch: _Batch, payment_ref: str) -> tuple[Attempt | None, str]:
    """The attempt whose receipt is booked, and the receipt's currency.

    A racer's, booked after ours were loaded, has to wait like one to come.
    """
    for item in batch.settling.sheet.items.values():
        if item.kind == "receipt" and item.reference == payment_ref and item.attempt_id:
            return batch.attempts.get(item.attempt_id), item.currency
    return None, ""


def _move(batch: _Batch, fact: AttemptMoved) -> Outcome:
    attempt = batch.attempts.get(fact.attempt_id)
    if attempt is None:
        return Outcome.UNKNOWN
    if not _goes_on(batch, attempt, fact):
        return Outcome.KNOWN
    if _flies(batch, attempt):  # money in flight keeps its room from credit notes, and gives it back
        day = legal_day(batch.settling.at)
        settle(batch.settling, attempt.invoice_ids, Cause("in_flight", None, day))
    return Outcome.POSTED


def _goes_on(batch: _Batch, attempt: Attempt, fact: AttemptMoved) -> bool:
    """Note where an attempt stands; returns whether ``fact`` brought it further."""
    goes_on = fact.state.rank > attempt.state.rank
    if goes_on or (fact.payment_ref and not attempt.payment_ref):  # a late word may still name the payment
        attempt.state = fact.state if goes_on else attempt.state
        attempt.payment_ref = fact.payment_ref or attempt.payment_ref
        told = fact if goes_on else batch.moves.get(fact.attempt_id, fact)
        batch.moves[fact.attempt_id] = replace(told, state=attempt.state, payment_ref=attempt.payment_ref)
    return goes_on


def _flies(batch: _Batch, attempt: Attempt) -> bool:
    """Note whether money of an attempt is on its way; returns whether that changed."""
    flying = batch.settling.sheet.flying
    was, is_now = attempt.attempt_id in flying, attempt.state is AttemptState.PROCESSING
    (flying.add if is_now else flying.discard)(attempt.attempt_id)
    return was != is_now


@dataclass(frozen=True, slots=True)
class _Line:
    """A line of 411 to come."""

    reference: str
    kind: str
    amount_minor: int
    currency: str
    day: date


def _item(batch: _Batch, attempt: Attempt, line: _Line) -> Item:
    item = Item(
        posting_id=new_id(),
        customer_id=attempt.customer_id,
        kind=line.kind,
        debit=line.kind == "refund",
        amount_minor=line.amount_minor,
        open_minor=line.amount_minor,
        reference=line.reference,
        booked_on=line.day,
        due_on=line.day,
        ranked_at=attempt.created_at,
        currency=line.currency,
        attempt_id=attempt.attempt_id,
    )
    batch.settling.add_item(item)
    return item


def _book(
    batch: _Batch,
    attempt: Attempt,
    item: Item,
    source_kind: str,
    *,
    reason: str | None = None,
    counter: str = "provider_clearing",
) -> None:
    """Letter what the fact changes, then write its entry: where the money lies against 411, and the VAT with it."""
    settling, cause = batch.settling, Cause(source_kind, reason, item.told_on)
    entry_id = new_id()
    vat: list[Posting] = []
    if item.currency == attempt.currency:
        movements = allocate(settling, attempt.invoice_ids, reason or source_kind, cause.day, [attempt.attempt_id])
        vat = collect(settling, movements, cause)
        settling.name_entry(entry_id)
    else:  # what moves on the invoices all the same, such as room that was reserved, is in their currency
        settle(settling, attempt.invoice_ids, cause, entry_id, [attempt.attempt_id])
    settling.entries.append(
        Entry(
            entry_id=entry_id,
            journal=OPENING_JOURNAL if counter == OPENING else BANK_JOURNAL,
            booked_on=item.told_on,
            source_kind=source_kind,
            source_ref=item.reference,
            document_ref=item.reference,
            label=attempt.customer_name,
            currency=item.currency,
            postings=without_zeros([*_cash_postings(settling.chart, item, counter), *vat]),
        )
    )


def _cash_postings(chart: Chart, item: Item, counter: str) -> tuple[Posting, ...]:
    """Where the money lies, or left from, against the customer: the item is the line on 411."""
    sense = -1 if item.debit else 1
    return (
        signed(new_id(), chart.account(counter), sense * item.amount_minor),
        signed(item.posting_id, chart.customers, -sense * item.amount_minor, customer_id=item.customer_id),
    )


def _on_their_way(batch: _Batch) -> Iterator[Told]:
    """Payments that set out or failed: money is nowhere in the books for either."""
    for move in batch.moves.values():
        kind = _NOT_MONEY.get(move.state)
        if kind is not None:
            data = {"attempt_id": move.attempt_id, "payment_ref": move.payment_ref}
            yield Told(kind, data, batch.attempts[move.attempt_id].customer_id, None, batch.settling.at)


def _write(work: Work, batch: _Batch) -> None:
    """Everything the batch decided, table by table."""
    if batch.settling.entries or batch.settling.allocations:
        write_settling(work, batch.settling, "worker")
    move_attempts(work, list(batch.moves.values()), batch.settling.at)
    tell(work, list(_on_their_way(batch)))
    watch_limits(work, {attempt.customer_id for attempt in batch.attempts.values()})
