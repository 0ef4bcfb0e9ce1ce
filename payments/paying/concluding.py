"""What follows a payment that was told: the discount it was promised, and the word to its payer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from payments.gateways.port import FactKind
from payments.paying.discounts import honour_discounts
from payments.refunds.sending import settle_refunds
from payments.refunds.telling import announce_refunds
from receivables.store.work import to_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from payments.gateways.port import PaymentFact
    from receivables.store.work import Work

PAYMENT_TOLD = "payment.told"
"""A payment is there, on its way or rejected: its payer is to be told once for each."""
_WORDS = {FactKind.SUCCEEDED: "paid", FactKind.PROCESSING: "in_flight", FactKind.FAILED: "failed"}


def conclude_payments(work: Work, told: Sequence[PaymentFact]) -> None:
    """Give the discounts that arrived in time, and have the payers told; after the facts are posted.

    A try that failed inside an open checkout is told by its page; money that a bank took back is told by what follows
    from it (`payments.debits.reactions`), which may ask the payer why instead.
    """
    received = {fact.attempt_id for fact in told if fact.attempt_id and fact.kind is FactKind.SUCCEEDED}
    if received:
        honour_discounts(work, received)
    words = [
        {"attempt_id": fact.attempt_id, "state": _WORDS[fact.kind]}
        for fact in told
        if fact.attempt_id and fact.kind in _WORDS
        if fact.kind is not FactKind.FAILED or fact.object_ref == fact.payment_ref
    ]
    if words:
        announce(work, words)
    refunded = [fact.object_ref for fact in told if fact.kind is FactKind.REFUNDED]
    if refunded:
        announce_refunds(work, refunded)
    if any(fact.kind is FactKind.REFUND_FAILED for fact in told):  # its order may be done for long
        settle_refunds(work)


def announce(work: Work, words: Sequence[Mapping[str, object]]) -> None:
    """Have payers told, once for each ``attempt_id`` and ``state``; none without an address: nobody would act on it."""
    work.execute(
        "INSERT INTO outbox (supplier_id, kind, event_key, payload) "
        "SELECT :supplier, :kind, concat(attempt_id, '/', given.state), "
        "jsonb_build_object('attempt_id', attempt_id, 'state', given.state) "
        "FROM jsonb_to_recordset(CAST(:words AS jsonb)) AS given (attempt_id uuid, state text) "
        "JOIN payment_attempts AS attempt USING (attempt_id) JOIN customers USING (supplier_id, customer_id) "
        "WHERE supplier_id = :supplier AND email IS NOT NULL "
        "ON CONFLICT (supplier_id, kind, event_key) DO NOTHING",
        kind=PAYMENT_TOLD,
        words=to_json(words),
    )
