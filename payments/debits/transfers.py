"""Refunds by transfer: orders become one file for the bank (pain.001), each under an end-to-end id of ours."""

from __future__ import annotations

from typing import TYPE_CHECKING

from config.clock import legal_day, new_id, now
from config.law.days import BANKING, add_days
from payments.debits.accounts import read_iban
from payments.debits.batching import KeptBatch, keep_batch
from payments.debits.pain import Creditor, TransferLine, write_transfers
from payments.debits.settings import creditor_account, find_settings
from payments.errors import PaymentError
from payments.refunds.sending import note_sent
from receivables.store.customer_file.overviews import supplier_name

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime
    from uuid import UUID

    from payments.refunds.orders import RefundOrder
    from receivables.store.work import Work

FORMATS = ("pain.001.001.09", "pain.001.001.03")
"""Of the credit transfer initiation: the present one of the EPC rulebooks, and the one before."""
CURRENCY = "EUR"


def make_transfer_file(
    work: Work, orders: Sequence[RefundOrder], actor: str = "staff", schema: str = FORMATS[0]
) -> UUID | None:
    """Put agreed refunds by transfer into one file; returns it, or ``None`` without an order for it.

    The orders are marked as sent under their end-to-end ids in the same transaction: no order leaves twice. The file
    is downloaded like one of debits, always the same bytes.

    Raises:
        PaymentError: ``debit.no_account``, ``debit.bad_iban`` (of an order), ``debit.not_a_transfer``,
            ``debit.file_invalid``.
    """
    if not orders:
        return None
    batch_id, at = new_id(), now()
    day = _execution_day(at)
    lines = [_line(work, order, day) for order in orders]
    settings = find_settings(work)
    name = settings.creditor if settings else supplier_name(work)
    reference = f"QV{day:%y%m%d}-{batch_id.hex[-10:].upper()}"
    debtor = Creditor(name, creditor_account(work), settings.ics if settings else "")
    content = write_transfers(schema, reference, debtor, lines, at=at)
    amount = sum(line.amount_minor for line in lines)
    keep_batch(
        work, KeptBatch(batch_id, reference, "transfers", schema, None, day, amount, len(lines), content), actor, at
    )
    for order, line in zip(orders, lines, strict=True):
        note_sent(work, order.order_id, line.end_to_end_id)
    return batch_id


def _line(work: Work, order: RefundOrder, day: date) -> TransferLine:
    if order.state != "to_send" or order.road != "transfer" or not order.transfer_iban or order.currency != CURRENCY:
        raise PaymentError(
            "debit.not_a_transfer",
            f"The refund {order.order_id} is not one to send by transfer in euros: it has another state or road.",
            f"Le remboursement {order.order_id} n'est pas à virer en euros : son état ou sa voie diffère.",
        )
    holder: str = work.scalar(
        "SELECT customer.name FROM payment_attempts AS attempt JOIN customers AS customer "
        "USING (supplier_id, customer_id) WHERE supplier_id = :supplier AND attempt_id = :id",
        id=order.attempt_id,
    )
    return TransferLine(
        end_to_end_id=f"QR{order.order_id.hex}",
        execute_on=day,
        amount_minor=order.amount_minor,
        name=holder,
        account=read_iban(order.transfer_iban),
        text=f"Remboursement {order.payment_ref}"[:140],
    )


def _execution_day(at: datetime) -> date:
    """The next banking day after the file is made: nobody promises to hand it over today."""
    return add_days(legal_day(at), 1, BANKING)
