"""Invoices to public bodies (B2G, Chorus Pro): what they must say beyond an ordinary one, and where it goes.

The SIRET names the body (BT-46, scheme 0009), the service code its department (BT-10), the legal commitment the order
(BT-13); Chorus Pro refuses an invoice that lacks what the body demands, which its directory tells
(``serviceCodeStatus``, ``managesLegalCommitmentCode``). Source: DGFiP, Chorus Pro v1.1, 3.1.2; mandate 8; BR-FR-23.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from einvoice.document import FRENCH_ADDRESS_SCHEME, SIRET_SCHEME, Identifier
from einvoice.errors import BuildError

if TYPE_CHECKING:
    from einvoice.document import Party
    from einvoice.request.model import InvoiceRequest
    from einvoice.request.parties import BuyerRequest

MAX_ENGAGEMENT = 50
"""Characters of a legal commitment number in Chorus Pro."""

_SERVICE = re.compile(r"[A-Za-z0-9\-_.]{1,100}")
"""Scheme 0224, BR-FR-24 and BR-FR-26: the code is also the last part of the body's electronic address."""


def is_public(buyer: BuyerRequest) -> bool:
    """Whether the buyer is a public body: as stated, or because it has a service code or a commitment."""
    return buyer.public or buyer.service_code is not None or buyer.engagement is not None


def check_public_buyer(request: InvoiceRequest) -> None:
    """What Chorus Pro needs of a public buyer.

    Raises:
        BuildError: ``buyer.public_consumer``, ``buyer.siret_missing``, ``buyer.bad_service_code``,
            ``buyer.bad_engagement`` or ``buyer.reference_twice``.
    """
    buyer = request.buyer
    if not is_public(buyer):
        return
    if buyer.consumer:
        raise BuildError(
            "buyer.public_consumer",
            "buyer.consumer and buyer.public (BG-7) exclude each other. Keep the one that is true.",
            "buyer.consumer et buyer.public (BG-7) s'excluent. Gardez celui qui est vrai.",
            term="BG-7",
            place="buyer.public",
        )
    if buyer.siret is None:
        raise BuildError(
            "buyer.siret_missing",
            "buyer.siret (BT-46, scheme 0009) is missing: Chorus Pro finds a public body by its SIRET. Add its 14 "
            "digits.",
            "buyer.siret (BT-46, schéma 0009) manque : Chorus Pro identifie une entité publique par son SIRET. Ajoutez "
            "ses 14 chiffres.",
            term="BT-46",
            place="buyer.siret",
        )
    if buyer.service_code is not None and not _SERVICE.fullmatch(buyer.service_code):
        raise BuildError(
            "buyer.bad_service_code",
            f"buyer.service_code (BT-10) is {buyer.service_code!r}: at most 100 letters, digits, '-', '_' or '.' "
            "(BR-FR-24, BR-FR-26).",
            f"buyer.service_code (BT-10) vaut {buyer.service_code!r} : au plus 100 lettres, chiffres, « - », « _ » ou "
            "« . » (BR-FR-24, BR-FR-26).",
            term="BT-10",
            place="buyer.service_code",
        )
    if buyer.engagement is not None and len(buyer.engagement) > MAX_ENGAGEMENT:
        raise BuildError(
            "buyer.bad_engagement",
            f"buyer.engagement (BT-13) has {len(buyer.engagement)} characters; Chorus Pro takes at most "
            f"{MAX_ENGAGEMENT}.",
            f"buyer.engagement (BT-13) compte {len(buyer.engagement)} caractères ; Chorus Pro en accepte au plus "
            f"{MAX_ENGAGEMENT}.",
            term="BT-13",
            place="buyer.engagement",
        )
    _check_one_value(request.buyer_reference, buyer.service_code, "buyer_reference", "buyer.service_code", "BT-10")
    _check_one_value(request.purchase_order, buyer.engagement, "purchase_order", "buyer.engagement", "BT-13")


def with_public_address(party: Party, request: BuyerRequest) -> Party:
    """``party`` with the address under which the directory lists public bodies: SIREN_SIRET or SIREN_SIRET_SERVICE."""
    siret = next((each.value for each in party.identifiers if each.scheme == SIRET_SCHEME), None)
    if not is_public(request) or request.endpoint is not None or siret is None or party.siren is None:
        return party
    mesh = [party.siren, siret, *([request.service_code] if request.service_code else [])]
    return replace(party, endpoint=Identifier("_".join(mesh), FRENCH_ADDRESS_SCHEME))


def _check_one_value(general: str | None, public: str | None, place: str, public_place: str, term: str) -> None:
    if general is not None and public is not None and general != public:
        raise BuildError(
            "buyer.reference_twice",
            f"{place} and {public_place} both fill {term} and differ ({general!r}, {public!r}). Keep one.",
            f"{place} et {public_place} remplissent tous deux {term} et diffèrent ({general!r}, {public!r}). Gardez-en "
            "un.",
            term=term,
            place=public_place,
        )
