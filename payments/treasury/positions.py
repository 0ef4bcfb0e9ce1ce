"""Where the money is by account, and the proofs that books, provider and bank say the same."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from config.clock import today
from config.law import accounts_on
from payments.clearing.comparison import WAITING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date, datetime
    from uuid import UUID

    from receivables.store.work import Work

PLACES = ("provider_clearing", "transfers", "bank", "cheques", "bills", "cash", "suspense", "contested")
"""Accounts of the chart on which money of customers lies, in the order in which it travels."""
MONTHS = 12


@dataclass(frozen=True, slots=True)
class Position:
    """What lies on one account now, in one currency: above zero is ours, below zero is owed."""

    place: str
    account: str
    currency: str
    minor: int
    postings: int


@dataclass(frozen=True, slots=True)
class AtProvider:
    """What the provider's movements say that lies with it: ``pending`` until its day, then ``available``."""

    account_id: UUID
    provider: str
    live: bool
    currency: str
    pending_minor: int
    available_minor: int


@dataclass(frozen=True, slots=True)
class Proof:
    """Two ways to the same sum: ``what`` is clearing, transfers, bank, contested or suspense; ``at`` the last word."""

    what: str
    account: str
    currency: str
    books_minor: int
    other_minor: int
    count: int
    at: datetime | None

    @property
    def gap_minor(self) -> int:
        """By how much the other side is above the books."""
        return self.other_minor - self.books_minor


@dataclass(frozen=True, slots=True)
class FeeMonth:
    """What payment providers and banks took in a month (account 627), and the gross that they took it from."""

    month: date
    currency: str
    fee_minor: int
    entries: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """One line of a daily comparison of a provider with the books."""

    account_id: UUID
    provider: str
    live: bool
    compared_on: date
    currency: str
    kind: str
    provider_count: int
    provider_minor: int
    books_count: int
    books_minor: int
    differing: Sequence[Mapping[str, Any]]
    compared_at: datetime

    @property
    def gap_minor(self) -> int:
        """By how much the provider is above the books."""
        return self.provider_minor - self.books_minor

    @property
    def agrees(self) -> bool:
        """Whether sums, counts and references agree, but for what only waits to be booked."""
        if self.differing:
            return all(each["why"] == WAITING for each in self.differing)
        return not self.gap_minor and self.provider_count == self.books_count


def positions(work: Work) -> list[Position]:
    """What lies where, by account and currency; accounts that never moved are left out."""
    chart = accounts_on(today())
    rows = work.rows(
        "SELECT account, currency, sum(debit_minor - credit_minor)::bigint AS minor, count(*) AS postings "
        "FROM postings WHERE supplier_id = :supplier AND account = ANY(:accounts) GROUP BY account, currency",
        accounts=[chart[place] for place in PLACES],
    )
    found = {(row["account"], row["currency"]): row for row in rows}
    currencies = sorted({row["currency"] for row in rows} | {"EUR"}, key=lambda each: (each != "EUR", each))
    return [
        Position(place, chart[place], currency, row["minor"], row["postings"])
        for currency in currencies
        for place in PLACES
        if (row := found.get((chart[place], currency)))
    ]


def at_providers(work: Work) -> list[AtProvider]:
    """What lies with each provider by its movements: gross less fee of what no payout has taken along."""
    rows = work.rows(
        "SELECT account_id, provider, live, movement.currency, "
        "coalesce(sum(gross_minor - movement.fee_minor) FILTER (WHERE available_on > :today), 0)::bigint "
        "AS pending_minor, coalesce(sum(gross_minor - movement.fee_minor) FILTER (WHERE available_on IS NULL "
        "OR available_on <= :today), 0)::bigint AS available_minor "
        "FROM provider_movements AS movement JOIN gateway_accounts USING (supplier_id, account_id) "
        "WHERE supplier_id = :supplier GROUP BY account_id, provider, live, movement.currency "
        "ORDER BY provider, account_id, movement.currency",
        today=today(),
    )
    return [AtProvider(**row) for row in rows]


def proofs(work: Work, held: Sequence[Position] | None = None) -> list[Proof]:
    """Every sum that two sources know, by currency; those with nothing on either side are left out.

    ``held`` is what the books say (:func:`positions`), where that is known already.
    """
    chart = accounts_on(today())
    books = {(each.account, each.currency): each.minor for each in (positions(work) if held is None else held)}
    found = []
    for what, name, sql in _PROOFS:
        other = {row["currency"]: row for row in work.rows(sql)}
        for currency in sorted(other.keys() | {each for account, each in books if account == chart[name]}):
            ours, theirs = books.get((chart[name], currency), 0), other.get(currency)
            told = (theirs["minor"], theirs["count"], theirs["at"]) if theirs else (0, 0, None)
            found.append(Proof(what, chart[name], currency, ours, *told))
    return sorted(found, key=lambda each: (each.currency != "EUR", each.currency))


