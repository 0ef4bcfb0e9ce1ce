"""Acts of people that are no supplier's alone: one row in the trail of every supplier where the person is let in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from portal.access.people import Membership, Person
    from portal.wiring import Services


def note_act(services: Services, person: Person, memberships: Iterable[Membership], act: str, **details: Any) -> None:
    """Note that ``person`` did ``act``, wherever they are let in."""
    for supplier_id in dict.fromkeys(each.supplier_id for each in memberships):
        with services.works.begin(supplier_id) as work:
            work.audit(f"person {person.person_id}", act, str(person.person_id), **details)
