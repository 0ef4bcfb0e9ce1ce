"""Which column of somebody's file is what: guessed from its heading, said by a person, remembered by the headings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from config.clock import now
from portal.imports.cells import missing
from portal.imports.sheets import folded
from receivables.store.work import to_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from portal.imports.sheets import Row, Table
    from receivables.store.work import Work


@dataclass(frozen=True, slots=True)
class Field:
    """Something that a table may tell: its key, its names for people, and other headings it goes by."""

    key: str
    french: str
    english: str
    others: tuple[str, ...] = ()
    required: bool = False

    def name(self, spoken: str) -> str:
        """Its name in ``spoken`` (``fr`` or ``en``)."""
        return self.french if spoken == "fr" else self.english


@dataclass(frozen=True, slots=True)
class Columns:
    """The place of each field in the rows of a table."""

    fields: tuple[Field, ...]
    places: Mapping[str, int]

    def read(self, row: Row, key: str) -> str:
        """What a row says of a field; nothing where no column tells it."""
        place = self.places.get(key)
        return row.cells[place] if place is not None else ""

    def need(self, row: Row, key: str) -> str:
        """What a row says of a field.

        Raises:
            CellError: ``cell.missing``.
        """
        found = self.read(row, key)
        if not found:
            raise missing(self.name(key))
        return found

    def name(self, key: str) -> str:
        """What people call a field."""
        return next(each.french for each in self.fields if each.key == key)

    @property
    def told(self) -> str:
        """Which column is what, in one text: a form says with it what its reader saw."""
        return " ".join(f"{key}={place}" for key, place in sorted(self.places.items()))

    @property
    def missing(self) -> list[Field]:
        """Fields that must have a column and have none."""
        return [each for each in self.fields if each.required and each.key not in self.places]


def guess(fields: Sequence[Field], table: Table) -> Columns:
    """The columns as their headings name them; a heading is one field's at most, and the first one wins."""
    places: dict[str, int] = {}
    taken: set[int] = set()
    names = [folded(each) for each in table.headings]
    for field in fields:
        for wanted in (field.key, field.french, field.english, *field.others):
            place = next((i for i, name in enumerate(names) if name == folded(wanted) and i not in taken), None)
            if place is not None:
                places[field.key] = place
                taken.add(place)
                break
    return Columns(tuple(fields), places)


def chosen(fields: Sequence[Field], table: Table, choice: Mapping[str, str]) -> Columns:
    """The columns as a person chose them, by number from 1; what makes no sense is left out."""
    places = {
        field.key: int(number) - 1
        for field in fields
        if (number := choice.get(field.key, "")).isdecimal() and 0 < int(number[:4]) <= len(table.headings)
    }
    return Columns(tuple(fields), places)


def recalled(work: Work, purpose: str, fields: Sequence[Field], table: Table) -> Columns:
    """The columns as they were chosen for a file with the same headings before, else as their headings name them."""
    kept = work.scalar(
        "SELECT columns FROM column_mappings WHERE supplier_id = :supplier AND purpose = :purpose "
        "AND headings_hash = :hash",
        purpose=purpose,
        hash=table.headings_hash,
    )
    known = {each.key for each in fields}
    if kept is None:
        return guess(fields, table)
    return Columns(tuple(fields), {key: place for key, place in kept.items() if key in known})


def remember(work: Work, purpose: str, table: Table, mapping: Columns) -> None:
    """Keep which column is what, for the next file with these headings."""
    work.execute(
        "INSERT INTO column_mappings (supplier_id, purpose, headings_hash, columns, changed_at) "
        "VALUES (:supplier, :purpose, :hash, CAST(:columns AS jsonb), :at) "
        "ON CONFLICT (supplier_id, purpose, headings_hash) DO UPDATE SET columns = excluded.columns, "
        "changed_at = excluded.changed_at",
        purpose=purpose,
        hash=table.headings_hash,
        columns=to_json(dict(mapping.places)),
        at=now(),
    )
