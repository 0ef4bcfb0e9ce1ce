"""Which movements of a file are new, which are known, and which another format had told before.

CFONB and camt do not write the same words, so that a movement told in both has two keys. Of one account, day and amount
each format tells every movement once: a movement that this format has not told yet and another format has is the same
one, the most alike in words first. What was paired is kept (``entry_aliases``), so that nothing is paired twice.
Limit: where two formats each tell only a part of a day, two movements of one amount may be taken for one; the check of
the balances then names the gap.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from payments.banking.keys import words_of
from receivables.store.work import to_json

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date
    from uuid import UUID

    from payments.banking.keys import ToldEntry
    from payments.statements.line import Statement
    from receivables.store.work import Work

HAND = "hand"
"""The format of lines that somebody typed before the bank told them."""
_TYPED_DAYS = timedelta(days=5)
"""How far the day that somebody typed may be from the bank's."""


@dataclass(frozen=True, slots=True)
class KnownEntry:
    """A movement that is kept: ``parts`` lines of it count."""

    entry_key: str
    booked_on: date
    amount_minor: int
    format: str
    parts: int
    words: frozenset[str]


@dataclass(frozen=True, slots=True)
class Compared:
    """The movements of a batch: new ones, and known ones with what is kept of them."""

    fresh: tuple[ToldEntry, ...]
    known: tuple[tuple[ToldEntry, KnownEntry], ...]


def compare(work: Work, statement: Statement, statement_id: UUID, entries: Sequence[ToldEntry]) -> Compared:
    """Tell new movements from known ones; pairs found across formats are kept.

    Movements that this very statement brought count as new: an import that was interrupted goes on where it was.
    """
    kept = _kept(work, statement.account, statement.currency, entries, statement_id)
    aliases = _aliases(work, [entry.key for entry in entries], list(kept))
    by_told = {told: key for told, key, _ in aliases}
    told_by_this_format = {key for _, key, name in aliases if name == statement.format}
    keys = {entry.key for entry in entries}
    fresh: list[ToldEntry] = []
    known: list[tuple[ToldEntry, KnownEntry]] = []
    free = [
        each
        for key, each in kept.items()
        if key not in keys and key not in told_by_this_format and each.format != statement.format
    ]
    paired: list[tuple[ToldEntry, KnownEntry]] = []
    for entry in entries:
        there = kept.get(by_told.get(entry.key, entry.key))
        if there is None and (there := _twin(entry, free)):
            free.remove(there)
            paired.append((entry, there))
        if there is None:
            fresh.append(entry)
        else:
            known.append((entry, there))
    _keep_aliases(work, statement, statement_id, paired)
    return Compared(tuple(fresh), tuple(known))


def _twin(entry: ToldEntry, free: list[KnownEntry]) -> KnownEntry | None:
    """The movement of another format that this one is: same amount and day, most words in common."""
    alike = [
        each
        for each in free
        if each.amount_minor == entry.amount_minor
        and abs(each.booked_on - entry.booked_on) <= (_TYPED_DAYS if each.format == HAND else timedelta(0))
    ]
    return max(alike, key=lambda each: (len(each.words & entry.words), each.entry_key), default=None)


def _kept(
    work: Work, account: str, currency: str, entries: Sequence[ToldEntry], statement_id: UUID
) -> dict[str, KnownEntry]:
    """Movements of these days, and of these keys, that other files brought."""
    days = {entry.booked_on for entry in entries}
    rows = work.rows(
        "SELECT entry_key, min(line.booked_on) AS booked_on, sum(amount_minor)::bigint AS amount_minor, "
        "min(statement.format) AS format, count(*) AS parts, string_agg(counterparty || ' ' || remittance, ' ') "
        "AS texts FROM bank_lines AS line JOIN statements AS statement USING (supplier_id, statement_id) "
        "WHERE supplier_id = :supplier AND line.account = :account AND line.currency = :currency "
        "AND line.statement_id <> :statement AND line.state <> 'split' AND (line.booked_on = ANY(:days) "
        "OR entry_key = ANY(:keys) OR (statement.format = :hand AND line.booked_on BETWEEN :first AND :last)) "
        "GROUP BY entry_key",
        account=account,
        currency=currency,
        statement=statement_id,
        days=list(days),
        keys=[entry.key for entry in entries],
        hand=HAND,
        first=min(days) - _TYPED_DAYS,
        last=max(days) + _TYPED_DAYS,
    )
    return {
        row["entry_key"]: KnownEntry(
            row["entry_key"],
            row["booked_on"],
            row["amount_minor"],
            row["format"],
            row["parts"],
            words_of(row["texts"] or ""),
        )
        for row in rows
    }


def _aliases(work: Work, told: Sequence[str], kept: Sequence[str]) -> list[tuple[str, str, str]]:
    """Pairs found before: key as told, key as kept, the format that told it."""
    rows = work.rows(
        "SELECT told_key, entry_key, format FROM entry_aliases WHERE supplier_id = :supplier "
        "AND (told_key = ANY(:told) OR entry_key = ANY(:kept))",
        told=list(told),
        kept=list(kept),
    )
    return [(row["told_key"], row["entry_key"], row["format"]) for row in rows]


def _keep_aliases(
    work: Work, statement: Statement, statement_id: UUID, paired: Sequence[tuple[ToldEntry, KnownEntry]]
) -> None:
    if not paired:
        return
    work.execute(
        "INSERT INTO entry_aliases (supplier_id, told_key, entry_key, format, statement_id) "
        "SELECT :supplier, told_key, entry_key, :format, :statement "
        "FROM jsonb_to_recordset(CAST(:given AS jsonb)) AS given (told_key text, entry_key text)",
        format=statement.format,
        statement=statement_id,
        given=to_json([{"told_key": told.key, "entry_key": there.entry_key} for told, there in paired]),
    )
