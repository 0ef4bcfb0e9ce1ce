"""Lines of the former books in PostgreSQL: added once, read by customer or by piece, never part of any sum of ours."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from receivables.store.customer_file.customers import ALIAS_STANDS

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import date
    from uuid import UUID

    from sqlalchemy import RowMapping

    from receivables.store.measuring.scopes import Scope
    from receivables.store.work import Work

PAGE = 50
STANDING = (
    "EXISTS (SELECT 1 FROM openings AS opening WHERE opening.supplier_id = :supplier "
    "AND opening.opening_id = former.opening_id AND opening.state = 'booked')"
)
"""The opening that brought the line was not undone."""
KNOWN_THEN = (
    "former.taken_at < :until AND EXISTS (SELECT 1 FROM openings AS opening WHERE opening.supplier_id = :supplier "
    "AND opening.opening_id = former.opening_id AND (opening.undone_at IS NULL OR opening.undone_at >= :until))"
)
"""The same at an instant ``:until``: taken over by then, and not undone yet."""


@dataclass(frozen=True, slots=True)
class FormerTotals:
    """What a customer's former lines come to: lines, letters, and how late the paid invoices were, by amounts."""

    lines: int
    letters: int
    paid: int
    weighed_days: int
    weighed_minor: int
    until: date | None
    """The day of the opening that brought them, the latest where there are several."""

    @property
    def late_days(self) -> int | None:
        """Days late on average, weighted by amounts; early money counts as in time."""
        return self.weighed_days // self.weighed_minor if self.weighed_minor else None


def compact_of(piece: str) -> str:
    """A piece's number as it is looked for: letters and digits alone."""
    return re.sub(r"[^A-Z0-9]", "", piece.upper())


def last_of(piece: str) -> str:
    """After every piece that begins so, in any order of letters."""
    return compact_of(piece) + "Z" * 10


def standing_marks(work: Work, marks: Collection[str]) -> set[str]:
    """Which of these fingerprints stand already, brought by an opening that was not undone."""
    rows = work.rows(
        "SELECT fingerprint FROM former_lines AS former WHERE supplier_id = :supplier "
        f"AND fingerprint = ANY(:marks) AND {STANDING}",
        marks=sorted(marks),
    )
    return {row["fingerprint"] for row in rows}


def customers_named(work: Work, names: Collection[str]) -> dict[str, UUID]:
    """Customers by lower-case name, where one alone has it and no account of before stands for it."""
    rows = work.rows(
        "SELECT lower(name) AS name, (array_agg(customer_id))[1] AS customer_id FROM customers "
        "WHERE supplier_id = :supplier AND lower(name) = ANY(:names) AND NOT EXISTS (SELECT 1 FROM customer_aliases "
        "AS alias WHERE alias.supplier_id = :supplier AND alias.customer_id = customers.customer_id "
        f"AND {ALIAS_STANDS}) "
        "GROUP BY 1 HAVING count(*) = 1",
        names=sorted({name.lower() for name in names}),
    )
    return {row["name"]: row["customer_id"] for row in rows}


def former_lines(
    work: Work,
    *,
    customer_id: UUID | None = None,
    opening_id: UUID | None = None,
    piece: str = "",
    uneven: bool = False,
    after: UUID | None = None,
) -> tuple[list[RowMapping], bool]:
    """Lines of one customer or of one opening, newest first, those behind line ``after``; and whether there are more.

    ``piece`` is the beginning of a piece's number; ``uneven`` leaves only letters that do not come to zero.
    """
    rows = work.rows(
        "SELECT line_id, customer_id, (SELECT name FROM customers AS customer WHERE customer.supplier_id = :supplier "
        "AND customer.customer_id = former.customer_id) AS customer, account, day, due_on, due_told, kind, piece, "
        "label, debit_minor, credit_minor, currency, letters, lettered_on, gap_minor FROM former_lines AS former "
        f"WHERE supplier_id = :supplier AND {STANDING} "
        "AND (CAST(:customer AS uuid) IS NULL OR customer_id = :customer) "
        "AND (CAST(:opening AS uuid) IS NULL OR opening_id = :opening) "
        "AND (:compact = '' OR compact_piece >= :compact AND compact_piece <= :last) "
        "AND (NOT :uneven OR gap_minor <> 0) AND (CAST(:after AS uuid) IS NULL OR (day, line_id) < "
        "(SELECT day, line_id FROM former_lines WHERE supplier_id = :supplier AND line_id = :after)) "
        "ORDER BY day DESC, line_id DESC LIMIT :most",
        customer=customer_id,
        opening=opening_id,
        compact=compact_of(piece),
        last=last_of(piece),
        uneven=uneven,
        after=after,
        most=PAGE + 1,
    )
    return list(rows[:PAGE]), len(rows) > PAGE


def former_totals(work: Work, customer_id: UUID) -> FormerTotals:
    """What a customer's former lines come to."""
    row = work.row(
        "SELECT count(*) AS lines, count(DISTINCT group_id) AS letters, max((SELECT opened_on FROM openings AS opening "
        "WHERE opening.supplier_id = :supplier AND opening.opening_id = former.opening_id)) AS until, "
        "(SELECT count(DISTINCT former.line_id) FROM former_payments AS former WHERE former.supplier_id = :supplier "
        f"AND former.customer_id = :customer AND {STANDING}) AS paid, "
        "(SELECT coalesce(sum(amount_minor * greatest(paid_on - due_on, 0)), 0)::bigint FROM former_payments AS former "
        f"WHERE former.supplier_id = :supplier AND former.customer_id = :customer AND {STANDING}) AS weighed_days, "
        "(SELECT coalesce(sum(amount_minor), 0)::bigint FROM former_payments AS former "
        f"WHERE former.supplier_id = :supplier AND former.customer_id = :customer AND {STANDING}) AS weighed_minor "
        f"FROM former_lines AS former WHERE supplier_id = :supplier AND customer_id = :customer AND {STANDING}",
        customer=customer_id,
    )
    assert row is not None  # noqa: S101 -- a count without groups has one row
    return FormerTotals(**row)


def count_former(work: Work, opening_id: UUID) -> RowMapping:
    """How much history an opening brought: lines, letters, customers, and letters that do not come to zero."""
    row = work.row(
        "SELECT count(*) AS lines, count(DISTINCT group_id) AS letters, count(DISTINCT customer_id) AS customers, "
        "count(DISTINCT group_id) FILTER (WHERE gap_minor <> 0) AS uneven FROM former_lines "
        "WHERE supplier_id = :supplier AND opening_id = :opening",
        opening=opening_id,
    )
    assert row is not None  # noqa: S101 -- a count without groups has one row
    return row


def former_delays(work: Work, scope: Scope) -> list[tuple[UUID, int]]:
    """Customer and days after the due day of every payment of a former invoice in the period, as known on its day."""
    rows = work.rows(
        "SELECT customer_id, paid_on - due_on AS days FROM (SELECT * FROM former_payments AS former "
        "WHERE former.supplier_id = :supplier AND former.currency = :currency "
        f"AND former.paid_on BETWEEN :since AND :on AND {KNOWN_THEN}) AS line WHERE true{scope.whose('paid')}",
        **scope.values(),
    )
    return [(row["customer_id"], row["days"]) for row in rows]
