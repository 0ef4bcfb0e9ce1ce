"""Until which day the books of a supplier are closed, in PostgreSQL."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from receivables.store.work import Work


def closed_until(work: Work) -> date | None:
    """The last closed day, or ``None`` where every day is open."""
    found: date | None = work.scalar("SELECT closed_until FROM closed_periods WHERE supplier_id = :supplier")
    return found


def first_open_day(work: Work) -> date | None:
    """The first day on which something may be booked, or ``None`` where every day is open."""
    last = closed_until(work)
    return last + timedelta(days=1) if last else None


def told_on(line: str) -> str:
    """In SQL, the day on which what a row ``line`` of receivable_items tells of happened.

    Its accounting day, or the day of its document where that was closed: money that is read late was paid in time.
    """
    return (
        "coalesce((SELECT entry.document_on FROM postings AS posting JOIN entries AS entry "
        "ON entry.supplier_id = :supplier AND entry.entry_id = posting.entry_id WHERE posting.supplier_id = :supplier "
        f"AND posting.posting_id = {line}.posting_id), {line}.booked_on)"
    )


def hold_periods(work: Work) -> None:
    """Wait for every entry under way, and hold new ones back until this transaction ends."""
    work.scalar("SELECT pg_advisory_xact_lock(hashtextextended(:key, 0))", key=f"periods:{work.supplier_id}")
