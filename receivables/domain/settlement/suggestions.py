"""Suggestions for lettering by hand: which open credits most likely belong to which open invoices, and why.

They are never taken by themselves: what matches beyond doubt was lettered when it came (payments by what they were
for, credit notes by what they name). What is left here lacks a name, so that amounts are all there is to go by.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

MOST_LINES = 5
"""The power (puissance) of the search: lines of one side that may add up to one of the other."""
MOST_TRIED = 24
"""Open lines that are combined, the oldest: 24 lines in fives are 42,504 sums."""


@dataclass(frozen=True, slots=True)
class OpenLine:
    """A line with something open, in minor units of one currency."""

    key: str
    reference: str
    minor: int
    day: date


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Lines that may belong together.

    ``why`` is ``named``, ``same_amount``, ``sum_of_invoices`` or ``sum_of_credits``.
    """

    why: str
    credit_keys: tuple[str, ...]
    debit_keys: tuple[str, ...]
    minor: int


def suggest(debits: Sequence[OpenLine], credits_: Sequence[OpenLine]) -> list[Suggestion]:
    """What may belong together, each line at most once; the surest reasons first, the oldest lines first."""
    owed, had = sorted(debits, key=_age), sorted(credits_, key=_age)
    found: list[Suggestion] = []
    for rule in (_named, _same_amount, _sums_of_invoices, _sums_of_credits):
        for suggestion in rule(owed, had):
            taken = {*suggestion.credit_keys, *suggestion.debit_keys}
            open_keys = {line.key for line in (*owed, *had)}
            if taken <= open_keys:
                found.append(suggestion)
                owed = [line for line in owed if line.key not in taken]
                had = [line for line in had if line.key not in taken]
    return found


def _age(line: OpenLine) -> tuple[date, str]:
    return line.day, line.reference


def _named(debits: Sequence[OpenLine], credits_: Sequence[OpenLine]) -> list[Suggestion]:
    """A credit whose own reference holds an invoice's number."""
    return [
        Suggestion("named", (credit.key,), (debit.key,), min(credit.minor, debit.minor))
        for credit in credits_
        for debit in debits
        if debit.reference.casefold() in credit.reference.casefold()
    ]


def _same_amount(debits: Sequence[OpenLine], credits_: Sequence[OpenLine]) -> list[Suggestion]:
    """One for one, to the cent; the credit comes after the invoice, or nobody paid it."""
    return [
        Suggestion("same_amount", (credit.key,), (debit.key,), credit.minor)
        for credit in credits_
        for debit in debits
        if credit.minor == debit.minor
    ]


def _sums_of_invoices(debits: Sequence[OpenLine], credits_: Sequence[OpenLine]) -> list[Suggestion]:
    return [
        Suggestion("sum_of_invoices", (credit.key,), keys, credit.minor)
        for credit in credits_
        if (keys := _adding_up(debits, credit.minor))
    ]


def _sums_of_credits(debits: Sequence[OpenLine], credits_: Sequence[OpenLine]) -> list[Suggestion]:
    return [
        Suggestion("sum_of_credits", keys, (debit.key,), debit.minor)
        for debit in debits
        if (keys := _adding_up(credits_, debit.minor))
    ]


def _adding_up(lines: Sequence[OpenLine], minor: int) -> tuple[str, ...]:
    """The fewest and oldest lines that add up to an amount; none where two sets of as many do: that is a guess."""
    tried = [line for line in lines if line.minor < minor][:MOST_TRIED]
    for count in range(2, MOST_LINES + 1):
        sets = [each for each in combinations(tried, count) if sum(line.minor for line in each) == minor]
        if sets:
            return tuple(line.key for line in sets[0]) if len(sets) == 1 else ()
    return ()
