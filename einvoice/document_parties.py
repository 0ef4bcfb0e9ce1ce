"""Who stands in an invoice: seller, buyer, payee, tax representative and third parties, with how to tell them apart."""

from __future__ import annotations

from dataclasses import dataclass

SIREN_SCHEME = "0002"
SIRET_SCHEME = "0009"
FRENCH_ADDRESS_SCHEME = "0225"
"""ISO 6523 schemes: SIREN, SIRET and the French electronic address."""


@dataclass(frozen=True, slots=True)
class Identifier:
    """A value with the ISO 6523 / EAS scheme that gives it sense, e.g. ``("732829320", "0002")``."""

    value: str
    scheme: str | None = None


@dataclass(frozen=True, slots=True)
class Address:
    """BG-5, BG-8, BG-12, BG-15: postal address. ``country`` is ISO 3166-1 alpha-2."""

    country: str
    line1: str | None = None
    line2: str | None = None
    line3: str | None = None
    postcode: str | None = None
    city: str | None = None
    subdivision: str | None = None


@dataclass(frozen=True, slots=True)
class Contact:
    """BG-6, BG-9: contact point. BT-41/BT-56 is a person, a department, or (in CII only) both apart."""

    name: str | None = None
    department: str | None = None
    phone: str | None = None
    email: str | None = None


@dataclass(frozen=True, slots=True)
class Party:
    """BG-4 seller (vendeur) or BG-7 buyer (acheteur).

    ``legal_id`` is BT-30/BT-47 (SIREN, scheme 0002), ``identifiers`` BT-29/BT-46 (SIRET, scheme 0009, ...),
    ``endpoint`` BT-34/BT-49 (electronic address), ``vat_id`` BT-31/BT-48, ``tax_id`` BT-32, ``legal_form`` BT-33.
    """

    name: str
    address: Address
    trading_name: str | None = None
    identifiers: tuple[Identifier, ...] = ()
    legal_id: Identifier | None = None
    vat_id: str | None = None
    tax_id: str | None = None
    legal_form: str | None = None
    endpoint: Identifier | None = None
    contact: Contact | None = None

    @property
    def siren(self) -> str | None:
        """The SIREN (nine digits) where the legal id has scheme 0002."""
        return self.legal_id.value if self.legal_id and self.legal_id.scheme == SIREN_SCHEME else None


@dataclass(frozen=True, slots=True)
class Payee:
    """BG-10: who is to be paid when it is not the seller, e.g. a factor (affactureur).

    The EXTENDED profiles add the terms from ``role`` on (EXT-FR-FE-26 to -42); ``role`` is a code of UNTDID 3035.
    """

    name: str
    identifier: Identifier | None = None
    legal_id: Identifier | None = None
    role: str | None = None
    more_identifiers: tuple[Identifier, ...] = ()
    vat_id: str | None = None
    endpoint: Identifier | None = None
    address: Address | None = None
    contact: Contact | None = None


@dataclass(frozen=True, slots=True)
class ThirdParty:
    """A party beside seller and buyer (EXTENDED only): payer, agent, invoicer, invoicee, or the seller of one line.

    The fields are those of :class:`Party`; the standard demands a name of all but the seller of a line, and an address
    of none. ``role`` is a code of UNTDID 3035, e.g. ``DL`` for a factor. In UBL every identifier needs its scheme
    (BR-FR-CO-10).
    """

    name: str | None = None
    address: Address | None = None
    role: str | None = None
    trading_name: str | None = None
    identifiers: tuple[Identifier, ...] = ()
    legal_id: Identifier | None = None
    vat_id: str | None = None
    tax_id: str | None = None
    endpoint: Identifier | None = None
    contact: Contact | None = None


@dataclass(frozen=True, slots=True)
class TaxRepresentative:
    """BG-11: the seller's tax representative (représentant fiscal)."""

    name: str
    vat_id: str
    address: Address
