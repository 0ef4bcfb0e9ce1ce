"""Which platforms a supplier is connected to, with their secrets sealed at rest.

One account is active for all invoices, and perhaps one for those to public buyers alone. An earlier one stays open
until what it holds is settled: its flows are followed and its statuses are polled as before.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any

from config.clock import new_id, now
from einvoice.errors import EInvoiceError
from einvoice.platform.port import AccountClosedError
from einvoice.platform.settings import PlatformDriver, PlatformSettings
from receivables.store.work import to_json

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy import RowMapping

    from config.secrets import Keyring
    from receivables.store.work import Work

PURPOSE = "platform-account"
KEPT = ("client_id", "reporting", "organization_id", "scope", "proxy_url", "connect_timeout_s", "read_timeout_s")
"""Settings kept beside the driver; the secret is sealed in a column of its own."""
_BETWEEN = "\n"
"""Between two secrets that are sealed together; no secret that is typed holds it."""


@dataclass(frozen=True, slots=True)
class PlatformAccount:
    """A supplier's access to a platform."""

    account_id: UUID
    label: str
    settings: PlatformSettings


@dataclass(frozen=True, slots=True)
class Unsettled:
    """What still needs an account: flows on their way, and invoices that it has and that are not paid yet."""

    flows: int
    invoices: int

    def __bool__(self) -> bool:
        return bool(self.flows or self.invoices)


class AccountNotSettledError(EInvoiceError):
    """An account cannot be closed yet: ``platform.active`` or ``platform.not_settled``."""


def active_platform(work: Work, keyring: Keyring, *, serves: str = "all") -> PlatformAccount | None:
    """The active account that serves all, or public buyers alone; ``None`` where there is none."""
    row = work.row(
        f"{_ACCOUNT} AND active AND closed_at IS NULL AND serves = :serves",
        serves=serves,
    )
    return _account(row, keyring) if row else None


def platform_account(work: Work, keyring: Keyring, account_id: UUID) -> PlatformAccount:
    """One account of this supplier, active or not.

    Raises:
        AccountClosedError: a human closed it.
    """
    row = work.row(f"{_ACCOUNT} AND account_id = :account", account=account_id)
    assert row is not None  # noqa: S101 -- flows refer to it
    if row["closed_at"] is not None:
        raise AccountClosedError(row["label"])
    return _account(row, keyring)


_ACCOUNT = (
    "SELECT account_id, label, driver, serves, sealed_client_secret, closed_at FROM platform_accounts "
    "WHERE supplier_id = :supplier"
)


def _account(row: RowMapping, keyring: Keyring) -> PlatformAccount:
    kept = row["driver"]
    client_secret, _, technical_account = keyring.unseal(row["sealed_client_secret"], PURPOSE).partition(_BETWEEN)
    known = {field.name for field in fields(PlatformDriver)}
    settings = PlatformSettings(
        driver=PlatformDriver(**{name: value for name, value in kept["driver"].items() if name in known}),
        client_secret=client_secret,
        technical_account=technical_account or None,
        serves=row["serves"],
        **{name: kept[name] for name in KEPT if name in kept},
    )
    return PlatformAccount(row["account_id"], row["label"], settings)


def _seal(keyring: Keyring, settings: PlatformSettings) -> bytes:
    """The secrets of an account as one sealed text: the client's, and that of the technical account where one is."""
    return keyring.seal(_BETWEEN.join(filter(None, (settings.client_secret, settings.technical_account))), PURPOSE)


def connect_platform(work: Work, keyring: Keyring, label: str, settings: PlatformSettings) -> UUID:
    """Send new invoices here from now on; the account that served the same ones before is kept, inactive.

    Nothing that it has is issued or sent anew: its flows stay there and are followed.
    """
    work.execute(
        "UPDATE platform_accounts SET active = false WHERE supplier_id = :supplier AND active AND serves = :serves",
        serves=settings.serves,
    )
    account_id = new_id()
    kept: dict[str, Any] = {"driver": asdict(settings.driver), **{name: getattr(settings, name) for name in KEPT}}
    work.execute(
        "INSERT INTO platform_accounts (supplier_id, account_id, label, driver, serves, sealed_client_secret, "
        "created_at) VALUES (:supplier, :id, :label, CAST(:driver AS jsonb), :serves, :secret, :at)",
        id=account_id,
        label=label,
        driver=to_json(kept),
        serves=settings.serves,
        secret=_seal(keyring, settings),
        at=now(),
    )
    work.audit("staff", "platform.connected", str(account_id), label=label)
    return account_id


