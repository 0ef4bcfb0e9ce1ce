"""Prove the accounts that money passes through: what is closed at the provider or the bank is zero in the books (I16).

Each check counts what it looked at and the minor units that are left over, like those of the core.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from config.clock import today
from config.law import accounts_on
from receivables.services.accounting.checks import Finding

if TYPE_CHECKING:
    from receivables.store.work import Work


@dataclass(frozen=True, slots=True)
class _Check:
    """A check whose statements name accounts of the chart as parameters: ``:clearing``, ``:transfers`` ..."""

    code: str
    title: str
    looked_at: str
    gap: str


_BOOKED_AS = (
    "(VALUES ('payment', 'receipt'), ('payment', 'transfer'), ('refund', 'return'), "
    "('refund_failed', 'return_failed'), ('dispute', 'contested'), ('dispute', 'return'), "
    "('dispute_won', 'contest_won'), ('payout_failed', 'payout_failed')) AS booked_as (kind, source_kind)"
)
"""Which entry books which kind of movement on 511."""
_CLOSED_PAYOUTS = (
    "SELECT payout_ref, account_id FROM payouts WHERE supplier_id = :supplier AND state = 'banked' AND automatic"
)
"""Payouts whose money is at the bank and whose movements are known: everything in them has happened."""
_MOVED = (
    "SELECT movement.payout_ref AS ref, debit_minor - credit_minor AS minor FROM provider_movements AS movement "
    f"JOIN ({_CLOSED_PAYOUTS}) AS closed USING (payout_ref, account_id) JOIN {_BOOKED_AS} USING (kind) "
    "JOIN entries AS entry ON entry.supplier_id = :supplier AND entry.source_kind = booked_as.source_kind "
    "AND entry.source_ref = movement.object_ref JOIN postings AS posting ON posting.supplier_id = :supplier "
    "AND posting.entry_id = entry.entry_id AND posting.account = :clearing WHERE movement.supplier_id = :supplier"
)
"""What the movements of closed payouts put on 511, or took from it."""
_PAID_OUT = (
    f"SELECT closed.payout_ref AS ref, debit_minor - credit_minor AS minor FROM ({_CLOSED_PAYOUTS}) AS closed "
    "JOIN entries AS entry ON entry.supplier_id = :supplier AND entry.source_kind = 'payout' "
    "AND entry.source_ref = closed.payout_ref JOIN postings AS posting ON posting.supplier_id = :supplier "
    "AND posting.entry_id = entry.entry_id AND posting.account = :clearing"
)
"""What closed payouts took from 511: what reached the bank, and the fees."""
_FEES_ELSEWHERE = (
    "SELECT movement.payout_ref AS ref, -fee_minor AS minor FROM provider_movements AS movement "
    f"JOIN ({_CLOSED_PAYOUTS}) AS closed USING (payout_ref, account_id) WHERE movement.supplier_id = :supplier "
    "AND fee_booked_by IS NOT NULL AND fee_booked_by <> movement.payout_ref"
)
"""Fees of their movements that the entry of an earlier payout took already."""
_FEES_ALONE = (
    "SELECT coalesce((SELECT min(movement.payout_ref) FROM provider_movements AS movement "
    "WHERE movement.supplier_id = :supplier AND entry.source_ref IN (movement.movement_ref, movement.object_ref)), "
    "entry.source_ref) AS ref, debit_minor - credit_minor AS minor FROM entries AS entry "
    "JOIN postings AS posting ON posting.supplier_id = :supplier AND posting.entry_id = entry.entry_id "
    "AND posting.account = :clearing WHERE entry.supplier_id = :supplier AND entry.source_kind = 'fee'"
)
"""Fees taken from 511 beside any payout: payouts book them, so that whatever is here was booked twice."""
_ON_ITS_WAY = (
    "SELECT payout_ref AS ref, coalesce((SELECT sum(debit_minor - credit_minor) FROM entries AS entry "
    "JOIN postings AS posting ON posting.supplier_id = :supplier AND posting.entry_id = entry.entry_id "
    "AND posting.account = :transfers WHERE entry.supplier_id = :supplier "
    "AND entry.source_kind IN ('payout', 'payout_failed', 'payout_banked', 'transfer') "
    "AND entry.source_ref IN (payout_ref, 'payout/' || payout_ref)), 0) AS minor FROM payouts "
    "WHERE supplier_id = :supplier AND state IN ('banked', 'failed')"
)
_CONTESTED = (
    "SELECT dispute_ref AS ref, coalesce((SELECT sum(debit_minor - credit_minor) FROM entries AS entry "
    "JOIN postings AS posting ON posting.supplier_id = :supplier AND posting.entry_id = entry.entry_id "
    "AND posting.account = :contested WHERE entry.supplier_id = :supplier "
    "AND entry.source_kind IN ('contested', 'contest_won', 'return') AND entry.source_ref = dispute_ref), 0) AS minor "
    "FROM provider_disputes WHERE supplier_id = :supplier AND state IN ('won', 'lost')"
)

CHECKS = (
    _Check(
        "I16-511",
        "every payout that is at the bank leaves nothing on the account at the provider (511), in cents",
        f"SELECT count(*) FROM ({_CLOSED_PAYOUTS}) AS closed",
        "SELECT coalesce(sum(abs(minor)), 0) FROM (SELECT sum(minor) AS minor FROM "
        f"({_MOVED} UNION ALL {_PAID_OUT} UNION ALL {_FEES_ELSEWHERE} UNION ALL {_FEES_ALONE}) AS each "
        "GROUP BY ref) AS by_payout",
    ),
    _Check(
        "I16-580",
        "every payout that is at the bank, or came back, leaves nothing on its way (580), in cents",
        f"SELECT count(*) FROM ({_ON_ITS_WAY}) AS closed",
        f"SELECT coalesce(sum(abs(minor)), 0) FROM ({_ON_ITS_WAY}) AS by_payout",
    ),
    _Check(
        "I16-467",
        "every dispute that is decided leaves nothing contested (467), in cents",
        f"SELECT count(*) FROM ({_CONTESTED}) AS closed",
        f"SELECT coalesce(sum(abs(minor)), 0) FROM ({_CONTESTED}) AS by_dispute",
    ),
)


def prove_clearing(work: Work) -> list[Finding]:
    """Run the checks; every gap has to be zero."""
    chart = accounts_on(today())
    accounts = {
        "clearing": chart["provider_clearing"],
        "transfers": chart["transfers"],
        "contested": chart["contested"],
    }
    return [
        Finding(
            check.code,
            check.title,
            int(work.scalar(check.looked_at, **_named(check.looked_at, accounts))),
            int(work.scalar(check.gap, **_named(check.gap, accounts))),
        )
        for check in CHECKS
    ]


def _named(sql: str, accounts: dict[str, str]) -> dict[str, str]:
    """The parameters that a statement names."""
    return {name: value for name, value in accounts.items() if f":{name}" in sql}
