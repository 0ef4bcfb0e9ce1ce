"""``quittance issue``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, cast

import click
from rich.markup import escape

from config import safe_xml
from einvoice.errors import EInvoiceError
from portal.cli.house import err, fail, out, services_of_house, supplier_option
from portal.issuing import FilesPendingError, Issued, IssueOptions, issue_content
from receivables.domain.money import Money, MoneyError
from receivables.errors import ReceivablesError
from receivables.services.sealing import seal_audit

if TYPE_CHECKING:
    from einvoice.formats.profiles import Form

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
    refused = pending = 0
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
                err.print(f"[bold]{escape(path.name)}[/] refused / refusé")
                fail(error)
                continue
            _show(issued, path, form, output)
            services.works.run(issued.supplier.supplier_id, seal_audit)  # there may be no worker in this house
    if refused or pending:
        err.print(f"{len(files) - refused} issued, {refused} refused.")
        raise SystemExit(1)


def _show(issued: Issued, path: Path, form: str | None, output: Path | None) -> None:
    invoice = issued.invoice
    out.print(
        f"[bold]{escape(path.name)}[/] -> [green]{escape(invoice.number)}[/]  "
        f"{Money(invoice.payable_minor, invoice.currency)}"
        f"  {invoice.routing}  {issued.pay_url}"
    )
    wanted = form or issued.files[0].form
    for each in issued.files:
        if output and each.form == wanted:
            output.mkdir(parents=True, exist_ok=True)
            target = output / each.file.filename
            target.write_bytes(each.file.content)
            out.print(f"  {each.form}: {escape(str(target))}  sha256 {each.file.sha256[:16]}")
