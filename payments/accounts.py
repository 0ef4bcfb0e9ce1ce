"""Which provider a supplier is paid through: its keys sealed at rest, its settings, its webhook secrets in rotation."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from config.clock import new_id, now
from payments.errors import PaymentError
from receivables.store.work import to_json

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from config.secrets import Keyring
    from receivables.store.work import Work

PURPOSE = "gateway-account"
LONGEST_TAIL = timedelta(days=430)
"""What an account may still tell after the last payer was sent to it: an unauthorised SEPA debit is returned for up to
13 months, and a checkout stays open for a day."""
LIVE_MARKS, TEST_MARKS = ("sk_live_", "rk_live_"), ("sk_test_", "rk_test_")
"""How keys that name their mode begin; those of other providers do not."""


@dataclass(frozen=True, slots=True)
class GatewayAccount:
    """A supplier's account at a payment provider; ``webhook_secrets`` holds the current one and the one before.

    ``settings``: which methods are offered and within which limits (`payments.paying.methods`), and ``connect_account``
    where the key is a platform's that acts for a connected account.
    """

    account_id: UUID
    provider: str
    live: bool
    base_url: str | None
    key: str = field(repr=False)
    webhook_secrets: tuple[str, ...] = field(repr=False)
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def connect_account(self) -> str | None:
        """The connected account that our key acts for, or ``None`` where the key is the supplier's own."""
        return self.settings.get("connect_account")


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


def account_at(work: Work, provider: str) -> UUID | None:
    """The account whose webhooks come from this provider: the active one, or the last one before another took over.

    A supplier that changed provider still hears of what was paid through the former one.
    """
    account_id: UUID | None = work.scalar(
        "SELECT account_id FROM gateway_accounts WHERE supplier_id = :supplier AND provider = :provider "
        "ORDER BY active DESC, created_at DESC LIMIT 1",
        provider=provider,
    )
    return account_id


def active_account(
    work: Work, keyring: Keyring, account_id: UUID | None = None, *, at: str | None = None
) -> GatewayAccount:
    """The account through which this supplier is paid, or the one with ``account_id``, active or not.

    ``at`` a provider: the account there (see :func:`account_at`), where there is one.

    Raises:
        PaymentError: ``payment.no_provider``.
    """
    row = work.row(
        "SELECT account_id, provider, live, base_url, sealed_key, sealed_webhook_secret, sealed_previous_secret, "
        "settings FROM gateway_accounts WHERE supplier_id = :supplier "
        "AND (CAST(:id AS uuid) IS NULL AND (active OR provider = :provider) OR account_id = :id) "
        "ORDER BY provider = CAST(:provider AS text) DESC, active DESC, created_at DESC LIMIT 1",
        id=account_id,
        provider=at,
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
        row["settings"],
    )


def open_account(
    work: Work,
    keyring: Keyring,
    *,
    provider: str,
    key: str,
    webhook_secret: str,
    base_url: str | None,
    live: bool,
    settings: Mapping[str, Any] | None = None,
    actor: str = "staff",
) -> UUID:
    """Make this the account through which the supplier is paid from now on; earlier ones are kept, inactive.

    Raises:
        PaymentError: ``account.mode_mixed``: the key is for the other mode, or live money would go to another address
            than the provider's own.
    """
    check_mode(key, live=live, base_url=base_url)
    work.execute("UPDATE gateway_accounts SET active = false WHERE supplier_id = :supplier AND active")
    account_id = new_id()
    work.execute(
        "INSERT INTO gateway_accounts (supplier_id, account_id, provider, live, base_url, sealed_key, "
        "sealed_webhook_secret, settings, created_at) VALUES (:supplier, :id, :provider, :live, :base_url, :key, "
        ":secret, CAST(:settings AS jsonb), :at)",
        id=account_id,
        provider=provider,
        live=live,
        base_url=base_url,
        key=keyring.seal(key, PURPOSE),
        secret=keyring.seal(webhook_secret, PURPOSE),
        settings=to_json(settings or {}),
        at=now(),
    )
    work.audit(actor, "gateway_account.opened", str(account_id), provider=provider, live=live)
    return account_id


