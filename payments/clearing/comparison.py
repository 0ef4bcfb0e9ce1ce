"""Each day: what the provider says against what the books say, by kind and reference, and the balance of both.

Per day and kind, every movement is looked for in the books under its reference, and every entry of the account at the
provider: counts, sums, and the references that differ. Then the clearing check: what the books hold on 511 for this
account, less fees that no entry took yet, is what the provider holds. The gap has to be nothing.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from config.clock import PARIS, now, today
from config.law import accounts_on
from payments.clearing.movements import accounts_with_payouts, pull_movements
from payments.clearing.payouts import follow_payouts
from receivables.store.work import to_json

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from datetime import date
    from uuid import UUID

    from payments.gateways.port import Gateway
    from payments.reconcile import GatewayOf
    from receivables.store.work import Work, Works

log = logging.getLogger("quittance.clearing")

SOURCES = {
    "payment": ("receipt", "transfer"),
    "refund": ("return",),
    "refund_failed": ("return_failed",),
    "dispute": ("contested",),
    "dispute_won": ("contest_won",),
    "payout": ("payout",),
    "payout_failed": ("payout_failed",),
    "other": (),
}
"""Source kinds of the entries that book each kind of movement; nothing books ``other``: it always needs a human."""
READS_FOR_S = 120
"""Longest time to read a whole account, in seconds: nobody waits for it, and it locks nothing."""
BALANCE, OPENING = "balance", "opening"
WAITING = "waiting"
"""Why something differs that is not to be booked yet: listed, and no gap."""
DAYS_AGAIN = 3
"""Days that are compared again: what was told late heals them."""
MOST_TOLD = 200
"""Differing references that are kept of a day and kind."""
SETTLED_BY_TRIES = 3
"""Balance and movements are asked for again where money moved between the two questions."""


@dataclass(slots=True)
class Side:
    """What one side says of a kind on a day, in minor units by reference."""

    amounts: dict[str, int] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """All of it."""
        return sum(self.amounts.values())


def compare_providers(works: Works, supplier_id: UUID, gateway_of: GatewayOf) -> int:
    """Bring payouts up to date, compare the last days of every account, and its balance; returns what differs.

    Raises:
        GatewayError: a provider did not answer.
    """
    follow_payouts(works, supplier_id, gateway_of)
    differing = 0
    for account_id, gateway in accounts_with_payouts(works, supplier_id, gateway_of):
        for ago in range(DAYS_AGAIN, -1, -1):
            day = today() - timedelta(days=ago)
            differing += works.run(supplier_id, partial(compare_day, account_id=account_id, day=day))
        differing += compare_balance(works, supplier_id, account_id, gateway)
    return differing


def compare_day(work: Work, account_id: UUID, day: date) -> int:
    """Compare one legal day (Europe/Paris) of an account by reference; returns how many references differ."""
    work.execute(f"SET LOCAL statement_timeout = '{READS_FOR_S}s'")
    told = _told(work, account_id, day)
    booked = _booked(work, account_id, day, told)
    waiting = _waiting(work, account_id)
    differing = 0
    for currency, kind in sorted(told.keys() | booked.keys()):
        theirs, ours = told.get((currency, kind), Side()), booked.get((currency, kind), Side())
        found = list(_differences(theirs, ours, waiting))
        differing += sum(each["why"] != WAITING for each in found)
        _write(work, account_id, day, currency, kind, theirs, ours, found)
    return differing


def compare_balance(works: Works, supplier_id: UUID, account_id: UUID, gateway: Gateway) -> int:
    """The clearing check of today; returns how many currencies have a gap.

    What moved before our account was opened is the opening balance, kept by the first check.

    Raises:
        GatewayError: the provider did not answer.
    """
    balance = gateway.balance()
    for _ in range(SETTLED_BY_TRIES):
        if not pull_movements(works, supplier_id, account_id, gateway):
            break
        balance = gateway.balance()
    return works.run(supplier_id, lambda work: _check_balance(work, account_id, balance))


def _check_balance(work: Work, account_id: UUID, balance: dict[str, int]) -> int:
    work.execute(f"SET LOCAL statement_timeout = '{READS_FOR_S}s'")
    moved = {
        row["currency"]: row
        for row in work.rows(
            "SELECT currency, count(*) AS movements, sum(gross_minor - fee_minor)::bigint AS net_minor, "
            "coalesce(sum(fee_minor) FILTER (WHERE fee_booked_by IS NULL), 0)::bigint AS unbooked_minor "
            "FROM provider_movements WHERE supplier_id = :supplier AND account_id = :account GROUP BY currency",
            account=account_id,
        )
    }
    held = _held(work, account_id)
    waiting = _moved_by(work, account_id, _waiting(work, account_id))
    gaps = 0
    for currency in sorted(balance.keys() | moved.keys() | held.keys()):
        row = moved.get(currency)
        net, unbooked = (row["net_minor"], row["unbooked_minor"]) if row else (0, 0)
        opening = _opening(work, account_id, currency, balance.get(currency, 0) - net)
        theirs = Side({BALANCE: balance.get(currency, 0) - opening})
        ours = Side({BALANCE: held.get(currency, 0) - unbooked + waiting.get(currency, 0)})
        gap = theirs.total - ours.total
        found = [_difference(BALANCE, theirs.total, ours.total, "gap")] if gap else []
        _write(work, account_id, today(), currency, BALANCE, theirs, ours, found)
        if gap:
            gaps += 1
            log.error(
                "The provider holds %s minor units %s more than the books say.",
                gap,
                currency,
                extra={"supplier": str(work.supplier_id), "account": str(account_id)},
            )
    return gaps


def _told(work: Work, account_id: UUID, day: date) -> dict[tuple[str, str], Side]:
    """The provider's side of a day: gross amounts by reference; fees on their own are booked with the payouts."""
    first = datetime.combine(day, time(), PARIS)
    rows = work.rows(
        "SELECT currency, kind, object_ref, sum(gross_minor)::bigint AS gross_minor FROM provider_movements "
        "WHERE supplier_id = :supplier AND account_id = :account AND kind <> 'fee' "
        "AND moved_at >= :first AND moved_at < :next GROUP BY currency, kind, object_ref",
        account=account_id,
        first=first.astimezone(UTC),
        next=datetime.combine(day + timedelta(days=1), time(), PARIS).astimezone(UTC),
    )
    sides: dict[tuple[str, str], Side] = defaultdict(Side)
    for row in rows:
        sides[row["currency"], row["kind"]].amounts[row["object_ref"]] = row["gross_minor"]
    return sides


