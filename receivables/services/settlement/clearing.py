"""Book money that moves between our own accounts: at the provider, on its way, at the bank, contested, unidentified.

No customer owes more or less by it, so nothing is lettered on 411; each fact is one entry, whatever comes first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from config.clock import legal_day, new_id
from receivables.domain.accounting.ledger import BANK_JOURNAL, OTHER_JOURNAL, Entry, signed, without_zeros
from receivables.domain.settlement.receipts import (
    ContestWon,
    FeeCharged,
    MoneyContested,
    MoneyUnidentified,
    Outcome,
    PayoutBanked,
    PayoutFailed,
    PayoutPaid,
    Transferred,
)
from receivables.store.settlement.books import known_sources

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from receivables.domain.settlement.receipts import ClearingFact
    from receivables.services.settlement.settling import Settling
    from receivables.store.work import Work

    Lines = Mapping[str, int]
    """What an entry says: signed minor units by name of the account; debits are above zero."""

CONTESTED, CONTEST_WON = "contested", "contest_won"
PAYOUT, PAYOUT_FAILED, PAYOUT_BANKED = "payout", "payout_failed", "payout_banked"
FEE, UNIDENTIFIED, TRANSFER = "fee", "unidentified", "transfer"
KINDS = (CONTESTED, CONTEST_WON, PAYOUT, PAYOUT_FAILED, PAYOUT_BANKED, FEE, UNIDENTIFIED, TRANSFER)
"""Source kinds of these entries."""


def known_clearing(work: Work, facts: Sequence[ClearingFact]) -> dict[str, set[str]]:
    """Which of these facts are booked, by source kind; one transaction of a supplier at a time decides that."""
    if not facts:
        return {}
    work.scalar("SELECT pg_advisory_xact_lock(hashtextextended(:key, 0))", key=f"clearing:{work.supplier_id}")
    refs: dict[str, list[str]] = {kind: [] for kind in KINDS}
    for fact in facts:
        for kind, ref, _, _ in _entries(fact):
            refs[kind].append(ref)
    return {kind: known_sources(work, kind, found) if found else set() for kind, found in refs.items()}


def book_clearing(settling: Settling, booked: dict[str, set[str]], fact: ClearingFact) -> Outcome:
    """Book a fact, and what has to be there before it where nobody told of that yet."""
    outcome = Outcome.KNOWN
    for kind, ref, day, lines in _entries(fact):
        if ref in booked[kind]:
            continue
        booked[kind].add(ref)
        postings = without_zeros(signed(new_id(), settling.chart.account(name), minor) for name, minor in lines.items())
        if postings:
            settling.entries.append(
                Entry(
                    entry_id=new_id(),
                    journal=OTHER_JOURNAL if kind in {CONTESTED, CONTEST_WON} else BANK_JOURNAL,
                    booked_on=day,
                    source_kind=kind,
                    source_ref=ref,
                    document_ref=ref,
                    label=kind,
                    currency=fact.currency,
                    postings=postings,
                )
            )
            outcome = Outcome.POSTED
    return outcome


def _entries(fact: ClearingFact) -> list[tuple[str, str, date, Lines]]:  # noqa: PLR0911 -- one answer per fact
    """Source kind, reference, day and lines of the entries behind a fact, the one that comes first first."""
    match fact:
        case MoneyContested():
            return [_contested(fact.contest_ref, fact.amount_minor, legal_day(fact.contested_at))]
        case ContestWon():
            day, amount = legal_day(fact.won_at), fact.amount_minor
            back = {"provider_clearing": amount, "contested": -amount}
            return [_contested(fact.contest_ref, amount, day), (CONTEST_WON, fact.contest_ref, day, back)]
        case PayoutPaid():
            held = fact.net_minor + fact.fee_minor
            lines = {"transfers": fact.net_minor, "fees": fact.fee_minor, "provider_clearing": -held}
            return [(PAYOUT, fact.payout_ref, legal_day(fact.paid_at), lines)]
        case PayoutFailed():
            lines = {"provider_clearing": fact.net_minor, "transfers": -fact.net_minor}
            return [(PAYOUT_FAILED, fact.payout_ref, legal_day(fact.failed_at), lines)]
        case PayoutBanked():
            lines = {"bank": fact.net_minor, "transfers": -fact.net_minor}
            return [(PAYOUT_BANKED, fact.payout_ref, fact.banked_on, lines)]
        case FeeCharged():
            lines = {"fees": fact.amount_minor, fact.counter: -fact.amount_minor}
            return [(FEE, fact.fee_ref, fact.charged_on, lines)]
        case MoneyUnidentified():
            lines = {"bank": fact.amount_minor, "suspense": -fact.amount_minor}
            return [(UNIDENTIFIED, fact.line_ref, fact.booked_on, lines)]
        case Transferred():
            lines = {fact.target: fact.amount_minor, fact.source: -fact.amount_minor}
            return [(TRANSFER, fact.ref, fact.transferred_on, lines)]


def _contested(ref: str, amount_minor: int, day: date) -> tuple[str, str, date, Lines]:
    return CONTESTED, ref, day, {"contested": amount_minor, "provider_clearing": -amount_minor}