def check_mode(key: str, *, live: bool, base_url: str | None) -> None:
    """Test and live money never mix: between a key and its account, and between an account and an address.

    Raises:
        PaymentError: ``account.mode_mixed``.
    """
    if key.startswith(TEST_MARKS if live else LIVE_MARKS):
        raise PaymentError(
            "account.mode_mixed",
            f"The account is for {'live' if live else 'test'} money, but the key is for the other. Check the key.",
            f"Le compte est {'réel' if live else 'de test'}, mais la clé ne l'est pas. Vérifiez la clé.",
        )
    if live and base_url is not None:
        raise PaymentError(
            "account.mode_mixed",
            "A live account is only reached at its provider's own address: leave the address out, or use a test key.",
            "Un compte réel n'est joint qu'à l'adresse de son prestataire : retirez l'adresse, ou prenez une clé de "
            "test.",
        )


def change_settings(work: Work, account_id: UUID, changes: Mapping[str, Any], actor: str) -> None:
    """Change some settings of an account; ``None`` takes one away.

    Raises:
        PaymentError: ``payment.no_provider``.
    """
    settings = work.scalar(
        "SELECT settings FROM gateway_accounts WHERE supplier_id = :supplier AND account_id = :id FOR UPDATE",
        id=account_id,
    )
    if settings is None:
        raise _unknown_account()
    changed = {name: value for name, value in {**settings, **changes}.items() if value is not None}
    work.execute(
        "UPDATE gateway_accounts SET settings = CAST(:settings AS jsonb) "
        "WHERE supplier_id = :supplier AND account_id = :id",
        id=account_id,
        settings=to_json(changed),
    )
    work.audit(actor, "gateway_account.settings_changed", str(account_id), changed=sorted(changes))


def rotate_secret(work: Work, keyring: Keyring, account_id: UUID, new_secret: str, actor: str = "staff") -> None:
    """Take ``new_secret`` for webhooks from now on; the one before stays good until `forget_previous`.

    Raises:
        PaymentError: ``account.secret_blank``, ``account.secret_known`` (it is the one in use),
            ``account.secret_rotating`` (the one before is still good: forget it first), ``payment.no_provider``.
    """
    row = work.row(
        "SELECT sealed_webhook_secret, sealed_previous_secret FROM gateway_accounts "
        "WHERE supplier_id = :supplier AND account_id = :id FOR UPDATE",
        id=account_id,
    )
    if row is None:
        raise _unknown_account()
    _check_new_secret(
        new_secret, keyring.unseal(row["sealed_webhook_secret"], PURPOSE), row["sealed_previous_secret"] is not None
    )
    work.execute(
        "UPDATE gateway_accounts SET sealed_previous_secret = sealed_webhook_secret, sealed_webhook_secret = :secret, "
        "secret_rotated_at = :at WHERE supplier_id = :supplier AND account_id = :id",
        id=account_id,
        secret=keyring.seal(new_secret, PURPOSE),
        at=now(),
    )
    work.audit(actor, "gateway_account.secret_rotated", str(account_id))


def forget_previous(work: Work, account_id: UUID, actor: str = "staff") -> bool:
    """Drop the webhook secret before the current one; returns whether there was one."""
    dropped = work.execute(
        "UPDATE gateway_accounts SET sealed_previous_secret = NULL "
        "WHERE supplier_id = :supplier AND account_id = :id AND sealed_previous_secret IS NOT NULL",
        id=account_id,
    )
    if dropped:
        work.audit(actor, "gateway_account.previous_secret_dropped", str(account_id))
    return bool(dropped)


def _check_new_secret(new_secret: str, current: str, rotating: bool) -> None:  # noqa: FBT001 -- a fact, not a switch
    if not new_secret.strip():
        raise PaymentError(
            "account.secret_blank",
            "The webhook secret is empty. Copy it from the provider's dashboard.",
            "Le secret de signature est vide. Copiez-le depuis le tableau de bord du prestataire.",
        )
    if new_secret == current:
        raise PaymentError(
            "account.secret_known",
            "This webhook secret is the one in use. Roll it at the provider first, then give the new one here.",
            "Ce secret de signature est celui déjà utilisé. Renouvelez-le d'abord chez le prestataire.",
        )
    if rotating:
        raise PaymentError(
            "account.secret_rotating",
            "Two webhook secrets are live already. Drop the previous one before you give a third.",
            "Deux secrets de signature sont déjà actifs. Abandonnez l'ancien avant d'en donner un troisième.",
        )


def _unknown_account() -> PaymentError:
    return PaymentError(
        "payment.no_provider", "There is no such provider account.", "Ce compte de prestataire n'existe pas."
    )
