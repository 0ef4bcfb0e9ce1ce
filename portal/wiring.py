"""Services from settings: the only place where ports meet adapters."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from config.database import open_database
from config.law.interest import FOLDER, read_imported_from
from config.outgoing import Reach
from config.secrets import Keyring
from einvoice.archive import open_archive
from einvoice.cancelling import Canceller
from einvoice.directory.desk import DirectoryDesk, Freshness
from einvoice.following import FlowFollower
from einvoice.lifecycle.sending import SellerStatuses
from einvoice.platform.accounts import accounts_to_follow, active_platform, platform_account
from einvoice.platform.directory import DirectoryClient
from einvoice.platform.opening import guard, open_platform
from einvoice.production import Branding, Producer
from einvoice.receiving.answering import BuyerStatuses
from einvoice.receiving.invoices import InvoiceReceiver
from einvoice.reception import Poller
from einvoice.reporting.preparing import Reporter
from einvoice.sending import FlowSender
from einvoice.submission import Submitter
from einvoice.validation.check import Validator
from einvoice.validation.rule_sets import RuleSets
from einvoice.validation.schematron import SchematronEngine
from einvoice.validation.standards import Standards
from payments.accounts import active_account
from payments.gateways.opening import FINAL_AT, open_gateway
from payments.links import mint_link
from portal.access.context import portfolio_here
from portal.access.counting import SharedCounts
from portal.own_hosts.known import OwnHosts
from portal.validation.desk import Desk
from receivables.store.work import Works

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from config.database import Database
    from config.settings import Settings
    from einvoice.archive import ArchivePort
    from einvoice.platform.accounts import PlatformAccount
    from einvoice.platform.directory import Directory
    from einvoice.platform.port import Platform
    from einvoice.platform.settings import PlatformSettings
    from payments.accounts import GatewayAccount
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
    _directories: dict[UUID, tuple[PlatformSettings, Directory]] = field(default_factory=dict)
    _directory: DirectoryDesk = field(init=False)
    _own_hosts: OwnHosts = field(init=False)
    _counts: SharedCounts = field(init=False)

    def __post_init__(self) -> None:
        """Strangers' files are judged by the same rules, behind everything that is being issued."""
        self._desk = Desk(self.validator.with_engine(self.engine.patient()))
        self._own_hosts = OwnHosts(self.database)
        self._counts = SharedCounts(self.database, self.keyring)
        self._directory = DirectoryDesk(self.works, self.directory_for, Freshness.of(self.settings))

    @property
    def desk(self) -> Desk:
        """Judges files that nobody issues."""
        return self._desk

    def gateway_for(self, work: Work, account_id: UUID | None = None) -> Gateway:
        """The payment provider through which this work's supplier is paid, or was through an earlier account."""
        return self._open(active_account(work, self.keyring, account_id))

    def gateway_at(self, work: Work, provider: str) -> Gateway:
        """The provider whose webhooks came in, which may not be the one that this supplier is paid through now."""
        return self._open(active_account(work, self.keyring, at=provider))

    def _open(self, account: GatewayAccount) -> Gateway:
        opened_as = f"{account.key} {account.settings.get(FINAL_AT)} {account.connect_account}"
        known = self._gateways.get((account.account_id, opened_as))
        if known is None:
            known = self._gateways[account.account_id, opened_as] = open_gateway(account)
        return known

    def pay_link(self, work: Work, invoice_id: UUID, purpose: str) -> str:
        """The public address of an invoice's payment page, minted once per purpose."""
        return f"{self._pay_address(work, invoice_id, purpose)}/p/{mint_link(work, self.keyring, invoice_id, purpose)}"

    def _pay_address(self, work: Work, invoice_id: UUID, purpose: str) -> str:
        """Where payment pages of this work's supplier are: on its own host where it has one.

        A document names the host that there was when it was issued, so that it is the same whoever makes it again.
        """
        own = self._own_hosts.address_of(work.supplier_id)
        if own is not None and purpose == "document":
            issued_at = work.scalar(
                "SELECT created_at FROM invoices WHERE supplier_id = :supplier AND invoice_id = :id", id=invoice_id
            )
            own = self._own_hosts.address_of(work.supplier_id, before=issued_at)
        return own or self.settings.public_url

    @property
    def own_hosts(self) -> OwnHosts:
        """The hosts of suppliers' own."""
        return self._own_hosts

    @property
    def counts(self) -> SharedCounts:
        """How often somebody does something, counted by all processes of the house."""
        return self._counts

    def platform_for(self, work: Work) -> tuple[UUID, Platform] | None:
        """The platform this work's supplier is connected to, or ``None``."""
        account = active_platform(work, self.keyring)
        return (account.account_id, self._reach(work, account)) if account else None

    def platform_of(self, work: Work, account_id: UUID) -> Platform:
        """The platform behind an account of this work's supplier, also one that is no longer the active one."""
        return self._reach(work, platform_account(work, self.keyring, account_id))

    @property
    def reach(self) -> Reach:
        """How far calls to addresses that users gave may go."""
        return Reach.PRIVATE if self.settings.private_hosts_allowed else Reach.PUBLIC

    def _reach(self, work: Work, account: PlatformAccount) -> Platform:
        known = self._platforms.get(account.account_id)
        if known is None or known[0] != account.settings:
            opened = open_platform(account.settings, self.reach)
            guarded = guard(opened, self.works, work.supplier_id, account.account_id)
            known = self._platforms[account.account_id] = (account.settings, guarded)
        return known[1]

    def directory_for(self, work: Work) -> tuple[UUID, Directory] | None:
        """The directory of this work's supplier's platform, or ``None`` where it has none; it waits only shortly."""
        account = active_platform(work, self.keyring)
        if account is None or account.settings.driver.directory_url is None:
            return None
        known = self._directories.get(account.account_id)
        if known is None or known[0] != account.settings:
            patience_s = self.settings.directory_timeout_s
            hasty = replace(account.settings, connect_timeout_s=patience_s, read_timeout_s=patience_s)
            known = self._directories[account.account_id] = (account.settings, DirectoryClient(hasty, self.reach))
        return account.account_id, known[1]

    @property
    def directory(self) -> DirectoryDesk:
        """Asks the directory about customers."""
        return self._directory

    @property
    def sender(self) -> FlowSender:
        """Sends planned flows to platforms."""
        return FlowSender(self.works, self.archive, self.platform_of)

    @property
    def producer(self) -> Producer:
        """Makes the files of issued invoices."""
        return Producer(self.works, self.archive, self.validator, self.pay_link, branding_of)

    @property
    def submitter(self) -> Submitter:
        """Decides what goes to platforms."""
        return Submitter(self.works, self.archive, self.validator)

    @property
    def follower(self) -> FlowFollower:
        """Asks platforms what became of flows."""
        return FlowFollower(self.works, self.platform_of)

    @property
    def seller_statuses(self) -> SellerStatuses:
        """Sends what the seller says of an invoice: 209, 220, 225 to 228."""
        return SellerStatuses(self.archive, self.validator)

    @property
    def canceller(self) -> Canceller:
        """Tells buyers that an invoice was replaced (220)."""
        return Canceller(self.works, self.seller_statuses)

    @property
    def poller(self) -> Poller:
        """Asks platforms for news."""
        return Poller(self.works, self.archive, accounts_to_follow, self.platform_of)

    @property
    def invoice_receiver(self) -> InvoiceReceiver:
        """Receives invoices as a buyer; strangers' files wait behind everything that is being issued."""
        return InvoiceReceiver(self.archive, self.validator.with_engine(self.engine.patient()))

    @property
    def buyer_statuses(self) -> BuyerStatuses:
        """Answers invoices received: 204 to 208, 210 and 211."""
        return BuyerStatuses(self.archive, self.validator, self.platform_for)

    @property
    def reporter(self) -> Reporter:
        """Makes the declarations of e-reporting (Flux 10)."""
        return Reporter(
            self.works, self.archive, self.validator.check_flux10, lambda work: active_platform(work, self.keyring)
        )

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
    read_imported_from(settings.data_dir / FOLDER)
    archive = open_archive(settings.archive_url, settings.data_dir / "archive")
    database = database_of(settings)
    engine = SchematronEngine(workers=ENGINE_WORKERS)
    return Services(
        settings=settings,
        keyring=Keyring.of(settings),
        database=database,
        works=Works(database, portfolio_here),
        archive=archive,
        engine=engine,
        validator=build_validator(settings, engine),
    )


def build_validator(settings: Settings, engine: SchematronEngine) -> Validator:
    """Judges by the rules that are in force in this house; needs no database."""
    return Validator(engine, Standards(RuleSets(settings.data_dir / "rules")))