def fees_by_month(work: Work) -> list[FeeMonth]:
    """Fees by month and currency, newest first."""
    rows = work.rows(
        "SELECT date_trunc('month', booked_on)::date AS month, currency, "
        "sum(debit_minor - credit_minor)::bigint AS fee_minor, count(DISTINCT entry_id) AS entries "
        "FROM postings JOIN entries USING (supplier_id, entry_id) WHERE supplier_id = :supplier "
        "AND account = :fees GROUP BY 1, 2 ORDER BY 1 DESC, 2 LIMIT :limit",
        fees=accounts_on(today())["fees"],
        limit=MONTHS * 2,
    )
    return [FeeMonth(**row) for row in rows]


def comparisons(work: Work, *, before: date | None = None, limit: int = 60) -> list[Comparison]:
    """Daily comparisons, newest first: one more than ``limit``."""
    rows = work.rows(
        f"{_COMPARED} WHERE supplier_id = :supplier AND kind <> 'opening' "
        "AND (CAST(:before AS date) IS NULL OR compared_on < :before) "
        "ORDER BY compared_on DESC, provider, account_id, currency, kind LIMIT :limit",
        before=before,
        limit=limit + 1,
    )
    return [Comparison(**row) for row in rows]


def last_comparisons(work: Work) -> list[Comparison]:
    """The newest comparison of every account, currency and kind; the opening balance is no comparison."""
    rows = work.rows(
        f"{_COMPARED.replace('SELECT', 'SELECT DISTINCT ON (account_id, currency, kind)', 1)} "
        "WHERE supplier_id = :supplier AND kind <> 'opening' ORDER BY account_id, currency, kind, compared_on DESC"
    )
    return [Comparison(**row) for row in rows]


_COMPARED = (
    "SELECT account_id, provider, live, compared_on, currency, kind, provider_count, provider_minor, books_count, "
    "books_minor, differing, compared_at FROM provider_comparisons "
    "JOIN gateway_accounts USING (supplier_id, account_id)"
)


_PROOFS = (
    (
        "clearing",
        "provider_clearing",
        (
            "SELECT currency, sum(gross_minor - CASE WHEN fee_booked_by IS NULL THEN 0 ELSE fee_minor END)::bigint "
            "AS minor, count(*) AS count, max(told_at) AS at "
            "FROM provider_movements WHERE supplier_id = :supplier GROUP BY currency"
        ),
    ),
    (
        "transfers",
        "transfers",
        (
            "SELECT currency, sum(amount_minor)::bigint AS minor, count(*) AS count, max(changed_at) AS at "
            "FROM payouts WHERE supplier_id = :supplier AND state IN ('on_its_way', 'paid') AND EXISTS (SELECT 1 "
            "FROM entries WHERE entries.supplier_id = :supplier AND source_kind = 'payout' "
            "AND source_ref = payout_ref) GROUP BY currency"
        ),
    ),
    (
        "bank",
        "bank",
        (
            "SELECT currency, sum(amount_minor)::bigint AS minor, count(*) AS count, max(changed_at) AS at "
            "FROM bank_lines WHERE supplier_id = :supplier AND state IN ('matched', 'proposed', 'unidentified', "
            "'payout', 'debits', 'returned', 'refunded') GROUP BY currency"
        ),
    ),
    (
        "contested",
        "contested",
        (
            "SELECT currency, sum(amount_minor)::bigint AS minor, count(*) AS count, max(changed_at) AS at "
            "FROM provider_disputes WHERE supplier_id = :supplier AND state IN ('open', 'answered') AND EXISTS ("
            "SELECT 1 FROM entries WHERE entries.supplier_id = :supplier AND source_kind = 'contested' "
            "AND source_ref = dispute_ref) GROUP BY currency"
        ),
    ),
    (
        "suspense",
        "suspense",
        (
            "SELECT currency, -sum(amount_minor)::bigint AS minor, count(*) AS count, max(changed_at) AS at "
            "FROM bank_lines WHERE supplier_id = :supplier AND state IN ('unidentified', 'proposed') "
            "AND amount_minor > 0 GROUP BY currency"
        ),
    ),
)
"""What is proved, on which account of the chart, and what the other source says of it (currency, minor, count, at)."""
