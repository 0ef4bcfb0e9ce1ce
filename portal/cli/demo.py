"""``quittance demo``: the whole house on one command."""

from __future__ import annotations

import logging
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from config.logging import log_to_stderr
from portal.cli.house import err, out
from portal.demo.bank import bring_statements
from portal.demo.claims import add_claims
from portal.demo.credit import add_credit
from portal.demo.customers import add_customer_portal
from portal.demo.dunning import add_dunning
from portal.demo.exports import add_exports
from portal.demo.house import DemoError, DemoHouse
from portal.demo.imports import add_imports
from portal.demo.indicators import add_indicators
from portal.demo.invoicing import add_invoicing
from portal.demo.loop import Loop
from portal.demo.mails import add_mails
from portal.demo.messages import add_messages
from portal.demo.payer import DemoPayer
from portal.demo.platform import DemoPlatform
from portal.demo.promises import add_promises
from portal.demo.risks import add_risks
from portal.demo.story import ACCOUNTANT, COLLECTOR, CREDIT_MANAGER, OWNER, PAYER, SALES, Stage, Staged, left_late
from portal.demo.webhooks import DemoReceiver, add_webhooks
from portal.demo.workspace import add_workspace
from portal.wiring import Services, build_services
from receivables.store.customer_file.happenings import latest_attempt

if TYPE_CHECKING:
    from collections.abc import Callable

INVOICES = 400
PURCHASES = 4
"""Purchase invoices that each supplier receives."""
INVOICES_ONCE = 24
PORT, PORT_ONCE = 8000, 18000
STARTING = "Starting the house / Démarrage"
LABELS = {"issue": "Issuing invoices / Émission", "pay": "Paying / Paiement"}


@click.command()
@click.option("--once", is_flag=True, help="Run the loop unattended, print each step, verify, and stop.")
@click.option(
    "--invoices",
    type=click.IntRange(6, 5000),
    help="How many invoices to issue: at least 6, so that each person of the story has one.",
)
@click.option("--port", type=int, help="First port to try.")
@click.option(
    "--samples",
    type=click.Path(path_type=Path),
    default=Path("../shared/samples"),
    help="Third-party files to issue with --once, where present.",
)
@click.option(
    "--folder",
    envvar="QUITTANCE_DATA_DIR",
    type=click.Path(path_type=Path),
    default=Path(".var"),
    help="Where it keeps its data, emptied at each start: below this folder, in demo.",
)
def demo(*, once: bool, invoices: int | None, port: int | None, samples: Path, folder: Path) -> None:
    """Run web, worker, sandbox provider and sandbox platform on the embedded PostgreSQL, with data to look at."""
    log_to_stderr(logging.ERROR)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.default_int_handler)
    folder /= "demo-once" if once else "demo"
    begun = time.monotonic()
    err.print(STARTING)
    try:
        with DemoHouse(folder, port or (PORT_ONCE if once else PORT)) as house:
            err.print(f"{STARTING} {time.monotonic() - begun:.0f} s")
            services = build_services(house.settings)
            try:
                _play(house, services, invoices or (INVOICES_ONCE if once else INVOICES), samples if once else None)
            finally:
                services.close()
    except DemoError as error:
        err.print(f"[red]{error.code}[/] {error}")
        raise SystemExit(1) from error
    except KeyboardInterrupt:
        out.print("Stopped. / Arrêté.")


