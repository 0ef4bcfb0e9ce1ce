"""What the books hold for a period: the invoices and receipts that are declared by Flux 10, and no others.

Never both: what a platform has, or is about to get, is declared there of the invoice and its status 212
(:mod:`einvoice.declarants`). Domestic B2B and B2G never come here.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from einvoice.declarants import is_platforms
from einvoice.document import TaxPoint
from einvoice.reporting.lines import ReportLine, in_order, mirrored
from einvoice.reporting.periods import Period, ReportKind
from einvoice.reporting.receipts import Movement, PaidInvoice, lines_of_movements
from einvoice.reporting.sales import Sale, lines_of_sale
from receivables.domain.invoicing.invoices import Routing
from receivables.store.invoicing.invoices import get_invoice, vat_rows_from_json

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime
    from uuid import UUID

    from sqlalchemy import RowMapping

    from receivables.store.work import Work

DECLARED = (Routing.B2C, Routing.B2B_INTERNATIONAL)
"""The roads that lead to e-reporting (CGI 290)."""


class Whose(StrEnum):
    """Whose declarations are asked for."""

    OURS = "ours"
    """Ours, by Flux 10."""
    PLATFORMS = "platforms"
    """What the platform makes of the invoices that we hand it: for comparison."""


@dataclass(frozen=True, slots=True)
class Facts:
    """The lines of a period, and what the file says beside them."""

    lines: tuple[ReportLine, ...]
    numbers: dict[UUID, tuple[str, date]]
    """Number (BT-1) and day (BT-2) of every invoice concerned."""
    on_debits: frozenset[UUID] = frozenset()
    """Invoices whose VAT falls due when they are issued (*option débits*, BT-8)."""


def facts_of(work: Work, period: Period, whose: Whose = Whose.OURS) -> Facts:
    """Everything that is declared for ``period``; the same books give the same facts."""
    return _sales(work, period, whose) if period.kind is ReportKind.TRANSACTIONS else _receipts(work, period, whose)


def days_touched(work: Work, kind: ReportKind, begins_on: date) -> dict[date, datetime]:
    """Each day of which something was booked, with the instant of the last booking: what a chore has to look at.

    An invoice that a platform got later touches its days too.
    """
    rows = work.rows(_TOUCHED[kind], since=begins_on, declared=list(DECLARED))
    return {row["day"]: row["at"] for row in rows}


_TOUCHED = {
    ReportKind.TRANSACTIONS: (
        "SELECT issued_on AS day, max(greatest(invoice.created_at, flow.created_at)) AS at FROM invoices AS invoice "
        "LEFT JOIN platform_flows AS flow ON flow.supplier_id = :supplier "
        "AND flow.invoice_id = invoice.invoice_id AND flow.kind = 'invoice' "
        "WHERE invoice.supplier_id = :supplier AND issued_on >= :since AND routing = ANY(:declared) GROUP BY issued_on"
    ),
    ReportKind.PAYMENTS: (
        "SELECT collected_on AS day, max(greatest(movement.created_at, flow.created_at)) AS at "
        "FROM collections AS movement JOIN invoices AS invoice USING (supplier_id, invoice_id) "
        "LEFT JOIN platform_flows AS flow ON flow.supplier_id = :supplier "
        "AND flow.invoice_id = movement.invoice_id AND flow.kind = 'invoice' "
        "WHERE movement.supplier_id = :supplier AND collected_on >= :since AND routing = ANY(:declared) "
        "AND vat_on_collection GROUP BY collected_on"
    ),
}


def _sales(work: Work, period: Period, whose: Whose) -> Facts:
    rows = work.rows(
        "SELECT invoice_id, number, issued_on, type_code, process, currency, routing, vat_rows, document, "  # noqa: S608 -- parts of ours
        f"{_FLOW} AS has_flow, {_UNDECIDED} AS undecided FROM invoices AS invoice WHERE supplier_id = :supplier "
        "AND routing = ANY(:declared) AND opening_id IS NULL AND issued_on BETWEEN :first AND :last",
        declared=list(DECLARED),
        first=period.starts_on,
        last=period.ends_on,
    )
    kept = [row for row in rows if _is_theirs(work, row) is (whose is Whose.PLATFORMS)]
    taken_back = [row for row in _replaced(work, period) if _is_theirs(work, row) is (whose is Whose.PLATFORMS)]
    lines = [line for row in kept for line in lines_of_sale(_sale(row))]
    lines += [mirrored(line, row["taken_back_on"]) for row in taken_back for line in lines_of_sale(_sale(row))]
    return Facts(
        in_order(lines),
        _numbers([*kept, *taken_back]),
        frozenset(row["invoice_id"] for row in kept if _document(row).get("tax_point") == TaxPoint.INVOICE),
    )


def _replaced(work: Work, period: Period) -> Sequence[RowMapping]:
    """Consumers' invoices that a corrective one replaced in the period: sums by day cannot tell which one counts.

    An international invoice is declared one by one: the corrective one (384) names the one that it replaces.
    """
    return work.rows(
        "SELECT invoice.invoice_id, invoice.number, invoice.issued_on, invoice.type_code, invoice.process, "  # noqa: S608 -- parts of ours
        "invoice.currency, invoice.routing, invoice.vat_rows, invoice.document, corrective.issued_on AS taken_back_on, "
        f"{_FLOW} AS has_flow, {_UNDECIDED} AS undecided FROM replacements JOIN invoices AS invoice "
        "ON invoice.supplier_id = :supplier AND invoice.invoice_id = replaced_id JOIN invoices AS corrective "
        "ON corrective.supplier_id = :supplier AND corrective.invoice_id = by_id "
        "WHERE replacements.supplier_id = :supplier AND invoice.routing = 'b2c' "
        "AND corrective.issued_on BETWEEN :first AND :last",
        first=period.starts_on,
        last=period.ends_on,
    )


def _receipts(work: Work, period: Period, whose: Whose) -> Facts:
    rows = work.rows(
        "SELECT invoice_id, number, issued_on, currency, routing, vat_rows, document, "  # noqa: S608 -- parts of ours
        f"{_FLOW} AS has_flow, {_UNDECIDED} AS undecided FROM invoices AS invoice WHERE supplier_id = :supplier "
        "AND routing = ANY(:declared) AND vat_on_collection AND EXISTS (SELECT 1 FROM collections AS movement "
        "WHERE movement.supplier_id = :supplier AND movement.invoice_id = invoice.invoice_id "
        "AND collected_on BETWEEN :first AND :last)",
        declared=list(DECLARED),
        first=period.starts_on,
        last=period.ends_on,
    )
    kept = [row for row in rows if _is_theirs(work, row) is (whose is Whose.PLATFORMS)]
    movements = _movements(work, [row["invoice_id"] for row in kept])
    lines = (
        line
        for row in kept
        for line in lines_of_movements(_paid(row), movements[row["invoice_id"]], period.starts_on, period.ends_on)
    )
    return Facts(in_order(lines), _numbers(kept))


_FLOW = (
    "EXISTS (SELECT 1 FROM platform_flows AS flow WHERE flow.supplier_id = :supplier "
    "AND flow.invoice_id = invoice.invoice_id AND flow.kind = 'invoice')"
)
_UNDECIDED = (
    "EXISTS (SELECT 1 FROM outbox WHERE outbox.supplier_id = :supplier AND outbox.kind = 'invoice.issued' "
    "AND outbox.event_key = invoice.invoice_id::text AND outbox.state = 'new')"
)


def _is_theirs(work: Work, row: RowMapping) -> bool:
    """Whether a platform declares an invoice; those whose road is not decided yet are asked for one by one."""
    if row["has_flow"] or not row["undecided"]:
        return bool(row["has_flow"])
    return is_platforms(work, get_invoice(work, row["invoice_id"]))


def _movements(work: Work, invoice_ids: Sequence[UUID]) -> dict[UUID, list[Movement]]:
    """Every movement of the invoices from the first on: running sums need what came before the period."""
    found: dict[UUID, list[Movement]] = {invoice_id: [] for invoice_id in invoice_ids}
    for row in work.rows(
        "SELECT invoice_id, sequence, collected_on, split FROM collections WHERE supplier_id = :supplier "
        "AND invoice_id = ANY(:ids) ORDER BY invoice_id, sequence",
        ids=list(invoice_ids),
    ):
        split = tuple((Decimal(part["rate"]), int(part["amount_minor"])) for part in row["split"])
        found[row["invoice_id"]].append(Movement(row["sequence"], row["collected_on"], split))
    return found


def _sale(row: RowMapping) -> Sale:
    return Sale(
        row["invoice_id"],
        row["issued_on"],
        row["type_code"],
        row["process"],
        row["currency"],
        Routing(row["routing"]),
        vat_rows_from_json(row["vat_rows"]),
        _document(row),
        row["document"].get("natures", {}),
    )


def _paid(row: RowMapping) -> PaidInvoice:
    return PaidInvoice(
        row["invoice_id"],
        row["currency"],
        Routing(row["routing"]),
        vat_rows_from_json(row["vat_rows"]),
        _document(row),
    )


def _document(row: RowMapping) -> dict[str, Any]:
    """The legal document as JSON (:mod:`einvoice.kept`): read in parts, as thousands are looked at."""
    document: dict[str, Any] = row["document"].get("document", {})
    return document


def _numbers(rows: Sequence[RowMapping]) -> dict[UUID, tuple[str, date]]:
    return {row["invoice_id"]: (row["number"], row["issued_on"]) for row in rows}
