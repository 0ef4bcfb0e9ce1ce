"""The entries of assigned claims: out of account 411 where the debtor is told, beside it where the debtor is not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from config.clock import new_id
from receivables.domain.accounting.ledger import OTHER_JOURNAL, Entry, signed
from receivables.domain.settlement.lettering import ASSIGNED, ASSIGNED_BACK, Item
from receivables.services.settlement.settling import Cause, load_settling, settle, write_settling

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date
    from uuid import UUID

    from receivables.services.settlement.settling import Settling
    from receivables.store.accounting.factors import Assignment
    from receivables.store.work import Work

ENTRY, ENTRY_BACK, ENTRY_QUIET = "assignment", "assignment_back", "assignment_quiet"
"""Source kinds of the entries."""


def book_assigned(work: Work, assignments: Sequence[Assignment], day: date, actor: str) -> dict[UUID, UUID]:
    """Book claims that a factor takes, each for what is open of it; returns the entries by assignment.

    Told ones are D 467 / C 411, lettered with their invoices; those in confidence D 467 / C 4118.
    """
    settling = load_settling(work, [each.invoice_id for each in assignments if not each.confidential])
    entries = {
        each.assignment_id: _add_quiet(settling, each, each.open_minor, day)
        if each.confidential
        else _add_assigned(settling, each, day)
        for each in assignments
    }
    write_settling(work, settling, actor)
    return entries


def take_back(work: Work, assignment: Assignment, day: date, actor: str) -> UUID:
    """D 411 / C 467: the line of a told assignment ends, whole; the invoice asks for it again. Returns the entry."""
    settling = load_settling(work, [assignment.invoice_id])
    lines = _lines(settling, assignment.invoice_id)
    ended = {line.reference for line in lines if line.debit}
    line = next(each for each in lines if not each.debit and each.reference not in ended)
    reversed_id: UUID = work.scalar(
        "SELECT entry_id FROM postings WHERE supplier_id = :supplier AND posting_id = :id", id=line.posting_id
    )
    back = _item(settling, assignment, line.reference, line.amount_minor, max(day, line.booked_on), is_back=True)
    entry_id = _add_entry(settling, assignment, back, reversed_id)
    write_settling(work, settling, actor)
    return entry_id


def book_quiet(work: Work, assignment: Assignment, delta_minor: int, day: date, actor: str) -> UUID:
    """Raise or lower, in minor units, what a factor holds in confidence: D 467 / C 4118, or back. Returns the entry."""
    settling = load_settling(work, [])
    entry_id = _add_quiet(settling, assignment, delta_minor, day)
    write_settling(work, settling, actor)
    return entry_id


def _lines(settling: Settling, invoice_id: UUID) -> list[Item]:
    return [settling.sheet.items[each] for each in settling.sheet.assigned_by_invoice.get(invoice_id, ())]


def _add_assigned(settling: Settling, assignment: Assignment, day: date) -> UUID:
    serial = sum(not line.debit for line in _lines(settling, assignment.invoice_id)) + 1
    reference = f"{assignment.assignment_id}/{serial}"
    item = _item(settling, assignment, reference, assignment.open_minor, day, is_back=False)
    return _add_entry(settling, assignment, item, None)


def _item(
    settling: Settling, assignment: Assignment, reference: str, amount_minor: int, day: date, *, is_back: bool
) -> Item:
    return Item(
        posting_id=new_id(),
        customer_id=assignment.customer_id,
        kind=ASSIGNED_BACK if is_back else ASSIGNED,
        debit=is_back,
        amount_minor=amount_minor,
        open_minor=amount_minor,
        reference=reference,
        booked_on=day,
        due_on=day,
        ranked_at=settling.at,
        currency=assignment.currency,
        invoice_id=assignment.invoice_id,
    )


def _add_entry(settling: Settling, assignment: Assignment, item: Item, reverses_id: UUID | None) -> UUID:
    settling.add_item(item)
    sense = 1 if item.debit else -1
    entry = Entry(
        entry_id=new_id(),
        journal=OTHER_JOURNAL,
        booked_on=item.booked_on,
        source_kind=ENTRY_BACK if item.debit else ENTRY,
        source_ref=item.reference,
        document_ref=assignment.number,
        label=assignment.customer_name,
        currency=assignment.currency,
        postings=(
            signed(item.posting_id, settling.chart.customers, sense * item.amount_minor, customer_id=item.customer_id),
            signed(new_id(), settling.chart.factor, -sense * item.amount_minor),
        ),
        reverses_id=reverses_id,
        document_on=item.document_on,
    )
    settling.entries.append(entry)
    settle(settling, [assignment.invoice_id], Cause(item.kind, "factor", item.told_on), entry.entry_id)
    return entry.entry_id


def _add_quiet(settling: Settling, assignment: Assignment, delta_minor: int, day: date) -> UUID:
    entry = Entry(
        entry_id=new_id(),
        journal=OTHER_JOURNAL,
        booked_on=settling.open_day(day),
        source_kind=ENTRY_QUIET,
        source_ref=f"{assignment.assignment_id}/{new_id()}",
        document_ref=assignment.number,
        label=assignment.customer_name,
        currency=assignment.currency,
        postings=(
            signed(new_id(), settling.chart.factor, delta_minor),
            signed(new_id(), settling.chart.assigned_quietly, -delta_minor),
        ),
    )
    settling.entries.append(entry)
    return entry.entry_id