def _booked(work: Work, account_id: UUID, day: date, told: dict[tuple[str, str], Side]) -> dict[tuple[str, str], Side]:
    """The books' side: entries of what the provider told, whenever booked, and the day's entries that it did not tell.

    A payout's entry takes the fees from 511 as well, so its amount is what it put on its way.
    """
    kind_of = {source: kind for kind, sources in SOURCES.items() for source in sources}
    refs = sorted({ref for side in told.values() for ref in side.amounts})
    rows = work.rows(
        "WITH asked AS (SELECT entry_id, source_kind, source_ref FROM entries WHERE supplier_id = :supplier "
        "AND source_kind = ANY(:sources) AND source_ref = ANY(:refs) "
        "UNION SELECT entry_id, source_kind, source_ref FROM entries AS entry WHERE supplier_id = :supplier "
        "AND booked_on = :day AND source_kind = ANY(:sources) "
        "AND (SELECT count(*) FROM (SELECT FROM provider_movements AS movement WHERE movement.supplier_id = :supplier "
        "AND movement.object_ref = entry.source_ref LIMIT 1) AS told) = 0 "  # by its index, entry by entry
        f"AND ({_ACCOUNT_OF_ENTRY}) = :account) "
        "SELECT source_kind, source_ref, posting.currency, "
        "sum(CASE WHEN source_kind = 'payout' THEN credit_minor - debit_minor ELSE debit_minor - credit_minor "
        "END)::bigint AS amount_minor FROM asked JOIN postings AS posting "
        "ON posting.supplier_id = :supplier AND posting.entry_id = asked.entry_id "
        "AND posting.account = CASE source_kind WHEN 'payout' THEN :transfers ELSE :clearing END "
        "GROUP BY source_kind, source_ref, posting.currency",
        sources=list(kind_of),
        refs=refs,
        day=day,
        account=account_id,
        clearing=accounts_on(day)["provider_clearing"],
        transfers=accounts_on(day)["transfers"],
    )
    by_day = {
        kind: {ref for (_, each), side in told.items() if each == kind for ref in side.amounts} for kind in SOURCES
    }
    sides: dict[tuple[str, str], Side] = defaultdict(Side)
    for row in rows:
        kind, ref = kind_of[row["source_kind"]], row["source_ref"]
        if ref in by_day[kind] or ref not in refs:  # a reference may name movements of other kinds on other days
            sides[row["currency"], kind].amounts[ref] = row["amount_minor"]
    return sides


