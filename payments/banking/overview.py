"""The bank beside the books: per account what it says last, what of it is ours, and what nobody explained."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from payments.banking.lines import IN_BOOKS, IN_SUSPENSE

if TYPE_CHECKING:
    from datetime import date
    from uuid import UUID

    from receivables.store.work import Work


@dataclass(frozen=True, slots=True)
class AccountStanding:
    """One of our accounts, in minor units.

    ``closing_minor`` is the bank's last balance, on ``to_on``; it is ``before_minor`` (what was there before the first
    statement) + ``ours_minor`` (on 512) + ``others_minor`` (not of customers) + ``gap_minor``, which nobody explained.
    """

    account: str
    currency: str
    statement_id: UUID | None
    to_on: date | None
    closing_minor: int | None
    before_minor: int
    ours_minor: int
    others_minor: int
    gap_minor: int
    waiting_minor: int
    waiting_lines: int


def account_standings(work: Work) -> list[AccountStanding]:
    """Every account that lines were kept of."""
    rows = work.rows(
        "WITH line AS (SELECT account, currency, booked_on, amount_minor, state FROM bank_lines "
        "WHERE supplier_id = :supplier AND state <> 'split'), told AS (SELECT DISTINCT ON (account, currency) account, "
        "currency, statement_id, to_on, closing_minor FROM statements WHERE supplier_id = :supplier "
        "AND closing_minor IS NOT NULL ORDER BY account, currency, to_on DESC, statement_id DESC), "
        "opened AS (SELECT DISTINCT ON (account, currency) account, currency, opening_minor FROM statements "
        "WHERE supplier_id = :supplier AND opening_minor IS NOT NULL "
        "ORDER BY account, currency, from_on, statement_id) "
        "SELECT line.account, line.currency, told.statement_id, told.to_on, told.closing_minor, "
        "coalesce(max(opened.opening_minor), 0)::bigint AS before_minor, "
        "coalesce(sum(amount_minor) FILTER (WHERE state = ANY(:ours) AND (told.to_on IS NULL OR booked_on <= told.to_on"
        ")), 0)::bigint AS ours_minor, coalesce(sum(amount_minor) FILTER (WHERE state <> ALL(:ours) "
        "AND (told.to_on IS NULL OR booked_on <= told.to_on)), 0)::bigint AS others_minor, "
        "coalesce(sum(amount_minor) FILTER (WHERE state = ANY(:waiting)), 0)::bigint AS waiting_minor, "
        "count(*) FILTER (WHERE state = ANY(:waiting)) AS waiting_lines, max(opened.opening_minor) AS known_before "
        "FROM line LEFT JOIN told USING (account, currency) LEFT JOIN opened USING (account, currency) "
        "GROUP BY line.account, line.currency, told.statement_id, told.to_on, told.closing_minor "
        "ORDER BY line.account, line.currency",
        ours=sorted(IN_BOOKS),
        waiting=sorted(IN_SUSPENSE),
    )
    found = []
    for row in rows:
        explained = row["before_minor"] + row["ours_minor"] + row["others_minor"]
        known = row["closing_minor"] is not None and row["known_before"] is not None
        found.append(
            AccountStanding(
                gap_minor=row["closing_minor"] - explained if known else 0,
                **{name: value for name, value in row.items() if name != "known_before"},
            )
        )
    return found


def lines_by_state(work: Work) -> dict[str, int]:
    """How many lines are what."""
    rows = work.rows("SELECT state, count(*) AS lines FROM bank_lines WHERE supplier_id = :supplier GROUP BY state")
    return {row["state"]: row["lines"] for row in rows}


def invoices_of_attempts(work: Work, attempt_ids: list[UUID]) -> dict[UUID, list[tuple[UUID, str, int, str]]]:
    """What payments pay now: invoice, number, minor units and currency, by attempt."""
    rows = work.rows(
        "SELECT receipt.attempt_id, claim.invoice_id, invoice.number, sum(allocation.amount_minor)::bigint AS minor, "
        "claim.currency FROM receivable_items AS receipt JOIN allocations AS allocation "
        "ON allocation.supplier_id = :supplier AND allocation.credit_posting_id = receipt.posting_id "
        "JOIN receivable_items AS claim ON claim.supplier_id = :supplier "
        "AND claim.posting_id = allocation.debit_posting_id JOIN invoices AS invoice "
        "ON invoice.supplier_id = :supplier AND invoice.invoice_id = claim.invoice_id "
        "WHERE receipt.supplier_id = :supplier AND receipt.kind = 'receipt' AND receipt.attempt_id = ANY(:ids) "
        "GROUP BY 1, 2, 3, 5 HAVING sum(allocation.amount_minor) <> 0 ORDER BY invoice.number",
        ids=attempt_ids,
    )
    found: dict[UUID, list[tuple[UUID, str, int, str]]] = {}
    for row in rows:
        told = (row["invoice_id"], row["number"], row["minor"], row["currency"])
        found.setdefault(row["attempt_id"], []).append(told)
    return found


def entries_of_line(work: Work, line_id: UUID, references: list[str]) -> list[dict[str, object]]:
    """Entries of the books behind a line, line by line: journal, day, account, debit, credit, lettering."""
    rows = work.rows(
        "SELECT entry.entry_id, entry.journal, entry.booked_on, entry.source_kind, entry.label, posting.account, "
        "posting.debit_minor, posting.credit_minor, posting.currency, joined.code FROM entries AS entry "
        "JOIN postings AS posting USING (supplier_id, entry_id) LEFT JOIN receivable_items AS item "
        "ON item.supplier_id = :supplier AND item.posting_id = posting.posting_id LEFT JOIN letterings AS joined "
        "ON joined.supplier_id = :supplier AND joined.lettering_id = item.lettering_id "
        "WHERE entry.supplier_id = :supplier AND (entry.source_ref LIKE :like OR entry.source_ref = ANY(:refs)) "
        "ORDER BY entry.created_at, entry.entry_id, posting.credit_minor, posting.account LIMIT 200",
        like=f"line:{line_id}%",
        refs=references,
    )
    return [dict(row) for row in rows]
