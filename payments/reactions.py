"""From what a provider tells to the books: facts of the core, and the rows about disputes, methods, payouts and cash.

Ordinary facts about payments are posted as one batch. Whatever the order in which things are told, the books end the
same: facts commute by their keys, and what only the provider knows in full (what a payout is made of, how much cash a
customer has there) is asked again, later, by those who hear of it in the outbox.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from payments.accounts import account_at
from payments.gateways.port import FactKind, GatewayRefusedError
from payments.paying.concluding import conclude_payments
from payments.providers.coming_back import returns_in
from payments.providers.disputes import note_disputes, payments_behind
from payments.providers.hints import hints_in
from payments.providers.saved import note_mandates, note_methods
from payments.providers.strays import book_strays
from receivables.domain.settlement.receipts import (
    AttemptMoved,
    AttemptState,
    ContestWon,
    Fact,
    MoneyContested,
    MoneyReceived,
    MoneyReturned,
    MoneyReturnFailed,
    Outcome,
)
from receivables.services.risk.watching import watch_limits
from receivables.services.settlement.receipts import record_facts
from receivables.store.customer_file.customers import lock_customers
from receivables.store.inbox import Settlement

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from uuid import UUID

    from payments.gateways.port import Gateway, PaymentFact
    from receivables.store.inbox import Message
    from receivables.store.work import Work

_MOVES = {
    FactKind.PROCESSING: AttemptState.PROCESSING,
    FactKind.SESSION_COMPLETED_UNPAID: AttemptState.PROCESSING,
    FactKind.SESSION_EXPIRED: AttemptState.EXPIRED,
    FactKind.CANCELED: AttemptState.EXPIRED,
}
CONTESTS = frozenset({FactKind.DISPUTED, FactKind.DISPUTE_LOST, FactKind.DISPUTE_WON})
METHODS = frozenset({FactKind.METHOD_SAVED, FactKind.METHOD_ENDED})
UNKNOWN_ATTEMPT = "payment.unknown_attempt: this supplier never began the payment named here."


@dataclass(slots=True)
class CameTo:
    """What a told fact came to: an outcome for each fact of the core, and why a human has to look, if so."""

    outcomes: list[Outcome] = field(default_factory=list)
    trouble: str | None = None


def receive_events(work: Work, messages: Sequence[Message], gateway_for: Callable[[Work], Gateway]) -> list[Settlement]:
    """Post what provider's events say: the facts of the whole batch at once, then the fate of each message.

    One provider account may serve several suppliers and tell each of all: what names another supplier is not ours.
    """
    gateway = gateway_for(work)
    told: list[PaymentFact] = []
    spans: list[tuple[Message, range]] = []
    settled: list[Settlement] = []
    for message in messages:
        try:
            facts = gateway.facts_of(message.body)
        except GatewayRefusedError as error:
            settled.append(Settlement(message.inbox_id, "buried", f"{error.code}: {error}"))
            continue
        ours = [fact for fact in facts if fact.supplier_id in (None, work.supplier_id)]
        spans.append((message, range(len(told), len(told) + len(ours))))
        told += ours
    came_to = record_told(work, account_at(work, gateway.provider), told) if told else []
    return settled + [_settlement(message, [came_to[i] for i in span]) for message, span in spans]


def record_told(work: Work, account_id: UUID | None, told: Sequence[PaymentFact]) -> list[CameTo]:
    """Post what a provider's account tells of this supplier; what each fact came to, in the same order.

    ``account_id`` is the account that tells; ``None`` where the supplier has none any more.
    """
    came_to = [CameTo() for _ in told]
    now_known = [i for i, fact in enumerate(told) if fact.kind not in CONTESTS]
    _post(work, told, came_to, now_known)
    if account_id is not None:
        _book_strays(work, account_id, told, came_to)
    contests = [i for i, fact in enumerate(told) if fact.kind in CONTESTS]
    if contests:  # after the receipts of the same batch
        _post_contests(work, told, came_to, contests)
    if account_id is not None:
        if any(fact.kind in METHODS for fact in told):
            note_methods(work, account_id, told)
        note_mandates(work, account_id, told)
        work.emit([*hints_in(work, account_id, told), *returns_in(work, account_id, told)])
    conclude_payments(work, told)
    return came_to


def facts_behind(told: PaymentFact) -> tuple[Fact, ...]:
    """The core's facts behind a provider's, the one that comes first first; none where the books do not change."""
    amount, currency, at = told.amount.minor, told.amount.currency, told.occurred_at
    if told.kind is FactKind.SUCCEEDED and told.attempt_id:
        return (MoneyReceived(told.payment_ref, told.attempt_id, amount, currency, at, told.method),)
    if told.kind is FactKind.REFUNDED:
        return (MoneyReturned(told.object_ref, told.payment_ref, "refund", amount, currency, at),)
    if told.kind is FactKind.REFUND_FAILED:
        return (MoneyReturnFailed(told.object_ref, told.payment_ref, amount, currency, at),)
    if told.kind in CONTESTS:
        return _contest(told)
    return _move(told)


def _contest(told: PaymentFact) -> tuple[Fact, ...]:
    """A dispute: the provider takes the money first; lost, it is the payer's debt again; won, it is ours again."""
    ref, payment, amount, currency = told.object_ref, told.payment_ref, told.amount.minor, told.amount.currency
    taken = MoneyContested(ref, payment, amount, currency, told.occurred_at)
    if told.kind is FactKind.DISPUTE_LOST:
        kind = "return" if told.method == "sepa_debit" else "chargeback"
        return taken, MoneyReturned(ref, payment, kind, amount, currency, told.occurred_at, counter="contested")
    if told.kind is FactKind.DISPUTE_WON:
        return taken, ContestWon(ref, payment, amount, currency, told.occurred_at)
    return (taken,)


