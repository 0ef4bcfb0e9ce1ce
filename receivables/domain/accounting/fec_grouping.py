"""What lines of a FEC must be together: entries, numbers, accounts, groups of letters; one pass, then the sums."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

    from receivables.domain.accounting.fec_reading import Record

LONGEST_YEAR_MONTHS = 24
"""A first accounting year may be longer than twelve months, a second calendar year is the most."""
_SERIAL = re.compile(r"(.*?)(\d+)(\D*)")


@dataclass(slots=True)
class _Entry:
    line: int
    booked: str
    validated: str
    total: Decimal = Decimal(0)
    classes: set[str] = field(default_factory=set)


@dataclass(slots=True)
class _Letters:
    line: int
    days: set[str] = field(default_factory=set)
    latest: date | None = None
    total: Decimal = Decimal(0)


@dataclass(slots=True)
class Groups:
    """Collects what belongs together; ``say(rule, line, found)`` is told of every breach."""

    say: Callable[[str, int, str], None]
    closes_on: date | None
    _entries: dict[tuple[str, str], _Entry] = field(default_factory=dict)
    _letters: dict[tuple[str, str, str], _Letters] = field(default_factory=dict)
    _names: dict[tuple[str, str], str] = field(default_factory=dict)
    _last: tuple[str, str] | None = None
    _validated: date | None = None
    _total: Decimal = Decimal(0)

    @property
    def entries(self) -> int:
        """How many entries were seen."""
        return len(self._entries)

    def add(self, record: Record) -> None:
        """Take one line."""
        self._add_to_entry(record)
        self._check_days(record)
        self._check_names(record)
        if record["EcritureLet"]:
            self._add_letters(record)
        self._total += record.signed

    def finish(self) -> None:
        """Judge the sums."""
        for key, entry in self._entries.items():
            if entry.total:
                self.say("entry.balance", entry.line, f"{' '.join(key)}: {entry.total}")
            if "12" in entry.classes and entry.classes & {"6", "7"}:
                self.say("entry.result", entry.line, " ".join(key))
        for name, group in self._letters.items():
            if group.total:
                self.say("letters.balance", group.line, f"{' '.join(name)}: {group.total}")
            if len(group.days) > 1 or (group.latest and min(group.days) < group.latest.strftime("%Y%m%d")):
                self.say("letters.day", group.line, f"{' '.join(name)}: {' '.join(sorted(group.days))}")
        if self._total:
            self.say("file.balance", 0, str(self._total))
        self._check_numbers()

    def _add_to_entry(self, record: Record) -> None:
        entry = self._entries.get(record.entry)
        if entry is None:
            entry = self._entries[record.entry] = _Entry(record.line, record["EcritureDate"], record["ValidDate"])
        elif self._last != record.entry:
            self.say("entry.together", record.line, " ".join(record.entry))
        if (record["EcritureDate"], record["ValidDate"]) != (entry.booked, entry.validated):
            self.say("entry.days", record.line, " ".join(record.entry))
        entry.total += record.signed
        account = record["CompteNum"]
        entry.classes |= {account[:1], account[:2]}
        self._last = record.entry

    def _check_days(self, record: Record) -> None:
        booked, validated = record.day("EcritureDate"), record.day("ValidDate")
        if booked and self.closes_on:
            months = (self.closes_on.year - booked.year) * 12 + self.closes_on.month - booked.month
            if booked > self.closes_on or months >= LONGEST_YEAR_MONTHS:
                self.say("date.year", record.line, record["EcritureDate"])
        if validated and booked and validated < booked:
            self.say("date.validated_before", record.line, f"{record['ValidDate']} {record['EcritureDate']}")
        if validated:
            if self._validated and validated < self._validated:
                self.say("order.validation", record.line, record["ValidDate"])
            self._validated = validated

    def _check_names(self, record: Record) -> None:
        for rule, code, name in (
            ("account.name", record["CompteNum"], record["CompteLib"]),
            ("journal.name", record["JournalCode"], record["JournalLib"]),
        ):
            if code and self._names.setdefault((rule, code), name) != name:
                self.say(rule, record.line, f"{code}: {name}")

    def _add_letters(self, record: Record) -> None:
        name = record["CompteNum"], record["CompAuxNum"], record["EcritureLet"]
        group = self._letters.setdefault(name, _Letters(record.line))
        group.days.add(record["DateLet"])
        booked = record.day("EcritureDate")
        if booked and (group.latest is None or booked > group.latest):
            group.latest = booked
        group.total += record.signed

    def _check_numbers(self) -> None:
        """One sequence without a gap: in each journal, or in the whole file."""
        breaches = self._gaps(lambda journal: journal)
        if breaches and self._gaps(lambda _: ""):
            for line, found in breaches:
                self.say("entry.continuous", line, found)

    def _gaps(self, series_of: Callable[[str], str]) -> list[tuple[int, str]]:
        last: dict[str, tuple[str, int]] = {}
        found = []
        for (journal, number), entry in self._entries.items():
            parts = _SERIAL.fullmatch(number)
            if parts is None:
                found.append((entry.line, f"{journal} {number}"))
                continue
            series, shape, serial = series_of(journal), f"{parts[1]}#{parts[3]}", int(parts[2])
            before = last.get(series)
            if before is not None and before != (shape, serial - 1):
                found.append((entry.line, f"{journal} {number}"))
            last[series] = shape, serial
        return found
