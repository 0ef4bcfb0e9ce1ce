"""Claims for late interest enter the books (411 against 7631 and 758): when they are made, or with their first money.

A claim that nobody may ever pay is no asset: by default it is asked for outside the books, and enters them whole as
soon as money for it is there, because whoever pays a part acknowledges the debt (C. civ. art. 2240).
"""

from __future__ import annotations

from datetime import UTC, datetime, time
from typing import TYPE_CHECKING

from config.clock import new_id, now
from config.law import accounts_on
from receivables.domain.accounting.ledger import OTHER_JOURNAL, Chart, Entry, signed, without_zeros
from receivables.store.settlement.books import write_entries, write_items

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date
    from uuid import UUID

    from sqlalchemy import RowMapping

    from receivables.store.work import Work

CLAIM = "claim"
"""Source kind of the entry."""


def enter_claims(work: Work, invoice_ids: Iterable[UUID], day: date) -> int:
    """Book those among ``invoice_ids`` that are claims outside the books; their customers are locked. How many."""
    waiting = [row["claim_id"] for row in work.rows(_WAITING, ids=list(invoice_ids))]
    if not waiting:  # nearly always: every payment asks
        return 0
    rows = work.rows(_OUTSIDE, ids=waiting)
    chart = Chart(**accounts_on(day))
    entries = [_entry(row, chart, max(day, row["issued_on"])) for row in rows]
    write_entries(work, entries)
    write_items(work, [_item(row, entry) for row, entry in zip(rows, entries, strict=True)])
    work.execute(
        "UPDATE interest_claims SET outside_minor = 0, entered_on = :day, changed_at = :at "
        "WHERE supplier_id = :supplier AND claim_id = ANY(:ids)",
        ids=[row["claim_id"] for row in rows],
        day=day,
        at=now(),
    )
    work.audit_all(
        [
            {
                "actor": "core",
                "act": f"{CLAIM}.booked",
                "object": entry.source_ref,
                "details": {"entry_id": entry.entry_id},
            }
            for entry in entries
        ]
    )
    return len(rows)


_WAITING = (
    "SELECT claim_id FROM interest_claims WHERE supplier_id = :supplier AND claim_id = ANY(:ids) AND outside_minor > 0"
)
_OUTSIDE = (
    "SELECT claim.claim_id, claim.customer_id, claim.outside_minor, invoice.number, invoice.issued_on, invoice.due_on, "
    "invoice.currency, customer.name AS customer_name, "
    "coalesce((SELECT sum(indemnity_minor) FROM claim_lines AS line WHERE line.supplier_id = :supplier "
    "AND line.claim_id = claim.claim_id), 0) - coalesce((SELECT sum(indemnity_minor) FROM interest_waivers AS waiver "
    "WHERE waiver.supplier_id = :supplier AND waiver.claim_id = claim.claim_id), 0) AS indemnity_minor "
    "FROM interest_claims AS claim JOIN invoices AS invoice ON invoice.supplier_id = :supplier "
    "AND invoice.invoice_id = claim.claim_id JOIN customers AS customer ON customer.supplier_id = :supplier "
    "AND customer.customer_id = claim.customer_id WHERE claim.supplier_id = :supplier AND claim.claim_id = ANY(:ids)"
)


def _entry(row: RowMapping, chart: Chart, day: date) -> Entry:
    """What is still asked for, outside VAT."""
    total, indemnity, claim_id = row["outside_minor"], int(row["indemnity_minor"]), row["claim_id"]
    return Entry(
        entry_id=new_id(),
        journal=OTHER_JOURNAL,
        booked_on=day,
        source_kind=CLAIM,
        source_ref=str(claim_id),
        document_ref=row["number"],
        label=row["customer_name"],
        currency=row["currency"],
        postings=without_zeros(
            (
                signed(new_id(), chart.customers, total, customer_id=row["customer_id"], invoice_id=claim_id),
                signed(new_id(), chart.interest, indemnity - total, invoice_id=claim_id),
                signed(new_id(), chart.indemnity, -indemnity, invoice_id=claim_id),
            )
        ),
    )


def _item(row: RowMapping, entry: Entry) -> dict[str, object]:
    line = next(each for each in entry.postings if each.customer_id is not None)
    return {
        "posting_id": line.posting_id,
        "customer_id": row["customer_id"],
        "invoice_id": row["claim_id"],
        "attempt_id": None,
        "reference": row["number"],
        "kind": "invoice",
        "debit": True,
        "amount_minor": line.debit_minor,
        "open_minor": line.debit_minor,
        "currency": row["currency"],
        "booked_on": entry.booked_on,
        "due_on": row["due_on"],
        "ranked_at": datetime.combine(row["issued_on"], time(), tzinfo=UTC),
        "lettering_id": None,
    }
