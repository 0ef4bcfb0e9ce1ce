"""What is open in a FEC: lines of the customers' accounts that no letters settle, with the VAT of their entries.

Lines under one code of letters of one year that come to zero are settled; where they do not, credits settle the
oldest debits first. What is left adds up to the balance of the accounts by construction: nothing is dropped.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from receivables.domain.accounting.former_books import by_year
from receivables.domain.accounting.opening import letter_count
from receivables.errors import ReceivablesError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import date
    from decimal import Decimal

    from receivables.domain.accounting.fec_reading import FecFile, Record

CUSTOMERS = "411"
VAT = "445"
WAITING = ("44574", "4458")
"""Accounts on which VAT waits for the money: of the plan comptable, and the one that many programs use."""
SALES = ("70", "4191")


@dataclass(frozen=True, slots=True)
class OpenLine:
    """One open line of a customer's account: cents, ``minor`` above zero where the customer owes.

    ``base_minor`` and ``tax_minor`` are those of its entry, where that tells them for this line alone.
    """

    line: int
    code: str
    name: str
    piece: str
    piece_on: date
    label: str
    total_minor: int
    open_minor: int
    is_debit: bool
    base_minor: int | None = None
    tax_minor: int | None = None
    vat_waits: bool = False
    is_sale: bool = False


@dataclass(slots=True)
class FecOpening:
    """What a FEC holds of customers: open lines, the balance of their accounts, the letters that were given."""

    lines: list[OpenLine] = field(default_factory=list)
    balance_minor: int = 0
    letters: dict[tuple[str, int], int] = field(default_factory=dict)
    """How many codes each account gave by year."""
    settled_groups: int = 0


@dataclass(slots=True)
class _Entry:
    """The other side of an entry: bases and VAT, credits above zero."""

    customers: int = 0
    base: int = 0
    tax: int = 0
    waits: bool = False
    is_sale: bool = False


def open_of_fec(file: FecFile, until: date, prefix: str = CUSTOMERS) -> FecOpening:
    """What was open at the end of the day ``until`` on accounts that begin with ``prefix``.

    Raises:
        ReceivablesError: ``fec.not_readable``: a line of such an account without a day or amount that can be read;
            ``fec.no_customers``.
    """
    entries = _entries((each for each in file.records() if _counts(each, until)), prefix)
    found = FecOpening()
    groups: defaultdict[tuple[str, str], list[Record]] = defaultdict(list)
    for record in file.records():  # once more: of a large file, only the customers' lines are held
        if record["CompteNum"].startswith(prefix) and _counts(record, until):
            code = _code(record)
            letters = record["EcritureLet"]
            found.balance_minor += _cents(record.signed, record)
            _note_letters(found, record, code, letters)
            groups[code, letters or f"\0{record.line}"].append(record)
    if not groups:
        raise ReceivablesError(
            "fec.no_customers",
            f"This file has no line on an account {prefix} until {until}. Is it a FEC, and of the right year?",
            f"Ce fichier n'a aucune ligne sur un compte {prefix} jusqu'au {until}. Est-ce un FEC, de la bonne année ?",
        )
    for lines in _by_letters(groups.values()):
        left = _left_open(lines)
        found.settled_groups += not left
        found.lines += [_line(record, open_minor, entries) for record, open_minor in left]
    found.lines = _merged(found.lines)
    return found


def _by_letters(groups: Iterable[Sequence[Record]]) -> Iterator[Sequence[Record]]:
    """The groups of letters of each code: a code that is given again the year after settles something else."""
    for lines in groups:
        yield from by_year(lines, lambda each: each.day("DateLet"), lambda each: _cents(each.signed, each))


def _counts(record: Record, until: date) -> bool:
    day = record.day("EcritureDate")
    if day is None:
        raise ReceivablesError(
            "fec.not_readable",
            f"Line {record.line} has no day that can be read (EcritureDate). Check the file first.",
            f"La ligne {record.line} n'a pas de date lisible (EcritureDate). Contrôlez d'abord le fichier.",
        )
    return day <= until


def _code(record: Record) -> str:
    return record["CompAuxNum"] or record["CompteNum"]


def _cents(amount: Decimal, record: Record) -> int:
    cents = amount * 100
    if cents != cents.to_integral_value():
        raise ReceivablesError(
            "fec.not_readable",
            f"Line {record.line} has more than two decimals.",
            f"La ligne {record.line} a plus de deux décimales.",
        )
    return int(cents)


def _entries(records: Iterable[Record], prefix: str) -> dict[tuple[str, str], _Entry]:
    found: defaultdict[tuple[str, str], _Entry] = defaultdict(_Entry)
    for record in records:
        entry, account = found[record.entry], record["CompteNum"]
        credit = -_cents(record.signed, record)
        if account.startswith(prefix):
            entry.customers += 1
        elif account.startswith(VAT):
            entry.tax += credit
            entry.waits |= account.startswith(WAITING)
        elif account.startswith(SALES):
            entry.base += credit
            entry.is_sale = True
    return found


def _note_letters(found: FecOpening, record: Record, code: str, letters: str) -> None:
    day = record.day("DateLet") or record.day("EcritureDate")
    if letters and day:
        key = code, day.year
        found.letters[key] = max(found.letters.get(key, 0), letter_count(letters))


def _left_open(lines: Sequence[Record]) -> list[tuple[Record, int]]:
    """The lines of a group with what is open of each, in signed cents; the smaller side settles the other's oldest."""
    amounts = [(record, _cents(record.signed, record)) for record in lines]
    total = sum(amount for _, amount in amounts)
    if not total:
        return []
    sense = 1 if total > 0 else -1
    side = sorted((each for each in amounts if each[1] * sense > 0), key=lambda each: each[0]["EcritureDate"])
    used = sum(amount * sense for _, amount in side) - total * sense
    left = []
    for record, amount in side:
        taken = min(used, amount * sense)
        used -= taken
        if amount * sense > taken:
            left.append((record, amount - sense * taken))
    return left


