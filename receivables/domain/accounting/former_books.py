"""What was settled before these books began: lines of customers' accounts under their letters, to read, never to count.

Lines of one account under one code of letters make a group. A group that comes to zero tells how its invoices were
paid; one that does not is kept and reported, and tells nothing.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import date

_SEPARATOR = "\x1f"
LONGEST = 200
"""Characters of a code, a name, a piece: longer words are a mistaken column, and no index holds them."""
MOST_MINOR = 10**15
"""Ten thousand milliards in cents: a line beyond it is a mistake, and its sums would leave 64 bits."""
Line = TypeVar("Line")


class FormerKind(StrEnum):
    """What a line of before was, as its entry tells."""

    INVOICE = "invoice"
    CREDIT_NOTE = "credit_note"
    RECEIPT = "receipt"
    REFUND = "refund"
    """Money that went back: a refund, a debit or a cheque that was returned."""
    OTHER = "other"
    """An à-nouveau, a bill of exchange, a write-off: nothing that says when money came."""


@dataclass(frozen=True, slots=True)
class FormerLine:
    """One line of an account of before; amounts in minor units, of which one side is zero.

    ``due_on`` is the day on which an invoice fell due, ``due_told`` whether the file told it; otherwise it follows from
    the term that was given for the whole file. ``place`` is its line in the file.
    """

    place: int
    code: str
    name: str
    account: str
    day: date
    due_on: date | None
    due_told: bool
    kind: FormerKind
    piece: str
    label: str
    debit_minor: int
    credit_minor: int
    currency: str
    letters: str
    lettered_on: date | None

    @property
    def signed_minor(self) -> int:
        """Debit less credit."""
        return self.debit_minor - self.credit_minor


def can_be_kept(line: FormerLine) -> bool:
    """Whether the books can hold a line: words that an index takes, an amount, a code of a currency (ISO 4217)."""
    words = (line.code, line.name, line.account, line.piece, line.letters)
    currency = line.currency
    is_coded = len(currency) == 3 and currency.isascii() and currency.isalpha()  # noqa: PLR2004 -- of ISO 4217
    return is_coded and abs(line.signed_minor) <= MOST_MINOR and all(len(each) <= LONGEST for each in words)


@dataclass(frozen=True, slots=True)
class FormerPayment:
    """What one receipt paid of one invoice, in minor units; ``line`` is the invoice's index in its group."""

    line: int
    paid_on: date
    due_on: date
    amount_minor: int


@dataclass(frozen=True, slots=True)
class LetterGroup:
    """The lines of one account under one code of letters of one year."""

    lines: tuple[FormerLine, ...]

    @property
    def code(self) -> str:
        """The customer's account there."""
        return self.lines[0].code

    @property
    def name(self) -> str:
        """The customer's name there."""
        return self.lines[0].name

    @property
    def letters(self) -> str:
        """Its code."""
        return self.lines[0].letters

    @property
    def lettered_on(self) -> date:
        """The day on which it was lettered; where no line tells it, that of its last line."""
        told = [each.lettered_on for each in self.lines if each.lettered_on]
        return max(told) if told else max(each.day for each in self.lines)

    @property
    def gap_minor(self) -> int:
        """Debits less credits: zero where the letters settle."""
        return sum(each.signed_minor for each in self.lines)


def by_year(
    lines: Sequence[Line], lettered_on: Callable[[Line], date | None], signed_minor: Callable[[Line], int]
) -> list[list[Line]]:
    """The groups that lines under one code of letters make: programs begin their codes again each year.

    Lines without a day of lettering join the one year that there is. Where the years do not come to zero and the whole
    does, the letters were given over the turn of a year: they are one group.
    """
    years: dict[int, list[Line]] = {}
    for line in lines:
        day = lettered_on(line)
        years.setdefault(day.year if day else 0, []).append(line)
    if 0 in years and len(years) == 2:  # noqa: PLR2004 -- the undated and one year
        return [list(lines)]
    parts = list(years.values())
    uneven = any(sum(map(signed_minor, part)) for part in parts)
    return [list(lines)] if uneven and not sum(map(signed_minor, lines)) else parts


def group_lines(lines: Iterable[FormerLine]) -> list[LetterGroup]:
    """Lines by account, letters, currency and year of lettering, in the order in which each group begins."""
    found: defaultdict[tuple[str, str, str], list[FormerLine]] = defaultdict(list)
    for line in lines:
        found[line.code, line.letters, line.currency].append(line)
    groups = [
        part
        for under_code in found.values()
        for part in by_year(under_code, lambda each: each.lettered_on, lambda each: each.signed_minor)
    ]
    ordered = [LetterGroup(tuple(sorted(part, key=lambda each: each.place))) for part in groups]
    return sorted(ordered, key=lambda each: each.lines[0].place)


def payments_of(group: LetterGroup) -> list[FormerPayment]:
    """How the invoices of a group were paid: its receipts, in the order of their days, on what fell due first.

    Nothing of a group that does not come to zero, or in which money went back: when such an invoice was paid is not
    told. What credit notes and other lines settled is settled last, and has no day of payment.
    """
    if group.gap_minor or any(each.kind is FormerKind.REFUND for each in group.lines):
        return []
    debts = sorted(
        ((index, each) for index, each in enumerate(group.lines) if each.signed_minor > 0),
        key=lambda found: (found[1].due_on or found[1].day, found[1].place),
    )
    money = sorted(
        (each for each in group.lines if each.kind is FormerKind.RECEIPT and each.signed_minor < 0),
        key=lambda each: (each.day, each.place),
    )
    found: list[FormerPayment] = []
    waiting, left = iter(debts), 0
    for receipt in money:
        rest = -receipt.signed_minor
        while rest:  # credits come to no more than the debts, so that a debt is always left
            if not left:
                index, debt = next(waiting)
                left = debt.signed_minor
            taken = min(rest, left)
            left -= taken
            rest -= taken
            if debt.kind is FormerKind.INVOICE and debt.due_on:
                found.append(FormerPayment(index, receipt.day, debt.due_on, taken))
    return found


def fingerprints(group: LetterGroup) -> list[str]:
    """What each line of a group is recognised by, whichever file brings it; twins are counted."""
    seen: Counter[str] = Counter()
    marks = []
    for line in group.lines:
        told = (
            line.code,
            line.account,
            line.day.isoformat(),
            line.piece,
            line.label,
            str(line.signed_minor),
            line.currency,
            line.letters,
            line.lettered_on.isoformat() if line.lettered_on else "",
        )
        base = hashlib.sha256(_SEPARATOR.join(told).encode()).hexdigest()[:40]
        seen[base] += 1
        marks.append(f"{base}-{seen[base]}")
    return marks
