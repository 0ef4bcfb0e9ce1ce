"""Letterings in PostgreSQL: codes that are never reused within their account and year."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from receivables.store.work import to_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date

    from receivables.store.work import Work

Series = tuple[UUID, int, bool]
"""(customer, year, balanced): upper and lower case are two series."""


@dataclass(frozen=True, slots=True)
class Lettering:
    """A lettering that stands."""

    lettering_id: UUID
    code: str
    balanced: bool


def load_letterings(work: Work, lettering_ids: Iterable[UUID]) -> dict[UUID, Lettering]:
    """The letterings with these ids."""
    rows = work.rows(
        "SELECT lettering_id, code, balanced FROM letterings WHERE supplier_id = :supplier "
        "AND lettering_id = ANY(:ids)",
        ids=list(lettering_ids),
    )
    return {row["lettering_id"]: Lettering(**row) for row in rows}


def count_letters(work: Work, wanted: Sequence[Series]) -> Counter[Series]:
    """Take as many codes of each series as ``wanted`` names it; returns how many were taken before."""
    if not wanted:
        return Counter()
    amounts = Counter(wanted)
    keys = {(customer, year) for customer, year, _ in amounts}
    rows = [
        {
            "customer_id": customer,
            "year": year,
            "balanced": amounts[customer, year, True],
            "partial": amounts[customer, year, False],
        }
        for customer, year in sorted(keys)
    ]
    after = work.rows(
        "INSERT INTO letter_counters AS counter (supplier_id, customer_id, year, balanced, partial) "
        "SELECT :supplier, customer_id, year, balanced, partial FROM jsonb_to_recordset(CAST(:rows AS jsonb)) "
        "AS given (customer_id uuid, year integer, balanced integer, partial integer) "
        "ON CONFLICT (supplier_id, customer_id, year) DO UPDATE SET "
        "balanced = counter.balanced + excluded.balanced, partial = counter.partial + excluded.partial "
        "RETURNING customer_id, year, balanced, partial",
        rows=to_json(rows),
    )
    before: Counter[Series] = Counter()
    for row in after:
        for balanced, count in ((True, row["balanced"]), (False, row["partial"])):
            key = (row["customer_id"], row["year"], balanced)
            before[key] = count - amounts[key]
    return before


def write_letterings(
    work: Work, letterings: Sequence[dict[str, Any]], lines: Sequence[dict[str, Any]], ends: Sequence[dict[str, Any]]
) -> None:
    """Append what began, what joined and what ended."""
    work.insert("letterings", letterings)
    work.insert("lettering_lines", lines)
    work.insert("lettering_ends", ends)


@dataclass(frozen=True, slots=True)
class LetteredPair:
    """An invoice and what settles part of it, as they are lettered now, in minor units."""

    code: str | None
    balanced: bool
    lettered_on: date | None
    invoice_id: UUID
    number: str
    credit_kind: str
    credit_reference: str
    attempt_id: UUID | None
    credit_note_id: UUID | None
    minor: int
    currency: str


def lettered_pairs(work: Work, customer_id: UUID, *, limit: int) -> list[LetteredPair]:
    """What is lettered on an account by payments and credit notes, the newest lettering first."""
    rows = work.rows(
        "SELECT lettering.code, coalesce(lettering.balanced, false) AS balanced, lettering.lettered_on, "
        "debit.invoice_id, debit.reference AS number, credit.kind AS credit_kind, "
        "credit.reference AS credit_reference, credit.attempt_id, "
        "CASE WHEN credit.kind = 'credit_note' THEN credit.invoice_id END AS credit_note_id, pair.minor, "
        "debit.currency FROM (SELECT debit_posting_id, credit_posting_id, sum(amount_minor)::bigint AS minor, "
        "max(created_at) AS at FROM allocations WHERE supplier_id = :supplier AND customer_id = :customer "
        "GROUP BY 1, 2 HAVING sum(amount_minor) > 0) AS pair "
        "JOIN receivable_items AS debit ON debit.supplier_id = :supplier "
        "AND debit.posting_id = pair.debit_posting_id AND debit.kind = 'invoice' "
        "JOIN receivable_items AS credit ON credit.supplier_id = :supplier "
        "AND credit.posting_id = pair.credit_posting_id AND credit.kind IN ('receipt', 'credit_note') "
        "LEFT JOIN letterings AS lettering ON lettering.supplier_id = :supplier "
        "AND lettering.lettering_id = debit.lettering_id ORDER BY pair.at DESC, number LIMIT :limit",
        customer=customer_id,
        limit=limit,
    )
    return [LetteredPair(**row) for row in rows]
