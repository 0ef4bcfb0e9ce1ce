"""``quittance status send``: tell the buyer, through the platform, what became of an invoice."""

from __future__ import annotations

import hashlib
import mimetypes
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.markup import escape

from einvoice.document import FRENCH_ADDRESS_SCHEME, SIREN_SCHEME, Identifier
from einvoice.errors import EInvoiceError
from einvoice.kept import issued_document
from einvoice.lifecycle.factoring import (
    CHANGED_ACCOUNT,
    FACTORED,
    NOT_FACTORED,
    account_detail,
    own_account,
    read_account,
)
from einvoice.lifecycle.message import CONFIDENTIAL, FACTOR, AttachedFile, Detail, Note, StatusParty
from einvoice.lifecycle.statuses import STATUSES
from portal.cli.house import err, fail, named_invoice, named_supplier, out, services_of_house

if TYPE_CHECKING:
    from einvoice.lifecycle.factoring import AccountToPay
    from receivables.domain.invoicing.invoices import Invoice

CODES = ("209", "220", FACTORED, CONFIDENTIAL, CHANGED_ACCOUNT, NOT_FACTORED)
"""What a person may say; 212 follows the cash, 220 of a replaced invoice goes by itself."""


@click.group()
def status() -> None:
    """Tell the buyer what became of an invoice: completed, cancelled, factored, another account to pay."""


@status.command()
@click.argument("number", metavar="INVOICE")
@click.argument("code", type=click.Choice(CODES))
@click.option("--supplier", "reference", metavar="SIREN", required=True, help="The supplier, by SIREN or foreign id.")
@click.option("--year", type=int, required=True, help="The year in which the invoice was issued.")
@click.option("--note", help="A comment for the buyer (MDT-126).")
@click.option("--attach", type=click.Path(exists=True, dir_okay=False, path_type=Path), multiple=True, help="For 209.")
@click.option("--holder", help="225, 227: whose account is to be paid.")
@click.option("--iban", help="225, 227: the account to pay.")
@click.option("--bic", help="225, 227: its BIC, where there is one.")
@click.option("--factor", metavar="SIREN", help="226: the factor to be told; without it, our platform alone is.")
@click.option("--factor-address", help="226: the factor's electronic address; its SIREN if not given.")
@click.option("--key", help="Tells a repetition from the same status set once more; the same key is sent once.")
def send(
    *,
    number: str,
    code: str,
    reference: str,
    year: int,
    note: str | None,
    attach: tuple[Path, ...],
    holder: str | None,
    iban: str | None,
    bic: str | None,
    factor: str | None,
    factor_address: str | None,
    key: str | None,
) -> None:
    """Send status CODE (209, 220, 225, 226, 227, 228) of an INVOICE, once, through the platform that has it."""
    if (code in {FACTORED, CHANGED_ACCOUNT}) != bool(holder and iban):
        raise click.UsageError("225 and 227 name the account to pay: give --holder and --iban, and only with them.")
    if factor and code != CONFIDENTIAL:
        raise click.UsageError("--factor is for 226 only: everything else goes to the buyer.")
    with services_of_house() as services:
        supplier = named_supplier(services, reference)
        try:
            account = read_account(holder, iban, bic) if holder and iban else None
            files = tuple(_file(path) for path in attach)
            with services.works.begin(supplier.supplier_id) as work:
                invoice = named_invoice(work, number, year)
                detail = _detail(invoice, code, account, note)
                told = services.seller_statuses.queue(
                    work,
                    invoice.invoice_id,
                    code,
                    key=f"command line {key or _fingerprint(code, detail, files)}",
                    details=(detail,) if detail else (),
                    attachments=files,
                    factor=_factor(factor, factor_address) if factor else None,
                )
                work.audit("command line", "status.queued", str(invoice.invoice_id), code=code, message=told)
        except EInvoiceError as error:
            fail(error)
            raise SystemExit(1) from error
    label = STATUSES[code].english
    if told is None:
        err.print(f"[yellow]No platform has {escape(number)}[/]: nobody was told.")
        raise SystemExit(1)
    out.print(f"{escape(number)}: {code} {label} is on its way as {escape(told)}")


def _detail(invoice: Invoice, code: str, account: AccountToPay | None, note: str | None) -> Detail | None:
    """The account to pay where the status names one; 228 names the invoice's own again."""
    if code == NOT_FACTORED:
        account = own_account(issued_document(invoice))
    if account:
        return account_detail(account, note)
    return Detail(1, notes=(Note(note),)) if note else None


def _file(path: Path) -> AttachedFile:
    return AttachedFile(path.read_bytes(), path.name, mimetypes.guess_type(path.name)[0])


def _factor(siren: str, address: str | None) -> StatusParty:
    identifier = Identifier(siren, SIREN_SCHEME)
    return StatusParty(FACTOR, (identifier,), None, Identifier(address or siren, FRENCH_ADDRESS_SCHEME))


def _fingerprint(code: str, detail: Detail | None, files: tuple[AttachedFile, ...]) -> str:
    return hashlib.sha256(repr((code, detail, files)).encode()).hexdigest()
