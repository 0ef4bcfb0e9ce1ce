"""Book readings: the payment, the credits that it was reduced by, and the rest that is given up with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from payments.advices.using import Arrived, use_advices
from receivables.errors import ReceivablesError
from receivables.services.settlement.aiming import aim
from receivables.services.settlement.paying import RecordPayment, record_payments
from receivables.services.settlement.setting_off import SetOff, set_off
from receivables.services.settlement.waiving import RULE, waive

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from payments.banking.lines import BankLine
    from payments.matching.outcomes import CreditUse
    from payments.matching.readings import Reading
    from receivables.store.work import Work

AUTOMATIC_ACTOR = RULE
METHOD, ROAD = "transfer", "bank"


def book_readings(work: Work, certain: Sequence[tuple[BankLine, Reading]]) -> dict[UUID, UUID]:
    """Book certain readings as one set; the payment of each line.

    A rest that the tolerance of the day does not allow to give up stays open: the payment is booked all the same.
    """
    for line, reading in certain:
        for use in reading.outcome.set_offs:
            use_credit(work, use, f"{AUTOMATIC_ACTOR} line {line.line_key}")
    commands = [payment_of(line, reading, AUTOMATIC_ACTOR, "rule") for line, reading in certain]
    attempts = record_payments(work, commands) if commands else []
    found = {line.line_id: attempt for (line, _), attempt in zip(certain, attempts, strict=True)}
    for line, reading in certain:
        waiver = reading.outcome.waiver
        if waiver:
            try:
                with work.connection.begin_nested():
                    waive(work, found[line.line_id], waiver, RULE)
            except ReceivablesError as refusal:
                work.audit(RULE, "match.rest_left_open", str(line.line_id), code=refusal.code)
    use_advices(work, [_arrived(line, reading, found[line.line_id]) for line, reading in certain], AUTOMATIC_ACTOR)
    return found


def payment_of(line: BankLine, reading: Reading, actor: str, chosen_by: str) -> RecordPayment:
    """The payment that a line is in this reading."""
    return RecordPayment(
        payment_ref=line.payment_ref,
        customer_id=reading.customer_id,
        amount_minor=line.amount_minor,
        currency=line.currency,
        received_on=line.booked_on,
        method=METHOD,
        road=ROAD,
        counter=line.counter,
        aims=dict(reading.outcome.aims),
        actor=actor,
        chosen_by=chosen_by,
    )


def _arrived(line: BankLine, reading: Reading, attempt_id: UUID) -> Arrived:
    invoices = frozenset(dict(reading.outcome.aims))
    return Arrived(attempt_id, reading.customer_id, line.amount_minor, line.currency, line.booked_on, invoices)


def use_credit(work: Work, use: CreditUse, actor: str) -> None:
    """Use a credit that the payer deducted, as the payer deducted it."""
    if use.kind == "credit_note":
        set_off(work, SetOff(use.invoice_id, use.source_id, use.amount_minor, actor))
    else:
        aim(work, use.source_id, use.invoice_id, use.amount_minor, actor)
