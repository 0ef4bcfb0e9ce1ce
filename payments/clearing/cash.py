"""Transfers that lie with the provider for a customer and are for no payment: taken, and paid to the oldest debts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from config.clock import new_id, now, today
from payments.gateways.port import GatewayRefusedError
from receivables.domain.money import Money
from receivables.domain.settlement.receipts import AttemptMoved, AttemptState
from receivables.services.settlement.paying import NewPayment, begin_payment, spread
from receivables.services.settlement.receipts import record_facts
from receivables.store.customer_file.customers import lock_customers

if TYPE_CHECKING:
    from collections.abc import Mapping

    from payments.reconcile import GatewayOf
    from receivables.store.work import Work, Works


@dataclass(frozen=True, slots=True)
class Funded:
    """A transfer of one of our customers that came in: ``fund_ref`` is its key."""

    fund_ref: str
    account_id: UUID
    customer_id: UUID
    customer_ref: str
    currency: str

    @classmethod
    def of(cls, fund_ref: str, payload: Mapping[str, Any]) -> Funded:
        """What the hint in the outbox says."""
        return cls(
            fund_ref,
            UUID(payload["account_id"]),
            UUID(payload["customer_id"]),
            payload["customer_ref"],
            payload["currency"],
        )


def claim_cash(works: Works, supplier_id: UUID, funded: Funded, gateway_of: GatewayOf) -> UUID | None:
    """Take what is left of a transfer, for the customer's debts, the oldest first (C. civ. art. 1342-10).

    What the provider matched to a payment of its own accord is that payment's: nothing may be left. Returns the attempt
    that takes it, or None. Facts tell the receipt. Repeating it takes the money once.

    Raises:
        GatewayError: the provider did not answer: repeat it.
    """
    with works.begin(supplier_id) as work:
        begun = _begun(work, funded)
        gateway = gateway_of(work, funded.account_id)
    if begun is None:
        left = gateway.cash_of(funded.customer_ref).get(funded.currency, 0)
        if not left:
            return None
        begun = works.run(supplier_id, lambda work: _begin(work, funded, left))
    attempt_id, amount = begun
    try:
        gateway.claim_cash(supplier_id, funded.customer_ref, attempt_id, amount)
    except GatewayRefusedError:  # the provider matched it meanwhile
        gone = AttemptMoved(attempt_id, AttemptState.EXPIRED)
        works.run(supplier_id, lambda work: record_facts(work, [gone]))
        return None
    return attempt_id


def _begin(work: Work, funded: Funded, left: int) -> tuple[UUID, Money]:
    """Write the attempt before the provider is asked; two who hear of one transfer write one."""
    lock_customers(work, [funded.customer_id])
    begun = _begun(work, funded)
    if begun is not None:
        return begun
    attempt_id = new_id()
    begin_payment(
        work,
        NewPayment(
            attempt_id=attempt_id,
            customer_id=funded.customer_id,
            road="provider",
            method="transfer",
            amount_minor=left,
            currency=funded.currency,
            aims=spread(work, funded.customer_id, left, funded.currency, today()),
            account_id=funded.account_id,
            state=AttemptState.PROCESSING,
            chosen_by="law",
        ),
    )
    work.execute(
        "UPDATE payment_attempts SET session_ref = :fund, changed_at = :at "
        "WHERE supplier_id = :supplier AND attempt_id = :id",
        id=attempt_id,
        fund=funded.fund_ref,
        at=now(),
    )
    return attempt_id, Money(left, funded.currency)


def _begun(work: Work, funded: Funded) -> tuple[UUID, Money] | None:
    row = work.row(
        "SELECT attempt_id, amount_minor, currency FROM payment_attempts WHERE supplier_id = :supplier "
        "AND customer_id = :customer AND account_id = :account AND session_ref = :fund",
        customer=funded.customer_id,
        account=funded.account_id,
        fund=funded.fund_ref,
    )
    return (row["attempt_id"], Money(row["amount_minor"], row["currency"])) if row else None
