"""The collector's morning: the late accounts of a portfolio, each with what may be asked for, and ranked."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from config.clock import legal_day
from receivables.domain.collecting.worklist import Account, Ranked, by_expected_cash, rank
from receivables.services.collecting.chasing import chase_dues
from receivables.services.invoicing.dues import due_on_invoices
from receivables.store.collecting.accounts import account_facts, late_invoices, open_credits

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date
    from uuid import UUID

    from sqlalchemy import RowMapping

    from receivables.domain.collecting.chasing import ChaseState
    from receivables.services.invoicing.dues import InvoiceDue
    from receivables.store.work import Work

MOST_ACCOUNTS = 400
"""Accounts that are looked at: those with the most that is late."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which accounts: of a collector, of a segment, whose name or account holds a word; only those not spoken to."""

    collector_id: UUID | None = None
    nobodys: bool = False
    """Accounts that no collector looks after."""
    segment: str | None = None
    words: str = ""


def worklist(work: Work, today: date, wanted: Wanted) -> list[Ranked]:
    """The late accounts, the most expected cash first. Money in flight, promised or disputed brings nobody up."""
    rows = late_invoices(
        work,
        today,
        collector_id=wanted.collector_id,
        nobodys=wanted.nobodys,
        segment=wanted.segment,
        words=wanted.words,
        most=MOST_ACCOUNTS,
    )
    ids = [row["invoice_id"] for row in rows]
    dues = {due.invoice_id: due for due in due_on_invoices(work, ids, today)}
    states = chase_dues(work, list(dues.values()), today)
    customer_ids = list({row["customer_id"] for row in rows})
    facts, loose = account_facts(work, customer_ids, today), open_credits(work, customer_ids)
    accounts: dict[tuple[UUID, str], list[RowMapping]] = defaultdict(list)
    for row in rows:
        accounts[row["customer_id"], row["currency"]].append(row)
    found = [_account(lines, states, dues, facts.get(key[0]), loose.get(key, 0)) for key, lines in accounts.items()]
    return sorted((rank(each, today) for each in found if each), key=by_expected_cash)


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
    asked, late, held = 0, 0, dict[str, int]()
    counted = [row for row in lines if states[row["invoice_id"]].open_minor and not dues[row["invoice_id"]].ended_by]
    for row in counted:
        state = states[row["invoice_id"]]
        due_now = min(row["late_minor"], state.open_minor)
        kept = sum(hold.amount_minor for hold in state.holds)  # what is held counts against what is late first
        may_ask = max(min(state.chaseable_minor, due_now - kept), 0)
        late += due_now
        asked += may_ask
        left = due_now - may_ask
        for hold in state.holds:
            held[hold.why] = held.get(hold.why, 0) + min(hold.amount_minor, left)
            left -= min(hold.amount_minor, left)
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
