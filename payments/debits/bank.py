"""What the bank's lines say of our debits: a batch credited as one sum, one debit credited alone, one that came back.

Lines come in any order: a return told before its credit is kept, and booked when the credit comes. A credit that is
not what its debits add up to waits for the bank's answer (pain.002) that says which were rejected.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from config.clock import now
from payments.banking.lines import lines_by_ids, settle_line
from payments.debits.batching import METHOD
from payments.debits.reactions import Return, note_return, react
from payments.debits.reasons import reason_of
from payments.debits.tasks import NewTask, open_task
from receivables.domain.settlement.receipts import FeeCharged, MoneyReceived, MoneyReturned
from receivables.services.settlement.paying import noon
from receivables.services.settlement.receipts import record_facts
from receivables.store.customer_file.customers import lock_customers

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from sqlalchemy import RowMapping

    from payments.banking.lines import BankLine
    from receivables.store.work import Work

SETTLED_BY = "debits"
DIFFERS = "debits.differs"
"""Why a credit waits: it is not the sum of the debits that it should be."""
_OUR_PART = re.compile(r"QD[0-9]{6}-[0-9A-F]{10}(?:-(?:OOFF|FRST|RCUR|FNAL))?")
_PART_AT = len("QD261122-0123456789")
_OUR_DEBIT = re.compile(r"QT[0-9a-f]{32}", re.IGNORECASE)
_CREDITABLE = ("in_file", "sent")
_COLUMNS = (
    "debit_id, debits.attempt_id, debits.invoice_id, invoice.customer_id, mandate_id, batch_id, end_to_end_id, "
    "debits.amount_minor, debits.currency, debits.state, debits.credited_by, sequence "
    "FROM debits JOIN invoices AS invoice USING (supplier_id, invoice_id) "
    "WHERE supplier_id = :supplier AND debits.attempt_id IS NOT NULL"
)


@dataclass(frozen=True, slots=True)
class _Part:
    """The debits that the bank credits as one sum."""

    batch_id: UUID
    debits: Sequence[RowMapping]


def recognise_debit(work: Work, line: BankLine) -> bool:
    """Whether a line is about debits of ours; then it is booked as far as possible, and settled.

    The same line again changes nothing.
    """
    if line.currency != "EUR":
        return False
    debit = _debit_named(work, line)
    if debit is not None:
        return _credit(work, line, [debit]) if line.amount_minor > 0 else _take_back(work, line, debit)
    part = _part_named(work, line) if line.amount_minor > 0 else None
    return _credit_part(work, line, part) if part else False


def look_again(work: Work, batch_id: UUID) -> None:
    """Credits of a batch that waited for the bank's answer, now that it is there."""
    reference = work.scalar(
        "SELECT batch_ref FROM debit_batches WHERE supplier_id = :supplier AND batch_id = :id", id=batch_id
    )
    rows = work.rows(
        "SELECT line_id FROM bank_lines WHERE supplier_id = :supplier AND state = 'new' AND reason = :reason "
        "AND amount_minor > 0 AND (batch_ref LIKE :ref OR remittance LIKE :anywhere)",
        reason=DIFFERS,
        ref=f"{reference}%",
        anywhere=f"%{reference}%",
    )
    for line in lines_by_ids(work, [row["line_id"] for row in rows]):
        recognise_debit(work, line)


def _debit_named(work: Work, line: BankLine) -> RowMapping | None:
    """The debit whose end-to-end id the line carries, in its field or in its text."""
    told = (line.end_to_end_id or "", line.remittance)
    found = next((match for match in map(_OUR_DEBIT.search, told) if match), None)
    if found is None:
        return None
    reference = f"QT{found[0][2:].lower()}"
    row = work.row(f"SELECT {_COLUMNS} AND end_to_end_id = :reference", reference=reference)
    if row is not None:  # read again under the customer's lock
        lock_customers(work, [row["customer_id"]])
        row = work.row(f"SELECT {_COLUMNS} AND end_to_end_id = :reference", reference=reference)
    return row


def _part_named(work: Work, line: BankLine) -> _Part | None:
    """The debits of the file, or of the part of it, that the line names."""
    told = (line.batch_ref or "", line.end_to_end_id or "", line.remittance)
    found = next((match for match in map(_OUR_PART.search, told) if match), None)
    if found is None:
        return None
    sequence = found[0][_PART_AT:].lstrip("-") or None
    batch_id = work.scalar(
        "SELECT batch_id FROM debit_batches WHERE supplier_id = :supplier AND batch_ref = :ref AND kind = 'debits'",
        ref=found[0][:_PART_AT],
    )
    if batch_id is None:
        return None
    values: dict[str, Any] = {"batch": batch_id, "sequence": sequence}
    wanted = (
        f"SELECT {_COLUMNS} AND batch_id = :batch AND (CAST(:sequence AS text) IS NULL OR sequence = :sequence) "
        "ORDER BY end_to_end_id"
    )
    lock_customers(work, [row["customer_id"] for row in work.rows(wanted, **values)])
    return _Part(batch_id, work.rows(wanted, **values))


def _credit_part(work: Work, line: BankLine, part: _Part) -> bool:
    """Credit the debits that add up to the line: those still in the batch, or all where it was credited gross."""
    if any(each["credited_by"] == line.line_id for each in part.debits):
        return True
    open_ = [each for each in part.debits if each["credited_by"] is None]
    kept = [each for each in open_ if each["state"] in _CREDITABLE]
    for debits in (kept, open_):
        if debits and sum(each["amount_minor"] for each in debits) == line.amount_minor:
            return _credit(work, line, debits)
    if not open_:
        return False
    settle_line(work, line.line_id, "new", reason=DIFFERS, settled_by=SETTLED_BY)
    open_task(work, NewTask(f"line {line.line_id} differs", "credit_differs", batch_id=part.batch_id))
    return True


