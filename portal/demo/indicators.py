"""Who looks after which customer in the demonstration, and a mail with the indicators on Mondays."""

from __future__ import annotations

from typing import TYPE_CHECKING

from config.clock import today
from portal.access.people import find_person
from receivables.store.customer_file.contacts import set_customer_files
from receivables.store.measuring.indicator_mailings import WEEKLY, add_mailing

if TYPE_CHECKING:
    from uuid import UUID

    from portal.wiring import Services

ACTOR = "demo"
LARGE = 3
"""So many of the customers that buy most have a segment of their own."""


def add_indicators(services: Services, supplier_id: UUID, owner: str, collector: str) -> None:
    """Give every other customer to the ``collector``, the largest a segment, and mail the ``owner`` the figures."""
    owning, collecting = (find_person(services.database, email) for email in (owner, collector))
    if owning is None or collecting is None:
        return
    with services.works.begin(supplier_id) as work:
        rows = work.rows(
            "SELECT customer_id FROM invoices WHERE supplier_id = :supplier "
            "GROUP BY customer_id ORDER BY sum(payable_minor) DESC, customer_id"
        )
        ids = [row["customer_id"] for row in rows]
        set_customer_files(work, ids[::2], ACTOR, collector_id=collecting.person_id)
        set_customer_files(work, ids[1::2], ACTOR, collector_id=owning.person_id)
        set_customer_files(work, ids[:LARGE], ACTOR, segment="grands comptes")
        add_mailing(work, owning.person_id, WEEKLY, {}, today())
