"""Which movement is which: keys that are the same whichever file tells a movement, however often.

A bank's own reference is no key by itself: some banks give ``NONREF`` or a new FITID with each download. So a key is
made of account, day, amount and that reference; where there is none, of value day and texts; and of an ordinal among
movements that are alike. Limit: two files that each tell *a part* of a day, and in them one movement each that is alike
to the cent and the letter, count as one; the check of the balances then names the gap.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import date

    from payments.statements.line import Statement, StatementLine

_SIGNS = re.compile(r"[^A-Z0-9]+")
_WORD = re.compile(r"[A-Z0-9]{3,}")


@dataclass(frozen=True, slots=True)
class ToldEntry:
    """One movement as a file tells it: its key and its lines, more than one where a batch is told in detail."""

    key: str
    lines: tuple[StatementLine, ...]

    @property
    def booked_on(self) -> date:
        """The bank's day."""
        return self.lines[0].booked_on

    @property
    def amount_minor(self) -> int:
        """What moved, in minor units."""
        return sum(line.amount_minor for line in self.lines)

    @property
    def words(self) -> frozenset[str]:
        """Words of all its texts, to tell alike movements apart."""
        return frozenset(word for line in self.lines for word in words_of(line.counterparty, line.remittance))


def entries_of(statement: Statement) -> list[ToldEntry]:
    """The movements of a statement in their order, each with its key."""
    grouped: dict[int, list[StatementLine]] = {}
    for line in statement.lines:
        grouped.setdefault(line.entry, []).append(line)
    seen: Counter[str] = Counter()
    entries = []
    for lines in grouped.values():
        content = _content(statement.account, lines)
        seen[content] += 1
        key = hashlib.sha256(f"{content}|{seen[content]}".encode()).hexdigest()[:40]
        entries.append(ToldEntry(key, tuple(lines)))
    return entries


def line_keys(entry_key: str, parts: int) -> list[str]:
    """Keys of the lines of one movement: its own where it is one line, else its own with a number."""
    return [entry_key] if parts == 1 else [f"{entry_key}/{number}" for number in range(1, parts + 1)]


def words_of(*texts: str) -> frozenset[str]:
    """Words of three letters or digits and more, in capitals."""
    return frozenset(_WORD.findall(" ".join(texts).upper()))


def _content(account: str, lines: list[StatementLine]) -> str:
    first = lines[0]
    total = sum(line.amount_minor for line in lines)
    told = [account, first.booked_on.isoformat(), str(total), first.currency]
    if first.bank_ref:
        return "|".join([*told, "ref", _plain(first.bank_ref)])
    texts = [_plain(f"{line.counterparty}{line.counterparty_iban or ''}{line.remittance}") for line in lines]
    refs = [_plain(f"{line.end_to_end_id or ''}{line.batch_ref or ''}") for line in lines]
    return "|".join([*told, first.value_on.isoformat(), *texts, *refs])


def _plain(text: str) -> str:
    return _SIGNS.sub("", text.upper())
