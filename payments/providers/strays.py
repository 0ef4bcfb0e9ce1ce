"""Money at the provider that names no attempt of ours: never lost, never refused.

It is the customer's credit where the provider's customer is one of ours; else, where it names our supplier, it waits on
471 (compte d'attente) until somebody knows whose it is. What names neither is another program's on the same account.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from config.clock import legal_day, new_id
from payments.providers.customers import customers_behind
from receivables.domain.settlement.receipts import MoneyReceived, Outcome, Transferred
from receivables.services.settlement.paying import NewPayment, begin_payment
from receivables.services.settlement.receipts import RECEIPT, record_facts
from receivables.store.settlement.books import known_sources

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from payments.gateways.port import PaymentFact
    from receivables.store.work import Work

    Booked = tuple[Outcome | None, str | None]
    """What a receipt came to, None where the books have nothing to do with it; and why a human has to look."""


def book_strays(work: Work, account_id: UUID, told: Sequence[PaymentFact]) -> list[Booked]:
    """Book receipts that name no attempt of ours; for each what it came to, and why a human has to look, if so."""
    owners = customers_behind(work, account_id, {fact.customer_ref for fact in told if fact.customer_ref})
    known = known_sources(work, RECEIPT, [fact.payment_ref for fact in told])
    found: list[Booked] = []
    for fact in told:
        owner = owners.get(fact.customer_ref or "")
        if fact.payment_ref in known:
            found.append((Outcome.KNOWN, None))
        elif owner:
            found.append((_as_credit(work, account_id, fact, owner), None))
            known.add(fact.payment_ref)
        elif fact.supplier_id == work.supplier_id:
            found.append(_as_suspense(work, fact))
        else:
            found.append((None, f"payment.not_ours: {fact.payment_ref} of {fact.amount} names none of us."))
    return found


def _as_credit(work: Work, account_id: UUID, fact: PaymentFact, customer_id: UUID) -> Outcome:
    """Credit of the customer, for no invoice: they or a collector say what it is for."""
    attempt_id = new_id()
    begin_payment(
        work,
        NewPayment(
            attempt_id=attempt_id,
            customer_id=customer_id,
            road="provider",
            method=fact.method,
            amount_minor=fact.amount.minor,
            currency=fact.amount.currency,
            account_id=account_id,
            began_at=fact.occurred_at,
            chosen_by="rule",
        ),
    )
    work.audit("worker", "payment.found", str(attempt_id), payment=fact.payment_ref, amount_minor=fact.amount.minor)
    received = MoneyReceived(
        fact.payment_ref, attempt_id, fact.amount.minor, fact.amount.currency, fact.occurred_at, fact.method
    )
    return record_facts(work, [received])[0]


def _as_suspense(work: Work, fact: PaymentFact) -> tuple[Outcome, str]:
    """On 471, with a human called: take it from there with ``record_payment(counter="suspense")``."""
    moved = Transferred(
        ref=fact.payment_ref,
        amount_minor=fact.amount.minor,
        currency=fact.amount.currency,
        transferred_on=legal_day(fact.occurred_at),
        source="suspense",
        target="provider_clearing",
    )
    outcome = record_facts(work, [moved])[0]
    return outcome, (
        f"payment.unidentified: {fact.payment_ref} of {fact.amount} is booked on 471, for it names no payment and no "
        "customer that we know. Say whose it is."
    )
