"""Advices whose money came: each is used by one payment, until that payment is matched otherwise."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from config.clock import now
from payments.matching.advised import AROUND
from receivables.store.work import to_json

if TYPE_CHECKING:
    from collections.abc import Sequence
    from collections.abc import Set as AbstractSet
    from datetime import date
    from uuid import UUID

    from sqlalchemy import RowMapping

    from receivables.store.work import Work


@dataclass(frozen=True, slots=True)
class Arrived:
    """A payment that the bank told, in minor units, with the invoices that it was booked for."""

    attempt_id: UUID
    customer_id: UUID
    amount_minor: int
    currency: str
    booked_on: date
    invoices: AbstractSet[UUID]


def use_advices(work: Work, payments: Sequence[Arrived], actor: str) -> int:
    """Note by which of ``payments`` an advice was paid; how many were.

    It is one of the same customer, amount and currency, of about that day, whose invoices the payment is for.
    Of several the oldest is taken, and none twice.
    """
    by_customer: dict[tuple[UUID, int, str], list[Arrived]] = defaultdict(list)
    for each in payments:
        if each.invoices:
            by_customer[each.customer_id, each.amount_minor, each.currency].append(each)
    used: dict[UUID, Arrived] = {}
    for row in _candidates(work, payments) if by_customer else ():
        waiting = by_customer[row["customer_id"], row["total_minor"], row["currency"]]
        found = next((each for each in waiting if _is_for(row, each)), None)
        if found is not None:
            waiting.remove(found)
            used[row["advice_id"]] = found
    _note(work, used, actor)
    return len(used)


def free_advices(work: Work, payment_refs: Sequence[str]) -> None:
    """Let the advices of payments that are taken back wait for their money again."""
    work.execute(
        "UPDATE remittance_advices SET state = 'confirmed', attempt_id = NULL, used_at = NULL "
        "WHERE supplier_id = :supplier AND state = 'used' AND attempt_id IN (SELECT attempt_id FROM payment_attempts "
        "WHERE supplier_id = :supplier AND payment_ref = ANY(:refs))",
        refs=list(payment_refs),
    )


def _candidates(work: Work, payments: Sequence[Arrived]) -> Sequence[RowMapping]:
    """Confirmed advices of these customers and amounts with the invoices that they name, the oldest first."""
    return work.rows(
        "SELECT advice.advice_id, customer_id, total_minor, currency, "
        "coalesce(paid_on, (confirmed_at AT TIME ZONE 'Europe/Paris')::date) AS day, "
        "array_agg(line.invoice_id) FILTER (WHERE line.amount_minor > 0) AS invoices FROM remittance_advices AS advice "
        "JOIN advised_invoices AS line USING (supplier_id, advice_id) WHERE supplier_id = :supplier "
        "AND state = 'confirmed' AND total_minor = ANY(:amounts) AND customer_id = ANY(:customers) "
        "GROUP BY advice.advice_id, customer_id, total_minor, currency, paid_on, confirmed_at "
        "ORDER BY confirmed_at, advice.advice_id",
        amounts=sorted({each.amount_minor for each in payments}),
        customers=sorted({each.customer_id for each in payments}),
    )


def _is_for(row: RowMapping, payment: Arrived) -> bool:
    return abs(payment.booked_on - row["day"]) <= AROUND and payment.invoices <= set(row["invoices"] or ())


def _note(work: Work, used: dict[UUID, Arrived], actor: str) -> None:
    if not used:
        return
    rows = [{"advice_id": key, "attempt_id": each.attempt_id} for key, each in used.items()]
    work.execute(
        "UPDATE remittance_advices AS advice SET state = 'used', attempt_id = told.attempt_id, used_at = :at "
        "FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS told (advice_id uuid, attempt_id uuid) "
        "WHERE advice.supplier_id = :supplier AND advice.advice_id = told.advice_id",
        rows=to_json(rows),
        at=now(),
    )
    for key, each in used.items():
        work.audit(actor, "advice.used", str(key), payment=str(each.attempt_id), amount_minor=each.amount_minor)