def _line(record: Record, open_minor: int, entries: dict[tuple[str, str], _Entry]) -> OpenLine:
    total, entry = abs(_cents(record.signed, record)), entries[record.entry]
    sense = 1 if open_minor > 0 else -1
    alone = entry.customers == 1 and entry.is_sale and sense * (entry.base + entry.tax) == total
    day = record.day("PieceDate") or record.day("EcritureDate")
    assert day is not None  # noqa: S101 -- checked when it was counted
    return OpenLine(
        line=record.line,
        code=_code(record),
        name=record["CompAuxLib"] or record["CompteLib"] or _code(record),
        piece=record["PieceRef"] or record["EcritureNum"],
        piece_on=day,
        label=record["EcritureLib"],
        total_minor=total,
        open_minor=abs(open_minor),
        is_debit=open_minor > 0,
        base_minor=sense * entry.base if alone else None,
        tax_minor=sense * entry.tax if alone else None,
        vat_waits=alone and entry.waits,
        is_sale=entry.is_sale,
    )


def _merged(lines: Iterable[OpenLine]) -> list[OpenLine]:
    """One line per piece of an account: an invoice due in parts stands on several."""
    found: dict[tuple[str, str, bool], OpenLine] = {}
    for line in sorted(lines, key=lambda each: each.line):
        key = line.code, line.piece, line.is_debit
        before = found.get(key)
        if before is None:
            found[key] = line
            continue
        found[key] = OpenLine(
            before.line,
            before.code,
            before.name,
            before.piece,
            min(before.piece_on, line.piece_on),
            before.label,
            before.total_minor + line.total_minor,
            before.open_minor + line.open_minor,
            before.is_debit,
            is_sale=before.is_sale or line.is_sale,
        )
    return list(found.values())
