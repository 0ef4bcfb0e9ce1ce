"""Receipts as lines of a declaration: 10.2 per invoice, day and rate, 10.4 per day and rate (CGI 290 A)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from einvoice.reporting.euros import Euros, euros_of
from einvoice.reporting.lines import Block, ReportLine, Untold
from receivables.domain.accounting.euros import EUR
from receivables.domain.invoicing.invoices import Routing

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date
    from decimal import Decimal
    from uuid import UUID

    from receivables.domain.settlement.collected import VatRow

_DUE_BY_THE_BUYER = frozenset({"AE", "K", "G"})
"""VAT categories whose VAT is not the seller's: receipts of these are not declared (DG n. 119)."""


@dataclass(frozen=True, slots=True)
class Movement:
    """Cash that moved on an invoice (a row of ``collections``): ``split`` by rate, in minor units."""

    sequence: int
    collected_on: date
    split: tuple[tuple[Decimal, int], ...]


@dataclass(frozen=True, slots=True)
class PaidInvoice:
    """An invoice whose VAT falls due on collection."""

    invoice_id: UUID
    currency: str
    routing: Routing
    vat_rows: tuple[VatRow, ...]
    document: Mapping[str, Any]


def lines_of_movements(
    invoice: PaidInvoice, movements: Sequence[Movement], starts_on: date, ends_on: date
) -> list[ReportLine]:
    """What the ``movements`` of one invoice add to a period: all of them, in order, where the currency is not EUR.

    In EUR what is declared is what was booked. Of another currency, each declares the difference between the running
    sums in EUR, so that nothing is rounded twice.
    """
    block = Block.FOREIGN_RECEIPT if invoice.routing is Routing.B2B_INTERNATIONAL else Block.CONSUMER_RECEIPTS
    left_out = rates_of_the_buyer(invoice.vat_rows)
    euros = euros_of(invoice.document, invoice.currency, sum(row.tax_minor for row in invoice.vat_rows))
    running: dict[Decimal, int] = {}
    found = []
    for movement in movements:
        for rate, amount in movement.split:
            before = running.get(rate, 0)
            running[rate] = before + amount
            if rate in left_out or not starts_on <= movement.collected_on <= ends_on:
                continue
            declared = _declared(euros, invoice.currency, before, amount)
            found.append(
                ReportLine(
                    block,
                    invoice.invoice_id,
                    movement.collected_on,
                    rate,
                    invoice.currency,
                    sequence=movement.sequence,
                    amount_minor=amount,
                    amount_eur_minor=declared,
                    untold=Untold.NO_EURO if declared is None else None,
                )
            )
    return found


def rates_of_the_buyer(rows: Sequence[VatRow]) -> frozenset[Decimal]:
    """Rates at which every row of the invoice is reverse-charged, exported or intra-EU."""
    ours = {row.rate for row in rows if row.category not in _DUE_BY_THE_BUYER}
    return frozenset(row.rate for row in rows) - ours


def _declared(euros: Euros, currency: str, before: int, amount: int) -> int | None:
    if currency == EUR:
        return amount
    first, last = euros.of(before), euros.of(before + amount)
    return None if first is None or last is None else last - first
