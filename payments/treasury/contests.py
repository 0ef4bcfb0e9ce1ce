"""Payers' complaints to their bank (chargebacks), with the payment, customer and invoices that each is about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from config.clock import now

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import RowMapping

    from receivables.store.work import Work

PAGE = 50
STATES_OF = {
    "open": ("open", "answered"),
    "won": ("won",),
    "lost": ("lost",),
    "all": ("open", "answered", "won", "lost"),
}
"""How the list may be narrowed."""


@dataclass(frozen=True, slots=True)
class ContestLine:
    """A complaint: ``taken_minor`` is what the provider holds back of it now (account 467)."""

    dispute_ref: str
    account_id: UUID
    provider: str
    live: bool
    payment_ref: str
    attempt_id: UUID | None
    customer_id: UUID | None
    customer_name: str | None
    method: str
    amount_minor: int
    currency: str
    reason: str
    state: str
    answer_until: datetime | None
    evidence_sha256: str | None
    answered_by: str | None
    opened_at: datetime
    changed_at: datetime
    taken_minor: int
    invoices: Sequence[tuple[UUID, str]]

    @property
    def is_waiting(self) -> bool:
        """Whether our answer is still of use."""
        return self.state == "open" and (self.answer_until is None or self.answer_until > now())


# CASE, not coalesce: with row-level security PostgreSQL uses no index on what it does not know to be free of leaks.
_CONTESTS = (
    "SELECT contest.dispute_ref, contest.account_id, account.provider, account.live, contest.payment_ref, "
    "attempt.attempt_id, attempt.customer_id, customer.name AS customer_name, coalesce(attempt.method, '') AS method, "
    "contest.amount_minor, contest.currency, contest.reason, contest.state, contest.answer_until, "
    "contest.evidence_sha256, contest.answered_by, contest.opened_at, contest.changed_at, "
    "(SELECT coalesce(sum(CASE source_kind WHEN 'contested' THEN 1 ELSE -1 END), 0) FROM entries "
    "WHERE entries.supplier_id = :supplier AND source_ref = contest.dispute_ref "
    "AND source_kind IN ('contested', 'contest_won', 'return'))::bigint * contest.amount_minor AS taken_minor, "
    "ARRAY(SELECT invoice_id::text || ' ' || number FROM reservations JOIN invoices USING (supplier_id, invoice_id) "
    "WHERE supplier_id = :supplier AND reservations.attempt_id = attempt.attempt_id ORDER BY number) AS invoices "
    "FROM provider_disputes AS contest "
    "JOIN gateway_accounts AS account ON account.supplier_id = :supplier AND account.account_id = contest.account_id "
    "LEFT JOIN LATERAL (SELECT item.attempt_id FROM receivable_items AS item WHERE item.supplier_id = :supplier "
    "AND item.kind = 'receipt' AND item.reference = contest.payment_ref LIMIT 1) AS paid ON true "
    "LEFT JOIN LATERAL (SELECT attempt_id, customer_id, method FROM payment_attempts WHERE supplier_id = :supplier "
    "AND attempt_id = CASE WHEN contest.attempt_id IS NULL THEN paid.attempt_id ELSE contest.attempt_id END LIMIT 1) "
    "AS attempt ON true "
    "LEFT JOIN customers AS customer ON customer.supplier_id = :supplier "
    "AND customer.customer_id = attempt.customer_id WHERE contest.supplier_id = :supplier "
)


def list_contests(
    work: Work, narrowed: str = "open", *, after: str | None = None, limit: int = PAGE
) -> list[ContestLine]:
    """Complaints, the first to be answered first: one more than ``limit``."""
    rows = work.rows(
        f"{_CONTESTS} AND contest.state = ANY(:states) AND (CAST(:after AS text) IS NULL OR "
        "(coalesce(contest.answer_until, 'infinity'), contest.dispute_ref) > (SELECT coalesce(answer_until, "
        "'infinity'), dispute_ref FROM provider_disputes WHERE supplier_id = :supplier AND dispute_ref = :after)) "
        "ORDER BY coalesce(contest.answer_until, 'infinity'), contest.dispute_ref LIMIT :limit",
        states=list(STATES_OF[narrowed]),
        after=after,
        limit=limit + 1,
    )
    return [_contest(row) for row in rows]


def find_contest(work: Work, dispute_ref: str) -> ContestLine | None:
    """One complaint."""
    row = work.row(f"{_CONTESTS} AND contest.dispute_ref = :ref", ref=dispute_ref)
    return _contest(row) if row else None


def contests_on_customer(work: Work, customer_id: UUID) -> list[ContestLine]:
    """The complaints of one customer that are open or lost, newest first, for whoever collects."""
    rows = work.rows(
        f"{_CONTESTS} AND attempt.customer_id = :customer AND contest.state <> 'won' "
        "ORDER BY contest.opened_at DESC LIMIT 20",
        customer=customer_id,
    )
    return [_contest(row) for row in rows]


def _contest(row: RowMapping) -> ContestLine:
    pairs = [each.split(" ", 1) for each in row["invoices"]]
    return ContestLine(**{**row, "invoices": tuple((UUID(given), number) for given, number in pairs)})
