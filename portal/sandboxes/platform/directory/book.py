"""The directory's book: who is in it, and who receives for whom."""

from __future__ import annotations

import threading
import tomllib
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from portal.sandboxes.platform.directory.entries import (
    Company,
    Demands,
    Facility,
    Line,
    RoutingCode,
    is_siren,
    plain_company,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_SEEDS = Path(__file__).with_name("companies.toml")
MAX_COMPANIES = 20_000
"""The book lives in memory."""


class DirectoryError(ValueError):
    """A company that the directory cannot take; the sentence says why."""


class DirectoryBook:
    """Companies by SIREN. The sandbox's own come first; clients and control calls add theirs."""

    def __init__(self, clients: Iterable[str] = ()) -> None:
        self._lock = threading.Lock()
        self._companies: dict[str, Company] = {}
        self._clients = tuple(clients)
        self.reset()

    def reset(self) -> None:
        """The invented companies, and each client whose id is a SIREN."""
        with self._lock:
            self._companies = {company.siren: company for company in seeded_companies()}
            for client in filter(is_siren, self._clients):
                self._companies[client] = plain_company(client, f"Client {client}", owner=f"{client}/")

    def add(self, company: Company) -> None:
        """Enter a company, or put it in the place of the one with its SIREN.

        Raises:
            DirectoryError: an address of it belongs to another company, or the book is full.
        """
        with self._lock:
            taken = {line.address: other.siren for other in self._companies.values() for line in other.lines}
            for line in company.lines:
                if taken.get(line.address, company.siren) != company.siren:
                    raise DirectoryError(f"Address {line.address} belongs to {taken[line.address]}.")
            if company.siren not in self._companies and len(self._companies) >= MAX_COMPANIES:
                raise DirectoryError(f"The directory holds {MAX_COMPANIES} companies; reset it first.")
            self._companies[company.siren] = company

    def learn(self, siren: str, name: str, owner: str, address: str | None = None) -> None:
        """Note that ``owner`` sends for this company, and the address (BT-34) that it gives for itself."""
        with self._lock:
            known = self._companies.get(siren) or (plain_company(siren, name) if len(self) < MAX_COMPANIES else None)
            if known is None or known.seeded:
                return
            lines = known.lines
            if address and address != siren and known.line_at(address) is None and address.startswith(siren):
                lines = (*lines, Line(address, suffix=address.removeprefix(siren).lstrip("_") or None))
            self._companies[siren] = replace(
                known,
                name=name if known.name.startswith("Client ") else known.name,
                lines=lines,
                owner=known.owner or owner,
            )

    def company(self, siren: str | None) -> Company | None:
        """The company of this SIREN."""
        with self._lock:
            return self._companies.get(siren or "")

    def at(self, address: str) -> Company | None:
        """The company that this address belongs to."""
        with self._lock:
            return next((each for each in self._companies.values() if each.line_at(address)), None)

    def everyone(self) -> list[Company]:
        """All companies, in the order in which they came."""
        with self._lock:
            return list(self._companies.values())

    def __len__(self) -> int:
        return len(self._companies)


@cache
def seeded_companies() -> tuple[Company, ...]:
    """The invented companies of the data file."""
    content = tomllib.loads(_SEEDS.read_text(encoding="utf-8"))
    return tuple(replace(read_company(entry), seeded=True) for entry in content["company"])


def read_company(entry: Mapping[str, Any], owner: str | None = None) -> Company:
    """A company as the data file and the control call write it.

    Raises:
        DirectoryError: a SIREN with a wrong key, or a field that is missing or unknown.
    """
    siren = str(entry.get("siren", ""))
    if not is_siren(siren):
        raise DirectoryError(f"{siren!r} is no SIREN: nine digits with the right key are needed.")
    try:
        given = {
            name: entry[name] for name in ("name", "kind", "status", "no_prospecting", "scenario") if name in entry
        }
        return Company(
            siren=siren,
            facilities=tuple(_facility(each) for each in entry.get("facilities", ())),
            codes=tuple(RoutingCode(**each) for each in entry.get("codes", ())),
            lines=tuple(_line(each) for each in entry.get("lines", ({"address": siren},))),
            owner=owner,
            **given,
        )
    except (TypeError, AttributeError) as error:
        raise DirectoryError(f"Company {siren} cannot be read: {error}.") from error


def _facility(entry: Mapping[str, Any]) -> Facility:
    demands = Demands(**entry["demands"]) if entry.get("demands") else None
    return Facility(**{**entry, "demands": demands})


def _line(entry: Mapping[str, Any]) -> Line:
    """A status that is given and empty is one that the platform does not tell."""
    return Line(**{**entry, "status": entry.get("status", "Enabled") or None})
