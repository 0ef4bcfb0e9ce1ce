"""Say what fresh lines are: payouts, our own debits, cheques at the bank, then customers' payments; the rest waits.

Money that came in and is nobody's yet is booked on 471 in the same transaction, so that account 512 is what the bank
says at every commit.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from payments.banking.deposits import recognise_deposits
from payments.banking.lines import IN_SUSPENSE, get_line, lines_by_ids, settle_line, settle_lines
from payments.clearing.payouts import recognise_payout
from payments.debits.bank import recognise_debit
from payments.matching.deciding import match_lines
from payments.refunds.sending import recognise_refunds
from receivables.domain.settlement.receipts import MoneyUnidentified
from receivables.services.settlement.receipts import record_facts

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from payments.banking.lines import BankLine
    from receivables.store.work import Work

NOBODY = "bank"
"""Who settles what needs no opinion."""
OUTGOING = "bank.outgoing"
"""Why a line is not ours: money that went out, and that nothing of ours explains."""
_SETTLEABLE = ("unidentified", "proposed", "not_ours", "new")
_OUR_DEBITS = re.compile(r"Q[DT][0-9A-F]{6}", re.IGNORECASE)
"""How references of our own debits begin: lines without one are not worth a query."""


def recognise_lines(work: Work, line_ids: Sequence[UUID], actor: str) -> None:
    """Settle these lines: whatever is not new any more stays as it is, except parts that wait on 471."""
    lines = [line for line in lines_by_ids(work, line_ids, lock=True) if line.state in {"new", *IN_SUSPENSE}]
    if not lines:
        return
    in_suspense = {line.line_id for line in lines if line.state in IN_SUSPENSE}
    _recognise_ours(work, lines)
    recognise_deposits(work, [each for each in _left(work, lines) if each.amount_minor > 0], actor)
    match_lines(work, [each.line_id for each in _left(work, lines) if each.amount_minor > 0])
    left = lines_by_ids(work, [line.line_id for line in lines])
    _settle_rest(work, [line for line in left if line.state == "new" and not line.reason])
    book_suspense(work, [line for line in left if line.line_id not in in_suspense])


def book_suspense(work: Work, lines: Sequence[BankLine]) -> None:
    """Book what came in and is nobody's yet on 471; the same line is booked once."""
    record_facts(
        work,
        [
            MoneyUnidentified(f"line:{line.line_id}", line.amount_minor, line.currency, line.booked_on)
            for line in lines
            if line.amount_minor > 0 and (line.state in IN_SUSPENSE or (line.state == "new" and not line.reason))
        ],
    )


def split_line(work: Work, entry_key: str, parts: int) -> str | None:
    """Let the parts of a movement stand in the place of its one line, where nothing came of that line yet.

    Returns the state in which the parts begin: their money may be on 471 already.
    """
    line_id = work.scalar(
        "SELECT line_id FROM bank_lines WHERE supplier_id = :supplier AND entry_key = :key AND state <> 'split'",
        key=entry_key,
    )
    line = get_line(work, line_id)
    if line.state not in _SETTLEABLE:
        return None
    settle_line(work, line.line_id, "split", reason=f"bank.parts:{parts}", settled_by=NOBODY)
    return "unidentified" if line.state in IN_SUSPENSE else "new"


def recognise_late_payouts(work: Work) -> int:
    """Take lines that nobody identified for payouts that the provider told of after the bank did; how many.

    Where refunds and chargebacks were more than payments, the payout went out: that line is nobody's customer's.
    """
    rows = work.rows(
        "SELECT line_id FROM bank_lines AS line WHERE supplier_id = :supplier "
        "AND (state = ANY(:waiting) OR state = 'not_ours' AND reason = :outgoing) AND EXISTS ("
        "SELECT 1 FROM payouts WHERE supplier_id = :supplier AND payouts.amount_minor = line.amount_minor "
        "AND payouts.currency = line.currency AND payouts.state IN ('on_its_way', 'paid')) ORDER BY line_id LIMIT 100",
        waiting=sorted(IN_SUSPENSE),
        outgoing=OUTGOING,
    )
    lines = lines_by_ids(work, [row["line_id"] for row in rows], lock=True)
    waiting = [line for line in lines if line.state in IN_SUSPENSE or line.reason == OUTGOING]
    return sum(_recognise_payout(work, line) for line in waiting)


def _recognise_ours(work: Work, lines: Sequence[BankLine]) -> None:
    """Payouts of providers and debits that we collect ourselves: what names itself comes before what is guessed."""
    recognise_refunds(work, lines)
    due = {
        (row["amount_minor"], row["currency"])
        for row in work.rows(
            "SELECT amount_minor, currency FROM payouts WHERE supplier_id = :supplier AND state <> 'banked'"
        )
    }
    for line in lines:
        if (line.amount_minor, line.currency) in due and _recognise_payout(work, line):
            continue
        if _OUR_DEBITS.search(f"{line.end_to_end_id} {line.batch_ref} {line.remittance}"):
            recognise_debit(work, line)


def _recognise_payout(work: Work, line: BankLine) -> bool:
    """Whether a line is a payout; its money is taken from 471 where it waited there."""
    payout_ref = recognise_payout(work, line)
    if payout_ref is None:
        return False
    settle_line(work, line.line_id, "payout", reason=payout_ref, settled_by=NOBODY)
    return True


def _left(work: Work, lines: Sequence[BankLine]) -> list[BankLine]:
    """Those that are nothing yet; a line that waits for something says so in its reason."""
    now_ = lines_by_ids(work, [line.line_id for line in lines])
    return [line for line in now_ if line.state in IN_SUSPENSE or (line.state == "new" and not line.reason)]


def _settle_rest(work: Work, lines: Sequence[BankLine]) -> None:
    settle_lines(
        work,
        [
            {
                "line_id": line.line_id,
                "state": "unidentified" if line.amount_minor > 0 else "not_ours",
                "reason": "match.nothing_found" if line.amount_minor > 0 else OUTGOING,
                "settled_by": NOBODY,
            }
            for line in lines
        ],
    )
