"""Issued invoices in PostgreSQL."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from receivables.domain.invoicing.invoices import Invoice, Origin, Routing
from receivables.domain.settlement.collected import VatRow
from receivables.errors import NotFoundError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date
    from uuid import UUID

    from sqlalchemy import RowMapping

    from receivables.store.work import Work

_SELECT = (
    "SELECT invoice_id, customer_id, number, origin, type_code, process, issued_on, due_on, currency, total_minor, "
    "prepaid_minor, payable_minor, vat_rows, vat_on_collection, routing, document, source_sha256, created_at, series "
    "FROM invoices "
)


_STANDING = (
    "(opening_id IS NULL OR EXISTS (SELECT 1 FROM openings WHERE openings.supplier_id = :supplier "
    "AND openings.opening_id = invoices.opening_id AND openings.state = 'booked'))"
)
"""Not taken over by an opening that was undone."""


def get_invoice(work: Work, invoice_id: UUID) -> Invoice:
    """One invoice.

    Raises:
        NotFoundError: ``invoice.not_found``.
    """
    row = work.row(_SELECT + "WHERE supplier_id = :supplier AND invoice_id = :id", id=invoice_id)
    if row is None:
        raise NotFoundError("invoice.not_found", "There is no such invoice.", "Cette facture n'existe pas.")
    return _invoice(row)


def issued_days(work: Work, invoice_ids: Sequence[UUID]) -> dict[UUID, date]:
    """The day of issue of each of these invoices."""
    rows = work.rows(
        "SELECT invoice_id, issued_on FROM invoices WHERE supplier_id = :supplier AND invoice_id = ANY(:ids)",
        ids=list(invoice_ids),
    )
    return {row["invoice_id"]: row["issued_on"] for row in rows}


def find_by_number(work: Work, number: str, year: int) -> Invoice | None:
    """The invoice with this number in this year of issue (the key of CGI uniqueness), or ``None``."""
    row = work.row(
        _SELECT + f"WHERE supplier_id = :supplier AND number = :number AND issue_year = :year AND {_STANDING} "
        "ORDER BY invoice_id DESC LIMIT 1",
        number=number,
        year=year,
    )
    return _invoice(row) if row else None


def find_latest(work: Work, number: str) -> Invoice | None:
    """The invoice with this number in the latest year that has one, or ``None``."""
    row = work.row(
        _SELECT + f"WHERE supplier_id = :supplier AND number = :number AND {_STANDING} "
        "ORDER BY issue_year DESC, invoice_id DESC LIMIT 1",
        number=number,
    )
    return _invoice(row) if row else None


def vat_rows_to_json(rows: Sequence[VatRow]) -> list[dict[str, Any]]:
    """VAT rows as stored."""
    return [
        {
            "category": row.category,
            "rate": str(row.rate),
            "taxable_minor": row.taxable_minor,
            "tax_minor": row.tax_minor,
        }
        for row in rows
    ]


def vat_rows_from_json(rows: Sequence[dict[str, Any]]) -> tuple[VatRow, ...]:
    """VAT rows as the domain knows them."""
    return tuple(VatRow(row["category"], Decimal(row["rate"]), row["taxable_minor"], row["tax_minor"]) for row in rows)


def _invoice(row: RowMapping) -> Invoice:
    values = dict(row)
    values["origin"] = Origin(values["origin"])
    values["routing"] = Routing(values["routing"])
    values["vat_rows"] = vat_rows_from_json(values["vat_rows"])
    return Invoice(**values)
