"""Settle: letter what the facts ask for, move the VAT that goes with it, tell of every movement; written as a set.

Facts about money, set-offs and corrections all end here, whichever of them came first.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from config.clock import legal_day, new_id, now
from config.law import accounts_on
from receivables.domain.accounting.ledger import OTHER_JOURNAL, Chart, Entry, Posting, signed, without_zeros
from receivables.domain.events import Event, cash_collected
from receivables.domain.invoicing.invoices import cash_at_issue
from receivables.domain.settlement.collected import split_cumulative
from receivables.domain.settlement.lettering import WAIVED, plan_changes
from receivables.domain.told import Told
from receivables.services.risk.insolvency import follow_doubtful
from receivables.services.settlement.matching import letter
from receivables.store.accounting.periods import first_open_day
from receivables.store.event_log import tell
from receivables.store.settlement.attempts import load_cash
from receivables.store.settlement.books import entries_of_lines, load_sheet, update_items, write_entries, write_items

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import date, datetime
    from uuid import UUID

    from receivables.domain.settlement.lettering import Item, Sheet
    from receivables.store.settlement.attempts import InvoiceCash
    from receivables.store.work import Work

CASH, SET_OFF = "cash", "set_off"
SETTLEMENT = "settlement"
"""Source kind of entries that move VAT without money: a set-off, or cash that goes to a corrective invoice."""
WAIVED_VAT = "waived_vat"
"""Source kind of entries by which VAT waiting for collection is not owed on what was given up: it lowers the loss."""

_PAYMENTS = {"receipt": "payment.received", "refund": "payment.returned"}
"""Lines of 411 that are money, by how they are told outside."""
LOSSES = {"discount": "discounts", "waiver": "rounding_loss", "charge": "fees"}
"""The account of the chart by the kind of what was given up."""


@dataclass(frozen=True, slots=True)
class Movement:
    """What moved on one document, in minor units, below zero where it went back.

    ``kind`` is ``cash``, ``set_off``, or the kind of what was waived.
    A set-off is above zero on the invoice and below zero on the credit note. What was waived is told to nobody.
    """

    invoice_id: UUID
    kind: str
    delta_minor: int


@dataclass(frozen=True, slots=True)
class Cause:
    """Why something moved: what the allocations and the 212 say, and on which day it counts."""

    cause: str
    reason: str | None
    day: date


@dataclass(slots=True)
class Settling:
    """The lines around what is settled, and what is added to the books."""

    sheet: Sheet
    cash: dict[UUID, InvoiceCash]
    chart: Chart
    at: datetime
    entries: list[Entry] = field(default_factory=list)
    fresh: list[UUID] = field(default_factory=list)
    changed: set[UUID] = field(default_factory=set)
    allocations: list[dict[str, Any]] = field(default_factory=list)
    collections: list[dict[str, Any]] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    note_entries: dict[UUID, UUID] = field(default_factory=dict)
    """The entry behind the line of each credit note."""
    first_open: date | None = None
    """The first day that is open, where earlier ones are closed."""

    def add_item(self, item: Item) -> None:
        """Put a new line of 411 on the sheet and into the books, on the first open day where its own is closed."""
        open_day = self.open_day(item.booked_on)
        if open_day != item.booked_on:
            item.booked_on, item.document_on = open_day, item.booked_on
        self.sheet.add_item(item)
        self.fresh.append(item.posting_id)

    def open_day(self, day: date) -> date:
        """``day``, or the first open one after it."""
        return max(day, self.first_open or day)

    def name_entry(self, entry_id: UUID) -> None:
        """Name the entry behind the movements that were collected last."""
        for row in reversed(self.collections):
            if row["entry_id"] is not None:
                break
            row["entry_id"] = entry_id


def load_settling(work: Work, invoice_ids: Iterable[UUID], attempt_ids: Iterable[UUID] = ()) -> Settling:
    """Everything that competes with invoices and payments; their customers have to be locked."""
    at = now()
    sheet = load_sheet(work, invoice_ids, attempt_ids)
    documents = {item.invoice_id for item in sheet.items.values() if item.invoice_id}
    cash = load_cash(work, documents | sheet.attempts_by_invoice.keys())
    settling = Settling(sheet, cash, Chart(**accounts_on(legal_day(at))), at)
    settling.note_entries = entries_of_lines(work, sheet.credits_by_note.values())
    settling.first_open = first_open_day(work)
    return settling


def allocate(
    settling: Settling, about: Iterable[UUID], cause: str, day: date, attempts: Iterable[UUID] = ()
) -> list[Movement]:
    """Change the allocations as the facts now ask; returns what moved on which document, goings before comings.

    An allocation counts from the later day of its two lines, whenever it was found; one that is undone, from the
    ``day`` of the fact that undid it: so the books can be read as of any day.
    """
    moved: dict[tuple[UUID, str], int] = {}
    for pair, delta in plan_changes(settling.sheet, about, attempts):
        settling.sheet.change(pair, delta)
        settling.changed.update(pair)
        debit, credit = settling.sheet.items[pair[0]], settling.sheet.items[pair[1]]
        settling.allocations.append(
            {
                "allocation_id": new_id(),
                "customer_id": debit.customer_id,
                "debit_posting_id": pair[0],
                "credit_posting_id": pair[1],
                "amount_minor": delta,
                "cause": cause,
                "effective_on": max(
                    debit.booked_on, credit.booked_on, *([settling.open_day(day)] if delta < 0 else [])
                ),
                "created_at": settling.at,
            }
        )
        for document, kind, signed_minor in _moves(debit, credit, delta):
            moved[document, kind] = moved.get((document, kind), 0) + signed_minor
    movements = [Movement(document, kind, minor) for (document, kind), minor in moved.items() if minor]
    return sorted(movements, key=_goings_first)


def _moves(debit: Item, credit: Item, delta: int) -> list[tuple[UUID, str, int]]:
    """What an allocation means for the documents that it joins: refunds and reversals move nothing on them."""
    if debit.kind != "invoice" or debit.invoice_id is None:
        return []
    if credit.kind == "receipt":
        return [(debit.invoice_id, CASH, delta)]
    if credit.kind == "credit_note" and credit.invoice_id is not None:
        return [(debit.invoice_id, SET_OFF, delta), (credit.invoice_id, SET_OFF, -delta)]
    return [(debit.invoice_id, credit.kind, delta)] if credit.kind in WAIVED else []


def _goings_first(movement: Movement) -> tuple[bool, UUID, str]:
    """So that what is told of an invoice never stands above its total, even for a moment."""
    return movement.delta_minor > 0, movement.invoice_id, movement.kind


def collect(settling: Settling, movements: Iterable[Movement], cause: Cause) -> list[Posting]:
    """Note what moved, with its split, and announce it; returns the VAT that moves with it."""
    movements = list(movements)
    settled_before = _before(settling, movements)
    postings: list[Posting] = []
    for movement in (each for each in movements if each.kind not in WAIVED):
        cash = settling.cash[movement.invoice_id]
        at_issue, due = cash_at_issue(cash.prepaid_minor, cash.payable_minor)
        before = cash.collected_minor
        part = split_cumulative(cash.vat_rows, before, before + movement.delta_minor, at_issue, due)
        cash.collected_minor += movement.delta_minor
        cash.sequence += 1
        settling.collections.append(
            {
                "invoice_id": movement.invoice_id,
                "sequence": cash.sequence,
                "entry_id": None,
                "kind": movement.kind,
                "amount_minor": movement.delta_minor,
                "currency": cash.currency,
                "split": [{"rate": str(each.rate), "amount_minor": each.amount_minor} for each in part.split],
                "reason": SET_OFF if movement.kind == SET_OFF else cause.reason,
                "collected_on": cause.day,
                "created_at": settling.at,
            }
        )
        settling.events.append(cash_collected(movement.invoice_id, cash.sequence))
        if cash.vat_on_collection:  # what falls due leaves 44574 for 44571, and comes back with a refund
            vat = part.vat_minor
            postings += (
                signed(new_id(), settling.chart.vat_pending, vat, invoice_id=movement.invoice_id),
                signed(new_id(), settling.chart.vat_due, -vat, invoice_id=movement.invoice_id),
            )
    _move_waived_vat(settling, settled_before, cause)
    return postings


@dataclass(frozen=True, slots=True)
class _Settled:
    """What cash and credit notes settle of an invoice, and what is waived of it by kind, in minor units."""

    collected_minor: int
    waived: dict[str, int]


def _before(settling: Settling, movements: Iterable[Movement]) -> dict[UUID, _Settled]:
    """What was settled, before these movements, of each invoice whose VAT waits for collection."""
    found: dict[UUID, _Settled] = {}
    for movement in movements:
        cash, waived = settling.cash[movement.invoice_id], settling.sheet.waived_of(movement.invoice_id)
        if cash.vat_on_collection and (any(waived.values()) or movement.kind in WAIVED):
            was = found.setdefault(movement.invoice_id, _Settled(cash.collected_minor, waived))
            if movement.kind in WAIVED:
                was.waived[movement.kind] -= movement.delta_minor
    return found


def _move_waived_vat(settling: Settling, before: dict[UUID, _Settled], cause: Cause) -> None:
    """VAT of what was given up never falls due: it leaves 44574 for the account of the loss.

    It is a function of the cash and of what is waived, so that it does not depend on which came first.
    """
    for invoice_id, was in before.items():
        cash = settling.cash[invoice_id]
        old, new = (
            _waived_vat(cash, was),
            _waived_vat(cash, _Settled(cash.collected_minor, settling.sheet.waived_of(invoice_id))),
        )
        moved = {kind: new[kind] - old[kind] for kind in new}
        postings = without_zeros(
            [
                signed(new_id(), settling.chart.vat_pending, sum(moved.values()), invoice_id=invoice_id),
                *(
                    signed(new_id(), settling.chart.account(LOSSES[kind]), -vat, invoice_id=invoice_id)
                    for kind, vat in moved.items()
                ),
            ]
        )
        if postings:
            entry_id = new_id()
            settling.entries.append(
                Entry(
                    entry_id=entry_id,
                    journal=OTHER_JOURNAL,
                    booked_on=cause.day,
                    source_kind=WAIVED_VAT,
                    source_ref=str(entry_id),
                    document_ref=cash.number,
                    label=cause.cause,
                    currency=cash.currency,
                    postings=postings,
                )
            )


def _waived_vat(cash: InvoiceCash, settled: _Settled) -> dict[str, int]:
    """The VAT within what is waived, by kind: each takes what follows after the cash and the kinds before it."""
    at_issue, due = cash_at_issue(cash.prepaid_minor, cash.payable_minor)
    reached, found = settled.collected_minor, {}
    for kind, minor in settled.waived.items():
        found[kind] = split_cumulative(cash.vat_rows, reached, reached + minor, at_issue, due).vat_minor
        reached += minor
    return found


def settle(
    settling: Settling,
    about: Iterable[UUID],
    cause: Cause,
    because_of: UUID | None = None,
    attempts: Iterable[UUID] = (),
) -> list[Movement]:
    """Allocate and collect where no money came: VAT that moves gets an entry of its own (journal OD).

    Movements that move no VAT name ``because_of``, the entry behind them, or that of the credit note. What was only
    given up is told to nobody and has its own entry.
    """
    done = len(settling.allocations)
    movements = allocate(settling, about, cause.cause, cause.day, attempts)
    postings = without_zeros(collect(settling, movements, cause))
    if all(movement.kind in WAIVED for movement in movements):
        return movements
    if postings:
        entry_id = new_id()
        document = settling.cash[next(each.invoice_id for each in movements if each.kind not in WAIVED)]
        settling.entries.append(
            Entry(
                entry_id=entry_id,
                journal=OTHER_JOURNAL,
                booked_on=cause.day,
                source_kind=SETTLEMENT,
                source_ref=str(entry_id),
                document_ref=document.number,
                label=cause.cause,
                currency=document.currency,
                postings=postings,
            )
        )
    else:
        changed = (row["credit_posting_id"] for row in settling.allocations[done:])
        entry_id = because_of or next(settling.note_entries[each] for each in changed if each in settling.note_entries)
    settling.name_entry(entry_id)
    return movements


def write_settling(work: Work, settling: Settling, actor: str) -> None:
    """Everything that was decided, table by table."""
    write_entries(work, settling.entries)
    fresh = set(settling.fresh)
    settling.changed |= letter(work, settling.sheet, settling.changed, settling.at, fresh=fresh)
    write_items(work, [_item_row(settling.sheet.items[posting_id]) for posting_id in settling.fresh])
    update_items(work, (settling.sheet.items[posting_id] for posting_id in settling.changed - fresh))
    work.insert("allocations", settling.allocations)
    work.insert("collections", settling.collections)
    work.emit(settling.events)
    tell(work, [*_payments(settling, fresh), *_moved(settling)])
    work.audit_all(
        [
            {
                "actor": actor,
                "act": f"{entry.source_kind}.booked",
                "object": entry.source_ref,
                "details": {"entry_id": entry.entry_id},
            }
            for entry in settling.entries
        ]
    )
    follow_doubtful(work, {settling.sheet.items[each].customer_id for each in settling.changed}, actor)


def _payments(settling: Settling, fresh: set[UUID]) -> Iterator[Told]:
    """Money that came from customers or went back to them, whatever it is for."""
    for item in (settling.sheet.items[each] for each in sorted(fresh)):
        kind = _PAYMENTS.get(item.kind)
        if kind is not None:
            data = {
                "attempt_id": item.attempt_id,
                "payment_ref": item.reference,
                "amount_minor": item.amount_minor,
                "currency": item.currency,
                "booked_on": item.booked_on,
            }
            yield Told(kind, data, item.customer_id, None, settling.at)


def _moved(settling: Settling) -> Iterator[Told]:
    """What moved on each invoice, with what is left open of it once everything is written."""
    items = {each.invoice_id: each for each in settling.sheet.items.values() if each.kind == "invoice"}
    for row in settling.collections:
        item = items.get(row["invoice_id"])
        if item is None:
            continue  # a credit note's side of a set-off
        paid = "invoice.part_paid" if item.open_minor else "invoice.paid"
        data = {name: row[name] for name in ("sequence", "amount_minor", "currency", "collected_on")}
        data |= {"by": row["kind"], "open_minor": item.open_minor}
        kind = paid if row["amount_minor"] > 0 else "invoice.payment_reversed"
        yield Told(kind, data, item.customer_id, row["invoice_id"], settling.at)


def _item_row(item: Item) -> dict[str, Any]:
    return {
        "posting_id": item.posting_id,
        "customer_id": item.customer_id,
        "invoice_id": item.invoice_id,
        "attempt_id": item.attempt_id,
        "reference": item.reference,
        "kind": item.kind,
        "debit": item.debit,
        "amount_minor": item.amount_minor,
        "open_minor": item.open_minor,
        "currency": item.currency,
        "booked_on": item.booked_on,
        "due_on": item.due_on,
        "ranked_at": item.ranked_at,
        "lettering_id": item.lettering_id,
    }
