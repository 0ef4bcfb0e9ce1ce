"""``quittance report``: the declarations of e-reporting (Flux 10)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.markup import escape

from config.clock import today
from config.law import LawUnknownError
from einvoice.archive import ArchiveError
from einvoice.reporting import overview, store
from einvoice.reporting.company import company_of
from einvoice.reporting.errors import ReportError
from einvoice.reporting.facts import Whose
from einvoice.reporting.periods import read_name
from portal.cli.house import err, fail, named_supplier, out, services_of_house
from receivables.domain.money import Money

if TYPE_CHECKING:
    from collections.abc import Iterable
    from uuid import UUID

    from einvoice.reporting.lines import Total
    from einvoice.reporting.periods import Period
    from portal.wiring import Services

PERIOD = click.argument("period")
SUPPLIER = click.argument("reference", metavar="SIREN")


@click.group()
def report() -> None:
    """Declare sales and receipts that no platform carries. PERIOD is like payments/2026-10-01."""


@report.command("list")
@SUPPLIER
def list_(reference: str) -> None:
    """The running and the last periods, with their state and totals."""
    with services_of_house() as services:
        supplier_id = named_supplier(services, reference).supplier_id
        with services.works.begin(supplier_id) as work:
            try:
                periods = overview.recent_periods(work, Whose.OURS, today())
            except (ReportError, LawUnknownError) as error:
                fail(error)
                raise SystemExit(1) from error
            troubles = store.open_troubles(work)
    for each in periods:
        state = each.newest.state if each.newest else ("running" if not each.is_over else "-")
        out.print(f"{each.period.name:24} until {each.period.ends_on}  due {each.period.due_on}  {state}")
        _show_totals(each.totals)
    for row in troubles:
        err.print(f"[red]{row['code']}[/] {row['kind']}/{row['starts_on']}: {escape(row['sentence'])}")


@report.command()
@SUPPLIER
@PERIOD
def show(reference: str, period: str) -> None:
    """What the books hold for a period, and the versions that were declared."""
    with services_of_house() as services:
        supplier_id = named_supplier(services, reference).supplier_id
        asked = _period(services, supplier_id, period)
        with services.works.begin(supplier_id) as work:
            page = overview.period_page(work, asked, Whose.OURS, today())
    out.print(f"{asked.name}  {asked.starts_on} to {asked.ends_on}, due {asked.due_on}")
    _show_totals(page.totals)
    left = {each.untold for each in page.facts.lines if each.untold}
    if left:
        err.print(f"  left out / non déclaré : {', '.join(sorted(left))}")
    for each in page.versions:
        out.print(f"  {each.number}  {each.type_code}  {each.state}  {each.created_at:%Y-%m-%d %H:%M}")


@report.command()
@SUPPLIER
@PERIOD
def prepare(reference: str, period: str) -> None:
    """Make the next version of a period now; a refused one is made anew. Exit 1 where there is none to make."""
    with services_of_house() as services:
        supplier_id = named_supplier(services, reference).supplier_id
        asked = _period(services, supplier_id, period)
        try:
            made = services.reporter.prepare(supplier_id, asked, by_hand=True)
        except ReportError as error:
            fail(error)
            raise SystemExit(1) from error
    if made:
        out.print(f"{made.number}  {made.type_code}: prepared, the worker hands it to the platform.")


@report.command()
@SUPPLIER
@PERIOD
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="Where to write; else on the terminal.")
def write(reference: str, period: str, output: Path | None) -> None:
    """Write the file of the newest version of a period."""
    with services_of_house() as services:
        supplier_id = named_supplier(services, reference).supplier_id
        asked = _period(services, supplier_id, period)
        with services.works.begin(supplier_id) as work:
            versions = store.versions_of(work, asked)
            sha256 = versions and work.scalar(
                "SELECT sha256 FROM documents WHERE supplier_id = :supplier AND document_id = :document",
                document=versions[0].document_id,
            )
        if not sha256:
            err.print(f"[red]report.none[/] {escape(asked.name)} was not declared. / n'a pas été déclarée.")
            raise SystemExit(1)
        try:
            content = services.archive.get(sha256)
        except ArchiveError as error:
            fail(error)
            raise SystemExit(1) from error
    if output is None:
        click.echo(content)
        return
    try:
        output.write_bytes(content)
    except OSError as error:
        err.print(f"[red]output.unwritable[/] {escape(str(output))}: {escape(error.strerror or str(error))}.")
        raise SystemExit(2) from error
    out.print(f"{versions[0].number} -> {escape(str(output))}")


def _period(services: Services, supplier_id: UUID, name: str) -> Period:
    """The period of that name, or one sentence and exit 2."""
    with services.works.begin(supplier_id) as work:
        try:
            return read_name(name, company_of(work).regime)
        except ValueError as error:
            err.print(f"[red]report.bad_period[/] {escape(name)}: write it like payments/2026-10-01.")
            raise SystemExit(2) from error
        except (ReportError, LawUnknownError) as error:
            fail(error)
            raise SystemExit(2) from error


def _show_totals(totals: Iterable[Total]) -> None:
    for each in totals:
        if each.block in ("10.2", "10.4"):
            told = f"{Money(each.amount_eur_minor, 'EUR')} received"
        else:
            told = f"{Money(each.taxable_minor, each.currency)} + VAT {Money(each.tax_minor, each.currency)}"
        out.print(f"  {each.block} {each.category or '':5} {each.rate.normalize():f} %  {told}  ({each.count})")
