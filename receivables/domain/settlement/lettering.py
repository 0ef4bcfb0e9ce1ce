"""Lettering (lettrage) of account 411: who pays what, which lines belong together, which letters they carry.

Allocations are the truth. They are *planned* from the facts alone (invoices, what replaced them, receipts, refunds and
what each payment was for, credit notes and what each is for), never from the order of their arrival: the books post the
difference between the plan and what they hold. So the same facts in any order end in the same books.

What settles an invoice, in this order: its own reversal, where a corrective one took its place; what was waived of it,
a decision that stands until it is taken back; what a factor took of it; final cash, in the order in which the payers
began; what is in flight, which keeps its room; then credit notes, set off against the rest.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping
    from datetime import date, datetime
    from uuid import UUID


WAIVED = frozenset({"discount", "waiver", "charge"})
"""What is given up of an invoice without money: a discount for early payment (escompte), a small rest, and what a bank
kept of a transfer. Such a line names its invoice."""

ASSIGNED, ASSIGNED_BACK = "assigned", "assigned_back"
"""A claim that a factor took (cession), and one that came back from it: lines of an invoice, without money."""

MIRRORS = {"refund": frozenset({"refund_failed"}), "waived_back": WAIVED, "gain": frozenset({"gain_back"})}
"""Debits of a payment with the credits that they, by their reference, are nothing with."""


@dataclass(slots=True)
class Item:
    """A line of account 411: ``open_minor`` is its amount less its allocations.

    ``kind`` is ``invoice`` (a debit), ``credit_note``, ``receipt``, ``refund``, ``refund_failed``, any of
    :data:`WAIVED`, ``waived_back``, ``gain`` (an excess of cents that we keep), ``gain_back``, ``assigned``,
    ``assigned_back``, or ``reversal``, which takes the ``invoice`` or ``credit_note`` of the same ``invoice_id`` back.
    ``reference`` is the business key (invoice number, provider's payment or refund id); what takes a line back has the
    reference of that line. ``ranked_at`` orders competing receipts by when the payer began, which no redelivery
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
    document_on: date | None = None

    @property
    def told_on(self) -> date:
        """The day of its fact: before ``booked_on`` where that day was closed."""
        return self.document_on or self.booked_on


@dataclass(slots=True)
class Sheet:
    """The items under work, their net allocations, and what each attempt and each credit note is for.

    ``flying`` are the attempts whose money is on its way; ``set_offs`` says by the id of a credit note how much of it
    is for which invoice.
    """

    items: dict[UUID, Item] = field(default_factory=dict)
    pairs: dict[tuple[UUID, UUID], int] = field(default_factory=dict)
    targets: dict[UUID, dict[UUID, int]] = field(default_factory=dict)
    debits_by_invoice: dict[UUID, UUID] = field(default_factory=dict)
    by_attempt: dict[UUID, list[UUID]] = field(default_factory=dict)
    attempts_by_invoice: dict[UUID, set[UUID]] = field(default_factory=dict)
    pairs_of: dict[UUID, set[tuple[UUID, UUID]]] = field(default_factory=dict)
    flying: set[UUID] = field(default_factory=set)
    set_offs: dict[UUID, dict[UUID, int]] = field(default_factory=dict)
    notes_by_invoice: dict[UUID, set[UUID]] = field(default_factory=dict)
    credits_by_note: dict[UUID, UUID] = field(default_factory=dict)
    reversals: dict[UUID, UUID] = field(default_factory=dict)
    waived_by_invoice: dict[UUID, list[UUID]] = field(default_factory=dict)
    assigned_by_invoice: dict[UUID, list[UUID]] = field(default_factory=dict)

    def add_item(self, item: Item) -> None:
        """Put ``item`` on the sheet."""
        self.items[item.posting_id] = item
        if item.kind == "invoice" and item.invoice_id:
            self.debits_by_invoice[item.invoice_id] = item.posting_id
        if item.kind == "credit_note" and item.invoice_id:
            self.credits_by_note[item.invoice_id] = item.posting_id
        if item.kind == "reversal" and item.invoice_id:
            self.reversals[item.invoice_id] = item.posting_id
        if item.kind in WAIVED and item.invoice_id:
            self.waived_by_invoice.setdefault(item.invoice_id, []).append(item.posting_id)
        if item.kind in {ASSIGNED, ASSIGNED_BACK} and item.invoice_id:
            self.assigned_by_invoice.setdefault(item.invoice_id, []).append(item.posting_id)
        if item.attempt_id:
            self.by_attempt.setdefault(item.attempt_id, []).append(item.posting_id)

    def add_target(self, attempt_id: UUID, invoice_id: UUID, amount_minor: int) -> None:
        """Note that an attempt is for ``amount_minor`` more of an invoice."""
        aims = self.targets.setdefault(attempt_id, {})
        aims[invoice_id] = aims.get(invoice_id, 0) + amount_minor
        self.attempts_by_invoice.setdefault(invoice_id, set()).add(attempt_id)

    def add_set_off(self, note_id: UUID, invoice_id: UUID, amount_minor: int) -> None:
        """Note that ``amount_minor`` more of a credit note is for an invoice."""
        aims = self.set_offs.setdefault(note_id, {})
        aims[invoice_id] = aims.get(invoice_id, 0) + amount_minor
        self.notes_by_invoice.setdefault(invoice_id, set()).add(note_id)

    def set_pair(self, pair: tuple[UUID, UUID], amount_minor: int) -> None:
        """Note the net allocation of a pair."""
        self.pairs[pair] = amount_minor
        for posting_id in pair:
            self.pairs_of.setdefault(posting_id, set()).add(pair)

    def waived_of(self, invoice_id: UUID) -> dict[str, int]:
        """What of an invoice is waived now, by kind in their fixed order."""
        debit = self.debits_by_invoice.get(invoice_id)
        waived = dict.fromkeys(sorted(WAIVED), 0)
        if debit is not None:
            for posting_id in self.waived_by_invoice.get(invoice_id, ()):
                waived[self.items[posting_id].kind] += self.pairs.get((debit, posting_id), 0)
        return waived

    def lines_of(self, attempt_id: UUID, kinds: Container[str]) -> list[Item]:
        """The lines of a payment of these kinds, by reference."""
        lines = (self.items[posting_id] for posting_id in self.by_attempt.get(attempt_id, ()))
        return sorted((line for line in lines if line.kind in kinds), key=lambda line: (line.kind, line.reference))

    def change(self, pair: tuple[UUID, UUID], delta_minor: int) -> None:
        """Allocate ``delta_minor`` more (or less) between two items."""
        self.set_pair(pair, self.pairs.get(pair, 0) + delta_minor)
        for posting_id in pair:
            self.items[posting_id].open_minor -= delta_minor


def last_of(followers: Mapping[UUID, UUID], invoice: UUID) -> UUID:
    """The invoice that stands for ``invoice`` now, where ``followers`` says which took the place of which."""
    seen = {invoice}
    while (follower := followers.get(invoice)) and follower not in seen:
        seen.add(follower)
        invoice = follower
    return invoice


@dataclass(frozen=True, slots=True)
class _Scope:
    """What is planned together: attempts, invoices and credit notes that compete, directly or through others."""

    attempts: set[UUID]
    invoices: set[UUID]


def plan_changes(
    sheet: Sheet, about: Iterable[UUID], attempts: Iterable[UUID] = ()
) -> list[tuple[tuple[UUID, UUID], int]]:
    """The changes of allocation that the facts around the invoices ``about`` and ``attempts`` ask for, takings first.

    Every receipt and credit note that competes for the same invoices, directly or through others, is planned again,
    in rank order, so that the result does not depend on which came first.
    """
    scope = _scope(sheet, about, attempts)
    lines = [sheet.items[p] for attempt in scope.attempts for p in sheet.by_attempt.get(attempt, ())]
    planned = {item.posting_id for item in lines if not item.debit}
    planned |= {p for invoice in scope.invoices for p in _settling_lines(sheet, invoice)}
    wanted = _plan(sheet, scope, planned)
    held = {pair: amount for p in planned for pair in sheet.pairs_of.get(p, ()) if (amount := sheet.pairs[pair])}
    within = {
        pair: amount
        for pair, amount in held.items()
        if sheet.items[pair[0]].kind != "invoice" or sheet.items[pair[0]].invoice_id in scope.invoices
    }
    changes = [
        (pair, wanted.get(pair, 0) - within.get(pair, 0))
        for pair in {**within, **wanted}
        if wanted.get(pair, 0) != within.get(pair, 0)
    ]
    return sorted(changes, key=lambda change: (change[1] > 0, change[0]))


def _scope(sheet: Sheet, about: Iterable[UUID], attempts: Iterable[UUID]) -> _Scope:
    found = set(attempts)
    invoices = set(about) | {invoice for attempt in found for invoice in sheet.targets.get(attempt, ())}
    todo = list(invoices)
    while todo:
        invoice = todo.pop()
        fresh = sheet.attempts_by_invoice.get(invoice, set()) - found
        found |= fresh
        near = {each for attempt in fresh for each in sheet.targets[attempt]}
        near |= sheet.notes_by_invoice.get(invoice, set()) | sheet.set_offs.get(invoice, {}).keys()
        todo.extend(near - invoices)
        invoices |= near
    return _Scope(found, invoices)


def _settling_lines(sheet: Sheet, invoice: UUID) -> list[UUID]:
    """The lines of a document that settle others: a credit note's, what takes it back, what was waived or assigned."""
    found = (
        sheet.credits_by_note.get(invoice),
        sheet.reversals.get(invoice),
        *sheet.waived_by_invoice.get(invoice, ()),
        *(p for p in sheet.assigned_by_invoice.get(invoice, ()) if not sheet.items[p].debit),
    )
    return [posting_id for posting_id in found if posting_id]


def _plan(sheet: Sheet, scope: _Scope, planned: set[UUID]) -> dict[tuple[UUID, UUID], int]:
    """Refunds take from the receipts of their attempt; what remains goes to the invoices that the payer named.

    What was taken back takes from nothing: it is settled by its own coming back.
    """
    receipts = [item for p in planned if (item := sheet.items[p]).kind == "receipt"]
    receipts.sort(key=lambda item: (item.ranked_at, item.reference))
    wanted = _mirrored(sheet, scope.attempts)
    left = {item.posting_id: item.amount_minor - _held_outside(sheet, item, scope.invoices) for item in receipts}
    _plan_takings(sheet, receipts, left, wanted)
    _plan_reversals(sheet, scope, wanted)
    rooms = {
        debit_id: sheet.items[debit_id].amount_minor - _held_by_others(sheet, debit_id, planned) - _taken_back(sheet, i)
        for i in scope.invoices
        if (debit_id := sheet.debits_by_invoice.get(i))
    }
    _plan_waived(sheet, scope, rooms, wanted)
    _plan_assigned(sheet, scope, rooms, wanted)
    for receipt in receipts:
        targets = sheet.targets.get(receipt.attempt_id, {}) if receipt.attempt_id else {}
        for invoice, debit in _debits(sheet, targets.keys() & scope.invoices):
            if debit.currency == receipt.currency:  # money in another currency is a credit of its own
                amount = min(targets[invoice], left[receipt.posting_id], rooms[debit.posting_id])
                _put(wanted, (debit.posting_id, receipt.posting_id), amount)
                left[receipt.posting_id] -= max(amount, 0)
                rooms[debit.posting_id] -= max(amount, 0)
    _plan_set_offs(sheet, scope, rooms, wanted)
    return wanted


def _plan_takings(
    sheet: Sheet, receipts: list[Item], left: dict[UUID, int], wanted: dict[tuple[UUID, UUID], int]
) -> None:
    """What went back, then what we keep of too much, takes from the receipts of its own payment."""
    taken: dict[UUID, int] = {}
    for (debit_id, _), amount in wanted.items():
        taken[debit_id] = taken.get(debit_id, 0) + amount
    for kind in ("refund", "gain"):
        for receipt in receipts:
            lines = sheet.lines_of(receipt.attempt_id, {kind}) if receipt.attempt_id else []
            for line in (line for line in lines if line.currency == receipt.currency):
                amount = min(line.amount_minor - taken.get(line.posting_id, 0), left[receipt.posting_id])
                _put(wanted, (line.posting_id, receipt.posting_id), amount)
                taken[line.posting_id] = taken.get(line.posting_id, 0) + max(amount, 0)
                left[receipt.posting_id] -= max(amount, 0)


def _plan_waived(sheet: Sheet, scope: _Scope, rooms: dict[UUID, int], wanted: dict[tuple[UUID, UUID], int]) -> None:
    """What was waived of an invoice, and not taken back, settles it before any money."""
    ended = {credit for _, credit in wanted}
    for invoice in scope.invoices & sheet.waived_by_invoice.keys():
        debit_id = sheet.debits_by_invoice[invoice]
        standing = [sheet.items[p] for p in sheet.waived_by_invoice[invoice] if p not in ended]
        for item in sorted(standing, key=lambda item: (item.ranked_at, item.reference)):
            amount = min(item.amount_minor, rooms[debit_id])
            _put(wanted, (debit_id, item.posting_id), amount)
            rooms[debit_id] -= max(amount, 0)


def _plan_assigned(sheet: Sheet, scope: _Scope, rooms: dict[UUID, int], wanted: dict[tuple[UUID, UUID], int]) -> None:
    """A claim that a factor took settles its invoice towards us, until the claim comes back: by its own line, whole."""
    for invoice in scope.invoices & sheet.assigned_by_invoice.keys():
        lines = [sheet.items[p] for p in sheet.assigned_by_invoice[invoice]]
        backs = {line.reference: line for line in lines if line.debit}
        debit_id = sheet.debits_by_invoice[invoice]
        for line in sorted((each for each in lines if not each.debit), key=lambda item: item.reference):
            if back := backs.get(line.reference):
                wanted[back.posting_id, line.posting_id] = line.amount_minor
            else:
                amount = min(line.amount_minor, rooms[debit_id])
                _put(wanted, (debit_id, line.posting_id), amount)
                rooms[debit_id] -= max(amount, 0)


def _plan_reversals(sheet: Sheet, scope: _Scope, wanted: dict[tuple[UUID, UUID], int]) -> None:
    """What was replaced is taken back whole, before anything else."""
    for invoice in scope.invoices & sheet.reversals.keys():
        reversal = sheet.items[sheet.reversals[invoice]]
        if reversal.debit:
            wanted[reversal.posting_id, sheet.credits_by_note[invoice]] = reversal.amount_minor
        else:
            wanted[sheet.debits_by_invoice[invoice], reversal.posting_id] = reversal.amount_minor


def _plan_set_offs(sheet: Sheet, scope: _Scope, rooms: dict[UUID, int], wanted: dict[tuple[UUID, UUID], int]) -> None:
    """Credit notes, in the order of their days and numbers, take what cash and money in flight leave of an invoice."""
    flying: dict[UUID, int] = {}
    for attempt in scope.attempts & sheet.flying:
        for invoice, amount in sheet.targets[attempt].items():
            flying[invoice] = flying.get(invoice, 0) + amount
    notes = [sheet.items[p] for i in scope.invoices if (p := sheet.credits_by_note.get(i))]
    for note in sorted(notes, key=lambda item: (item.ranked_at, item.reference)):
        assert note.invoice_id is not None  # noqa: S101 -- they were found by it
        left = note.amount_minor - _held_outside(sheet, note, scope.invoices) - _taken_back(sheet, note.invoice_id)
        aims = sheet.set_offs.get(note.invoice_id, {})
        for invoice, debit in _debits(sheet, aims.keys() & scope.invoices):
            amount = min(aims[invoice], left, rooms[debit.posting_id] - flying.get(invoice, 0))
            if amount > 0:
                _put(wanted, (debit.posting_id, note.posting_id), amount)
                left -= amount
                rooms[debit.posting_id] -= amount


def _debits(sheet: Sheet, invoices: Iterable[UUID]) -> list[tuple[UUID, Item]]:
    """The lines that ask for money, in the order in which they fall due: their ids say when they came to us."""
    debits = [(each, sheet.items[posting_id]) for each in invoices if (posting_id := sheet.debits_by_invoice.get(each))]
    return sorted(debits, key=lambda found: (found[1].due_on, found[1].reference))


def _taken_back(sheet: Sheet, invoice: UUID) -> int:
    reversal_id = sheet.reversals.get(invoice)
    return sheet.items[reversal_id].amount_minor if reversal_id else 0


def _mirrored(sheet: Sheet, attempts: Iterable[UUID]) -> dict[tuple[UUID, UUID], int]:
    """Lines of ``attempts`` with those that take them back: refunds that failed, waivers and gains that ended."""
    pairs: dict[tuple[UUID, UUID], int] = {}
    for attempt in attempts:
        for kind, mirrors in MIRRORS.items():
            credits_ = {line.reference: line for line in sheet.lines_of(attempt, mirrors)}
            for debit in sheet.lines_of(attempt, {kind}):
                if credit := credits_.get(debit.reference):
                    _put(pairs, (debit.posting_id, credit.posting_id), min(debit.amount_minor, credit.amount_minor))
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


def _held_by_others(sheet: Sheet, debit_id: UUID, planned: Container[UUID]) -> int:
    """What credits outside the plan already settle of an invoice."""
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
