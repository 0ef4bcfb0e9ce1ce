"""``quittance directory``: who of the customers can be reached, at which address, and why not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.markup import escape
from rich.progress import Progress
from rich.table import Table

from einvoice.directory.addresses import Wanted, choose_address
from einvoice.directory.checks import check_number
from einvoice.directory.customer_file import CustomerFileError, identify, read_customer_file
from einvoice.directory.words import ReachState
from portal.cli.house import err, fail, out, services_of_house, supplier_option
from portal.cli.validation import language_of_terminal
from portal.staff.directory.table import write_table
from receivables.store.register import find_supplier, list_suppliers

if TYPE_CHECKING:
    from einvoice.directory.checks import RowVerdict
    from einvoice.directory.customer_file import CustomerRow
    from einvoice.directory.reach import Reach
    from portal.wiring import Services
    from receivables.store.register import Supplier

COLOURS = {
    ReachState.REACHABLE: "green",
    ReachState.NOT_YET: "yellow",
    ReachState.NOT_FRENCH: "blue",
    ReachState.CLOSED: "red",
}
Checked = list[tuple["CustomerRow", "RowVerdict"]]


@click.group()
def directory() -> None:
    """Look customers up in the directory (annuaire) of the supplier's platform."""


@directory.command()
@click.argument("number", metavar="SIREN")
@supplier_option
@click.option("--siret", help="Choose the address of this establishment.")
@click.option("--code", help="Choose the address of this routing code.")
@click.option("--again", is_flag=True, help="Ask the directory even where its last answer is fresh.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, in French and English.")
def show(*, number: str, supplier: str | None, siret: str | None, code: str | None, again: bool, as_json: bool) -> None:
    """What the directory knows of one company. Exit 1 unless it is reachable."""
    known = identify(number)
    spoken = language_of_terminal()
    if known.siren is None:
        problem = known.problem or ("Ce numéro n'est pas français.", "This number is not French.")
        err.print(f"[red]directory.bad_number[/] {escape(problem[spoken != 'fr'])}")
        raise SystemExit(2)
    with services_of_house() as services:
        reach = services.directory.reach(_supplier(services, supplier).supplier_id, known.siren, again=again)
    wanted = Wanted(siret or known.siret, code)
    choice = choose_address(reach.answer, wanted) if reach.answer else None
    if as_json:
        told = reach.to_json() | (choice.to_json() if choice else {"address": None})
        click.echo(json.dumps(told, ensure_ascii=False, indent=2))
    else:
        _print(reach, spoken)
        if choice:
            out.print(f"  BT-49: [bold]{escape(choice.address or '-')}[/]  {escape(choice.sentence(spoken))}")
    if reach.state is not ReachState.REACHABLE:
        raise SystemExit(1)


@directory.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@supplier_option
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list, in French and English.")
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="Write the result as CSV.")
def check(*, file: Path, supplier: str | None, as_json: bool, output: Path | None) -> None:
    """Look up every customer of a CSV FILE (columns SIREN, SIRET or TVA, and a name).

    Exit 1 where a row could not be understood or looked up, 2 where the file cannot be read.
    """
    with services_of_house() as services:
        limits = services.settings
        try:
            rows = read_customer_file(
                file.read_bytes(), max_bytes=limits.directory_max_file_bytes, max_rows=limits.directory_max_rows
            )
        except CustomerFileError as error:
            fail(error)
            raise SystemExit(2) from error
        checked = _look_up(services, _supplier(services, supplier), rows)
    spoken = language_of_terminal()
    if output:
        table = ((row.line, row.name, row.given, identify(row.given).siren, told) for row, told in checked)
        output.write_text(write_table(table, spoken), encoding="utf-8", newline="")
    if as_json:
        click.echo(json.dumps([_json(row, told) for row, told in checked], ensure_ascii=False, indent=2))
    else:
        _print_table(checked, spoken)
    if any(told.reason in {"bad_number", "no_answer", "no_directory"} for _, told in checked):
        raise SystemExit(1)


def _look_up(services: Services, supplier: Supplier, rows: tuple[CustomerRow, ...]) -> Checked:
    """Row by row, with a bar on the terminal."""
    checked: Checked = []
    with Progress(console=err, transient=True, disable=not err.is_terminal) as progress:
        task = progress.add_task("", total=len(rows))
        for row in rows:
            checked.append((row, check_number(services.directory, supplier.supplier_id, row.given)))
            progress.advance(task)
    return checked


def _supplier(services: Services, reference: str | None) -> Supplier:
    """The supplier named; the only one there is, where none is named."""
    if reference is not None:
        found = find_supplier(services.database, reference)
        if found is None:
            err.print(f"[red]supplier.unknown[/] No supplier {escape(reference)} is known here.")
            raise SystemExit(2)
        return found
    all_of_them = list_suppliers(services.database)
    if len(all_of_them) != 1:
        err.print("[red]supplier.unnamed[/] Whose directory? Name a supplier with --supplier SIREN.")
        raise SystemExit(2)
    return all_of_them[0]


def _print(reach: Reach, spoken: str) -> None:
    colour = COLOURS.get(reach.state, "red")
    out.print(f"[bold]{escape(reach.siren)}[/] {escape(reach.name or '')}  [{colour}]{reach.state}[/]")
    out.print(f"  {escape(reach.sentence(spoken))}")
    if reach.state is not ReachState.REACHABLE:
        out.print(f"  {escape(reach.step(spoken))}")
    for line in reach.answer.lines if reach.answer else ():
        more = " ".join(each for each in (line.code.name if line.code else None,) if each)
        out.print(f"  {line.mesh:<20} {escape(line.address)}  {line.status}  [dim]{escape(more)}[/]")
    if reach.asked_at:
        late = {"fr": " (l'annuaire ne répond pas)", "en": " (the directory does not answer)"}[spoken]
        out.print(f"  [dim]{reach.asked_at:%Y-%m-%d %H:%M} UTC{late if reach.stale else ''}[/]")


def _print_table(checked: Checked, spoken: str) -> None:
    table = Table(box=None, pad_edge=False)
    for head in ("", "SIREN", "", "", ""):
        table.add_column(head)
    for row, told in checked:
        colour = COLOURS.get(ReachState(told.state), "red")
        table.add_row(
            str(row.line),
            escape(row.given),
            escape(row.name or told.name or ""),
            f"[{colour}]{told.state}[/]",
            escape(told.address or told.said(spoken)),
        )
    out.print(table)
    states = [told.state for _, told in checked]
    out.print(" · ".join(f"{state} {states.count(state)}" for state in ReachState if state in states))


def _json(row: CustomerRow, told: RowVerdict) -> dict[str, object]:
    known = identify(row.given)
    verdict = {name: getattr(told, name) for name in told.__dataclass_fields__}
    return {"line": row.line, "name": row.name, "given": row.given, "siren": known.siren, "verdict": verdict}
