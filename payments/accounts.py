"""Which provider a supplier is paid through, with its keys sealed at rest."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from config.clock import new_id, now
from payments.errors import PaymentError

if TYPE_CHECKING:
    from uuid import UUID

    from config.secrets import Keyring
    from receivables.store.work import Work

PURPOSE = "gateway-account"
LONGEST_TAIL = timedelta(days=430)
"""What an account may still tell after the last payer was sent to it: an unauthorised SEPA debit is returned for up to
13 months, and a checkout stays open for a day."""


@dataclass(frozen=True, slots=True)
class GatewayAccount:
    """A supplier's account at a payment provider; ``webhook_secrets`` holds the current one and the one before."""

    account_id: UUID
    provider: str
    live: bool
    base_url: str | None
    key: str
    webhook_secrets: tuple[str, ...]


def accounts_to_ask(work: Work) -> list[UUID]:
    """The active account, then earlier ones whose payments may still succeed, be refunded or come back."""
    rows = work.rows(
        "SELECT account_id FROM gateway_accounts AS account WHERE supplier_id = :supplier AND (active OR EXISTS ("
        "SELECT 1 FROM payment_attempts AS attempt WHERE attempt.supplier_id = :supplier "
        "AND attempt.account_id = account.account_id AND attempt.created_at > :since)) "
        "ORDER BY active DESC, created_at DESC",
        since=now() - LONGEST_TAIL,
    )
    return [row["account_id"] for row in rows]


def active_account(work: Work, keyring: Keyring, account_id: UUID | None = None) -> GatewayAccount:
    """The account through which this supplier is paid, or the one with ``account_id``, active or not.

    Raises:
        PaymentError: ``payment.no_provider``.
    """
    row = work.row(
        "SELECT account_id, provider, live, base_url, sealed_key, sealed_webhook_secret, sealed_previous_secret "
        "FROM gateway_accounts WHERE supplier_id = :supplier "
        "AND (CAST(:id AS uuid) IS NULL AND active OR account_id = :id)",
        id=account_id,
    )
    if row is None:
        raise PaymentError(
            "payment.no_provider",
            "This supplier takes no online payments yet. Please pay by bank transfer.",
            "Ce fournisseur n'accepte pas encore le paiement en ligne. Merci de payer par virement.",
        )
    secrets = [row["sealed_webhook_secret"], row["sealed_previous_secret"]]
    return GatewayAccount(
        row["account_id"],
        row["provider"],
        row["live"],
        row["base_url"],
        keyring.unseal(row["sealed_key"], PURPOSE),
        tuple(keyring.unseal(each, PURPOSE) for each in secrets if each is not None),
    )


def open_account(
    work: Work, keyring: Keyring, *, provider: str, key: str, webhook_secret: str, base_url: str | None, live: bool
) -> UUID:
    """Make this the account through which the supplier is paid from now on; earlier ones are kept, inactive."""
    work.execute("UPDATE gateway_accounts SET active = false WHERE supplier_id = :supplier AND active")
    account_id = new_id()
    work.execute(
        "INSERT INTO gateway_accounts (supplier_id, account_id, provider, live, base_url, sealed_key, "
        "sealed_webhook_secret, created_at) VALUES (:supplier, :id, :provider, :live, :base_url, :key, :secret, :at)",
        id=account_id,
        provider=provider,
        live=live,
        base_url=base_url,
        key=keyring.seal(key, PURPOSE),
        secret=keyring.seal(webhook_secret, PURPOSE),
        at=now(),
    )
    work.audit("staff", "gateway_account.opened", str(account_id), provider=provider, live=live)
    return account_id
