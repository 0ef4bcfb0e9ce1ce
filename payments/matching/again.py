"""Look again at lines that nobody identified, once something came up that may explain them.

News is a payer whom somebody confirmed, an invoice that was issued, an answer or an advice of a customer. Where there
is none since the last look, nothing is looked at.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from payments.matching.booking import AUTOMATIC_ACTOR
from payments.matching.deciding import match_lines

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from receivables.store.work import Work, Works

MOST_AT_ONCE = 500
"""Lines in one turn: the rest comes with the next one."""
TOLD_LATE = timedelta(seconds=10)
"""News may be committed some seconds after its own time: a look in between has not seen it."""
_WAITING = (
    "FROM bank_lines WHERE supplier_id = :supplier AND state IN ('proposed', 'unidentified') AND amount_minor > 0 "
    "AND settled_by = :rule"
)
"""What a rule left open. What a person set aside or took back stays theirs: a rule must not book it again."""


def match_again(works: Works, supplier_id: UUID) -> int:
    """Look at up to `MOST_AT_ONCE` waiting lines that are older than the latest news; returns how many."""
    with works.begin(supplier_id) as work:
        oldest = work.scalar(f"SELECT min(changed_at) {_WAITING}", rule=AUTOMATIC_ACTOR)
        newest = _latest_news(work) if oldest else None
    if newest is None or newest + TOLD_LATE <= oldest:
        return 0
    return works.run(supplier_id, lambda work: _look(work, newest + TOLD_LATE))


def _look(work: Work, before: datetime) -> int:
    """Match the lines that were looked at longest ago."""
    rows = work.rows(
        f"SELECT line_id {_WAITING} AND changed_at < :before ORDER BY changed_at, line_id LIMIT :most",
        rule=AUTOMATIC_ACTOR,
        before=before,
        most=MOST_AT_ONCE,
    )
    match_lines(work, [row["line_id"] for row in rows])
    return len(rows)


def _latest_news(work: Work) -> datetime | None:
    """When the last thing came up that may explain a line; ids grow with time, so that no table is read through."""
    found: datetime | None = work.scalar(
        "SELECT greatest("
        "(SELECT confirmed_at FROM confirmed_payers WHERE supplier_id = :supplier ORDER BY confirmation_id DESC "
        "LIMIT 1), "
        "(SELECT created_at FROM invoices WHERE supplier_id = :supplier ORDER BY invoice_id DESC LIMIT 1), "
        "(SELECT max(answered_at) FROM payer_questions WHERE supplier_id = :supplier), "
        "(SELECT max(confirmed_at) FROM remittance_advices WHERE supplier_id = :supplier AND confirmed_at IS NOT NULL))"
    )
    return found
