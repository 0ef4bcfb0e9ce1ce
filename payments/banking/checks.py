"""I18: the bank in the books. Account 512 is the sum of the lines that are ours, 471 the sum of those that wait."""

from __future__ import annotations

from typing import TYPE_CHECKING

from config.clock import today
from config.law import accounts_on
from payments.banking.lines import IN_BOOKS, IN_SUSPENSE
from receivables.domain.accounting.ledger import Chart
from receivables.services.accounting.checks import Finding

if TYPE_CHECKING:
    from receivables.store.work import Work

_LINES = "SELECT count(*) FROM bank_lines WHERE supplier_id = :supplier"
_BALANCE = (
    "SELECT currency, sum(debit_minor - credit_minor) AS minor FROM postings WHERE supplier_id = :supplier "
    "AND account = :account GROUP BY currency"
)
_IN_BOOKS = (
    "SELECT currency, sum(amount_minor) AS minor FROM bank_lines AS line WHERE supplier_id = :supplier "
    "AND state = ANY(:states) AND NOT EXISTS (SELECT 1 FROM debit_returns WHERE supplier_id = :supplier "
    "AND debit_returns.line_id = line.line_id AND debit_returns.state = 'waiting') GROUP BY currency"
)
"""Lines that are booked: a return that came before its credit is told, but not yet booked."""
_DIFFERENCE = (
    "SELECT coalesce(sum(abs(coalesce(books.minor, 0) - coalesce(bank.minor, 0))), 0) FROM ({books}) AS books "
    "FULL JOIN ({bank}) AS bank USING (currency)"
)


_SUSPENSE = (
    "SELECT currency, sum(credit_minor - debit_minor) AS minor FROM postings JOIN entries AS entry "
    "USING (supplier_id, entry_id) WHERE supplier_id = :supplier AND account = :account AND NOT EXISTS ("
    "SELECT 1 FROM entries AS stray JOIN postings AS held USING (supplier_id, entry_id) "
    "WHERE stray.supplier_id = :supplier AND stray.source_kind = 'transfer' AND held.account = :provider "
    "AND stray.source_ref = entry.source_ref) GROUP BY currency"
)
"""Money at a provider that nobody knows waits on 471 too, but never was a line of the bank's."""


def check_bank(work: Work) -> list[Finding]:
    """Gaps between the bank's lines and the books, in minor units; anything but zero is a defect."""
    chart = Chart(**accounts_on(today()))
    looked_at = work.scalar(_LINES)
    ours = work.scalar(_DIFFERENCE.format(books=_BALANCE, bank=_IN_BOOKS), account=chart.bank, states=sorted(IN_BOOKS))
    waiting = work.scalar(
        _DIFFERENCE.format(books=_SUSPENSE, bank=_IN_BOOKS),
        account=chart.suspense,
        provider=chart.provider_clearing,
        states=sorted(IN_SUSPENSE),
    )
    unsettled = work.scalar(f"{_LINES} AND state = 'new' AND reason IS NULL")
    return [
        Finding("I18", "account 512 = the bank's lines that are ours, in minor units", looked_at, int(ours)),
        Finding(
            "I18-WAIT", "account 471 = the lines that nobody has identified, in minor units", looked_at, int(waiting)
        ),
        Finding("I18-STATE", "every line of the bank was looked at", looked_at, int(unsettled)),
    ]
