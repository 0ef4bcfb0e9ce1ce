"""Debits that a payment provider tells as failed or returned: what its code asks for follows, once for each payment.

The books are booked when it is told. What follows waits in the outbox, because the fact that ends a payment may not say
why it failed: then the provider is asked, outside the transaction that heard it.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from payments.debits.reactions import react_to_return
from payments.gateways.port import FactKind
from receivables.domain.events import Event

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from payments.gateways.port import Gateway, PaymentFact
    from payments.reconcile import GatewayOf
    from receivables.store.work import Work, Works

DEBIT_CAME_BACK = "debit.came_back"
"""A SEPA debit through a provider failed, or its money went back: see why, and react."""
SEPA = "sepa_debit"
_ENDS = frozenset({FactKind.FAILED, FactKind.DISPUTE_LOST})


def returns_in(work: Work, account_id: UUID, told: Sequence[PaymentFact]) -> list[Event]:
    """Hints of SEPA debits among the facts that an account told: once for each payment, the first code told wins.

    A try that failed inside an open checkout is none: the payer may try again there. A return that is told before its
    payment is none yet: it is told again once the payment is booked. A provider does not always name the method; our
    own attempt does.
    """
    ends = [fact for fact in told if fact.kind in _ENDS and _is_final(fact)]
    if not ends:
        return []
    attempts = {
        row["payment_ref"]: row["attempt_id"]
        for row in work.rows(
            "SELECT attempt_id, payment_ref FROM payment_attempts WHERE supplier_id = :supplier "
            "AND account_id = :account AND method = :sepa AND payment_ref = ANY(:refs)",
            account=account_id,
            sepa=SEPA,
            refs=[fact.payment_ref for fact in ends],
        )
    }
    return [
        Event(
            DEBIT_CAME_BACK,
            str(attempts[fact.payment_ref]),
            {
                "account_id": str(account_id),
                "attempt_id": str(attempts[fact.payment_ref]),
                "payment_ref": fact.payment_ref,
                "code": fact.failure_code,
                "at": fact.occurred_at.isoformat(),
            },
        )
        for fact in ends
        if fact.payment_ref in attempts
    ]


def follow_return(works: Works, supplier_id: UUID, gateway_of: GatewayOf, told: Mapping[str, Any]) -> list[str]:
    """React to what `returns_in` noted, and say what was done; asks the provider why, where it was not told.

    Raises:
        GatewayError: the provider was to be asked, and does not answer.
    """
    code = told["code"]
    if code is None:
        with works.begin(supplier_id) as work:
            gateway = gateway_of(work, UUID(told["account_id"]))
        code = _reason(gateway, told["payment_ref"])
    at = datetime.fromisoformat(told["at"])
    return works.run(supplier_id, lambda work: react_to_return(work, UUID(told["attempt_id"]), code, at))


def _is_final(fact: PaymentFact) -> bool:
    return fact.kind is not FactKind.FAILED or fact.object_ref == fact.payment_ref


def _reason(gateway: Gateway, payment_ref: str) -> str | None:
    """Why a payment came to nothing, in the provider's word."""
    return next(
        (fact.failure_code for fact in gateway.fetch_payment(payment_ref) if fact.kind in _ENDS and fact.failure_code),
        None,
    )
