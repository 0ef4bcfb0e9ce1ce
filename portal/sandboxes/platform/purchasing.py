"""A purchase invoice on its way to a client: made for it, or uploaded; judged like any other, then delivered."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256
from itertools import count
from typing import TYPE_CHECKING

from config.clock import today
from einvoice.platform.port import Direction, Syntax
from portal.sandboxes.platform.delivery import Route
from portal.sandboxes.platform.flows import StoredFlow
from portal.sandboxes.platform.supply import SYNTAXES, Purchase, SupplyError, make_invoice

if TYPE_CHECKING:
    from werkzeug.datastructures import FileStorage

    from portal.sandboxes.platform.desk import PlatformDesk
    from portal.sandboxes.platform.directory.entries import Company
    from portal.sandboxes.platform.flows import DepositedInvoice

_PDF = b"%PDF-"
_numbers = count(1)
"""Serial numbers of invented invoices, as long as the process lives."""


def send_generated(desk: PlatformDesk, company: Company, purchase: Purchase) -> DepositedInvoice:
    """Make a valid invoice of an invented supplier, and deliver it to the client of ``company``.

    Raises:
        SupplyError: what was asked cannot stand in an invoice, or its number has been used.
    """
    number = purchase.number or f"A{today():%Y%m}-{next(_numbers):05d}"
    content = make_invoice(replace(purchase, number=number), company)
    suffix = "pdf" if purchase.form == "facturx" else "xml"
    return _deliver(desk, company, f"{number.replace('/', '-')}.{suffix}", SYNTAXES[purchase.form], content)


def send_file(desk: PlatformDesk, company: Company, file: FileStorage) -> DepositedInvoice:
    """Deliver an uploaded invoice (CII, UBL, Factur-X) to the client of ``company``.

    Raises:
        SupplyError: the file is refused by the checks, or its invoice is known.
    """
    content = file.stream.read(desk.options.max_file_bytes + 1)
    if len(content) > desk.options.max_file_bytes:
        raise SupplyError("it is too large.")
    name = (file.filename or "invoice.xml")[-255:]
    if content.startswith(_PDF):
        return _deliver(desk, company, name, Syntax.FACTUR_X.value, content)
    syntax = Syntax.CII if b"CrossIndustryInvoice" in content[:2000] else Syntax.UBL
    return _deliver(desk, company, name, syntax.value, content)


def _deliver(desk: PlatformDesk, company: Company, name: str, syntax: str, content: bytes) -> DepositedInvoice:
    flow = StoredFlow(
        owner="",
        name=name,
        syntax=syntax,
        direction=Direction.IN,
        content=content,
        sha256=sha256(content).hexdigest(),
        computed_rule="B2B",
    )
    examined = desk.examine(flow)
    if not examined.passes or examined.facts is None:
        remarks = "; ".join(each.message for each in examined.details if each.level == "Error")
        raise SupplyError(remarks or "it is no invoice.")
    flow.facts, flow.profile = examined.facts, examined.facts.profile
    if examined.facts.key in desk.store.invoices:
        raise SupplyError(f"invoice {examined.facts.number} of this seller and year is known.")
    return desk.receive_from_outside(flow, examined.facts, Route("delivered", receiver=company.owner, company=company))
