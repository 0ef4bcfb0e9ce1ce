"""Settled lines of a FEC: those of customers' accounts under letters until a day, read line by line, however many.

What a line was is what its entry says: money where a line of class 5 stands in it, a sale where one of class 70 does.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from receivables.domain.accounting.fec_reading import stream_records
from receivables.domain.accounting.former_books import FormerKind, FormerLine, can_be_kept

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from receivables.domain.accounting.fec_reading import Record

CUSTOMERS = ("411", "416")
"""Customers, and doubtful customers (PCG art. 944-41)."""
MONEY = "5"
SALES = ("70", "4191")
_EURO = "EUR"


def former_of_fec(content: bytes, until: date, terms_days: int, unread: list[int]) -> Iterator[FormerLine]:
    """The lettered lines of customers until the end of a day.

    ``terms_days`` gives the due day of an invoice, which no FEC tells. Lines without a day or a whole number of cents,
    or that the books cannot hold, are left out, and their numbers put into ``unread``.
    """
    money, sales = _entries(content)
    for record in stream_records(content):
        if not _is_former(record):
            continue
        day = record.day("EcritureDate")
        cents = record.signed * 100
        if day is None or not cents or cents != cents.to_integral_value():
            unread.append(record.line)
            continue
        if day > until:
            continue
        signed = int(cents)
        kind = _kind(signed, is_money=record.entry in money, is_sale=record.entry in sales)
        issued = record.day("PieceDate") or day
        line = FormerLine(
            place=record.line,
            code=record["CompAuxNum"] or record["CompteNum"],
            name=record["CompAuxLib"] or record["CompteLib"] or record["CompAuxNum"] or record["CompteNum"],
            account=record["CompteNum"],
            day=day,
            due_on=min(issued, until) + timedelta(days=terms_days) if kind is FormerKind.INVOICE else None,
            due_told=False,
            kind=kind,
            piece=record["PieceRef"] or record["EcritureNum"],
            label=record["EcritureLib"],
            debit_minor=max(signed, 0),
            credit_minor=max(-signed, 0),
            currency=_EURO,
            letters=record["EcritureLet"],
            lettered_on=record.day("DateLet"),
        )
        if can_be_kept(line):
            yield line
        else:
            unread.append(record.line)


def _is_former(record: Record) -> bool:
    return record["CompteNum"].startswith(CUSTOMERS) and bool(record["EcritureLet"])


def _entries(content: bytes) -> tuple[set[tuple[str, str]], set[tuple[str, str]]]:
    """Entries with money, and entries with a sale."""
    money: set[tuple[str, str]] = set()
    sales: set[tuple[str, str]] = set()
    for record in stream_records(content):
        account = record["CompteNum"]
        if account.startswith(MONEY):
            money.add(record.entry)
        elif account.startswith(SALES):
            sales.add(record.entry)
    return money, sales


def _kind(signed: int, *, is_money: bool, is_sale: bool) -> FormerKind:
    """What a line is; an entry of both (paid at the till) tells no day of its own."""
    if is_money == is_sale:
        return FormerKind.OTHER
    if is_sale:
        return FormerKind.INVOICE if signed > 0 else FormerKind.CREDIT_NOTE
    return FormerKind.REFUND if signed > 0 else FormerKind.RECEIPT
