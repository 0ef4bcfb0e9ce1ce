"""A person looks at a line: says that it is no customer's, brings it back, or names the payment that it returns.

What a line was matched with is taken back by `payments.matching.confirming.undo_match`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from payments.banking.deposits import note_bounced
from payments.banking.lines import IN_SUSPENSE, get_line, lines_by_ids, settle_line
from payments.banking.moving import move_line
from payments.errors import PaymentError
from receivables.domain.settlement.receipts import FeeCharged, MoneyReturned
from receivables.services.settlement.paying import noon
from receivables.services.settlement.receipts import record_facts
from receivables.store.customer_file.customers import lock_customers

if TYPE_CHECKING:
    from uuid import UUID

    from payments.banking.lines import BankLine
    from receivables.store.work import Work

MAX_REASON = 300
"""Characters of a reason."""


def set_aside(work: Work, line_id: UUID, reason: str, actor: str) -> None:
    """Say that a line is no customer's: a tax refund, a loan, a transfer of our own. It leaves the books of customers.

    Money that waited on 471 goes back to where it came from (512): who keeps the general ledger books it there.

    Raises:
        PaymentError: ``bank.no_reason``, ``bank.is_something``.
    """
    why = _reason(reason)
    line = _locked(work, line_id)
    if line.state not in {*IN_SUSPENSE, "new"}:
        raise _is_something(line)
    if line.state in IN_SUSPENSE:
        move_line(work, line, "bank", "suspense")
    settle_line(work, line_id, "not_ours", reason=why, settled_by=actor)
    work.audit(actor, "bank.line_set_aside", str(line_id), reason=why, amount_minor=line.amount_minor)


def bring_back(work: Work, line_id: UUID, reason: str, actor: str) -> None:
    """A line that was set aside may be a customer's after all: it waits on 471 again.

    Raises:
        PaymentError: ``bank.no_reason``, ``bank.is_something``.
    """
    why = _reason(reason)
    line = _locked(work, line_id)
    if line.state != "not_ours" or line.amount_minor <= 0:
        raise _is_something(line)
    move_line(work, line, "suspense", "bank")
    settle_line(work, line_id, "unidentified", reason=why, settled_by=actor)
    work.audit(actor, "bank.line_brought_back", str(line_id), reason=why, amount_minor=line.amount_minor)


def take_for_return(
    work: Work, line_id: UUID, payment_ref: str, kind: str, *, fee_minor: int = 0, reason: str, actor: str
) -> None:
    """Say that money which left is a payment that went back: a bounced cheque, a returned transfer, our own refund.

    ``fee_minor`` of the line is the bank's fee (627). The customer owes again what went back.

    Raises:
        PaymentError: ``bank.no_reason``, ``bank.is_something``, ``bank.unknown_payment``, ``bank.more_than_paid``.
    """
    why = _reason(reason)
    line = _locked(work, line_id)
    if line.state not in {"not_ours", "new"} or line.amount_minor >= 0:
        raise _is_something(line)
    attempt_id, customer_id, left_minor = _payment(work, payment_ref, line.currency)
    amount_minor = -line.amount_minor - fee_minor
    if fee_minor < 0 or not 0 < amount_minor <= left_minor:
        raise PaymentError(
            "bank.more_than_paid",
            "More cannot go back than came in: look at the amount, and at the fee in it.",
            "Il ne peut pas revenir plus que ce qui était entré : regardez le montant, et les frais qu'il contient.",
        )
    lock_customers(work, [customer_id])
    facts: list[MoneyReturned | FeeCharged] = [
        MoneyReturned(line.payment_ref, payment_ref, kind, amount_minor, line.currency, noon(line.booked_on), "bank")
    ]
    if fee_minor:
        facts.append(FeeCharged(f"{line.payment_ref}/fee", fee_minor, line.currency, line.booked_on, "bank"))
    record_facts(work, facts)
    note_bounced(work, payment_ref)
    settle_line(
        work,
        line_id,
        "refunded" if kind == "refund" else "returned",
        reason=why,
        customer_id=customer_id,
        attempt_id=attempt_id,
        settled_by=actor,
    )
    work.audit(actor, "bank.line_is_return", str(line_id), reason=why, payment=payment_ref, kind=kind)


def payments_that_may_return(work: Work, line: BankLine) -> list[dict[str, object]]:
    """Payments which a line that went out may take back: as much or more is left of them, newest first."""
    rows = work.rows(
        "SELECT item.reference, item.attempt_id, item.amount_minor, item.booked_on, customer.name, attempt.method "
        "FROM receivable_items AS item JOIN customers AS customer USING (supplier_id, customer_id) "
        "JOIN payment_attempts AS attempt USING (supplier_id, attempt_id) WHERE supplier_id = :supplier "
        "AND item.kind = 'receipt' AND item.currency = :currency AND item.booked_on <= :day "
        "AND item.amount_minor BETWEEN :least AND :most AND attempt.road IN ('bank', 'hand', 'debit') "
        "ORDER BY item.amount_minor = :most DESC, item.booked_on DESC LIMIT 20",
        currency=line.currency,
        day=line.booked_on,
        most=-line.amount_minor,
        least=max(-line.amount_minor - 5_000, 1),  # a bank's fee in the same line is less than 50.00
    )
    return [dict(row) for row in rows]


def _payment(work: Work, payment_ref: str, currency: str) -> tuple[UUID, UUID, int]:
    """The attempt and customer of a payment, and how much of it has not gone back yet."""
    row = work.row(
        "SELECT attempt_id, customer_id, (amount_minor - coalesce((SELECT sum(CASE back.kind WHEN 'refund' "
        "THEN back.amount_minor ELSE -back.amount_minor END) "
        "FROM receivable_items AS back WHERE back.supplier_id = :supplier AND back.attempt_id = item.attempt_id "
        "AND back.kind IN ('refund', 'refund_failed')), 0))::bigint AS left_minor FROM receivable_items AS item "
        "WHERE supplier_id = :supplier AND kind = 'receipt' AND reference = :ref AND currency = :currency",
        ref=payment_ref,
        currency=currency,
    )
    if row is None:
        raise PaymentError(
            "bank.unknown_payment",
            "There is no such payment in this currency.",
            "Il n'y a pas de paiement de ce nom dans cette devise.",
        )
    return row["attempt_id"], row["customer_id"], row["left_minor"]


def _locked(work: Work, line_id: UUID) -> BankLine:
    """The line, its customer locked first and then itself."""
    line = get_line(work, line_id)
    if line.customer_id:
        lock_customers(work, [line.customer_id])
    return lines_by_ids(work, [line_id], lock=True)[0]


def _reason(text: str) -> str:
    why = " ".join(text.split())[:MAX_REASON]
    if not why:
        raise PaymentError(
            "bank.no_reason", "Say why: the trail keeps it.", "Dites pourquoi : la piste d'audit le garde."
        )
    return why


def _is_something(line: BankLine) -> PaymentError:
    return PaymentError(
        "bank.is_something",
        f"This line is {line.state}: take that back first.",
        f"Cette ligne est déjà « {line.state} » : reprenez cela d'abord.",
    )
