"""A fact that concerns nobody at a supplier is finished as a set, and only there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from portal.background.worker import Worker
from receivables.domain.events import Event

if TYPE_CHECKING:
    from uuid import UUID

    from receivables.store.outbox import Announcement
    from receivables.store.register import Supplier
    from receivables.store.work import Works


def test_what_concerns_nobody_is_done_and_what_concerns_somebody_is_delivered(works: Works, supplier: Supplier) -> None:
    heard: list[str] = []

    def hear(_: UUID, fact: Announcement) -> None:
        heard.append(fact.event_key)

    with works.begin(supplier.supplier_id) as work:
        work.emit([Event("deaf", str(n), {}) for n in range(30)] + [Event("heard", "one", {})])
    worker = Worker(works, {}, {"deaf": {"one": hear}, "heard": {"one": hear}}, unheard={"deaf": lambda _: True})
    assert worker.drain_outbox_of(supplier.supplier_id, "deaf") == 30
    assert worker.drain_outbox_of(supplier.supplier_id, "heard") == 1
    assert heard == ["one"]
    with works.begin(supplier.supplier_id) as work:
        assert work.scalar("SELECT count(*) FROM outbox WHERE supplier_id = :supplier AND state <> 'done'") == 0
