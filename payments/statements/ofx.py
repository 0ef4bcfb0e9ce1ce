"""OFX, version 1 (SGML: tags that are never closed) and version 2 (XML), read by the same few lines.

An own reader: what there is on the shelf is either no longer kept or under the GPL, and refuses what French banks write
(names longer than the norm, amounts with a comma).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html import unescape
from typing import TYPE_CHECKING

from payments.statements.errors import wrong
from payments.statements.fields import (
    currency_of,
    day_of,
    french_iban,
    given,
    iban_in,
    iban_of,
    minor_of,
    reference_in,
    tidy,
)
from payments.statements.line import Statement, StatementLine

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

_TAG = re.compile(r"<(/?)([A-Za-z0-9._]+)\s*/?>([^<]*)")
_STATEMENTS = frozenset({"STMTRS", "CCSTMTRS"})
_GROUPS = frozenset({"BANKACCTFROM", "CCACCTFROM", "STMTTRN", "LEDGERBAL", "BANKACCTTO", "PAYEE", "BANKTRANLIST"})


@dataclass(slots=True)
class _Group:
    """One group of fields with the line where it begins."""

    place: str
    values: dict[str, str] = field(default_factory=dict)

    def get(self, name: str) -> str:
        return self.values.get(name, "")


@dataclass(slots=True)
class _Account:
    place: str
    head: _Group
    account: _Group
    balance: _Group
    movements: list[_Group] = field(default_factory=list)


def read_ofx(text: str) -> list[Statement]:
    """The statements of a file, bank accounts and cards alike.

    Raises:
        StatementError: with the line.
    """
    found: list[_Account] = []
    current: _Account | None = None
    open_groups: list[tuple[str, _Group]] = []
    for closing, name, value, place in _tags(text):
        if name in _STATEMENTS:
            if closing:
                current = None
            else:
                current = _Account(place, _Group(place), _Group(place), _Group(place))
                found.append(current)
                open_groups = []
        elif current is None:
            continue
        elif name in _GROUPS:
            if closing:
                open_groups = [each for each in open_groups if each[0] != name]
            else:
                group = _group(current, open_groups, name, place)  # none stands in one of its own name
                open_groups = [*(each for each in open_groups if each[0] != name), (name, group)]
        elif not closing and value:
            target = open_groups[-1][1] if open_groups else current.head
            target.values.setdefault(name, value)
    return [_statement(each) for each in found]


def _tags(text: str) -> Iterator[tuple[bool, str, str, str]]:
    """Tags with the text behind each and the line."""
    line, seen = 1, 0
    for each in _TAG.finditer(text):
        line += text.count("\n", seen, each.start())
        seen = each.start()
        yield bool(each[1]), each[2].upper(), tidy(unescape(each[3])), f"l. {line}"


def _group(current: _Account, open_groups: list[tuple[str, _Group]], name: str, place: str) -> _Group:
    """Where the fields of a group that begins are kept: those inside a movement are its own."""
    if name == "STMTTRN":
        current.movements.append(_Group(place))
        return current.movements[-1]
    if open_groups and open_groups[-1][0] == "STMTTRN":
        return open_groups[-1][1]
    if name in {"BANKACCTFROM", "CCACCTFROM"}:
        return current.account
    if name == "LEDGERBAL":
        current.balance.place = place
        return current.balance
    return current.head


def _statement(told: _Account) -> Statement:
    currency = currency_of(told.head.get("CURDEF") or "EUR", told.place)
    lines = tuple(_line(each, currency, number) for number, each in enumerate(told.movements, 1))
    balance = told.balance
    days = [line.booked_on for line in lines]
    start, end, balance_day = told.head.get("DTSTART"), told.head.get("DTEND"), balance.get("DTASOF")
    return Statement(
        format="ofx",
        account=_number(told),
        currency=currency,
        lines=lines,
        from_on=_day(start, told.place) if start else min(days, default=None),
        to_on=_day(balance_day or end, told.place) if balance_day or end else max(days, default=None),
        closing_minor=minor_of(balance.get("BALAMT"), currency, balance.place) if balance.get("BALAMT") else None,
    )


def _number(told: _Account) -> str:
    """The account: an IBAN, or one made of bank, branch and account number."""
    number = told.account.get("ACCTID").replace(" ", "").upper()
    bank, branch = told.account.get("BANKID"), told.account.get("BRANCHID")
    found = iban_of(number) or french_iban(bank, branch, number.zfill(11)[:11] if number else "")
    if not number:
        raise wrong("no_account", "The account (ACCTID) is missing.", "Le compte (ACCTID) manque.", told.account.place)
    return found or number


def _day(text: str, place: str) -> date:
    """The day of ``20261122120000.000[1:CET]``: as the bank writes it, not converted."""
    return day_of(text[:4], text[4:6], text[6:8], place)


def _line(told: _Group, currency: str, number: int) -> StatementLine:
    booked_on = _day(told.get("DTPOSTED"), told.place)
    available = told.get("DTAVAIL")
    name, memo = told.get("NAME"), told.get("MEMO")
    text = memo if memo.startswith(name) else tidy(f"{name} {memo}")
    return StatementLine(
        place=told.place,
        booked_on=booked_on,
        value_on=_day(available, told.place) if available else booked_on,
        amount_minor=minor_of(told.get("TRNAMT"), currency, told.place),
        currency=currency,
        counterparty=name,
        counterparty_iban=iban_of(told.get("ACCTID")) or iban_in(memo),
        remittance=text,
        structured_reference=reference_in(memo),
        bank_ref=given(told.get("FITID")),
        bank_code=told.get("TRNTYPE").upper() or None,
        entry=number,
        details={
            ours: value
            for ours, theirs in (("cheque", "CHECKNUM"), ("own_ref", "REFNUM"))
            if (value := given(told.get(theirs)))
        },
    )
