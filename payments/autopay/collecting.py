"""Collections under standing agreements: charge saved methods for what was announced and is due now.

What is collected is computed again on the day, never more than was announced. The payment is committed before the
provider is asked, under its id as key: asked again, it charges once. What failed is told and not tried again.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol

from config.clock import new_id, now, today
from payments.autopay.agreements import ACTOR, MOST_AT_ONCE, announce_collections, move_announcement
from payments.debits.planning import amount_to_collect, why_nothing
from payments.debits.settings import NOTICE_DAYS
from payments.gateways.port import GatewayDeclinedError, GatewayError, GatewayRefusedError, SavedCharge
from receivables.domain.money import Money
from receivables.domain.settlement.receipts import AttemptMoved, AttemptState
from receivables.services.settlement.paying import NewPayment, begin_payment
from receivables.services.settlement.receipts import record_facts
from receivables.store.customer_file.customers import lock_customers
from receivables.store.settlement.terms_shown import carry_terms

if TYPE_CHECKING:
    from uuid import UUID

    from sqlalchemy import RowMapping

    from payments.gateways.port import Gateway
    from receivables.store.work import Work, Works

log = logging.getLogger("quittance.autopay")


class GatewayOf(Protocol):
    """Finds the provider behind an account of a work's supplier."""

    def __call__(self, work: Work, account_id: UUID, /) -> Gateway:
        """The provider of this account."""


def run_autopay(works: Works, supplier_id: UUID, gateway_of: GatewayOf) -> None:
    """Announce what falls due soon, collect at providers what is due, and note what failed."""
    works.run(supplier_id, announce_collections)
    collect_due(works, supplier_id, gateway_of)
    works.run(supplier_id, note_failures)


def collect_due(works: Works, supplier_id: UUID, gateway_of: GatewayOf) -> int:
    """Charge saved methods for what is due now; returns how many were charged.

    The payment is committed before the provider is asked, under its id as key: asked again, it charges once.
    """
    with works.begin(supplier_id) as work:
        due = [
            row["announcement_id"]
            for row in work.rows(
                "SELECT announcement_id FROM collections_announced WHERE supplier_id = :supplier "
                "AND state = 'announced' AND debit_id IS NULL AND collect_on <= :today AND told_at <= :told "
                "ORDER BY collect_on, announcement_id LIMIT :limit",
                today=today(),
                told=now() - timedelta(days=NOTICE_DAYS),
                limit=MOST_AT_ONCE,
            )
        ]
    return sum(_collect(works, supplier_id, announcement_id, gateway_of) for announcement_id in due)


def note_failures(work: Work) -> int:
    """Collections whose payment failed or came back have failed; nothing tries them again by itself."""
    return work.execute(
        "UPDATE collections_announced AS told SET state = 'failed', changed_at = :at, "
        "reason = coalesce(debit.return_code, attempt.failure_code, 'failed') FROM payment_attempts AS attempt "
        "LEFT JOIN debits AS debit ON debit.supplier_id = :supplier AND debit.attempt_id = attempt.attempt_id "
        "WHERE told.supplier_id = :supplier AND attempt.supplier_id = :supplier "
        "AND told.attempt_id = attempt.attempt_id AND told.state = 'collected' "
        "AND (attempt.state IN ('failed', 'expired') OR debit.state IN ('rejected', 'returned'))",
        at=now(),
    )


def _collect(works: Works, supplier_id: UUID, announcement_id: UUID, gateway_of: GatewayOf) -> bool:
    """Charge one collection; whether the provider took it."""
    begun = works.run(supplier_id, lambda work: _begin(work, announcement_id))
    if begun is None:
        return False
    account_id, charge = begun
    try:
        with works.begin(supplier_id) as work:
            gateway = gateway_of(work, account_id)
        payment_ref = gateway.charge_saved(charge)
    except (GatewayDeclinedError, GatewayRefusedError) as error:
        failed = AttemptMoved(charge.attempt_id, AttemptState.FAILED, None, error.code)
        works.run(supplier_id, lambda work: _conclude(work, announcement_id, failed))
        return False
    except GatewayError as error:  # nothing is certain: the same charge is asked for again, under the same key
        log.warning("A collection is not certain yet: %s", error, extra={"supplier": str(supplier_id)})
        return False
    moved = AttemptMoved(charge.attempt_id, AttemptState.PROCESSING, payment_ref)
    works.run(supplier_id, lambda work: _conclude(work, announcement_id, moved))
    return True


