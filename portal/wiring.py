"""Services from settings: the only place where ports meet adapters."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from config.database import open_database
from config.secrets import Keyring
from einvoice.archive import open_archive
from einvoice.platform.accounts import active_platform
from einvoice.platform.client import AfnorPlatform
from einvoice.production import Branding, Producer
from einvoice.reception import Poller
from einvoice.submission import Submitter
from einvoice.validation.check import Validator
from einvoice.validation.rule_sets import RuleSets
from einvoice.validation.schematron import SchematronEngine
from einvoice.validation.standards import Standards
from payments.accounts import active_account
from payments.gateways.stripe import StripeGateway
from payments.links import mint_link
from portal.validation.desk import Desk
from receivables.store.work import Works

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from config.database import Database
    from config.settings import Settings
    from einvoice.archive import ArchivePort
    from einvoice.platform.port import Platform
    from einvoice.platform.settings import PlatformSettings
    from payments.gateways.port import Gateway
    from receivables.store.work import Work

ENGINE_WORKERS = 2
"""Rules engines per process: the second starts only where two checks meet, and is never taken by strangers' files."""


@dataclass(slots=True)
class Services:
    """Everything the outer ring works with; one per process."""

    settings: Settings
    keyring: Keyring
    database: Database
    works: Works
    archive: ArchivePort
    engine: SchematronEngine
    validator: Validator
    _desk: Desk = field(init=False)
    _gateways: dict[tuple[UUID, str], Gateway] = field(default_factory=dict)
    _platforms: dict[UUID, tuple[PlatformSettings, Platform]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Strangers' files are judged by the same rules, behind everything that is being issued."""
        self._desk = Desk(self.validator.with_engine(self.engine.patient()))

    @property
    def desk(self) -> Desk:
        """Judges files that nobody issues."""
        return self._desk

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
    archive = open_archive(settings.archive_url, settings.data_dir / "archive")
    database = database_of(settings)
    engine = SchematronEngine(workers=ENGINE_WORKERS)
    return Services(
        settings=settings,
        keyring=Keyring.of(settings),
        database=database,
        works=Works(database),
        archive=archive,
        engine=engine,
        validator=build_validator(settings, engine),
    )


def build_validator(settings: Settings, engine: SchematronEngine) -> Validator:
    """Judges by the rules that are in force in this house; needs no database."""
    return Validator(engine, Standards(RuleSets(settings.data_dir / "rules")))
