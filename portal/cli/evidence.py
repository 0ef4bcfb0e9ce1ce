"""``quittance evidence``: everything about one invoice in one zip."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.markup import escape

from einvoice.errors import EInvoiceError
from portal.cli.house import err, fail, out, services_of_house, supplier_option
from portal.evidence.bundle import make_evidence
from receivables.errors import ReceivablesError
from receivables.services.accounting.sealing import seal_audit
from receivables.store.register import find_supplier, list_suppliers

if TYPE_CHECKING:
    from uuid import UUID

    from portal.wiring import Services


@click.command()
@click.argument("number")
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="Where to write the zip.")
@supplier_option
@click.option("--year", type=int, help="Year of issue, where several years have the number.")
def evidence(*, number: str, output: Path | None, supplier: str | None, year: int | None) -> None:
    """Write the evidence bundle of an invoice: files, messages, payments, mails, audit, hashes (docs/evidence.md)."""
    with services_of_house() as services:
        supplier_id, invoice_id = _find(services, number, supplier, year)
        try:
            bundle = make_evidence(services, supplier_id, invoice_id, "command line")
        except (EInvoiceError, ReceivablesError) as error:
            fail(error)
            raise SystemExit(1) from error
        services.works.run(supplier_id, seal_audit)  # there may be no worker in this house
    target = output or Path(bundle.filename)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(bundle.content)
    except OSError as error:
        _give_up(f"[red]output.unwritable[/] {escape(str(target))}: {escape(error.strerror or str(error))}.")
    out.print(f"{escape(str(target))}  {len(bundle.content)} bytes  manifest sha256 {bundle.manifest_sha256}")


def _find(services: Services, number: str, reference: str | None, year: int | None) -> tuple[UUID, UUID]:
    """The one invoice meant, or a sentence and exit 1."""
    suppliers = list_suppliers(services.database)
    if reference is not None:
        found = find_supplier(services.database, reference)
        if found is None:
            _give_up(f"[red]supplier.unknown[/] No supplier {escape(reference)} is known here.")
        suppliers = [found] if found else []
    meant = []
    for each in suppliers:
        with services.works.begin(each.supplier_id) as work:
            rows = work.rows(
                "SELECT invoice_id FROM invoices WHERE supplier_id = :supplier AND number = :number "
                "AND (CAST(:year AS integer) IS NULL OR issue_year = :year)",
                number=number,
                year=year,
            )
        meant += [(each.supplier_id, row["invoice_id"]) for row in rows]
    if not meant:
        _give_up(f"[red]invoice.not_found[/] There is no invoice {escape(number)}.")
    if len(meant) > 1:
        _give_up(
            f"[red]invoice.ambiguous[/] There are {len(meant)} invoices {escape(number)}: add --supplier or --year."
        )
    return meant[0]


def _give_up(sentence: str) -> None:
    err.print(sentence)
    raise SystemExit(1)
