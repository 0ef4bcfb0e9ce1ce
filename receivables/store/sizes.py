"""How much an export would be, counted before it is made: it is made at once, or by the worker."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import date
    from uuid import UUID

    from receivables.store.work import Work


def count_entry_lines(work: Work, since: date, until: date) -> int:
    """Lines of entries booked between two days, both included."""
    return int(
        work.scalar(
            "SELECT count(*) FROM entries AS entry JOIN postings USING (supplier_id, entry_id) "
            "WHERE supplier_id = :supplier AND booked_on BETWEEN :since AND :until",
            since=since,
            until=until,
        )
    )


def count_open_items(work: Work, until: date) -> int:
    """Lines of account 411 booked until a day: no fewer than were open on it."""
    return int(
        work.scalar(
            "SELECT count(*) FROM receivable_items WHERE supplier_id = :supplier AND booked_on <= :until", until=until
        )
    )


def count_late(work: Work, customer_id: UUID, on: date) -> int:
    """Invoices of a customer that are late on a day, in part or whole."""
    return int(
        work.scalar(
            "SELECT count(*) FROM receivable_items WHERE supplier_id = :supplier AND customer_id = :customer "
            "AND kind = 'invoice' AND open_minor > 0 AND due_on < :on",
            customer=customer_id,
            on=on,
        )
    )


def count_documents(work: Work, invoice_id: UUID) -> tuple[int, int]:
    """Files of an invoice in the archive, and their bytes."""
    row = work.row(
        "SELECT count(*) AS files, coalesce(sum(size_bytes), 0)::bigint AS bytes FROM documents "
        "WHERE supplier_id = :supplier AND invoice_id = :invoice",
        invoice=invoice_id,
    )
    assert row is not None  # noqa: S101 -- sums without groups are always one row
    return int(row["files"]), int(row["bytes"])


def size_of_own_data(work: Work, customer_id: UUID, first: date, last: date) -> tuple[int, int, int]:
    """Invoices and lines of account of a customer between two days, their files in the archive, and their bytes."""
    row = work.row(
        "SELECT count(DISTINCT invoice.invoice_id) AS lines, count(sha256) AS files, "
        "coalesce(sum(size_bytes), 0)::bigint AS bytes FROM invoices AS invoice LEFT JOIN documents AS document "
        "ON document.supplier_id = :supplier AND document.invoice_id = invoice.invoice_id AND form <> 'cdar' "
        "WHERE invoice.supplier_id = :supplier AND customer_id = :customer AND issued_on BETWEEN :first AND :last",
        customer=customer_id,
        first=first,
        last=last,
    )
    assert row is not None  # noqa: S101 -- sums without groups are always one row
    items = work.scalar(
        "SELECT count(*) FROM receivable_items WHERE supplier_id = :supplier AND customer_id = :customer "
        "AND booked_on BETWEEN :first AND :last",
        customer=customer_id,
        first=first,
        last=last,
    )
    return int(row["lines"]) + int(items), int(row["files"]), int(row["bytes"])
