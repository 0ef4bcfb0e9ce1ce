"""Move the money of a line between 512 and 471, as often as somebody changes their mind."""

from __future__ import annotations

from typing import TYPE_CHECKING

from config.clock import today
from receivables.domain.settlement.receipts import Transferred
from receivables.services.settlement.receipts import record_facts

if TYPE_CHECKING:
    from payments.banking.lines import BankLine
    from receivables.store.work import Work


def move_line(work: Work, line: BankLine, source: str, target: str) -> None:
    """Book a line's money from ``source`` to ``target`` (names of the chart); each time is an entry of its own."""
    times = work.scalar(
        "SELECT count(*) FROM entries WHERE supplier_id = :supplier AND source_kind = 'transfer' "
        "AND source_ref LIKE :like",
        like=f"line:{line.line_id}/%",
    )
    fact = Transferred(f"line:{line.line_id}/{times + 1}", line.amount_minor, line.currency, today(), source, target)
    record_facts(work, [fact])
