"""``quittance fec`` and ``quittance books``: the FEC, its checker, validation, closing, rates of other currencies."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.markup import escape
from rich.progress import track

from config.clock import today
from config.law import LawUnknownError
from portal.cli.house import err, fail, named_supplier, out, services_of_house
from portal.documents.fec_files import left_out, notice_name, write_with_notice
from receivables.domain.accounting.fec import ENCODINGS
from receivables.domain.accounting.fec_checking import Verdict, check_fec
from receivables.domain.accounting.fec_rules import RULES
from receivables.errors import ReceivablesError
from receivables.services.accounting.closing import (
    accounting_years,
    close_period,
    journal_states,
    period_acts,
    reopen_period,
    validate_entries,
)
from receivables.services.accounting.fec import fec_of
from receivables.store.accounting.periods import closed_until
from receivables.store.invoicing.rates import keep_rates, read_rates

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from receivables.store.work import Work

ACTOR = "command line"
SUPPLIER = click.argument("reference", metavar="SIREN")
DAY = click.DateTime(formats=["%Y-%m-%d"])


@click.group()
def fec() -> None:
    """Write the file of accounting entries (FEC), or check anybody's."""


@fec.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--rules", "with_rules", is_flag=True, help="Tell every rule that was checked.")
def check(files: tuple[Path, ...], *, with_rules: bool) -> None:
    """Check FILES by every rule of LPF art. A47 A-1 that can be tested. Exit 1 where one is broken; needs no house."""
    if with_rules:
        for rule in RULES.values():
            out.print(f"{rule.name:22} {rule.weight:8} {escape(rule.english)}  [dim]{escape(rule.source)}[/]")
    verdicts = [check_fec(path.name, path.read_bytes()) for path in track(files, console=err, transient=True)]
    for verdict in verdicts:
        _tell(verdict)
    raise SystemExit(0 if all(verdict.accepted for verdict in verdicts) else 1)


@fec.command()
@SUPPLIER
@click.argument("closes_on", metavar="YEAR_END", type=DAY)
@click.option("-o", "--output", type=click.Path(file_okay=False, path_type=Path), default=Path(), help="Folder.")
@click.option("--encoding", type=click.Choice(tuple(ENCODINGS)), default="iso8859-15", show_default=True)
def write(reference: str, closes_on: datetime, output: Path, encoding: str) -> None:
    """Write the FEC of the accounting year that ends on YEAR_END, with its description."""
    with services_of_house() as services:
        supplier_id = named_supplier(services, reference).supplier_id
        try:
            with services.works.begin(supplier_id) as work:
                year = next((each for each in accounting_years(work) if each.ends_on == closes_on.date()), None)
                if year is None:
                    err.print(f"[red]fec.no_year[/] No accounting year with entries ends on {closes_on:%Y-%m-%d}.")
                    raise SystemExit(1)
                made = fec_of(work, year)
                output.mkdir(parents=True, exist_ok=True)
                with (output / made.name).open("wb") as file:
                    totals, notice = write_with_notice(made, file, encoding)
                (output / notice_name(made)).write_bytes(notice)
                work.audit(ACTOR, "fec.fetched", made.name, entries=totals.entries, lines=totals.lines)
        except (ReceivablesError, LawUnknownError) as error:
            fail(error)
            raise SystemExit(1) from error
        except OSError as error:
            err.print(f"[red]output.unwritable[/] {escape(str(output))}: {escape(error.strerror or str(error))}.")
            raise SystemExit(2) from error
    out.print(f"{escape(str(output / made.name))}  {totals.entries} entries, {totals.lines} lines")
    for sentence in left_out(made):
        err.print(f"  {escape(sentence)}")


@click.group()
def books() -> None:
    """Validate entries, close periods, keep rates of other currencies."""


@books.command()
@SUPPLIER
def show(reference: str) -> None:
    """How far the books are validated and closed."""
    with services_of_house() as services:
        supplier_id = named_supplier(services, reference).supplier_id
        with services.works.begin(supplier_id) as work:
            closed, journals, acts = closed_until(work), journal_states(work), period_acts(work)
    out.print(f"closed until {closed or '-'}")
    for each in journals:
        out.print(
            f"{each.year.name:10} {each.journal:4} last number {each.last_serial:7}  to validate {each.open_count}"
        )
    for act in acts:
        out.print(f"  {act.acted_at:%Y-%m-%d %H:%M} {act.act} {act.closed_until or '-'} {escape(act.reason or '')}")


@books.command()
@SUPPLIER
@click.option("--until", type=DAY, help="Last day; today by default.")
def validate(reference: str, until: datetime | None) -> None:
    """Give every entry its number, for good."""
    day = until.date() if until else today()
    _act(reference, lambda work: f"{validate_entries(work, day, ACTOR)} entries were numbered.")


@books.command()
@SUPPLIER
@click.argument("until", type=DAY)
def close(reference: str, until: datetime) -> None:
    """Validate and close until the day UNTIL."""
    day = until.date()
    _act(reference, lambda work: f"{close_period(work, day, ACTOR)} entries were numbered; closed until {day}.")


@books.command()
@SUPPLIER
@click.option("--after", type=DAY, help="The last day that stays closed; none where everything is opened.")
@click.option("--reason", required=True, help="Why; it is kept.")
def reopen(reference: str, after: datetime | None, reason: str) -> None:
    """Open closed books again, after the day AFTER."""
    day = after.date() if after else None

    def act(work: Work) -> str:
        reopen_period(work, day, reason, ACTOR)
        return f"Open after {day}." if day else "Everything is open."

    _act(reference, act)


@books.command()
@SUPPLIER
@click.argument("table", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def rates(reference: str, table: Path) -> None:
    """Keep the rates of TABLE: CSV as the ECB publishes it, units of each currency for one euro."""
    text = table.read_bytes().decode("utf-8", "replace")
    _act(reference, lambda work: f"{keep_rates(work, read_rates(text), table.name, ACTOR)} rates were kept.")


def _act(reference: str, act: Callable[[Work], str]) -> None:
    with services_of_house() as services:
        supplier_id = named_supplier(services, reference).supplier_id
        try:
            said = services.works.run(supplier_id, act)
        except ReceivablesError as error:
            fail(error)
            raise SystemExit(1) from error
    out.print(escape(said))


def _tell(verdict: Verdict) -> None:
    word = "[green]accepted[/]" if verdict.accepted else "[red]refused[/]"
    facts = f"{verdict.entries} entries, {verdict.lines} lines, {verdict.encoding}, {verdict.separator}"
    out.print(f"{escape(verdict.name)}  {word}  {facts}")
    for each in verdict.findings:
        place = f"line {each.line}" if each.line else "file"
        out.print(f"  {place:10} {each.rule.name:22} {escape(each.rule.english)}  [dim]{escape(each.found)}[/]")
    for name, count in verdict.counts.items():
        told = sum(each.rule.name == name for each in verdict.findings)
        if count > told:
            out.print(f"  ... {count - told} more of {name}")