def accounts_to_follow(work: Work) -> list[UUID]:
    """Every account that may have news: the active ones, and earlier ones that have flows and are not closed."""
    rows = work.rows(
        "SELECT account_id FROM platform_accounts AS account WHERE supplier_id = :supplier AND closed_at IS NULL "
        "AND (active OR EXISTS (SELECT 1 FROM platform_flows AS flow WHERE flow.supplier_id = account.supplier_id "
        "AND flow.account_id = account.account_id)) ORDER BY active DESC, created_at"
    )
    return [row["account_id"] for row in rows]


def unsettled(work: Work, account_id: UUID) -> Unsettled:
    """What still needs an account."""
    flows = work.scalar(
        "SELECT count(*) FROM platform_flows WHERE supplier_id = :supplier AND account_id = :account "
        "AND state IN ('to_send', 'in_doubt', 'sent')",
        account=account_id,
    )
    invoices = work.scalar(
        "SELECT count(DISTINCT flow.invoice_id) FROM platform_flows AS flow JOIN receivable_items AS item "
        "USING (supplier_id, invoice_id) WHERE supplier_id = :supplier AND flow.account_id = :account "
        "AND flow.kind = 'invoice' AND flow.state = 'accepted' AND item.open_minor > 0",
        account=account_id,
    )
    return Unsettled(flows, invoices)


def close_account(work: Work, account_id: UUID, actor: str, *, though_unpaid: bool = False) -> None:
    """Ask nothing of an earlier account any more.

    Args:
        work: The supplier's transaction.
        account_id: The account to close.
        actor: Who closes it, for the audit trail.
        though_unpaid: Close it although invoices there are not paid: their receipts will wait for it to be reopened.

    Raises:
        AccountNotSettledError: it is the active one, or something still needs it.
    """
    if work.scalar(
        "SELECT active FROM platform_accounts WHERE supplier_id = :supplier AND account_id = :account FOR UPDATE",
        account=account_id,
    ):
        raise AccountNotSettledError(
            "platform.active",
            "This account sends the new invoices: connect another one before you close it.",
            "Ce compte envoie les nouvelles factures : raccordez-en un autre avant de le clore.",
        )
    left = unsettled(work, account_id)
    if left.flows or (left.invoices and not though_unpaid):
        raise AccountNotSettledError(
            "platform.not_settled",
            f"{left.flows} flow(s) are on their way there and {left.invoices} invoice(s) there are not paid yet: "
            "their statuses and receipts still need it.",
            f"{left.flows} flux y sont en cours et {left.invoices} facture(s) n'y sont pas soldées : leurs statuts et "
            "leurs encaissements en ont encore besoin.",
        )
    _set_closed(work, account_id, now())
    work.audit(actor, "platform.closed", str(account_id))


def renew_access(work: Work, keyring: Keyring, account_id: UUID, settings: PlatformSettings, actor: str) -> None:
    """Reach an account by another client, secret or setting from now on: what waits there goes on with it."""
    kept: dict[str, Any] = {"driver": asdict(settings.driver), **{name: getattr(settings, name) for name in KEPT}}
    work.execute(
        "UPDATE platform_accounts SET driver = CAST(:driver AS jsonb), sealed_client_secret = :secret "
        "WHERE supplier_id = :supplier AND account_id = :account AND closed_at IS NULL",
        account=account_id,
        driver=to_json(kept),
        secret=_seal(keyring, settings),
    )
    work.audit(actor, "platform.access_renewed", str(account_id))


def reopen_account(work: Work, account_id: UUID, actor: str) -> None:
    """Ask a closed account again, without making it the active one."""
    _set_closed(work, account_id, None)
    work.audit(actor, "platform.reopened", str(account_id))


def _set_closed(work: Work, account_id: UUID, closed_at: datetime | None) -> None:
    work.execute(
        "UPDATE platform_accounts SET closed_at = :closed WHERE supplier_id = :supplier AND account_id = :account",
        closed=closed_at,
        account=account_id,
    )
