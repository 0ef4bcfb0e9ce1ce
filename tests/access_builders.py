"""Invitations of colleagues that wait for an answer, for tests of pages; made once per supplier."""

from __future__ import annotations

from typing import TYPE_CHECKING

from portal.access.roles import Role
from portal.staff.people.invitations import Guest, invitation_token, invite

if TYPE_CHECKING:
    from uuid import UUID

    from portal_house import House

THINGS: dict[UUID, dict[str, str]] = {}


def access_things(house: House) -> dict[str, str]:
    """The id and the link of an invitation to the staff."""
    supplier_id = house.supplier.supplier_id
    if supplier_id not in THINGS:
        guest = Guest(f"joining@{house.supplier.siren}.example", "Alix Nouvelle", "fr", Role.SALES, portfolio=True)
        actor = f"person {house.people['owner'].person_id}"
        with house.services.works.begin(supplier_id) as work:
            invitation = invite(work, house.services.database, house.services.keyring, guest, actor)
            THINGS[supplier_id] = {
                "colleague_invited": str(invitation.invitation_id),
                "colleague_joining": invitation_token(work, house.services.keyring, invitation.invitation_id),
            }
    return THINGS[supplier_id]