def _play(house: DemoHouse, services: Services, count: int, samples: Path | None) -> None:
    with _bars() as bars:
        stage = Stage(services, house.addresses, _teller(bars) if err.is_terminal else _liner())
        platform = DemoPlatform(house.addresses.platform)
        opened = stage.open_suppliers()
        if samples is None:
            add_webhooks(services, opened[0][0].supplier_id, DemoReceiver.start(house.addresses.receiver))
        players = [player for _, player, _ in opened]
        platform.fill_directory(players)
        staged = stage.issue_all(opened, count)
        platform.send_purchases(players, PURCHASES if samples is None else 1)
        if samples is None:
            stage.pay_many(staged, platform.plan_answers(staged))
            stage.refund_some(staged)
            stage.declare(staged)
            for each in staged:
                stage.pay_out(each)
    payer = DemoPayer(services, staged[0], stage.let_in_payer(staged[0]))
    payer.send_invoices()
    stage.offer_debits(staged[0])
    if samples is None:
        unpaid = {invoice.invoice_id for each in staged for invoice in left_late(each)}
        bring_statements(services, staged, left_out={payer.customer_id}, unpaid=unpaid)
        payer.ask_about_money()
        add_credit(services, staged[0].supplier.supplier_id, COLLECTOR[0], payer.customer_id)
        add_promises(services, staged[0].supplier.supplier_id, payer.customer_id)
        add_claims(services, staged[0].supplier.supplier_id)
        add_dunning(services, staged[0].supplier.supplier_id, OWNER[1])
        add_messages(services, staged[0].supplier.supplier_id, payer.customer_id, PAYER[0], COLLECTOR[0])
        add_customer_portal(services, staged[0].supplier.supplier_id, payer.customer_id, PAYER[0])
        add_risks(services, staged[0].supplier.supplier_id, OWNER[0], payer.customer_id)
        for each in staged:
            add_indicators(services, each.supplier.supplier_id, OWNER[0], COLLECTOR[0])
            add_exports(services, each.supplier.supplier_id, OWNER[0])
        add_imports(services, staged[0].supplier.supplier_id)
        add_mails(services, staged[0].supplier.supplier_id)
        add_workspace(services, staged[0].supplier.supplier_id, COLLECTOR[0])
        add_invoicing(services, staged[0].supplier)
    if samples is None:
        _welcome(house, services, staged)
        while True:
            house.check_alive()
            time.sleep(1)
    if not Loop(house, services, stage, out.print).run(staged, samples):
        raise DemoError("Verify found a gap.")
    out.print("[green]The loop ran: issued, paid, lettered, told, refunded, verified.[/]")


def _welcome(house: DemoHouse, services: Services, staged: list[Staged]) -> None:
    """Where to look, and as whom."""
    out.print()
    out.print(f"[bold]Portal / Portail[/]          {house.addresses.portal}/sign-in")
    out.print(f"  owner / gérance            {OWNER[0]}")
    out.print(f"  collector / recouvrement   {COLLECTOR[0]}")
    out.print(f"  accountant / comptable     {ACCOUNTANT[0]}")
    out.print(f"  credit manager / crédit    {CREDIT_MANAGER[0]}")
    out.print(f"  sales / commercial         {SALES[0]}")
    out.print(f"  customer / client          {PAYER[0]}")
    out.print(f"  sign-in mails / courriels  {house.addresses.portal}/demo/mails")
    out.print(f"[bold]A pay link / un lien[/]      {_link_to_pay(services, staged)}")
    out.print(f"[bold]Validator / contrôle[/]      {house.addresses.portal}/validate")
    out.print(f"[bold]Sandbox platform[/]          {house.addresses.platform}/")
    out.print(f"[bold]Webhook receiver[/]          {house.addresses.receiver}/")
    out.print(f"[bold]Sandbox provider[/]          {house.addresses.payments}  (test card 4242 4242 4242 4242)")
    out.print("Ctrl-C stops everything. / Ctrl-C arrête tout.")


def _link_to_pay(services: Services, staged: list[Staged]) -> str:
    """The link of the last invoice that nobody began to pay; of the last one at all where all were."""
    link = ""
    for one in staged:
        with services.works.begin(one.supplier.supplier_id) as work:
            for each in reversed(one.invoices):
                if each.is_credit_note:
                    continue
                untouched = latest_attempt(work, each.invoice_id) is None
                if untouched or not link:
                    link = services.pay_link(work, each.invoice_id, "document")
                if untouched:
                    return link
    return link


def _bars() -> Progress:
    columns = (TextColumn("{task.description:32}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=err, disable=not err.is_terminal)


def _liner() -> Callable[[str, int, int], None]:
    """A line where a step begins and where it ends: for logs, where bars are not seen."""
    begun: dict[str, float] = {}

    def tell(step: str, done: int, total: int) -> None:
        if step not in begun:
            begun[step] = time.monotonic()
            err.print(f"{LABELS[step]}: {total}")
        elif done == total:
            err.print(f"{LABELS[step]}: {done}/{total} {time.monotonic() - begun[step]:.0f} s")

    return tell


def _teller(bars: Progress) -> Callable[[str, int, int], None]:
    tasks = {}

    def tell(step: str, done: int, total: int) -> None:
        if step not in tasks:
            tasks[step] = bars.add_task(LABELS[step], total=total)
        bars.update(tasks[step], completed=done)

    return tell