def _move(told: PaymentFact) -> tuple[Fact, ...]:
    """What becomes of the attempt; a try that failed is nothing: the payer may try again in the same checkout."""
    if told.attempt_id is None:
        return ()
    if told.kind in _MOVES:
        return (AttemptMoved(told.attempt_id, _MOVES[told.kind], told.payment_ref or None),)
    if told.kind is FactKind.FAILED and told.object_ref == told.payment_ref:
        return (AttemptMoved(told.attempt_id, AttemptState.FAILED, told.payment_ref, told.failure_code),)
    return ()


def _post(work: Work, told: Sequence[PaymentFact], came_to: list[CameTo], which: Sequence[int]) -> None:
    """Record the facts behind ``told[which]`` as one batch."""
    behind = [(i, fact) for i in which for fact in facts_behind(told[i])]
    if behind:
        outcomes = record_facts(work, [fact for _, fact in behind])
        for (i, _), outcome in zip(behind, outcomes, strict=True):
            came_to[i].outcomes.append(outcome)


def _post_contests(work: Work, told: Sequence[PaymentFact], came_to: list[CameTo], contests: Sequence[int]) -> None:
    """Record disputes about booked payments, and wait for the payment of the others.

    Nothing in a dispute says whose it is: the provider may tell one of another program on the same account.
    """
    payments = payments_behind(work, {told[i].payment_ref for i in contests})
    owners = {payment.customer_id for payment in payments.values()}
    lock_customers(work, owners)
    _post(work, told, came_to, [i for i in contests if told[i].payment_ref in payments])
    note_disputes(work, [told[i] for i in contests], payments)
    watch_limits(work, owners)  # what is contested is at risk again
    for i in contests:
        if told[i].payment_ref not in payments:
            came_to[i].outcomes.append(Outcome.WAITING)


def _book_strays(work: Work, account_id: UUID, told: Sequence[PaymentFact], came_to: list[CameTo]) -> None:
    """Money that names no attempt of ours is never lost: see `payments.providers.strays`."""
    strays = [
        i
        for i, fact in enumerate(told)
        if fact.kind is FactKind.SUCCEEDED and (fact.attempt_id is None or Outcome.UNKNOWN in came_to[i].outcomes)
    ]
    if strays:
        for i, (outcome, trouble) in zip(strays, book_strays(work, account_id, [told[i] for i in strays]), strict=True):
            came_to[i] = CameTo([outcome] if outcome else [], trouble)


def _settlement(message: Message, came_to: Sequence[CameTo]) -> Settlement:
    trouble = next((each.trouble for each in came_to if each.trouble), None)
    outcomes = {outcome for each in came_to for outcome in each.outcomes}
    if trouble:
        return Settlement(message.inbox_id, "buried", trouble)
    if Outcome.UNKNOWN in outcomes:
        return Settlement(message.inbox_id, "buried", UNKNOWN_ATTEMPT)
    if Outcome.OTHER_CURRENCY in outcomes:
        return Settlement(
            message.inbox_id, "buried", "payment.other_currency: money went back in another currency than it came in."
        )
    if Outcome.WAITING in outcomes:
        return Settlement(message.inbox_id, "waiting", "payment.not_yet_known: a return came before its payment.")
    return Settlement(message.inbox_id, "done")
