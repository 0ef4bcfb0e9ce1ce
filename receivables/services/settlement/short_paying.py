"""Short payments: less money came for an invoice than was due of it. Somebody asks why, and notes it as a dispute.

Only the rest that is missing is disputed then; what was paid stays paid.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

from config.clock import now, today
from receivables.domain.conversations.disputes import Origin, Scope
from receivables.errors import ConflictError
from receivables.services.collecting.tasking import NewTask, drop_tasks, open_tasks_for
from receivables.services.conversations.disputing import OpenDispute, open_dispute
from receivables.services.settlement.waiving import tolerance_of

if TYPE_CHECKING:
    from collections.abc import Collection
    from uuid import UUID

    from receivables.domain.conversations.disputes import Dispute
    from receivables.store.work import Work

RECENT = timedelta(days=30)
"""A payment that is older is dunned like any other rest."""
SHORT_PAYMENT = "dispute.short_payment"
"""The task of asking why; its key ends with the invoice and the receipt that was short."""
WATERMARK = "short_payments"
"""When a supplier's short payments last became tasks."""
MOST_TASKS = 500
"""Tasks of one look, the largest rests first."""


@dataclass(frozen=True, slots=True)
class ShortPayment:
    """An invoice of which ``missing_minor`` is due and was not in the payment that came for it."""

    invoice_id: UUID
    number: str
    customer_id: UUID
    customer_name: str
    currency: str
    paid_minor: int
    missing_minor: int
    paid_on: date
    reference: str
    receipt_id: UUID
    """The line of the latest receipt."""

    @property
    def task_key(self) -> str:
        """One task for each receipt that is short."""
        return f"{SHORT_PAYMENT}/{self.invoice_id}/{self.receipt_id}"


def short_payments(work: Work, today: date, *, invoice_id: UUID | None = None, limit: int = 20) -> list[ShortPayment]:
    """Payments of late that left a rest of a whole invoice that was due, the largest rest first.

    Left out: rests within the supplier's tolerance, invoices by instalments, what is disputed, promised, in flight,
    lies in a plan or in proceedings: they are explained.
    """
    ids = None if invoice_id is None else [invoice_id]
    return _short(work, today, today - RECENT, ids, limit)


def tend_short_payments(work: Work, on: date) -> None:
    """Have somebody ask about every short payment, and about none that is explained now.

    Once per receipt, whatever became of the task; it is dropped when the rest is paid, disputed, waived, promised or
    in a plan.
    """
    found = _short(work, on, on - RECENT, None, MOST_TASKS)
    open_tasks_for(work, [_task(each, on) for each in found])
    asked = {row["task_key"]: row["invoice_id"] for row in work.rows(_TASKS, kind=SHORT_PAYMENT)}
    standing = {each.task_key for each in _short(work, on, date.min, set(asked.values()), len(asked))}
    for key in sorted(asked.keys() - standing):
        drop_tasks(work, key, "settled")


def tend_short_payments_daily(work: Work) -> None:
    """The chore: once a day, and more often as long as somebody is to ask."""
    tend_short_payments(work, today())
    work.execute(
        "INSERT INTO watermarks (supplier_id, name, reached_at) VALUES (:supplier, :name, :at) "
        "ON CONFLICT (supplier_id, name) DO UPDATE SET reached_at = greatest(watermarks.reached_at, :at)",
        name=WATERMARK,
        at=now(),
    )


_TASKS = "SELECT task_key, invoice_id FROM tasks WHERE supplier_id = :supplier AND state = 'open' AND kind = :kind"


def _task(short: ShortPayment, on: date) -> NewTask:
    facts = {
        "number": short.number,
        "amount_minor": short.missing_minor,
        "paid_minor": short.paid_minor,
        "currency": short.currency,
        "paid_on": short.paid_on,
    }
    return NewTask(short.task_key, SHORT_PAYMENT, on, short.customer_id, short.invoice_id, facts)


