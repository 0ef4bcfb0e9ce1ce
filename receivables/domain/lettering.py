"""Lettering (lettrage) of account 411: who pays what, which lines belong together, which letters they carry.

Allocations are the truth. The allocations that a payment link asked for are *planned* from the facts alone (invoices,
receipts, refunds and what each payment was for), never from the order of their arrival: the books post the difference
between the plan and what they hold. So the same facts in any order end in the same books.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date, datetime
    from uuid import UUID


@dataclass(slots=True)
class Item:
    """A line of account 411: ``open_minor`` is its amount less its allocations.

    ``reference`` is the business key (invoice number, provider's payment or refund id); a refund that failed has the
    reference of its refund. ``ranked_at`` orders competing receipts by when the payer began, which no redelivery
    changes.
    """

    posting_id: UUID
    customer_id: UUID
    kind: str
    debit: bool
    amount_minor: int
    open_minor: int
    reference: str
    booked_on: date
    due_on: date
    ranked_at: datetime
    currency: str
    invoice_id: UUID | None = None
    attempt_id: UUID | None = None
    lettering_id: UUID | None = None


@dataclass(slots=True)
class Sheet:
    """The items under work, their net allocations, and what each attempt was meant to pay."""

    items: dict[UUID, Item] = field(default_factory=dict)
    pairs: dict[tuple[UUID, UUID], int] = field(default_factory=dict)
    targets: dict[UUID, dict[UUID, int]] = field(default_factory=dict)
    debits_by_invoice: dict[UUID, UUID] = field(default_factory=dict)
    by_attempt: dict[UUID, list[UUID]] = field(default_factory=dict)
    attempts_by_invoice: dict[UUID, set[UUID]] = field(default_factory=dict)
    pairs_of: dict[UUID, set[tuple[UUID, UUID]]] = field(default_factory=dict)

    def add_item(self, item: Item) -> None:
        """Put ``item`` on the sheet."""
        self.items[item.posting_id] = item
        if item.kind == "invoice" and item.invoice_id:
            self.debits_by_invoice[item.invoice_id] = item.posting_id
        if item.attempt_id:
            self.by_attempt.setdefault(item.attempt_id, []).append(item.posting_id)

    def add_target(self, attempt_id: UUID, invoice_id: UUID, amount_minor: int) -> None:
        """Note that an attempt is for ``amount_minor`` of an invoice."""
        self.targets.setdefault(attempt_id, {})[invoice_id] = amount_minor
        self.attempts_by_invoice.setdefault(invoice_id, set()).add(attempt_id)

    def set_pair(self, pair: tuple[UUID, UUID], amount_minor: int) -> None:
        """Note the net allocation of a pair."""
        self.pairs[pair] = amount_minor
        for posting_id in pair:
            self.pairs_of.setdefault(posting_id, set()).add(pair)

    def change(self, pair: tuple[UUID, UUID], delta_minor: int) -> None:
        """Allocate ``delta_minor`` more (or less) between two items."""
        self.set_pair(pair, self.pairs.get(pair, 0) + delta_minor)
        for posting_id in pair:
            self.items[posting_id].open_minor -= delta_minor


def plan_changes(sheet: Sheet, attempt_id: UUID) -> list[tuple[tuple[UUID, UUID], int]]:
    """The changes of allocation that the facts around ``attempt_id`` ask for, takings first.

    Every receipt that competes for the same invoices, directly or through others, is planned again, in rank order,
    so that the result does not depend on which came first.
    """
    attempts, invoices = _rivals(sheet, attempt_id)
    lines = [sheet.items[p] for attempt in attempts for p in sheet.by_attempt.get(attempt, ())]
    credits_ = [item for item in lines if item.kind == "receipt"]
    credits_.sort(key=lambda item: (item.ranked_at, item.reference))
    planned = {item.posting_id for item in lines if item.kind in {"receipt", "refund_failed"}}
    wanted = _plan(sheet, credits_, invoices)
    held = {pair: amount for p in planned for pair in sheet.pairs_of.get(p, ()) if (amount := sheet.pairs[pair])}
    within = {
        pair: amount
        for pair, amount in held.items()
        if sheet.items[pair[0]].kind != "invoice" or sheet.items[pair[0]].invoice_id in invoices
    }
    changes = [
        (pair, wanted.get(pair, 0) - within.get(pair, 0))
        for pair in {**within, **wanted}
        if wanted.get(pair, 0) != within.get(pair, 0)
    ]
    return sorted(changes, key=lambda change: (change[1] > 0, change[0]))


def _rivals(sheet: Sheet, attempt_id: UUID) -> tuple[set[UUID], set[UUID]]:
    """The attempts that compete with ``attempt_id``, and all invoices that they are for."""
    attempts, todo = {attempt_id}, [attempt_id]
    invoices: set[UUID] = set()
    while todo:
        for invoice in sheet.targets.get(todo.pop(), {}).keys() - invoices:
            invoices.add(invoice)
            fresh = sheet.attempts_by_invoice[invoice] - attempts
            attempts |= fresh
            todo.extend(fresh)
    return attempts, invoices


def _plan(sheet: Sheet, credits_: list[Item], invoices: set[UUID]) -> dict[tuple[UUID, UUID], int]:
    """Refunds take from the receipts of their attempt; what remains goes to the invoices that the payer named.

    A refund that failed takes from nothing: it is settled by its own coming back.
    """
    wanted = _failed_refunds(sheet, {item.attempt_id for item in credits_ if item.attempt_id})
    returned = {refund_id: amount for (refund_id, _), amount in wanted.items()}
    left = {item.posting_id: item.amount_minor - _held_outside(sheet, item, invoices) for item in credits_}
    for credit in credits_:
        assert credit.attempt_id is not None  # noqa: S101 -- receipts of links always have one
        lines = (sheet.items[posting_id] for posting_id in sheet.by_attempt[credit.attempt_id])
        for line in sorted((line for line in lines if line.kind == "refund"), key=lambda line: line.reference):
            taken = min(line.amount_minor - returned.get(line.posting_id, 0), left[credit.posting_id])
            _put(wanted, (line.posting_id, credit.posting_id), taken)
            returned[line.posting_id] = returned.get(line.posting_id, 0) + taken
            left[credit.posting_id] -= taken
    rooms = {
        debit_id: sheet.items[debit_id].amount_minor - _held_by_others(sheet, debit_id, left)
        for invoice in invoices
        if (debit_id := sheet.debits_by_invoice.get(invoice))
    }
    for credit in credits_:
        assert credit.attempt_id is not None  # noqa: S101 -- as above
        targets = sheet.targets.get(credit.attempt_id, {})
        for invoice in sorted(targets.keys() & invoices):
            target_id = sheet.debits_by_invoice.get(invoice)
            if target_id is None:
                continue
            amount = min(targets[invoice], left[credit.posting_id], rooms[target_id])
            _put(wanted, (target_id, credit.posting_id), amount)
            left[credit.posting_id] -= amount
            rooms[target_id] -= amount
    return wanted


def _failed_refunds(sheet: Sheet, attempts: Iterable[UUID]) -> dict[tuple[UUID, UUID], int]:
    """Refunds of ``attempts`` with the lines by which their money came back."""
    pairs: dict[tuple[UUID, UUID], int] = {}
    for attempt in attempts:
        lines = [sheet.items[posting_id] for posting_id in sheet.by_attempt[attempt]]
        refunds = {line.reference: line for line in lines if line.kind == "refund"}
        for back in (line for line in lines if line.kind == "refund_failed"):
            refund = refunds[back.reference]
            _put(pairs, (refund.posting_id, back.posting_id), min(refund.amount_minor, back.amount_minor))
    return pairs


def _put(wanted: dict[tuple[UUID, UUID], int], pair: tuple[UUID, UUID], amount_minor: int) -> None:
    if amount_minor > 0:
        wanted[pair] = amount_minor


def _held_outside(sheet: Sheet, credit: Item, invoices: set[UUID]) -> int:
    """What ``credit`` pays on invoices that are not planned now."""
    return sum(
        sheet.pairs[pair]
        for pair in sheet.pairs_of.get(credit.posting_id, ())
        if sheet.items[pair[0]].kind == "invoice" and sheet.items[pair[0]].invoice_id not in invoices
    )


def _held_by_others(sheet: Sheet, debit_id: UUID, planned: Mapping[UUID, int]) -> int:
    """What credits outside the plan (credit notes, choices by hand) already settle of an invoice."""
    return sum(sheet.pairs[pair] for pair in sheet.pairs_of.get(debit_id, ()) if pair[1] not in planned)


def group_of(sheet: Sheet, start: UUID) -> frozenset[UUID]:
    """The items joined to ``start`` by allocations that stand (net above zero)."""
    found, todo = {start}, [start]
    while todo:
        for pair in sheet.pairs_of.get(todo.pop(), ()):
            if sheet.pairs[pair] > 0:
                fresh = [posting_id for posting_id in pair if posting_id not in found]
                found.update(fresh)
                todo.extend(fresh)
    return frozenset(found)


def letter_code(count: int, *, balanced: bool) -> str:
    """The ``count``-th code (from 1) of a year: AA..ZZ, then AAA..ZZZ and on; lower case while partial."""
    width, index = 2, count - 1
    while index >= 26**width:
        index -= 26**width
        width += 1
    letters = ""
    for _ in range(width):
        index, digit = divmod(index, 26)
        letters = chr(ord("A") + digit) + letters
    return letters if balanced else letters.lower()


def lettering_day(items: Iterable[Item]) -> date:
    """DateLet: the latest accounting day of the lines, not the day somebody lettered them."""
    return max(item.booked_on for item in items)
