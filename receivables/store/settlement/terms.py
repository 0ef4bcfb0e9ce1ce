"""Instalments and early-payment discounts of invoices in PostgreSQL, kept at their issue and never changed."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from receivables.domain.settlement.terms import EarlyDiscount, Instalment
from receivables.store.work import to_json

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from uuid import UUID

    from receivables.store.work import Work


def keep_terms(work: Work, invoice_id: UUID, instalments: Sequence[Instalment], discount: EarlyDiscount | None) -> None:
    """Keep what an invoice says about its payment."""
    if instalments:
        work.execute(
            "INSERT INTO instalments (supplier_id, invoice_id, position, due_on, amount_minor) "
            "SELECT :supplier, :invoice, position, due_on, amount_minor "
            "FROM jsonb_to_recordset(CAST(:given AS jsonb)) AS given (position integer, due_on date, "
            "amount_minor bigint)",
            invoice=invoice_id,
            given=to_json(
                [
                    {"position": position, "due_on": each.due_on, "amount_minor": each.amount_minor}
                    for position, each in enumerate(instalments, 1)
                ]
            ),
        )
    if discount is not None:
        work.execute(
            "INSERT INTO early_discounts (supplier_id, invoice_id, percent, until) "
            "VALUES (:supplier, :invoice, :percent, :until)",
            invoice=invoice_id,
            percent=discount.percent,
            until=discount.until,
        )


def discount_of(work: Work, invoice_id: UUID) -> EarlyDiscount | None:
    """The early-payment discount that an invoice offers, past or not."""
    row = work.row(
        "SELECT percent, until FROM early_discounts WHERE supplier_id = :supplier AND invoice_id = :invoice",
        invoice=invoice_id,
    )
    return EarlyDiscount(Decimal(row["percent"]).normalize(), row["until"]) if row else None


def discounts_of(work: Work, invoice_ids: Collection[UUID]) -> dict[UUID, EarlyDiscount]:
    """The early-payment discounts of those of ``invoice_ids`` that offer one, past or not."""
    if not work.scalar("SELECT EXISTS (SELECT 1 FROM early_discounts WHERE supplier_id = :supplier)"):
        return {}
    rows = work.rows(
        "SELECT invoice_id, percent, until FROM early_discounts WHERE supplier_id = :supplier "
        "AND invoice_id = ANY(:ids)",
        ids=list(invoice_ids),
    )
    return {row["invoice_id"]: EarlyDiscount(Decimal(row["percent"]).normalize(), row["until"]) for row in rows}
