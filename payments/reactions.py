"""From provider's webhooks to facts of the core: what an event says, in the core's words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from payments.gateways.port import FactKind, GatewayRefusedError
from receivables.domain.receipts import (
    AttemptMoved,
    AttemptState,
    Fact,
    MoneyReceived,
    MoneyReturned,
    MoneyReturnFailed,
    Outcome,
)
from receivables.services.receipts import record_facts
from receivables.store.inbox import Settlement

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from payments.gateways.port import Gateway, PaymentFact
    from receivables.store.inbox import Message
    from receivables.store.work import Work

_MOVES = {
    FactKind.PROCESSING: AttemptState.PROCESSING,
    FactKind.SESSION_COMPLETED_UNPAID: AttemptState.PROCESSING,
    FactKind.SESSION_EXPIRED: AttemptState.EXPIRED,
    FactKind.CANCELED: AttemptState.EXPIRED,
}
_RETURNS = {FactKind.REFUNDED: "refund", FactKind.DISPUTE_LOST: "chargeback"}


class NeedsAHumanError(Exception):
    """A fact that the books do not know how to post: it is kept, with its reason, for a human."""


def receive_events(work: Work, messages: Sequence[Message], gateway_for: Callable[[Work], Gateway]) -> list[Settlement]:
    """Post what provider's events say: the facts of the whole batch at once, then the fate of each message.

    One provider account may serve several suppliers and tell each of all: what names another supplier is not ours.
    """
    gateway = gateway_for(work)
    facts: list[Fact] = []
    spans: list[tuple[Message, range]] = []
    settled: list[Settlement] = []
    for message in messages:
        try:
            told = [
                fact
                for each in gateway.facts_of(message.body)
                if each.supplier_id in (None, work.supplier_id) and (fact := fact_of(each)) is not None
            ]
        except (GatewayRefusedError, NeedsAHumanError) as error:
            settled.append(Settlement(message.inbox_id, "buried", f"{getattr(error, 'code', 'fact')}: {error}"))
            continue
        spans.append((message, range(len(facts), len(facts) + len(told))))
        facts += told
    outcomes = record_facts(work, facts) if facts else []
    return settled + [_settlement(message, [outcomes[i] for i in span]) for message, span in spans]


def fact_of(told: PaymentFact) -> Fact | None:
    """The core's fact behind a provider's; ``None`` where it changes nothing in the books.

    Raises:
        NeedsAHumanError: a payment of ours that does not say which attempt it belongs to.
    """
    if told.kind is FactKind.SUCCEEDED:
        if told.attempt_id is None:
            raise NeedsAHumanError(f"Payment {told.payment_ref} of {told.amount} carries no attempt of ours.")
        return MoneyReceived(
            told.payment_ref, told.attempt_id, told.amount.minor, told.amount.currency, told.occurred_at, told.method
        )
    if told.kind in _RETURNS:
        return MoneyReturned(
            told.object_ref,
            told.payment_ref,
            _RETURNS[told.kind],
            told.amount.minor,
            told.amount.currency,
            told.occurred_at,
        )
    if told.kind is FactKind.REFUND_FAILED:
        return MoneyReturnFailed(
            told.object_ref, told.payment_ref, told.amount.minor, told.amount.currency, told.occurred_at
        )
    return _move_of(told) if told.attempt_id else None


def _move_of(told: PaymentFact) -> AttemptMoved | None:
    """What becomes of the attempt; a try that failed is nothing: the payer may try again in the same checkout."""
    assert told.attempt_id is not None  # noqa: S101 -- asked before
    if told.kind in _MOVES:
        return AttemptMoved(told.attempt_id, _MOVES[told.kind], told.payment_ref or None)
    if told.kind is FactKind.FAILED and told.object_ref == told.payment_ref:
        return AttemptMoved(told.attempt_id, AttemptState.FAILED, told.payment_ref, told.failure_code)
    return None


def _settlement(message: Message, outcomes: Sequence[Outcome]) -> Settlement:
    if Outcome.UNKNOWN in outcomes:
        return Settlement(
            message.inbox_id, "buried", "payment.unknown_attempt: this supplier never began the payment named here."
        )
    if Outcome.OTHER_CURRENCY in outcomes:
        return Settlement(
            message.inbox_id, "buried", "payment.other_currency: the money is not in the currency that was asked for."
        )
    if Outcome.WAITING in outcomes:
        return Settlement(message.inbox_id, "waiting", "payment.not_yet_known: a return came before its payment.")
    return Settlement(message.inbox_id, "done")
