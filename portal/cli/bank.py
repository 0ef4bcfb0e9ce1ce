"""``quittance bank``: statements from a file or a folder; nothing in the folder is moved or changed."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.markup import escape
from rich.progress import Progress

from payments.banking.accounts import UnknownAccountError, accept_account
from payments.banking.importing import BankFile, import_file
from payments.banking.statements import statements_of_file
from payments.errors import PaymentError
from portal.cli.house import err, fail, named_supplier, out, services_of_house
from portal.documents.bank_files import keep_file
from receivables.domain.money import Money

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from payments.banking.statements import KeptStatement
    from portal.wiring import Services

ACTOR = "command line"


@click.group()
def bank() -> None:
    """Bank statements: camt.053, camt.054, CFONB 120, MT940 and OFX."""


@bank.command("import")
@click.argument("reference", metavar="SIREN")
@click.argument("paths", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path), metavar="DIR|FILE...")
@click.option("--accept-account", "accounts", multiple=True, help="Say yes to an account not known as ours yet.")
def import_(reference: str, paths: tuple[Path, ...], accounts: tuple[str, ...]) -> None:
    """Import statements; files that were imported before are passed over. Exit 1 if any is refused."""
    refused = 0
    with services_of_house() as services:
        supplier_id = named_supplier(services, reference).supplier_id
        with services.works.begin(supplier_id) as work:
            for account in accounts:
                accept_account(work, account, ACTOR)
        for path in _files(paths):
            refused += not _import(services, supplier_id, path)
    if refused:
        raise SystemExit(1)


def _files(paths: Sequence[Path]) -> list[Path]:
    """The files named, and those directly in the folders named, in the order of their names."""
    found = []
    for path in paths:
        if path.is_dir():
            found += sorted(each for each in path.iterdir() if each.is_file() and not each.name.startswith("."))
        else:
            found.append(path)
    return found


def _import(services: Services, supplier_id: UUID, path: Path) -> bool:
    """Import one file and print its report; whether it could be."""
    content = path.read_bytes()
    with services.works.begin(supplier_id) as work:
        known = statements_of_file(work, hashlib.sha256(content).hexdigest())
    if known and all(each.finished_at for each in known):
        out.print(f"[bold]{escape(path.name)}[/] imported before / déjà importé le {known[0].imported_at:%d/%m/%Y}")
        return True
    try:
        file = BankFile(path.name, content, ACTOR)
        keep_file(services, supplier_id, file)
        with Progress(console=err, transient=True) as bar:
            task = bar.add_task(escape(path.name), total=file.line_count)
            kept = import_file(services.works, supplier_id, file, lambda done, _whole: bar.update(task, completed=done))
    except UnknownAccountError as error:
        err.print(f"[bold]{escape(path.name)}[/]")
        fail(error)
        for account in error.accounts:
            err.print(f"  --accept-account {escape(account)}")
        return False
    except PaymentError as error:
        err.print(f"[bold]{escape(path.name)}[/]")
        fail(error)
        return False
    for each in kept:
        _show(each)
    return True


def _show(kept: KeptStatement) -> None:
    report = kept.report or {}
    out.print(
        f"[bold]{escape(kept.filename)}[/]  {kept.format}  {escape(kept.account)}  {kept.from_on} - {kept.to_on}  "
        f"{kept.lines} lines, {kept.fresh_lines} new / {kept.lines} lignes, {kept.fresh_lines} nouvelles"
    )
    for state, count in report.get("states", {}).items():
        out.print(f"  {state:14} {count:>7}  {Money(report['sums_minor'][state], kept.currency)}")
    for remark in kept.remarks:
        out.print(f"  [yellow]{remark['code']}[/] {escape(remark['sentence'])}")
        out.print(f"  [dim]{escape(remark['sentence_fr'])}[/]")
