"""The collector's morning: the late accounts of a portfolio, each with what may be asked for, and ranked."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from config.clock import legal_day
from receivables.domain.collecting.worklist import Account, Ranked, by_expected_cash, most_expected, rank
from receivables.services.collecting.chasing import chase_dues
from receivables.services.invoicing.dues import due_on_invoices
from receivables.store.collecting.accounts import account_facts, late_accounts, late_invoices, open_credits

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date
    from uuid import UUID

    from sqlalchemy import RowMapping

    from receivables.domain.collecting.chasing import ChaseState
    from receivables.services.invoicing.dues import InvoiceDue
    from receivables.store.work import Work

LOOKED_AT = 100
"""Customers whose invoices are looked at together."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which accounts: of a collector, of a segment, whose name or account holds a word; only those not spoken to."""

    collector_id: UUID | None = None
    nobodys: bool = False
    """Accounts that no collector looks after."""
    segment: str | None = None
    words: str = ""


@dataclass(frozen=True, slots=True)
class Worklist:
    """The first accounts of the list; ``late`` is by currency how many there are in all, and what is late of them."""

    ranked: list[Ranked]
    late: list[tuple[str, int, int]]
    is_whole: bool
    """Whether these are all of them."""


def worklist(work: Work, today: date, wanted: Wanted) -> list[Ranked]:
    """The late accounts, the most expected cash first. Money in flight, promised or disputed brings nobody up."""
    return first_of(work, today, wanted, None).ranked


def first_of(work: Work, today: date, wanted: Wanted, count: int | None) -> Worklist:
    """The first ``count`` accounts of the list, exactly as they stand in the whole of it (``None``: all of them).

    No account is worth more than all that is late of it, were nothing held and nobody spoken to: accounts are looked at
    in that order, some hundred at a time, until none of the others can come before the last that is wanted.
    """
    rows = late_accounts(
        work,
        today,
        collector_id=wanted.collector_id,
        nobodys=wanted.nobodys,
        segment=wanted.segment,
        words=wanted.words,
    )
    best: dict[UUID, int] = defaultdict(int)
    for row in rows:
        most = most_expected(row["late_minor"], row["oldest_on"], today, is_broken=row["is_broken"], grade=row["grade"])
        best[row["customer_id"]] = max(best[row["customer_id"]], most)
    left = sorted(best, key=lambda each: (-best[each], each))
    found: list[Ranked] = []
    while left and (count is None or len(found) < count or found[count - 1].expected_minor <= best[left[0]]):
        chosen, left = left[:LOOKED_AT], left[LOOKED_AT:]
        found = sorted([*found, *_ranked(work, today, chosen)], key=by_expected_cash)
    late: dict[str, tuple[int, int]] = {}
    for row in rows:
        accounts, minor = late.get(row["currency"], (0, 0))
        late[row["currency"]] = accounts + 1, minor + row["late_minor"]
    sums = [(currency, *figures) for currency, figures in late.items()]
    return Worklist(
        found[:count], sorted(sums, key=lambda each: -each[2]), not left and len(found) <= (count or len(found))
    )


def _ranked(work: Work, today: date, customer_ids: Sequence[UUID]) -> list[Ranked]:
    """The accounts of these customers, each with its rank."""
    rows = late_invoices(work, today, customer_ids)
    ids = [row["invoice_id"] for row in rows]
    dues = {due.invoice_id: due for due in due_on_invoices(work, ids, today)}
    states = chase_dues(work, list(dues.values()), today)
    facts, loose = account_facts(work, customer_ids, today), open_credits(work, customer_ids)
    accounts: dict[tuple[UUID, str], list[RowMapping]] = defaultdict(list)
    for row in rows:
        accounts[row["customer_id"], row["currency"]].append(row)
    found = [_account(lines, states, dues, facts.get(key[0]), loose.get(key, 0)) for key, lines in accounts.items()]
    return [rank(each, today) for each in found if each]


def _account(
    lines: Sequence[RowMapping],
    states: dict[UUID, ChaseState],
    dues: dict[UUID, InvoiceDue],
    facts: RowMapping | None,
    credit_minor: int,
) -> Account | None:
    """One account from its late invoices; none where nobody asks for any of them (all refused or replaced).

    The customer's own money that settles nothing yet covers the oldest first: reminders reckon so too.
    """
    counted = [row for row in lines if states[row["invoice_id"]].open_minor and not dues[row["invoice_id"]].ended_by]
    asked, late, held = _add_up([(row["late_minor"], states[row["invoice_id"]]) for row in counted])
    if not counted or not late:
        return None
    covered = min(credit_minor, asked)
    if covered:
        held["credited"] = covered
    first = counted[0]
    known = dict(facts) if facts else {}
    return Account(
        customer_id=first["customer_id"],
        account_code=first["account_code"],
        name=first["name"],
        currency=first["currency"],
        chaseable_minor=asked - covered,
        late_minor=late,
        held=held,
        invoices=len(counted),
        oldest_on=min(row["late_on"] for row in counted),
        segment=first["segment"],
        collector_id=first["collector_id"],
        grade=known.get("grade"),
        spoken_on=legal_day(known["spoken_at"]) if known.get("spoken_at") else None,
        level=known.get("level"),
        broken_on=known.get("broken_on"),
        next_task=known.get("next_task"),
        next_task_on=known.get("next_task_on"),
        waits_since=legal_day(known["waits_since"]) if known.get("waits_since") else None,
    )


def _add_up(counted: Sequence[tuple[int, ChaseState]]) -> tuple[int, int, dict[str, int]]:
    """What may be asked for, what is late, and what is held by its reason, in minor units."""
    asked, late, held = 0, 0, dict[str, int]()
    for late_minor, state in counted:
        due_now = min(late_minor, state.open_minor)
        kept = sum(hold.amount_minor for hold in state.holds)  # what is held counts against what is late first
        may_ask = max(min(state.chaseable_minor, due_now - kept), 0)
        late += due_now
        asked += may_ask
        left = due_now - may_ask
        for hold in state.holds:
            held[hold.why] = held.get(hold.why, 0) + min(hold.amount_minor, left)
            left -= min(hold.amount_minor, left)
    return asked, late, held