def _credit(work: Work, line: BankLine, debits: Sequence[RowMapping]) -> bool:
    """Book the money of debits, then what was told of them before; the customers' locks are held."""
    known = [each for each in debits if each["credited_by"] is not None]
    if known:
        return bool(known[0]["credited_by"] == line.line_id)
    if sum(each["amount_minor"] for each in debits) != line.amount_minor:
        return False
    record_facts(
        work,
        [
            MoneyReceived(
                each["end_to_end_id"],
                each["attempt_id"],
                each["amount_minor"],
                each["currency"],
                noon(line.booked_on),
                METHOD,
                line.counter,
            )
            for each in debits
        ],
    )
    _note_credited(work, line, debits)
    alone = debits[0] if len(debits) == 1 else None
    settle_line(
        work,
        line.line_id,
        "debits",
        customer_id=alone["customer_id"] if alone else None,
        attempt_id=alone["attempt_id"] if alone else None,
        settled_by=SETTLED_BY,
    )
    for each in debits:
        _book_back(work, each)
    return True


def _note_credited(work: Work, line: BankLine, debits: Sequence[RowMapping]) -> None:
    ids, at = [each["debit_id"] for each in debits], now()
    work.execute(
        "UPDATE debits SET state = 'collected', credited_by = :line, changed_at = :at WHERE supplier_id = :supplier "
        "AND debit_id = ANY(:ids)",
        line=line.line_id,
        ids=ids,
        at=at,
    )
    # The bank took note of what was new in the mandate.
    work.execute(
        "UPDATE mandates SET uses = uses + 1, amended = false, changed_at = :at, ics = coalesce((SELECT ics "
        "FROM debit_settings WHERE supplier_id = :supplier), ics) WHERE supplier_id = :supplier "
        "AND mandate_id = ANY(:ids)",
        ids=sorted({each["mandate_id"] for each in debits}),
        at=at,
    )
    work.execute(
        "UPDATE debit_batches AS batch SET state = 'credited', changed_at = :at WHERE supplier_id = :supplier "
        "AND batch_id = ANY(:ids) AND state <> 'credited' AND NOT EXISTS (SELECT 1 FROM debits "
        "WHERE supplier_id = :supplier AND debits.batch_id = batch.batch_id AND debits.state IN ('in_file', 'sent'))",
        ids=sorted({each["batch_id"] for each in debits}),
        at=at,
    )


def _take_back(work: Work, line: BankLine, debit: RowMapping) -> bool:
    """Note that a debit came back, with the fee in the line, and book it where its credit is there."""
    fee_minor = -line.amount_minor - debit["amount_minor"]
    reference = f"{debit['end_to_end_id']}/return"
    known = work.row(
        "SELECT line_id, state FROM debit_returns WHERE supplier_id = :supplier AND return_ref = :ref", ref=reference
    )
    if fee_minor < 0 or (known and known["line_id"] not in (None, line.line_id)):
        return False
    told = Return(
        return_ref=reference,
        attempt_id=debit["attempt_id"],
        kind="return",
        code=reason_of(line.return_code, line.booked_on).code,
        amount_minor=debit["amount_minor"],
        currency=debit["currency"],
        returned_on=line.booked_on,
        debit_id=debit["debit_id"],
        fee_minor=fee_minor,
        line_id=line.line_id,
        state="waiting",
    )
    if not note_return(work, told) and known and known["line_id"] is None:  # rejected before; now its money moves
        work.execute(
            "UPDATE debit_returns SET state = 'waiting', line_id = :line, fee_minor = :fee, returned_on = :day, "
            "changed_at = :at WHERE supplier_id = :supplier AND return_ref = :ref",
            line=line.line_id,
            fee=fee_minor,
            day=line.booked_on,
            ref=reference,
            at=now(),
        )
    settle_line(
        work,
        line.line_id,
        "returned",
        reason=told.code,
        customer_id=debit["customer_id"],
        attempt_id=debit["attempt_id"],
        settled_by=SETTLED_BY,
    )
    if debit["credited_by"] is not None:
        _book_back(work, debit)
    return True


def _book_back(work: Work, debit: RowMapping) -> None:
    """Book a return that is told and whose credit is booked, then do what its reason asks for."""
    row = work.row(
        "SELECT return_ref, code, amount_minor, fee_minor, currency, returned_on FROM debit_returns "
        "WHERE supplier_id = :supplier AND debit_id = :debit AND state = 'waiting'",
        debit=debit["debit_id"],
    )
    if row is None:
        return
    reference, day = row["return_ref"], row["returned_on"]
    facts: list[MoneyReturned | FeeCharged] = [
        MoneyReturned(
            reference, debit["end_to_end_id"], "return", row["amount_minor"], row["currency"], noon(day), "bank"
        )
    ]
    if row["fee_minor"]:
        facts.append(FeeCharged(f"{reference}/fee", row["fee_minor"], row["currency"], day, "bank"))
    record_facts(work, facts)
    work.execute(
        "UPDATE debits SET state = 'returned', return_code = :code, returned_on = :day, changed_at = :at "
        "WHERE supplier_id = :supplier AND debit_id = :id",
        id=debit["debit_id"],
        code=row["code"],
        day=day,
        at=now(),
    )
    work.execute(
        "UPDATE debit_returns SET state = 'done', changed_at = :at WHERE supplier_id = :supplier AND return_ref = :ref",
        ref=reference,
        at=now(),
    )
    react(work, reference)