_ACCOUNT_OF_ENTRY = (
    "SELECT coalesce("
    "(SELECT attempt.account_id FROM postings AS line JOIN receivable_items AS item USING (supplier_id, posting_id) "
    "JOIN payment_attempts AS attempt ON attempt.supplier_id = line.supplier_id "
    "AND attempt.attempt_id = item.attempt_id "
    "WHERE line.supplier_id = entry.supplier_id AND line.entry_id = entry.entry_id LIMIT 1), "
    "(SELECT account_id FROM provider_disputes AS contest WHERE contest.supplier_id = entry.supplier_id "
    "AND dispute_ref = entry.source_ref), "
    "(SELECT account_id FROM payouts WHERE payouts.supplier_id = entry.supplier_id "
    "AND payout_ref = entry.source_ref), "
    "(SELECT account_id FROM provider_movements AS told WHERE told.supplier_id = entry.supplier_id "
    "AND object_ref = entry.source_ref LIMIT 1))"
)
"""The provider's account that an entry on 511 is about; none for those of other roads."""


def _waiting(work: Work, account_id: UUID) -> set[str]:
    """What moved at the provider and is not to be booked yet: payouts that it has not explained, refunds on their way.

    A refund leaves the account when it is ordered, days before the payer has it; only then it is booked.
    """
    rows = work.rows(
        "SELECT payout_ref AS ref FROM payouts WHERE supplier_id = :supplier AND account_id = :account "
        "AND automatic AND gap_minor IS NULL AND NOT EXISTS (SELECT 1 FROM entries AS entry "
        "WHERE entry.supplier_id = :supplier AND source_kind = 'payout' AND source_ref = payout_ref) "
        "UNION ALL SELECT refund_ref FROM refund_orders AS refund JOIN payment_attempts AS attempt "
        "USING (supplier_id, attempt_id) WHERE supplier_id = :supplier AND attempt.account_id = :account "
        "AND refund.state = 'sent' AND refund_ref IS NOT NULL AND NOT EXISTS (SELECT 1 FROM entries AS entry "
        "WHERE entry.supplier_id = :supplier AND source_kind = 'return' AND source_ref = refund_ref)",
        account=account_id,
    )
    return {row["ref"] for row in rows}


def _moved_by(work: Work, account_id: UUID, refs: Collection[str]) -> dict[str, int]:
    """What payouts and refunds with these references did to the account, by currency."""
    rows = work.rows(
        "SELECT currency, sum(gross_minor)::bigint AS gross_minor FROM provider_movements "
        "WHERE supplier_id = :supplier AND account_id = :account AND kind IN ('payout', 'refund') "
        "AND object_ref = ANY(:refs) GROUP BY currency",
        account=account_id,
        refs=list(refs),
    )
    return {row["currency"]: row["gross_minor"] for row in rows}


def _held(work: Work, account_id: UUID) -> dict[str, int]:
    """What the books hold on 511 for an account, by currency: all of it, where the supplier has no other account."""
    alone = work.scalar(
        "SELECT NOT EXISTS (SELECT 1 FROM gateway_accounts WHERE supplier_id = :supplier AND account_id <> :account)",
        account=account_id,
    )
    rows = work.rows(
        "SELECT posting.currency, sum(debit_minor - credit_minor)::bigint AS held_minor FROM postings AS posting "
        "WHERE supplier_id = :supplier AND posting.account = :clearing "
        f"{'' if alone else f'AND entry_id IN ({_ENTRIES_OF_ACCOUNT}) '}GROUP BY posting.currency",
        account=account_id,
        clearing=accounts_on(today())["provider_clearing"],
    )
    return {row["currency"]: row["held_minor"] for row in rows}


