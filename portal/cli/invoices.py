"""``quittance issue``."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click
from rich.markup import escape

from config import safe_xml
from einvoice.errors import EInvoiceError
from einvoice.intake import InvalidInvoiceError
from einvoice.request.reading import InvalidRequestError
from portal.cli.house import err, fail, out, services_of_house, supplier_option
from portal.cli.validation import language_of_terminal, print_rule
from portal.documents.issuing import FilesPendingError, Issued, IssueOptions, issue_content
from portal.validation.told import tell_rule
from receivables.domain.money import Money, MoneyError
from receivables.errors import ReceivablesError
from receivables.services.accounting.sealing import seal_audit

if TYPE_CHECKING:
    from collections.abc import Iterable

    from einvoice.formats.profiles import Form
    from einvoice.production import ProducedFile
    from einvoice.validation.verdict import Finding

REFUSALS = (EInvoiceError, safe_xml.UnsafeXmlError, ReceivablesError, MoneyError)
FILES = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command()
@click.argument("files", nargs=-1, required=True, type=FILES)
@supplier_option
@click.option("--create-supplier", is_flag=True, help="Take the seller from the file where it is new here.")
@click.option("--format", "form", type=click.Choice(["facturx", "cii", "ubl"]), help="The form to write.")
@click.option("--output", type=click.Path(file_okay=False, path_type=Path), help="Folder for the files.")
def issue(
    *, files: tuple[Path, ...], supplier: str | None, create_supplier: bool, form: str | None, output: Path | None
) -> None:
    """Issue invoices: our JSON, or finished UBL, CII and Factur-X files. Exit 1 if any is refused."""
    options = IssueOptions(supplier, create_supplier, cast("Form | None", form), "command line")
    refused = pending = unsaved = 0
    if output:
        _prepare_folder(output)
    with services_of_house() as services:
        for path in files:
            try:
                issued = issue_content(services, path.read_bytes(), path.name, options)
            except FilesPendingError as error:
                pending += 1
                err.print(f"[bold]{escape(path.name)}[/] issued without files / émise sans fichiers")
                fail(error)
                continue
            except REFUSALS as error:
                refused += 1
                err.print(f"[bold]{escape(path.name)}[/] refused / refusée")
                fail(error)
                _tell_the_rest(error)
                continue
            unsaved += not _show(issued, path, form, output)
            services.works.run(issued.supplier.supplier_id, seal_audit)  # there may be no worker in this house
    if refused or pending or unsaved:
        issued_count = len(files) - refused
        err.print(f"{issued_count} issued, {refused} refused. / {issued_count} émise(s), {refused} refusée(s).")
        raise SystemExit(1)


def _tell_the_rest(error: Exception) -> None:
    """Every field that is wrong and every rule that is broken, so that one correction is enough."""
    if isinstance(error, InvalidRequestError):
        for each in error.problems[1:]:
            err.print(f"  - {escape(each.sentence)}")
            err.print(f"    [dim]{escape(each.sentence_fr)}[/]")
    if isinstance(error, InvalidInvoiceError):
        _tell_rules(error.report.fatal)


def _tell_rules(findings: Iterable[Finding]) -> None:
    """Each rule with its term, place and fix; without the line, which is one of the XML that we wrote."""
    for each in findings:
        print_rule(err, tell_rule(replace(each, line=None)), language_of_terminal())


def _show(issued: Issued, path: Path, form: str | None, output: Path | None) -> bool:
    """Print one issued invoice and write its file; whether every file could be written."""
    invoice = issued.invoice
    out.print(
        f"[bold]{escape(path.name)}[/] -> [green]{escape(invoice.number)}[/]  "
        f"{Money(invoice.payable_minor, invoice.currency)}"
        f"  {invoice.routing}  {issued.pay_url}"
    )
    wanted = form or issued.files[0].form
    saved = True
    for each in issued.files:
        if output and each.form == wanted:
            saved = _save(each, output, invoice.number) and saved
    _tell_rules(issued.warnings)
    return saved


def _save(produced: ProducedFile, output: Path, number: str) -> bool:
    """Write one file into the folder; the invoice is issued already, so that a full disk is told and no more."""
    target = output / produced.file.filename
    try:
        target.write_bytes(produced.file.content)
    except OSError as error:
        err.print(f"  [red]output.unwritable[/] {escape(str(target))}: {escape(error.strerror or str(error))}.")
        err.print(f"  {escape(number)} is issued, do not send it again: `quittance evidence` writes its files.")
        err.print("  [dim]La facture est émise, ne la renvoyez pas : `quittance evidence` écrit ses fichiers.[/]")
        return False
    out.print(f"  {produced.form}: {escape(str(target))}  sha256 {produced.file.sha256[:16]}")
    return True


def _prepare_folder(output: Path) -> None:
    """Make the folder before anything is numbered, or say why not and exit 2."""
    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        err.print(f"[red]output.unwritable[/] {escape(str(output))}: {escape(error.strerror or str(error))}.")
        err.print("  Nothing was issued. / [dim]Rien n'a été émis.[/]")
        raise SystemExit(2) from error
