"""Payouts, and every movement that each of them is made of, with the payment, customer and invoices behind it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime
    from uuid import UUID

    from sqlalchemy import RowMapping

    from receivables.store.work import Work

PAGE = 50
STATES = ("on_its_way", "paid", "banked", "failed")


@dataclass(frozen=True, slots=True)
class PayoutLine:
    """A payout: ``amount_minor`` is what reaches the bank, ``gap_minor`` what its movements do not explain."""

    payout_ref: str
    account_id: UUID
    provider: str
    live: bool
    amount_minor: int
    fee_minor: int
    currency: str
    state: str
    automatic: bool
    arrival_on: date
    descriptor: str | None
    line_id: UUID | None
    gap_minor: int | None
    changed_at: datetime
    movements: int
    gross_minor: int


@dataclass(frozen=True, slots=True)
class MovementLine:
    """A movement at the provider; ``net_minor`` is what it adds to the payout."""

    movement_ref: str
    kind: str
    object_ref: str
    gross_minor: int
    fee_minor: int
    currency: str
    payout_ref: str | None
    moved_at: datetime
    available_on: date | None
    attempt_id: UUID | None
    customer_id: UUID | None
    customer_name: str | None
    invoices: Sequence[str]

    @property
    def net_minor(self) -> int:
        """Gross less fee."""
        return self.gross_minor - self.fee_minor


@dataclass(frozen=True, slots=True)
class BankLineSeen:
    """The line of the bank's statement on which a payout or a payment arrived."""

    line_id: UUID
    account: str
    booked_on: date
    amount_minor: int
    currency: str
    counterparty: str
    remittance: str


_PAYOUTS = (
    "SELECT payout.payout_ref, payout.account_id, provider, live, payout.amount_minor, payout.fee_minor, "
    "payout.currency, payout.state, automatic, arrival_on, descriptor, line_id, gap_minor, changed_at, "
    "(SELECT count(*) FROM provider_movements AS movement WHERE movement.supplier_id = :supplier "
    "AND movement.payout_ref = payout.payout_ref AND movement.kind NOT IN ('payout', 'payout_failed')) AS movements, "
    "(SELECT coalesce(sum(gross_minor), 0)::bigint FROM provider_movements AS movement "
    "WHERE movement.supplier_id = :supplier AND movement.payout_ref = payout.payout_ref "
    "AND movement.kind NOT IN ('payout', 'payout_failed')) AS gross_minor "
    "FROM payouts AS payout JOIN gateway_accounts USING (supplier_id, account_id) WHERE supplier_id = :supplier "
)
_MOVEMENTS = (
    "SELECT movement.movement_ref, movement.kind, movement.object_ref, movement.gross_minor, movement.fee_minor, "
    "movement.currency, movement.payout_ref, movement.moved_at, movement.available_on, attempt.attempt_id, "
    "attempt.customer_id, customer.name AS customer_name, "
    "ARRAY(SELECT number FROM reservations JOIN invoices USING (supplier_id, invoice_id) "
    "WHERE supplier_id = :supplier AND reservations.attempt_id = attempt.attempt_id ORDER BY number) AS invoices "
    "FROM provider_movements AS movement "
    "LEFT JOIN LATERAL (SELECT item.attempt_id FROM receivable_items AS item WHERE item.supplier_id = :supplier "
    "AND item.attempt_id IS NOT NULL AND item.reference IN (movement.object_ref, "
    "(SELECT payment_ref FROM provider_disputes AS contest WHERE contest.supplier_id = :supplier "
    "AND contest.dispute_ref = movement.object_ref)) LIMIT 1) AS item ON true "
    "LEFT JOIN payment_attempts AS attempt ON attempt.supplier_id = :supplier "
    "AND attempt.attempt_id = item.attempt_id "
    "LEFT JOIN customers AS customer ON customer.supplier_id = :supplier "
    "AND customer.customer_id = attempt.customer_id WHERE movement.supplier_id = :supplier "
)


def list_payouts(
    work: Work, *, state: str | None = None, after: str | None = None, limit: int = PAGE
) -> list[PayoutLine]:
    """Payouts, the last to arrive first: one more than ``limit``."""
    rows = work.rows(
        f"{_PAYOUTS} AND (CAST(:state AS text) IS NULL OR payout.state = :state) "
        "AND (CAST(:after AS text) IS NULL OR (arrival_on, payout_ref) < (SELECT arrival_on, payout_ref FROM payouts "
        "WHERE supplier_id = :supplier AND payout_ref = :after)) "
        "ORDER BY arrival_on DESC, payout_ref DESC LIMIT :limit",
        state=state,
        after=after,
        limit=limit + 1,
    )
    return [PayoutLine(**row) for row in rows]


def find_payout(work: Work, payout_ref: str) -> PayoutLine | None:
    """One payout."""
    row = work.row(f"{_PAYOUTS} AND payout_ref = :ref", ref=payout_ref)
    return PayoutLine(**row) if row else None


def movements_in(
    work: Work, payout_ref: str, *, after: str | None = None, limit: int | None = PAGE
) -> list[MovementLine]:
    """What a payout is made of, in the order of their references: one more than ``limit``, or all of it."""
    rows = work.rows(
        f"{_MOVEMENTS} AND movement.payout_ref = :ref AND movement.kind NOT IN ('payout', 'payout_failed') "
        "AND (CAST(:after AS text) IS NULL OR movement.movement_ref > :after) "
        "ORDER BY movement.movement_ref LIMIT :limit",
        ref=payout_ref,
        after=after,
        limit=None if limit is None else limit + 1,
    )
    return [_movement(row) for row in rows]


def movements_on(work: Work, references: Sequence[str]) -> list[MovementLine]:
    """Movements of these payments, refunds and disputes, oldest first."""
    rows = work.rows(
        f"{_MOVEMENTS} AND movement.object_ref = ANY(:refs) ORDER BY movement.moved_at, movement.movement_ref",
        refs=list(references),
    )
    return [_movement(row) for row in rows]


def bank_line(work: Work, line_id: UUID | None) -> BankLineSeen | None:
    """A line of the bank's."""
    row = work.row(
        "SELECT line_id, account, booked_on, amount_minor, currency, counterparty, remittance FROM bank_lines "
        "WHERE supplier_id = :supplier AND line_id = :id",
        id=line_id,
    )
    return BankLineSeen(**row) if row else None


def _movement(row: RowMapping) -> MovementLine:
    return MovementLine(**{**row, "invoices": tuple(row["invoices"])})