def _begin(work: Work, announcement_id: UUID) -> tuple[UUID, SavedCharge] | None:
    """The charge of an announced collection, begun once; ``None`` where nothing is to be collected any more, or yet."""
    told = _announced(work, announcement_id)
    if told is None:
        return None
    lock_customers(work, [told["customer_id"]])
    told = _announced(work, announcement_id)
    if told is None or (told["attempt_id"] is None and _somebody_pays(work, told["invoice_id"])):
        return None
    attempt_id, amount = told["attempt_id"], told["attempt_minor"]
    if attempt_id is None:
        amount = min(told["amount_minor"], amount_to_collect(work, told["invoice_id"]))
        why = "autopay_off" if told["agreed"] != "on" else None
        if why is None and amount <= 0:
            why = why_nothing(work, told["invoice_id"])
        if why or told["method_state"] != "usable" or told["customer_ref"] is None:
            move_announcement(work, announcement_id, "withdrawn" if why else "failed", why or "method_ended")
            return None
        attempt_id = _begin_payment(work, announcement_id, told, amount)
    return told["account_id"], SavedCharge(
        supplier_id=work.supplier_id,
        attempt_id=attempt_id,
        customer_ref=told["customer_ref"],
        method_ref=told["method_ref"],
        description=told["number"],
        amount=Money(amount, told["currency"]),
    )


def _begin_payment(work: Work, announcement_id: UUID, told: RowMapping, amount_minor: int) -> UUID:
    attempt_id = new_id()
    begin_payment(
        work,
        NewPayment(
            attempt_id=attempt_id,
            customer_id=told["customer_id"],
            road="provider",
            method=told["kind"],
            amount_minor=amount_minor,
            currency=told["currency"],
            aims={told["invoice_id"]: amount_minor},
            account_id=told["account_id"],
            state=AttemptState.PROCESSING,
            chosen_by="rule",
        ),
    )
    carry_terms(work, [(attempt_id, told["customer_id"], told["evidence"])])
    work.execute(
        "UPDATE collections_announced SET attempt_id = :attempt, changed_at = :at WHERE supplier_id = :supplier "
        "AND announcement_id = :id",
        attempt=attempt_id,
        id=announcement_id,
        at=now(),
    )
    work.audit(ACTOR, "payment.begun", str(attempt_id), invoice=told["number"], amount_minor=amount_minor)
    return attempt_id


def _announced(work: Work, announcement_id: UUID) -> RowMapping | None:
    return work.row(
        "SELECT told.invoice_id, told.amount_minor, told.attempt_id, attempt.amount_minor AS attempt_minor, "
        "invoice.customer_id, invoice.number, invoice.currency, agreed.state AS agreed, agreed.evidence, "
        "agreed.account_id, agreed.method_ref, method.state AS method_state, method.kind, known.customer_ref "
        "FROM collections_announced AS told JOIN autopay AS agreed USING (supplier_id, autopay_id) "
        "JOIN invoices AS invoice ON invoice.supplier_id = :supplier AND invoice.invoice_id = told.invoice_id "
        "LEFT JOIN payment_attempts AS attempt ON attempt.supplier_id = :supplier "
        "AND attempt.attempt_id = told.attempt_id LEFT JOIN saved_methods AS method ON method.supplier_id = :supplier "
        "AND method.account_id = agreed.account_id AND method.method_ref = agreed.method_ref "
        "LEFT JOIN provider_customers AS known ON known.supplier_id = :supplier "
        "AND known.account_id = agreed.account_id AND known.customer_id = invoice.customer_id "
        "WHERE told.supplier_id = :supplier AND told.announcement_id = :id AND told.state = 'announced'",
        id=announcement_id,
    )


def _somebody_pays(work: Work, invoice_id: UUID) -> bool:
    """Whether the payer stands before an open checkout of this invoice, or paid and it is on its way."""
    return bool(
        work.scalar(
            "SELECT EXISTS (SELECT 1 FROM reservations JOIN payment_attempts AS attempt "
            "USING (supplier_id, attempt_id) WHERE supplier_id = :supplier AND invoice_id = :invoice "
            "AND (reservations.state = 'processing' OR reservations.state = 'open' AND attempt.expires_at > :at))",
            invoice=invoice_id,
            at=now(),
        )
    )


def _conclude(work: Work, announcement_id: UUID, moved: AttemptMoved) -> None:
    """Note what the provider answered; a webhook may have been faster, and its word stands."""
    record_facts(work, [moved])
    work.execute(
        "UPDATE payment_attempts SET payment_ref = coalesce(payment_ref, :ref) WHERE supplier_id = :supplier "
        "AND attempt_id = :id",
        ref=moved.payment_ref,
        id=moved.attempt_id,
    )
    failed = moved.state is AttemptState.FAILED
    move_announcement(work, announcement_id, "failed" if failed else "collected", moved.failure_code)
