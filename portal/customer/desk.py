"""Whom the reader of a customer's page may call or write to: shown at the foot of every one of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import g

from portal.access.context import place, work_here
from portal.words import suppose_language
from receivables.store.customer_file.customers import get_customer
from receivables.store.customer_file.desks import desk_for

if TYPE_CHECKING:
    from uuid import UUID

    from receivables.store.customer_file.desks import Desk
    from receivables.store.work import Work


def note_desk(work: Work, customer_id: UUID | None) -> None:
    """Remember whose desk stands on a page behind a link, where nobody has signed in."""
    g.desk = desk_for(work, customer_id)


def greet(work: Work, customer_id: UUID) -> None:
    """Speak the customer's language behind a link, and say whom they may call."""
    suppose_language(get_customer(work, customer_id).language)
    note_desk(work, customer_id)


def desk_here() -> Desk | None:
    """The desk of this page: nothing on pages of the supplier's people, and on those that are nobody's."""
    if "desk" not in g:
        if "place" not in g or place().is_staff:
            return None
        with work_here() as work:
            note_desk(work, place().customer_id)
    found: Desk | None = g.desk
    return found
