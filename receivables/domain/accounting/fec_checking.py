"""Check a FEC as anybody's against every rule of :mod:`receivables.domain.accounting.fec_rules`."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from receivables.domain.accounting.fec_grouping import Groups
from receivables.domain.accounting.fec_reading import (
    CREDIT_SIGNS,
    DEBIT_SIGNS,
    NAMES,
    OTHER_AMOUNTS,
    SEPARATORS,
    is_number,
    open_fec,
    read_day,
)
from receivables.domain.accounting.fec_rules import RULES, Rule, Weight

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from receivables.domain.accounting.fec_reading import FecFile, Record

MOST_TOLD = 20
"""Findings of one rule that are told with their place; the others are counted."""
_NAME = re.compile(r"(\d{9})FEC(\d{8})\.(?:txt|csv)", re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_ACCOUNT = re.compile(r"[1-8]\d{2}[0-9A-Za-z]*")
_CURRENCY = re.compile(r"[A-Z]{3}")
_REQUIRED = (
    "JournalCode",
    "JournalLib",
    "EcritureNum",
    "EcritureDate",
    "CompteNum",
    "CompteLib",
    "PieceRef",
    "PieceDate",
    "EcritureLib",
    "ValidDate",
)
_DATES = ("EcritureDate", "PieceDate", "DateLet", "ValidDate")


@dataclass(frozen=True, slots=True)
class Finding:
    """One breach: the rule, the line of the file (from 1, 0 for the whole file), and what stands there."""

    rule: Rule
    line: int
    found: str


@dataclass(slots=True)
class Verdict:
    """What a file was found to be: ``counts`` by rule name, of which ``findings`` tell the first with their place."""

    name: str
    encoding: str
    separator: str
    lines: int = 0
    entries: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    findings: list[Finding] = field(default_factory=list)

    @property
    def accepted(self) -> bool:
        """Whether no rule of the law is broken; doubtful findings leave it so."""
        return not any(RULES[name].weight is Weight.REFUSED for name in self.counts)

    def say(self, rule: str, line: int, found: str = "") -> None:
        """Note a breach."""
        self.counts[rule] += 1
        if self.counts[rule] <= MOST_TOLD:
            self.findings.append(Finding(RULES[rule], line, found[:120]))


def check_fec(name: str, content: bytes) -> Verdict:
    """Judge a file by every rule; ``name`` is its file name without folders."""
    file = open_fec(name, content)
    verdict = Verdict(name, file.encoding, SEPARATORS[file.separator])
    closes_on = _check_name(verdict, name)
    _check_form(verdict, file)
    groups = Groups(verdict.say, closes_on)
    for record in file.records():
        verdict.lines += 1
        _check_record(verdict, record, len(file.heading))
        groups.add(record)
    if not verdict.lines:
        verdict.say("file.empty", 0)
    groups.finish()
    verdict.entries = groups.entries
    order = list(RULES)
    verdict.findings.sort(key=lambda each: (order.index(each.rule.name), each.line))
    return verdict


def _check_name(verdict: Verdict, name: str) -> date | None:
    found = _NAME.fullmatch(name)
    closes_on = read_day(found[2]) if found else None
    if found is None or closes_on is None:
        verdict.say("file.name", 0, name)
        return None
    if not _is_siren(found[1]):
        verdict.say("file.siren", 0, found[1])
    return closes_on


def _is_siren(digits: str) -> bool:
    doubled = (int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(digits)))
    return sum(value - 9 if value > 9 else value for value in doubled) % 10 == 0  # noqa: PLR2004 -- Luhn


def _check_form(verdict: Verdict, file: FecFile) -> None:
    if file.encoding == "UTF-8" or file.has_mark:
        verdict.say("file.encoding", 0, "UTF-8")
    if file.separator not in "".join(file.lines[:1]):
        verdict.say("file.separator", 1, "".join(file.lines[:1]))
    wanted = list(NAMES)
    if OTHER_AMOUNTS[0] in file.names:
        wanted[wanted.index("Debit") : wanted.index("Credit") + 1] = OTHER_AMOUNTS
    if file.names[: len(wanted)] != wanted:
        verdict.say("header.fields", 1, " ".join(file.heading))
    other = next(each for each in SEPARATORS if each != file.separator)
    for number, line in enumerate(file.lines, start=1):
        if not line:
            verdict.say("file.blank_line", number)
        if _CONTROL.search(line):
            verdict.say("file.control_signs", number, line)
        if other in line:
            verdict.say("file.separator", number, line)


def _check_record(verdict: Verdict, record: Record, width: int) -> None:
    if record.width != width:
        verdict.say("line.width", record.line, f"{record.width} / {width}")
    for rule, found in _breaches(record):
        verdict.say(rule, record.line, found)


def _breaches(record: Record) -> Iterator[tuple[str, str]]:
    """The rules that a line breaks by itself, with what stands there."""
    for name in _REQUIRED:
        if not record[name]:
            yield "field.missing", name
    for name in _DATES:
        if record[name] and record.day(name) is None:
            yield "field.date", f"{name} {record[name]}"
    yield from _amount_breaches(record)
    if record["CompteNum"] and not _ACCOUNT.fullmatch(record["CompteNum"]):
        yield "account.number", record["CompteNum"]
    if bool(record["CompAuxNum"]) != bool(record["CompAuxLib"]):
        yield "auxiliary.pair", record["CompAuxNum"] or record["CompAuxLib"]
    if bool(record["EcritureLet"]) != bool(record["DateLet"]):
        yield "letters.pair", record["EcritureLet"] or record["DateLet"]
    if bool(record["Montantdevise"]) != bool(record["Idevise"]):
        yield "currency.pair", record["Montantdevise"] or record["Idevise"]
    code = record["Idevise"]
    if code and (not _CURRENCY.fullmatch(code) or code == "EUR"):
        yield "currency.code", code


def _amount_breaches(record: Record) -> Iterator[tuple[str, str]]:
    has_sides = "Sens" in record.values
    for name in ("Montant",) if has_sides else ("Debit", "Credit"):
        if not is_number(record[name]):
            yield "field.amount", f"{name} {record[name]}"
    if record["Montantdevise"] and not is_number(record["Montantdevise"]):
        yield "field.amount", f"Montantdevise {record['Montantdevise']}"
    if has_sides and record["Sens"] not in DEBIT_SIGNS | CREDIT_SIGNS:
        yield "field.side", record["Sens"]
    if record.debit and record.credit:
        yield "amount.both_sides", f"{record['Debit']} {record['Credit']}"
    if not record.debit and not record.credit:
        yield "amount.none", ""
