"""The supplier's accounts at agencies and insurers: keys sealed at rest, addresses guarded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from config.clock import new_id, now
from config.outgoing import AddressRefusedError, Reach, check_url
from portal.agencies.calls import BureauClient
from portal.agencies.driver import BureauError, driver_named

if TYPE_CHECKING:
    from uuid import UUID

    from portal.agencies.driver import Driver
    from portal.wiring import Services
    from receivables.store.work import Work

SEAL = "bureau-account"


@dataclass(frozen=True, slots=True)
class BureauAccount:
    """An account, without its key."""

    account_id: UUID
    driver: str
    base_url: str


def accounts_at(work: Work, purpose: str) -> dict[str, BureauAccount]:
    """The active accounts of a purpose, by driver."""
    rows = work.rows(
        "SELECT account_id, driver, base_url FROM bureau_accounts WHERE supplier_id = :supplier "
        "AND purpose = :purpose AND active ORDER BY driver",
        purpose=purpose,
    )
    return {row["driver"]: BureauAccount(**row) for row in rows}


def open_account(  # noqa: PLR0917 -- an account has this many facts
    services: Services, work: Work, purpose: str, driver_name: str, base_url: str, key: str, actor: str
) -> None:
    """Keep the account at an agency or insurer; an earlier one there is left.

    Raises:
        BureauError: ``bureau.unknown_driver``, ``bureau.files_only``, ``bureau.no_key``, ``bureau.wrong_url`` or
            ``bureau.address_refused``.
    """
    driver = driver_named(purpose, driver_name)
    url = base_url.strip() or (driver.web.live_url if driver.web else "")
    if not key.strip():
        raise BureauError(
            "bureau.no_key", "Enter the key of your contract.", "Saisissez la clé prévue par votre contrat."
        )
    BureauClient(driver, url, key, services.reach)
    _check_url(services, url)
    close_account(work, purpose, driver_name, actor)
    at = now()
    work.execute(
        "INSERT INTO bureau_accounts (supplier_id, account_id, purpose, driver, base_url, sealed_key, opened_by, "
        "opened_at, changed_at) VALUES (:supplier, :account, :purpose, :driver, :url, :sealed, :actor, :at, :at)",
        account=new_id(),
        purpose=purpose,
        driver=driver_name,
        url=url,
        sealed=services.keyring.seal(key.strip(), SEAL),
        actor=actor,
        at=at,
    )
    work.audit(actor, "bureau.connected", driver_name, purpose=purpose, url=url)


def close_account(work: Work, purpose: str, driver_name: str, actor: str) -> None:
    """Leave an account; nothing happens where there is none."""
    left = work.execute(
        "UPDATE bureau_accounts SET active = false, changed_at = :at WHERE supplier_id = :supplier "
        "AND purpose = :purpose AND driver = :driver AND active",
        purpose=purpose,
        driver=driver_name,
        at=now(),
    )
    if left:
        work.audit(actor, "bureau.disconnected", driver_name, purpose=purpose)


def open_client(services: Services, work: Work, purpose: str, driver: Driver) -> BureauClient:
    """What calls an agency or insurer for this work's supplier.

    Raises:
        BureauError: ``bureau.no_account``.
    """
    row = work.row(
        "SELECT base_url, sealed_key FROM bureau_accounts WHERE supplier_id = :supplier AND purpose = :purpose "
        "AND driver = :driver AND active",
        purpose=purpose,
        driver=driver.name,
    )
    if row is None:
        raise BureauError(
            "bureau.no_account",
            f"No account at {driver.title} is connected.",
            f"Aucun compte chez {driver.title} n'est connecté.",
        )
    key = services.keyring.unseal(bytes(row["sealed_key"]), SEAL)
    return BureauClient(driver, row["base_url"], key, services.reach)


def _check_url(services: Services, url: str) -> None:
    """HTTPS to a public address, unless this house may call its own network."""
    if not url.startswith("https://") and not (services.reach is Reach.PRIVATE and url.startswith("http://")):
        raise BureauError(
            "bureau.wrong_url",
            "The address begins with https://.",
            "L'adresse commence par https://.",
        )
    try:
        check_url(url, reach=services.reach)
    except AddressRefusedError as error:
        raise BureauError(
            "bureau.address_refused",
            "This address leads into a private network: it is not called.",
            "Cette adresse mène dans un réseau privé : elle n'est pas appelée.",
        ) from error
    except OSError as error:
        raise BureauError(
            "bureau.wrong_url", "Nobody answers under this address.", "Cette adresse ne mène nulle part."
        ) from error
