"""What the pages about webhooks show in a house of tests: an address with deliveries in every state."""

from __future__ import annotations

from typing import TYPE_CHECKING

from webhook_receiver import receiver

from config.outgoing import Reach
from portal.background.duties import build_worker
from portal.webhooks.endpoints import EndpointWish, open_endpoint
from portal.webhooks.planning import WEBHOOK_PLANNED, plan_test, plan_webhooks
from receivables.domain.told import Told
from receivables.store.event_log import tell

if TYPE_CHECKING:
    from uuid import UUID

    from portal_house import House

_THINGS: dict[UUID, dict[str, UUID]] = {}


def webhook_things(house: House) -> dict[str, UUID]:
    """An address (``hook``), something that was taken (``taken``) and a test that was not (``untaken``)."""
    here = house.supplier.supplier_id
    if here not in _THINGS:
        _THINGS[here] = _make(house)
    return _THINGS[here]


def _make(house: House) -> dict[str, UUID]:
    services, here = house.services, house.supplier.supplier_id
    assert services.reach is Reach.PRIVATE
    with receiver() as listening:
        plan_webhooks(services.works, here)
        with services.works.begin(here) as work:
            hook, _ = open_endpoint(services, work, EndpointWish("ERP", listening.url, (), "person 1"))
            invoice = house.invoices["paid"]
            data = {"number": invoice.number, "code": "205", "direction": "in", "reasons": []}
            tell(work, [Told("invoice.status", data, house.customer_id, invoice.invoice_id)])
        plan_webhooks(services.works, here)
        build_worker(services).drain_outbox_of(here, WEBHOOK_PLANNED)
        listening.answer(500, body=b"<h1>Internal error</h1>")
        with services.works.begin(here) as work:
            untaken = plan_test(work, hook, "person 1")
        build_worker(services).drain_outbox_of(here, WEBHOOK_PLANNED)
        with services.works.begin(here) as work:
            taken = work.scalar(
                "SELECT delivery_id FROM webhook_deliveries WHERE supplier_id = :supplier AND state = 'delivered'"
            )
    return {"hook": hook, "taken": taken, "untaken": untaken}
