"""Early-payment discounts (escompte): promised when a payment begins, given when the money is there in time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from config.clock import today
from payments.errors import PaymentError
from payments.paying.methods import IMMEDIATE
from receivables.services.invoicing.dues import due_on_invoice
from receivables.services.settlement.waiving import Waiver, waive
from receivables.store.customer_file.customers import lock_customers
from receivables.store.settlement.terms import discount_of

if TYPE_CHECKING:
    from collections.abc import Collection
    from uuid import UUID

    from receivables.domain.settlement.terms import EarlyDiscount
    from receivables.services.invoicing.dues import InvoiceDue
    from receivables.store.work import Work

DISCOUNT = "discount"
ACTOR = "rule"
"""Who gives the discount: the terms do, once the money is there."""


def offered_discount(work: Work, due: InvoiceDue) -> tuple[EarlyDiscount, int] | None:
    """The discount that whoever pays the rest of an invoice today gets, with its amount in minor units."""
    if due.payable_minor <= 0 or due.in_flight_minor:
        return None
    terms = discount_of(work, due.invoice_id)
    if terms is None or today() > terms.until:
        return None
    amount = terms.of(due.payable_minor)
    return (terms, amount) if 0 < amount < due.payable_minor else None


def take_discount(work: Work, due: InvoiceDue, method: str) -> tuple[EarlyDiscount, int]:
    """The discount for a payment that begins now.

    Raises:
        PaymentError: ``payment.discount_over``, ``payment.discount_not_immediate``.
    """
    offered = offered_discount(work, due)
    if offered is None:
        raise PaymentError(
            "payment.discount_over",
            "The early-payment discount is not to be had any more. Look again: the whole amount is asked for.",
            "L'escompte n'est plus accordé. Vérifiez : le montant entier est demandé.",
        )
    if method not in IMMEDIATE:
        raise PaymentError(
            "payment.discount_not_immediate",
            "The discount is for money that is there in time, and a debit takes days. Pay by card, or without it.",
            "L'escompte vaut pour un paiement reçu à temps, et un prélèvement prend des jours. Payez par carte, ou "
            "sans escompte.",
        )
    return offered


def promise_discount(work: Work, attempt_id: UUID, due: InvoiceDue, terms: EarlyDiscount, amount_minor: int) -> None:
    """Note that a payment was begun for less, and until when its money has to be there."""
    work.execute(
        "INSERT INTO promised_discounts (supplier_id, attempt_id, invoice_id, amount_minor, until) "
        "VALUES (:supplier, :attempt, :invoice, :amount, :until)",
        attempt=attempt_id,
        invoice=due.invoice_id,
        amount=amount_minor,
        until=terms.until,
    )


def honour_discounts(work: Work, attempt_ids: Collection[UUID]) -> int:
    """Give the discounts that these payments were promised and whose money is there in time; returns how many.

    The same promise is kept once; money that came too late earns nothing, and the rest stays asked for.
    """
    rows = work.rows(
        "SELECT promise.attempt_id, promise.invoice_id, promise.amount_minor, attempt.customer_id "
        "FROM promised_discounts AS promise JOIN payment_attempts AS attempt USING (supplier_id, attempt_id) "
        "WHERE supplier_id = :supplier AND attempt_id = ANY(:ids) AND EXISTS (SELECT 1 FROM receivable_items AS item "
        "WHERE item.supplier_id = :supplier AND item.attempt_id = promise.attempt_id AND item.kind = 'receipt' "
        "AND item.booked_on <= promise.until) AND NOT EXISTS (SELECT 1 FROM receivable_items AS given "
        "WHERE given.supplier_id = :supplier AND given.attempt_id = promise.attempt_id AND given.kind = :kind)",
        ids=list(attempt_ids),
        kind=DISCOUNT,
    )
    lock_customers(work, (row["customer_id"] for row in rows))
    given = 0
    for row in rows:
        amount = min(row["amount_minor"], due_on_invoice(work, row["invoice_id"]).open_minor)
        if amount > 0:
            waive(work, row["attempt_id"], Waiver(DISCOUNT, amount, row["invoice_id"]), ACTOR)
            given += 1
    return given
