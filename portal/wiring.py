"""Services from settings: the only place where ports meet adapters."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from config.database import open_database
from config.secrets import Keyring
from einvoice.archive import Archive
from einvoice.platform.accounts import active_platform
from einvoice.platform.client import AfnorPlatform
from einvoice.production import Branding, Producer
from einvoice.reception import Poller
from einvoice.submission import Submitter
from einvoice.validation.check import Validator
from einvoice.validation.schematron import SchematronEngine
from payments.accounts import active_account
from payments.gateways.stripe import StripeGateway
from payments.links import mint_link
from receivables.store.work import Works

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from config.database import Database
    from config.settings import Settings
    from einvoice.platform.port import Platform
    from einvoice.platform.settings import PlatformSettings
    from payments.gateways.port import Gateway
    from receivables.store.work import Work


@dataclass(slots=True)
class Services:
    """Everything the outer ring works with; one per process."""

    settings: Settings
    keyring: Keyring
    database: Database
    works: Works
    archive: Archive
    engine: SchematronEngine
    validator: Validator
    _gateways: dict[tuple[UUID, str], Gateway] = field(default_factory=dict)
    _platforms: dict[UUID, tuple[PlatformSettings, Platform]] = field(default_factory=dict)

    def gateway_for(self, work: Work, account_id: UUID | None = None) -> Gateway:
        """The payment provider through which this work's supplier is paid, or was through an earlier account."""
        account = active_account(work, self.keyring, account_id)
        known = self._gateways.get((account.account_id, account.key))
        if known is None:
            known = self._gateways[account.account_id, account.key] = StripeGateway(
                account.key, api_url=account.base_url
            )
        return known

    def pay_link(self, work: Work, invoice_id: UUID, purpose: str) -> str:
        """The public address of an invoice's payment page, minted once per purpose."""
        return f"{self.settings.public_url}/p/{mint_link(work, self.keyring, invoice_id, purpose)}"

    def platform_for(self, work: Work) -> tuple[UUID, Platform] | None:
        """The platform this work's supplier is connected to, or ``None``."""
        account = active_platform(work, self.keyring)
        if account is None:
            return None
        known = self._platforms.get(account.account_id)
        if known is None or known[0] != account.settings:
            known = self._platforms[account.account_id] = (account.settings, AfnorPlatform(account.settings))
        return account.account_id, known[1]

    @property
    def producer(self) -> Producer:
        """Makes the files of issued invoices."""
        return Producer(self.works, self.archive, self.validator, self.pay_link, branding_of)

    @property
    def submitter(self) -> Submitter:
        """Hands flows to platforms."""
        return Submitter(self.works, self.archive, self.validator, self.platform_for)

    @property
    def poller(self) -> Poller:
        """Asks platforms for news."""
        return Poller(self.works, self.platform_for)

    def close(self) -> None:
        """Let go of processes and connections."""
        self.engine.close()
        self.database.dispose()


def branding_of(work: Work) -> Branding:
    """How the pages of this work's supplier look."""
    stored = work.scalar("SELECT profile FROM supplier_profiles WHERE supplier_id = :supplier") or {}
    return Branding(stored.get("colour") or Branding().colour, stored.get("logo_svg"))


def build_services(settings: Settings, *, database_of: Callable[[Settings], Database] = open_database) -> Services:
    """The services of a house with these settings; starts nothing that listens."""
    database = database_of(settings)
    engine = SchematronEngine()
    return Services(
        settings=settings,
        keyring=Keyring.of(settings),
        database=database,
        works=Works(database),
        archive=Archive(settings.data_dir / "archive"),
        engine=engine,
        validator=Validator(engine),
    )
