"""``quittance platform``: test the connection to a supplier's platforms, and say how they fare."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
from rich.markup import escape

from einvoice.flow_log import list_accounts
from portal.cli.house import err, named_supplier, out, services_of_house
from portal.staff.platform.steps import may_be_saved
from portal.staff.platform.trying import try_account
from portal.staff.platform.verdicts import put_into_words
from portal.words import catalogue

if TYPE_CHECKING:
    from einvoice.flow_log import AccountLine
    from portal.wiring import Services
    from receivables.store.register import Supplier

_MARKS = {
    "paid": "[green]yes    [/]",
    "late": "[red]no     [/]",
    "part": "[yellow]look   [/]",
    "plain": "[dim]-      [/]",
}


@click.group()
def platform() -> None:
    """The platforms that a supplier is connected to."""


@platform.command()
@click.argument("reference", metavar="SIREN")
def test(reference: str) -> None:
    """Test every connection step by step; nothing is sent. Exit 1 where sending would not work."""
    with services_of_house() as services:
        supplier, accounts = _accounts(services, reference)
        well = True
        for account in accounts:
            steps = try_account(services, supplier.supplier_id, account.account_id)
            out.print(f"[bold]{escape(account.label)}[/]{'' if account.active else ' (earlier)'}")
            for verdict in put_into_words(steps, catalogue("en").gettext):
                out.print(f"  {_MARKS[verdict.tone]} {escape(verdict.title)}")
                for line in (verdict.sentence, verdict.fix):
                    if line:
                        out.print(f"          {escape(line)}")
            well = well and may_be_saved(steps)
    if not well:
        raise SystemExit(1)


@platform.command()
@click.argument("reference", metavar="SIREN")
def status(reference: str) -> None:
    """How each platform fares, and how many flows it has. Exit 1 where one does not answer."""
    with services_of_house() as services:
        _, accounts = _accounts(services, reference)
        for account in accounts:
            out.print(f"[bold]{escape(account.label)}[/]{'' if account.active else ' (earlier)'}: {_fares(account)}")
            out.print(
                f"  flows: {account.waiting} waiting, {account.sent} without acknowledgement, "
                f"{account.accepted} accepted, {account.refused} refused"
            )
    if any(account.opened_at for account in accounts):
        raise SystemExit(1)


def _fares(account: AccountLine) -> str:
    if account.opened_at:
        return f"[red]does not answer[/] since {account.opened_at:%Y-%m-%d %H:%M} UTC"
    if account.failures:
        return f"[yellow]{account.failures} failure(s) in a row[/]"
    if account.answered_at is None:
        return "[yellow]never called[/]"
    return f"[green]well[/], last answer {account.answered_at:%Y-%m-%d %H:%M} UTC"


def _accounts(services: Services, reference: str) -> tuple[Supplier, list[AccountLine]]:
    found = named_supplier(services, reference)
    with services.works.begin(found.supplier_id) as work:
        accounts = list_accounts(work)
    if not accounts:
        err.print(
            f"[red]platform.none[/] {escape(found.name)} is connected to no platform: quittance connect-platform."
        )
        raise SystemExit(1)
    return found, accounts
