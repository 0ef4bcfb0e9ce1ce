"""A program and a token of a house, made once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from portal.api.clients import create_client
from portal.api.tokens import create_token, list_tokens

if TYPE_CHECKING:
    from uuid import UUID

    from portal_house import House

_THINGS: dict[UUID, dict[str, UUID]] = {}


def program_things(house: House) -> dict[str, UUID]:
    """A ``program`` that may read invoices and customers, and a ``token`` of the house."""
    here = house.supplier.supplier_id
    if here not in _THINGS:
        with house.services.works.begin(here) as work:
            program, _ = create_client(work, "ERP", ["invoices:read", "customers:read"], "test")
            create_token(work, "Tableau de bord", scopes=["invoices:read"])
            token = next(each.token_id for each in list_tokens(work) if each.label == "Tableau de bord")
        _THINGS[here] = {"program": program.client_id, "token": token}
    return _THINGS[here]