def _short(
    work: Work, today: date, since: date, invoice_ids: Collection[UUID] | None, limit: int
) -> list[ShortPayment]:
    """Payments since a day that left a rest which nothing explains."""
    rows = work.rows(
        "SELECT invoice.invoice_id, invoice.number, invoice.customer_id, customer.name AS customer_name, "
        "invoice.currency, paid.minor AS paid_minor, item.open_minor AS missing_minor, paid.paid_on, paid.reference, "
        "paid.receipt_id "
        "FROM (SELECT debit.posting_id, debit.invoice_id, debit.open_minor, debit.due_on "
        "FROM receivable_items AS debit "
        "WHERE debit.supplier_id = :supplier AND debit.kind = 'invoice' AND debit.open_minor > :least "
        "AND debit.open_minor < debit.amount_minor "
        "AND (CAST(:invoices AS uuid[]) IS NULL OR debit.invoice_id = ANY(:invoices))) AS item "
        "JOIN LATERAL (SELECT sum(moved.amount_minor)::bigint AS minor, max(credit.booked_on) AS paid_on, "
        "max(credit.reference) AS reference, (array_agg(credit.posting_id ORDER BY credit.booked_on DESC, "
        "credit.posting_id DESC))[1] AS receipt_id FROM allocations AS moved JOIN receivable_items AS credit "
        "ON credit.supplier_id = :supplier AND credit.posting_id = moved.credit_posting_id "
        "WHERE moved.supplier_id = :supplier AND moved.debit_posting_id = item.posting_id "
        "AND credit.kind = 'receipt') AS paid ON paid.minor > 0 AND paid.paid_on >= :since "
        "JOIN invoices AS invoice ON invoice.supplier_id = :supplier AND invoice.invoice_id = item.invoice_id "
        "JOIN customers AS customer ON customer.supplier_id = :supplier "
        "AND customer.customer_id = invoice.customer_id "
        f"WHERE item.due_on <= :today AND NOT EXISTS ({_EXPLAINED}) "
        "ORDER BY item.open_minor DESC, invoice.invoice_id LIMIT :limit",
        least=tolerance_of(work).max_minor,
        invoices=None if invoice_ids is None else list(invoice_ids),
        since=since,
        today=today,
        limit=limit,
    )
    return [ShortPayment(**row) for row in rows]


_EXPLAINED = (
    "SELECT 1 FROM disputes WHERE disputes.supplier_id = :supplier AND disputes.invoice_id = item.invoice_id "
    "AND merged_into IS NULL AND (closed_at IS NULL OR opened_from = 'payment') "
    "UNION ALL SELECT 1 FROM instalments WHERE instalments.supplier_id = :supplier "
    "AND instalments.invoice_id = item.invoice_id "
    "UNION ALL SELECT 1 FROM reservations WHERE reservations.supplier_id = :supplier "
    "AND reservations.invoice_id = item.invoice_id AND reservations.state = 'processing' "
    "UNION ALL SELECT 1 FROM promised_invoices AS part JOIN promises USING (supplier_id, promise_id) "
    "WHERE part.supplier_id = :supplier AND part.invoice_id = item.invoice_id AND promises.state = 'pending' "
    "UNION ALL SELECT 1 FROM plan_invoices AS part JOIN plans USING (supplier_id, plan_id) "
    "WHERE part.supplier_id = :supplier AND part.invoice_id = item.invoice_id AND plans.state = 'accepted' "
    "UNION ALL SELECT 1 FROM insolvencies WHERE insolvencies.supplier_id = :supplier "
    "AND insolvencies.customer_id = invoice.customer_id AND insolvencies.state = 'open'"
)


@dataclass(frozen=True, slots=True)
class NotedDispute:
    """What a collector notes that a customer contests: ``short`` where a payment that was short brought it up."""

    invoice_id: UUID
    reason: str
    said: str
    actor: str
    once: str
    amount_minor: int | None = None
    short: bool = False


def note_dispute(work: Work, command: NotedDispute, today: date) -> Dispute:
    """Open a dispute in the customer's name; without an amount it is about what a short payment left, or the whole.

    Raises:
        ConflictError: ``dispute.not_short``: nothing is missing of a payment.
        ReceivablesError: those of ``open_dispute``.
    """
    amount = command.amount_minor
    if command.short and amount is None:
        found = short_payments(work, today, invoice_id=command.invoice_id)
        if not found:
            raise ConflictError(
                "dispute.not_short",
                "No payment left a rest of this invoice: it is paid, or explained already.",
                "Aucun paiement n'a laissé de reste sur cette facture : elle est payée, ou déjà expliquée.",
            )
        amount = found[0].missing_minor
    return open_dispute(
        work,
        OpenDispute(
            invoice_id=command.invoice_id,
            reason=command.reason,
            scope=Scope.WHOLE if amount is None else Scope.AMOUNT,
            said=command.said,
            origin=Origin.PAYMENT if command.short else Origin.STAFF,
            actor=command.actor,
            once=command.once,
            amount_minor=amount,
        ),
    )
