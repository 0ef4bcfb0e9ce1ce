"""The demonstration of exports: books closed until the month before the last, and a journal made apart."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from config.clock import today
from portal.access.people import find_person
from portal.exports.kept import Wish, ask_export
from portal.exports.kinds import KINDS
from receivables.services.accounting.closing import close_period

if TYPE_CHECKING:
    from uuid import UUID

    from portal.wiring import Services

SINCE = timedelta(days=365)


def add_exports(services: Services, supplier_id: UUID, owner: str) -> None:
    """Close the books two months back, after everything else was told, and have a journal made for the owner."""
    last_month = today().replace(day=1) - timedelta(days=1)
    until = last_month.replace(day=1) - timedelta(days=1)
    services.works.run(supplier_id, lambda work: close_period(work, until, "demo"))
    person = find_person(services.database, owner)
    assert person is not None  # noqa: S101 -- the story let them in
    days = {"since": (today() - SINCE).isoformat(), "until": today().isoformat(), "as": "xlsx"}
    wish = Wish("journal", days, person.language, person.person_id)
    services.works.run(supplier_id, lambda work: ask_export(work, wish, KINDS[wish.kind].title(wish)))
