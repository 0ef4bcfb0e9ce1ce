"""Search of the directory: criteria, order, fields, relations, a page of the result."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from portal.sandboxes.platform.directory.answers import Entry

DEFAULT_LIMIT = 50
RELATIONS = {"siren": "legalUnit", "siret": "facility", "routingCode": "routingCode"}
"""What ``include`` names, and the field that it adds."""
_PUBLIC = {
    "pmStatus": "pm",
    "pmOnly": "pmOnly",
    "managesPaymentStatus": "managesPaymentStatus",
    "managesLegalCommitment": "managesLegalCommitmentCode",
    "managesLegalCommitmentOrService": "managesLegalCommitmentOrServiceCode",
    "serviceCodeStatus": "serviceCodeStatus",
}
"""Names of fields that lie inside ``b2gAdditionalData``."""
_UNNAMEABLE = frozenset({"platformType", "directoryLineStatus"})
"""What no list of fields can name is always told."""


def _fold(text: str) -> str:
    """Without case and accents, as a search by hand expects."""
    return unicodedata.normalize("NFD", text).encode("ascii", "ignore").decode().casefold()


OPERATORS: Mapping[str, Callable[[str, str], bool]] = {
    "strict": lambda held, wanted: held == wanted,
    "contains": lambda held, wanted: _fold(wanted) in _fold(held),
    "startWith": lambda held, wanted: _fold(held).startswith(_fold(wanted)),
}


@dataclass(frozen=True, slots=True)
class Selection:
    """A search as it was asked, already known to be of the norm."""

    filters: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    sorting: tuple[Mapping[str, str], ...] = ()
    fields: tuple[str, ...] = ()
    include: tuple[str, ...] = ()
    limit: int = DEFAULT_LIMIT
    ignore: int = 0

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> Selection:
        """The search that a body asks for."""
        return cls(
            filters=body.get("filters", {}),
            sorting=tuple(body.get("sorting", ())),
            fields=tuple(body.get("fields", ())),
            include=tuple(body.get("include", ())),
            limit=body.get("limit", DEFAULT_LIMIT),
            ignore=body.get("ignore", 0),
        )

    def apply(self, entries: Iterable[Entry], default_operators: Mapping[str, str]) -> tuple[int, list[Entry]]:
        """How many entries fit, and this page of them."""
        found = [entry for entry in entries if self._fits(entry, default_operators)]
        for rule in reversed(self.sorting):
            if "field" in rule:
                found = sorted(found, key=_by(rule["field"]), reverse=rule.get("order") == "descending")
        return len(found), [self.show(entry) for entry in found[self.ignore : self.ignore + self.limit]]

    def show(self, entry: Entry) -> Entry:
        """What was asked of one entry: its fields, and the relations that were included."""
        related = {RELATIONS[name] for name in self.include}
        kept = {name: value for name, value in entry.items() if name not in RELATIONS.values() or name in related}
        if not self.fields:
            return kept
        wanted = {*self.fields, *related, *_UNNAMEABLE}
        inside = {_PUBLIC[name] for name in self.fields if name in _PUBLIC}
        if inside and "b2gAdditionalData" in kept:
            public = {name: value for name, value in kept["b2gAdditionalData"].items() if name in inside}
            return {name: value for name, value in kept.items() if name in wanted} | {"b2gAdditionalData": public}
        return {name: value for name, value in kept.items() if name in wanted}

    def _fits(self, entry: Entry, default_operators: Mapping[str, str]) -> bool:
        return all(
            OPERATORS[rule.get("op") or default_operators[name]](_value(entry, name), rule["value"])
            for name, rule in self.filters.items()
            if name in default_operators and "value" in rule
        )


def _by(name: str) -> Callable[[Entry], str]:
    return lambda entry: _fold(_value(entry, name))


def _value(entry: Entry, name: str) -> str:
    """What a criterion or an order of this name looks at."""
    address = entry.get("address") or entry.get("routingCode", {}).get("address") or {}
    if name == "addressLines":
        return " ".join(str(address.get(f"addressLine{line}", "")) for line in (1, 2, 3)).strip()
    if name in {"postalCode", "locality", "countrySubdivision"}:
        return str(address.get(name, ""))
    if name in _PUBLIC:
        return str(entry.get("b2gAdditionalData", {}).get(_PUBLIC[name], ""))
    return str(entry.get(name, ""))
