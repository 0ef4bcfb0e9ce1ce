"""Sales as lines of a declaration: 10.1 per invoice and rate, 10.3 per category and rate."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from einvoice.reporting.euros import euros_of, spread
from einvoice.reporting.lines import Block, ReportLine, Untold
from receivables.domain.invoicing.invoices import CREDIT_NOTES, Routing
from receivables.domain.money import Money

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date
    from uuid import UUID

    from receivables.domain.settlement.collected import VatRow

GOODS, SERVICES, NOT_TAXED, MARGIN = "TLB1", "TPS1", "TNT1", "TMA1"
"""Categories of 10.3 (TT-81, A7 G1.68): goods, services, not taxable in France, margin schemes."""
_NOT_TAXED_HERE = frozenset({"AE", "K", "G", "O"})
"""VAT categories (BT-118) of what bears no VAT in France: reverse charge, intra-EU, export, outside its scope."""
_MARGIN_CODES = frozenset({"VATEX-EU-D", "VATEX-EU-F", "VATEX-EU-I", "VATEX-EU-J"})
"""Travel agencies, second-hand goods, works of art, antiques (directive 2006/112/CE art. 306, 313 to 343)."""
_OF_PROCESS = {"B": GOODS, "S": SERVICES}
"""By the first letter of BT-23; M is both."""
_OF_NATURE = {"goods": GOODS, "services": SERVICES}


@dataclass(frozen=True, slots=True)
class Sale:
    """An invoice as the books and its kept document (JSON of :mod:`einvoice.kept`) tell it.

    ``natures`` says of each line (BT-126) whether it is goods or services, where BT-23 says that there are both.
    """

    invoice_id: UUID
    issued_on: date
    type_code: str
    process: str | None
    currency: str
    routing: Routing
    vat_rows: tuple[VatRow, ...]
    document: Mapping[str, Any]
    natures: Mapping[str, str]


def lines_of_sale(sale: Sale) -> tuple[ReportLine, ...]:
    """What ``sale`` adds to its period; a credit note takes off (A6, TT-82)."""
    euros = euros_of(sale.document, sale.currency, sum(row.tax_minor for row in sale.vat_rows))
    lines = _foreign(sale) if sale.routing is Routing.B2B_INTERNATIONAL else _consumer(sale)
    taxes = spread(euros.vat_minor, [line.tax_minor or 0 for line in lines]) if euros.vat_minor is not None else None
    sense = -1 if sale.type_code in CREDIT_NOTES else 1
    return tuple(
        replace(
            line,
            taxable_minor=sense * (line.taxable_minor or 0),
            tax_minor=sense * (line.tax_minor or 0),
            tax_eur_minor=None if taxes is None else sense * taxes[place],
            untold=line.untold or (Untold.NO_EURO if taxes is None else None),
        )
        for place, line in enumerate(lines)
    )


def _foreign(sale: Sale) -> list[ReportLine]:
    return [
        _line(sale, Block.FOREIGN_SALE, row.category, row.rate, (row.taxable_minor, row.tax_minor))
        for row in sale.vat_rows
    ]


def _consumer(sale: Sale) -> list[ReportLine]:
    """Lines of 10.3: rows of the VAT table, those of mixed invoices split over goods and services."""
    found: dict[tuple[str, Decimal], ReportLine] = {}
    for position, row in enumerate(sale.vat_rows):
        for category, taxable, tax in _categories(sale, position, row):
            line = _line(sale, Block.CONSUMER_SALES, category, row.rate, (taxable, tax))
            if category == MARGIN:
                line = replace(line, untold=Untold.NO_MARGIN)
            if not category:
                line = replace(line, category=None, untold=Untold.NO_NATURE)
            known = found.get((category, row.rate))
            found[category, row.rate] = line if known is None else _joined(known, line)
    return list(found.values())


def _categories(sale: Sale, position: int, row: VatRow) -> list[tuple[str, int, int]]:
    """The categories of one row with base and tax; the empty one where the invoice does not tell."""
    if _exemption(sale, position) in _MARGIN_CODES:
        return [(MARGIN, row.taxable_minor, row.tax_minor)]
    if row.category in _NOT_TAXED_HERE:
        return [(NOT_TAXED, row.taxable_minor, row.tax_minor)]
    whole = _OF_PROCESS.get((sale.process or "")[:1])
    if whole:
        return [(whole, row.taxable_minor, row.tax_minor)]
    share = _goods_share(sale, row)
    if share is None:
        return [("", row.taxable_minor, row.tax_minor)]
    taxable, tax = round(share * row.taxable_minor), round(share * row.tax_minor)
    parts = [(GOODS, taxable, tax), (SERVICES, row.taxable_minor - taxable, row.tax_minor - tax)]
    return [part for part in parts if part[1] or part[2]]


def _goods_share(sale: Sale, row: VatRow) -> Fraction | None:
    """What part of a row is goods, by the lines (BT-131) of its category and rate; allowances follow them."""
    sums = {GOODS: 0, SERVICES: 0}
    for line in sale.document.get("lines", ()):
        same = line.get("vat_category") == row.category and Decimal(str(line.get("vat_rate") or 0)) == row.rate
        if not same or line.get("kind") in {"GROUP", "INFORMATION"}:
            continue
        category = _OF_NATURE.get(sale.natures.get(str(line["line_id"]), ""))
        if category is None:
            return None
        sums[category] += Money.of(str(line["net_amount"]), sale.currency).minor
    total = sum(sums.values())
    return Fraction(sums[GOODS], total) if total else None


def _exemption(sale: Sale, position: int) -> str | None:
    """BT-121 of a row: the rows of the books are those of the document, in its order."""
    rows = sale.document.get("vat", ())
    code: str | None = rows[position].get("exemption_code") if position < len(rows) else None
    return code


def _line(sale: Sale, block: Block, category: str, rate: Decimal, amounts: tuple[int, int]) -> ReportLine:
    """A line with ``amounts``: base and tax."""
    return ReportLine(
        block,
        sale.invoice_id,
        sale.issued_on,
        rate,
        sale.currency,
        category=category,
        taxable_minor=amounts[0],
        tax_minor=amounts[1],
    )


def _joined(one: ReportLine, other: ReportLine) -> ReportLine:
    return replace(
        one,
        taxable_minor=(one.taxable_minor or 0) + (other.taxable_minor or 0),
        tax_minor=(one.tax_minor or 0) + (other.tax_minor or 0),
    )
