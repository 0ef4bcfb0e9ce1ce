"""Which platform a supplier is connected to, with its secret sealed at rest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from config.clock import new_id, now
from einvoice.platform.settings import PlatformDriver, PlatformSettings
from receivables.store.work import to_json

if TYPE_CHECKING:
    from uuid import UUID

    from config.secrets import Keyring
    from receivables.store.work import Work

PURPOSE = "platform-account"


@dataclass(frozen=True, slots=True)
class PlatformAccount:
    """A supplier's access to its platform."""

    account_id: UUID
    label: str
    settings: PlatformSettings


def active_platform(work: Work, keyring: Keyring) -> PlatformAccount | None:
    """The platform of this supplier, or ``None`` where it is connected to none."""
    row = work.row(
        "SELECT account_id, label, driver, sealed_client_secret FROM platform_accounts "
        "WHERE supplier_id = :supplier AND active"
    )
    if row is None:
        return None
    driver = row["driver"]
    settings = PlatformSettings(
        driver=PlatformDriver(**driver["driver"]),
        client_id=driver["client_id"],
        client_secret=keyring.unseal(row["sealed_client_secret"], PURPOSE),
        organization_id=driver.get("organization_id"),
    )
    return PlatformAccount(row["account_id"], row["label"], settings)


def connect_platform(work: Work, keyring: Keyring, label: str, settings: PlatformSettings) -> UUID:
    """Make this the supplier's platform from now on; earlier ones are kept, inactive."""
    work.execute("UPDATE platform_accounts SET active = false WHERE supplier_id = :supplier AND active")
    account_id = new_id()
    driver = settings.driver
    work.execute(
        "INSERT INTO platform_accounts (supplier_id, account_id, label, driver, sealed_client_secret, created_at) "
        "VALUES (:supplier, :id, :label, CAST(:driver AS jsonb), :secret, :at)",
        id=account_id,
        label=label,
        driver=to_json(
            {
                "driver": {name: getattr(driver, name) for name in driver.__dataclass_fields__},
                "client_id": settings.client_id,
                "organization_id": settings.organization_id,
            }
        ),
        secret=keyring.seal(settings.client_secret, PURPOSE),
        at=now(),
    )
    work.audit("staff", "platform.connected", str(account_id), label=label)
    return account_id
