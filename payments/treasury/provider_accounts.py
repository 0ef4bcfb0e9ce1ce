"""A supplier's accounts at payment providers as people see them: never a key, never a secret."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from payments.errors import PaymentError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from uuid import UUID

    from receivables.store.work import Work


@dataclass(frozen=True, slots=True)
class AccountSeen:
    """An account: ``rotating`` while two webhook secrets are good; ``open_payments`` may still succeed on it."""

    account_id: UUID
    provider: str
    live: bool
    base_url: str | None
    active: bool
    created_at: datetime
    rotated_at: datetime | None
    rotating: bool
    settings: Mapping[str, Any]
    open_payments: int
    booked_payments: int


def list_provider_accounts(work: Work) -> list[AccountSeen]:
    """Every account, the active one first."""
    rows = work.rows(
        "SELECT account_id, provider, live, base_url, active, created_at, secret_rotated_at AS rotated_at, "
        "sealed_previous_secret IS NOT NULL AS rotating, settings, "
        "coalesce(open_payments, 0) AS open_payments, coalesce(booked_payments, 0) AS booked_payments "
        "FROM gateway_accounts LEFT JOIN (SELECT account_id, "
        "count(*) FILTER (WHERE state IN ('created', 'open', 'processing')) AS open_payments, "
        "count(*) FILTER (WHERE state = 'succeeded') AS booked_payments FROM payment_attempts "
        "WHERE supplier_id = :supplier GROUP BY account_id) AS counted USING (account_id) "
        "WHERE supplier_id = :supplier ORDER BY active DESC, created_at DESC LIMIT 50"
    )
    return [AccountSeen(**row) for row in rows]


def find_provider_account(work: Work, account_id: UUID) -> AccountSeen | None:
    """One account."""
    return next((each for each in list_provider_accounts(work) if each.account_id == account_id), None)


def activate_account(work: Work, account_id: UUID, actor: str) -> None:
    """Be paid through this account from now on. Links stay good: they lead to our page, which asks who is active.

    Raises:
        PaymentError: ``payment.no_provider``.
    """
    if find_provider_account(work, account_id) is None:
        raise PaymentError(
            "payment.no_provider", "There is no such provider account.", "Ce compte de prestataire n'existe pas."
        )
    work.execute(
        "UPDATE gateway_accounts SET active = false WHERE supplier_id = :supplier AND active AND account_id <> :id",
        id=account_id,
    )
    moved = work.execute(
        "UPDATE gateway_accounts SET active = true WHERE supplier_id = :supplier AND account_id = :id AND NOT active",
        id=account_id,
    )
    if moved:
        work.audit(actor, "gateway_account.activated", str(account_id))
