"""What stands on every page of a customer: whom to call at its foot, the supplier's colour and logo at its head."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import g

from portal.access.context import place, work_here
from portal.customer.looks import note_look
from portal.words import suppose_language
from receivables.store.customer_file.customers import get_customer
from receivables.store.customer_file.desks import desk_for

if TYPE_CHECKING:
    from uuid import UUID

    from portal.customer.looks import Look
    from receivables.store.customer_file.desks import Desk
    from receivables.store.work import Work


def note_desk(work: Work, customer_id: UUID | None) -> None:
    """Remember whose desk and look stand on a page behind a link, where nobody has signed in."""
    g.desk = desk_for(work, customer_id)
    note_look(work)


def greet(work: Work, customer_id: UUID) -> None:
    """Speak the customer's language behind a link, and say whom they may call."""
    suppose_language(get_customer(work, customer_id).language)
    note_desk(work, customer_id)


def desk_here() -> Desk | None:
    """The desk of this page: nothing on pages of the supplier's people, and on those that are nobody's."""
    if not _is_noted():
        return None
    found: Desk | None = g.desk
    return found


def look_here() -> Look | None:
    """The supplier's colour and logo for this page, where :func:`desk_here` has a desk for it."""
    if not _is_noted():
        return None
    found: Look = g.look
    return found


def _is_noted() -> bool:
    """Whether this page is for a customer; what stands on it is looked up once."""
    if "desk" not in g:
        if "place" not in g or place().is_staff:
            return False
        with work_here() as work:
            note_desk(work, place().customer_id)
    return True
