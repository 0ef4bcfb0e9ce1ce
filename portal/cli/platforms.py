"""Platforms of a supplier: connect one, see all, move what waits, close an earlier one.

Secrets are typed or come from the environment: on the command line every process would see them.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.markup import escape

from config.outgoing import AddressRefusedError, check_url
from einvoice.errors import EInvoiceError
from einvoice.platform.accounts import close_account, connect_platform, reopen_account, unsettled
from einvoice.platform.driver import KNOWN_DRIVERS, PlatformDriver, drivers_in, read_driver
from einvoice.platform.hooks import callback_url, end_hooks, subscribe_hook
from einvoice.platform.settings import PlatformSettings
from einvoice.replanning import replan_waiting
from portal.cli.house import err, fail, named_supplier, out, services_of_house

if TYPE_CHECKING:
    from uuid import UUID

    from portal.wiring import Services

OWN_DRIVERS = "platforms"
"""The folder below the data folder in which a house keeps driver files of its own."""


@click.command(name="connect-platform")
@click.argument("reference", metavar="SIREN")
@click.option("--driver", help="A platform by name: a shipped one, or a file of the house's folder 'platforms'.")
@click.option("--driver-file", type=click.Path(path_type=Path), help="A driver file (docs/platform.md).")
@click.option("--base-url", help="Flow service of another platform, without /v1.")
@click.option("--token-url", help="Its OAuth 2 token endpoint.")
@click.option("--client-id", required=True)
@click.option("--client-secret", envvar="QUITTANCE_PLATFORM_SECRET", prompt=True, hide_input=True)
@click.option("--technical-account", envvar="QUITTANCE_TECHNICAL_ACCOUNT", help="Chorus Pro alone: login:password.")
@click.option("--organization", help="Organization-Id, where one client acts for several companies.")
@click.option("--scope", help="OAuth 2 scope, where the platform wants one.")
@click.option("--reporting", type=click.Choice(["platform", "own"]), default="platform", help="Who makes Flux 10.")
@click.option("--serves", type=click.Choice(["all", "public"]), default="all", help="'public': public buyers alone.")
@click.option("--webhooks", is_flag=True, help="Have the platform call this house when something changes.")
def connect_platform_(
    *,
    reference: str,
    driver: str | None,
    driver_file: Path | None,
    base_url: str | None,
    token_url: str | None,
    client_id: str,
    client_secret: str,
    technical_account: str | None,
    organization: str | None,
    scope: str | None,
    reporting: str,
    serves: str,
    webhooks: bool,
) -> None:
    """Hand a supplier's invoices and statuses to an approved platform (XP Z12-013)."""
    with services_of_house() as services:
        found = named_supplier(services, reference)
        try:
            known = _driver(services, driver, driver_file, base_url, token_url)
            settings = PlatformSettings(
                known,
                client_id,
                client_secret,
                technical_account=technical_account,
                organization_id=organization,
                scope=scope or ("openid" if known.kind == "chorus_pro" else None),
                reporting="own" if reporting == "own" else "platform",
                serves="public" if serves == "public" else "all",
            )
            for url in (known.base_url, known.token_url, known.directory_url):
                _check_address(services, url)
            with services.works.begin(found.supplier_id) as work:
                account_id = connect_platform(work, services.keyring, known.title, settings)
                moved = replan_waiting(work)
                platform = services.platform_of(work, account_id)
            if webhooks:
                url = callback_url(services.settings.public_url, found.supplier_id, account_id)
                whose = {"supplier_id": found.supplier_id, "account_id": account_id}
                subscribe_hook(services.works, services.keyring, platform, url=url, **whose)
        except ValueError as error:
            err.print(f"[red]platform.bad_settings[/] {escape(str(error))}")
            raise SystemExit(1) from error
        except EInvoiceError as error:
            fail(error)
            raise SystemExit(1) from error
        out.print(f"{found.name} is connected to {known.title}.")
        if moved:
            out.print(f"{moved} invoice(s) that waited for the earlier platform go there.")


@click.command(name="close-platform")
@click.argument("reference", metavar="SIREN")
@click.argument("closed", metavar="[ACCOUNT]", type=click.UUID, required=False)
@click.option("--though-unpaid", is_flag=True, help="Close it although invoices that it has are not paid yet.")
@click.option("--reopen", is_flag=True, help="Ask it again instead; new invoices still go elsewhere.")
def close_platform(*, reference: str, closed: UUID | None, though_unpaid: bool, reopen: bool) -> None:
    """Ask nothing of an earlier platform any more; without ACCOUNT, list all with what still needs them."""
    with services_of_house() as services:
        found = named_supplier(services, reference)
        try:
            with services.works.begin(found.supplier_id) as work:
                platform = services.platform_of(work, closed) if closed and not reopen else None
                if closed and reopen:
                    reopen_account(work, closed, "command line")
                elif closed:
                    close_account(work, closed, "command line", though_unpaid=though_unpaid)
                rows = work.rows(
                    "SELECT account_id, label, active, serves, closed_at FROM platform_accounts "
                    "WHERE supplier_id = :supplier ORDER BY created_at"
                )
                told = [(row, unsettled(work, row["account_id"])) for row in rows]
            if closed and platform:
                end_hooks(services.works, platform, found.supplier_id, closed)
        except EInvoiceError as error:
            fail(error)
            raise SystemExit(1) from error
        for row, left in told:
            state = "closed" if row["closed_at"] else f"active, serves {row['serves']}" if row["active"] else "earlier"
            out.print(f"{row['account_id']} {row['label']}: {state}; {left.flows} flow(s), {left.invoices} unpaid")


def _driver(
    services: Services, name: str | None, file: Path | None, base_url: str | None, token_url: str | None
) -> PlatformDriver:
    if file is not None:
        return read_driver(file)
    if name is not None:
        drivers = KNOWN_DRIVERS | drivers_in(services.settings.data_dir / OWN_DRIVERS)
        if name not in drivers:
            raise click.UsageError(
                f"No driver {name!r}; known are {', '.join(sorted(drivers))}. Or give --driver-file."
            )
        return drivers[name]
    if not (base_url and token_url):
        raise click.UsageError("Name a --driver or a --driver-file, or give --base-url and --token-url.")
    return PlatformDriver("own", base_url, token_url)


def _check_address(services: Services, url: str | None) -> None:
    """Tell at once what the first call would stumble over; a name that leads nowhere today may tomorrow."""
    try:
        if url:
            check_url(url, reach=services.reach)
    except AddressRefusedError as error:
        raise ValueError(str(error)) from error
    except OSError as error:
        err.print(f"[yellow]platform.unknown_host[/] {escape(url or '')}: {escape(str(error))}")