_ENTRIES_OF_ACCOUNT = (
    "SELECT line.entry_id FROM payment_attempts AS attempt JOIN receivable_items AS item "
    "ON item.supplier_id = :supplier AND item.attempt_id = attempt.attempt_id JOIN postings AS line "
    "ON line.supplier_id = :supplier AND line.posting_id = item.posting_id "
    "WHERE attempt.supplier_id = :supplier AND attempt.account_id = :account "
    "UNION SELECT entry_id FROM entries AS entry JOIN provider_disputes AS contest "
    "ON contest.supplier_id = :supplier AND dispute_ref = source_ref WHERE entry.supplier_id = :supplier "
    "AND contest.account_id = :account AND source_kind IN ('contested', 'contest_won') "
    "UNION SELECT entry_id FROM entries AS entry JOIN payouts "
    "ON payouts.supplier_id = :supplier AND payout_ref = source_ref WHERE entry.supplier_id = :supplier "
    "AND payouts.account_id = :account AND source_kind IN ('payout', 'payout_failed') "
    "UNION SELECT entry_id FROM entries AS entry JOIN provider_movements AS movement "
    "ON movement.supplier_id = :supplier AND object_ref = source_ref WHERE entry.supplier_id = :supplier "
    "AND movement.account_id = :account AND source_kind = 'transfer'"
)
"""Entries about a provider's account, each once."""


def _opening(work: Work, account_id: UUID, currency: str, now_minor: int) -> int:
    """The balance before everything that we know of; ``now_minor`` is kept where none is kept yet."""
    kept: int | None = work.scalar(
        "SELECT provider_minor FROM provider_comparisons WHERE supplier_id = :supplier AND account_id = :account "
        "AND currency = :currency AND kind = :kind ORDER BY compared_on LIMIT 1",
        account=account_id,
        currency=currency,
        kind=OPENING,
    )
    if kept is None:
        side = Side({OPENING: now_minor})
        _write(work, account_id, today(), currency, OPENING, side, side, [])
        return now_minor
    return kept


def _differences(theirs: Side, ours: Side, waiting: Collection[str]) -> Iterable[dict[str, Any]]:
    for ref in sorted(theirs.amounts.keys() | ours.amounts.keys()):
        told, booked = theirs.amounts.get(ref), ours.amounts.get(ref)
        if told == booked:
            continue
        if booked is None:
            yield _difference(ref, told, None, WAITING if ref in waiting else "missing_in_books")
        elif told is None:
            yield _difference(ref, None, booked, "missing_at_provider")
        else:
            yield _difference(ref, told, booked, "amount")


def _difference(ref: str, told: int | None, booked: int | None, why: str) -> dict[str, Any]:
    return {"ref": ref, "provider_minor": told, "books_minor": booked, "why": why}


def _write(  # noqa: PLR0917 -- a row of its table
    work: Work,
    account_id: UUID,
    day: date,
    currency: str,
    kind: str,
    theirs: Side,
    ours: Side,
    differing: list[dict[str, Any]],
) -> None:
    work.execute(
        "INSERT INTO provider_comparisons (supplier_id, account_id, compared_on, currency, kind, provider_count, "
        "provider_minor, books_count, books_minor, differing, compared_at) VALUES (:supplier, :account, :day, "
        ":currency, :kind, :theirs, :theirs_minor, :ours, :ours_minor, CAST(:differing AS jsonb), :at) "
        "ON CONFLICT (supplier_id, account_id, compared_on, currency, kind) DO UPDATE SET "
        "provider_count = EXCLUDED.provider_count, provider_minor = EXCLUDED.provider_minor, "
        "books_count = EXCLUDED.books_count, books_minor = EXCLUDED.books_minor, differing = EXCLUDED.differing, "
        "compared_at = EXCLUDED.compared_at",
        account=account_id,
        day=day,
        currency=currency,
        kind=kind,
        theirs=len(theirs.amounts),
        theirs_minor=theirs.total,
        ours=len(ours.amounts),
        ours_minor=ours.total,
        differing=to_json(differing[:MOST_TOLD]),
        at=now(),
    )
