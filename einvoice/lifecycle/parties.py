"""Seller and buyer of an invoice as the messages of its life name them (XP Z12-014 annex B)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from einvoice.document import SIREN_SCHEME, Identifier
from einvoice.lifecycle.message import BUYER, SELLER, StatusMessageError, StatusParty

if TYPE_CHECKING:
    from einvoice.document import Party


def seller_party(seller: Party) -> StatusParty:
    """The seller, by its SIREN (MDT-38, MDT-129).

    Raises:
        StatusMessageError: ``status.no_siren``.
    """
    if not seller.siren:
        raise StatusMessageError(
            "status.no_siren",
            f"{seller.name} has no SIREN (BT-30, scheme 0002): a status cannot name its seller.",
            f"{seller.name} n'a pas de SIREN (BT-30, schéma 0002) : un statut ne peut nommer son vendeur.",
        )
    return StatusParty(SELLER, (Identifier(seller.siren, SIREN_SCHEME),), seller.name)


def buyer_party(buyer: Party) -> StatusParty:
    """The buyer at its electronic address (MDT-73), which a message cannot do without (BR-FR-CDV-08).

    Raises:
        StatusMessageError: ``status.no_address``.
    """
    if not buyer.endpoint:
        raise StatusMessageError(
            "status.no_address",
            f"{buyer.name} has no electronic address (BT-49): a status cannot reach it (MDT-73).",
            f"{buyer.name} n'a pas d'adresse électronique (BT-49) : un statut ne peut l'atteindre (MDT-73).",
        )
    legal = (buyer.legal_id,) if buyer.legal_id and buyer.legal_id.scheme else ()
    return StatusParty(BUYER, legal, buyer.name, buyer.endpoint)
