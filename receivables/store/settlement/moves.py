"""Moved credits in PostgreSQL."""

from __future__ import annotations

from typing import TYPE_CHECKING

from config.clock import now
from receivables.domain.settlement.moves import Move

if TYPE_CHECKING:
    from collections.abc import Collection
    from uuid import UUID

    from receivables.store.work import Work

_MOVE = (
    "SELECT move_id, from_attempt, to_attempt, from_customer, to_customer, move.amount_minor, move.currency, "
    "into_minor, into_currency, books_minor, reason, actor, receipt.reference AS payment_ref "
    "FROM moved_credits AS move JOIN receivable_items AS receipt ON receipt.supplier_id = :supplier "
    "AND receipt.attempt_id = move.from_attempt AND receipt.kind = 'receipt' AND receipt.currency = move.currency "
    "WHERE move.supplier_id = :supplier AND NOT EXISTS (SELECT 1 FROM entries WHERE entries.supplier_id = :supplier "
    "AND source_kind = 'return_failed' AND source_ref = 'move/' || move_id) "
)
"""Moves that stand."""


def insert_move(work: Work, move: Move) -> None:
    """Keep a move, before its facts are recorded."""
    work.execute(
        "INSERT INTO moved_credits (supplier_id, move_id, from_attempt, to_attempt, from_customer, to_customer, "
        "amount_minor, currency, into_minor, into_currency, books_minor, reason, actor, moved_at) "
        "VALUES (:supplier, :move, :source, :target, :giver, :taker, :amount, :currency, :into, :into_currency, "
        ":books, :reason, :actor, :at)",
        move=move.move_id,
        source=move.from_attempt,
        target=move.to_attempt,
        giver=move.from_customer,
        taker=move.to_customer,
        amount=move.amount_minor,
        currency=move.currency,
        into=move.into_minor,
        into_currency=move.into_currency,
        books=move.books_minor,
        reason=move.reason,
        actor=move.actor,
        at=now(),
    )


def find_move(work: Work, move_id: UUID) -> Move | None:
    """One move that stands."""
    row = work.row(_MOVE + "AND move_id = :move", move=move_id)
    return Move(**row) if row else None


def moves_from(work: Work, attempt_ids: Collection[UUID]) -> list[Move]:
    """The moves that stand of the credit of these payments, the newest first."""
    rows = work.rows(_MOVE + "AND from_attempt = ANY(:ids) ORDER BY move_id DESC", ids=list(attempt_ids))
    return [Move(**row) for row in rows]


def moves_of_customer(work: Work, customer_id: UUID) -> list[Move]:
    """The moves that stand to or from the account of a customer, the newest first."""
    rows = work.rows(
        _MOVE + "AND :customer IN (from_customer, to_customer) ORDER BY move_id DESC", customer=customer_id
    )
    return [Move(**row) for row in rows]
