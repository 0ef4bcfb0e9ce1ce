"""``quittance token`` and ``quittance link``: doors for machines and payers."""

from __future__ import annotations

import click

from portal.api.tokens import create_token
from portal.cli.house import err, out, services_of_house
from receivables.store.invoices import find_by_number
from receivables.store.register import find_supplier


@click.command()
@click.argument("supplier", metavar="SIREN")
@click.option("--label", default="command line", help="What the token is for.")
def token(supplier: str, label: str) -> None:
    """Make an API token for a supplier. It is shown once."""
    with services_of_house() as services:
        found = find_supplier(services.database, supplier)
        if found is None:
            err.print(f"[red]supplier.unknown[/] No supplier {supplier} is known here.")
            raise SystemExit(1)
        with services.works.begin(found.supplier_id) as work:
            out.print(create_token(work, label))


@click.command()
@click.argument("supplier", metavar="SIREN")
@click.argument("number")
@click.argument("year", type=int)
def link(supplier: str, number: str, year: int) -> None:
    """Print the payment page of an invoice."""
    with services_of_house() as services:
        found = find_supplier(services.database, supplier)
        if found is None:
            err.print(f"[red]supplier.unknown[/] No supplier {supplier} is known here.")
            raise SystemExit(1)
        with services.works.begin(found.supplier_id) as work:
            invoice = find_by_number(work, number, year)
            if invoice is None:
                err.print(f"[red]invoice.not_found[/] No invoice {number} of {year}.")
                raise SystemExit(1)
            out.print(services.pay_link(work, invoice.invoice_id, "document"))
