"""What a directory holds, as immutable values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from stdnum.fr import siren as siren_key

Status = Literal["Enabled", "Disabled", "Upcoming"]


@dataclass(frozen=True, slots=True)
class Line:
    """An electronic address (scheme 0225). Its mesh (*maille*) shows in what it names: SIREN, SIRET, code or suffix.

    ``status`` is None where the platform tells none, as seen in the field. ``platform`` is WK (an approved platform)
    or DFH (the public portal: the fictive platform 9998 of a company that named none, and Chorus Pro).
    """

    address: str
    siret: str | None = None
    routing: str | None = None
    suffix: str | None = None
    status: Status | None = "Enabled"
    platform: Literal["WK", "DFH"] = "WK"


@dataclass(frozen=True, slots=True)
class RoutingCode:
    """A routing code (scheme 0224) of an establishment: a service of a public body, a department of a company."""

    identifier: str
    siret: str
    name: str
    needs_commitment: bool = False
    """Invoices to it must name the buyer's legal commitment (*numéro d'engagement*, BT-13)."""
    status: Literal["A", "C"] = "A"


@dataclass(frozen=True, slots=True)
class Demands:
    """What a public establishment asks of its suppliers (the norm's ``b2gAdditionalData``)."""

    service_code: bool = False
    commitment: bool = False
    commitment_or_service: bool = False
    payment_status: bool = False


@dataclass(frozen=True, slots=True)
class Facility:
    """An establishment; ``kind`` is P (principal) or S (secondary)."""

    siret: str
    name: str
    street: str = "1 rue de l'Essai"
    postcode: str = "75001"
    city: str = "Paris"
    region: str = "Île-de-France"
    kind: Literal["P", "S"] = "P"
    status: Literal["A", "C"] = "A"
    demands: Demands | None = None


@dataclass(frozen=True, slots=True)
class Company:
    """A legal unit with everything below it.

    ``owner`` is the client (and organisation) of the sandbox that receives for it; without one nobody reads what is
    delivered to it. ``scenario`` names what happens to invoices sent to it.
    """

    siren: str
    name: str
    kind: Literal["Public", "PrivateVatRegistered"] = "PrivateVatRegistered"
    status: Literal["A", "C"] = "A"
    facilities: tuple[Facility, ...] = ()
    codes: tuple[RoutingCode, ...] = ()
    lines: tuple[Line, ...] = ()
    no_prospecting: bool = False
    owner: str | None = None
    scenario: str | None = None
    seeded: bool = field(default=False, compare=False)
    """Whether it is one of the sandbox's own invented companies."""

    @property
    def is_public(self) -> bool:
        """Whether it is a public body, which Chorus Pro receives for."""
        return self.kind == "Public"

    def line_at(self, address: str) -> Line | None:
        """The line of this address."""
        return next((line for line in self.lines if line.address == address), None)


def is_siren(text: str) -> bool:
    """Whether ``text`` is nine digits with the right key."""
    return bool(siren_key.is_valid(text)) and text.isdigit()


def plain_company(siren: str, name: str, *, owner: str | None = None) -> Company:
    """A company as simple as can be: one establishment, and its SIREN as its only address."""
    return Company(siren, name, lines=(Line(siren),), owner=owner)
