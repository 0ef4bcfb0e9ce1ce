"""Which event goes to which address: planned as the events get their positions, and again on demand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from config.clock import new_id, now
from portal.webhooks.endpoints import get_endpoint, list_endpoints
from portal.webhooks.payloads import TEST
from receivables.domain.events import Event
from receivables.errors import ConflictError, NotFoundError
from receivables.store.event_log import MOST_NUMBERED, LoggedEvent, events_since, number_events

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime
    from uuid import UUID

    from portal.webhooks.endpoints import Endpoint
    from receivables.store.work import Work, Works

WEBHOOK_PLANNED = "webhook.planned"
"""A delivery is to be sent; its key is the delivery's id."""
MOST_REPLAYED = 5_000
"""Events that one replay sends again: a day of a large house."""
Choice = tuple["Endpoint", "LoggedEvent"]


def plan_webhooks(works: Works, supplier_id: UUID) -> int:
    """Number what is new and plan its deliveries, set after set; returns how many events that were."""
    found = 0
    while True:
        numbered = works.run(supplier_id, _plan_once)
        found += numbered
        if numbered < MOST_NUMBERED:
            return found


def _plan_once(work: Work) -> int:
    events = number_events(work)
    if events:
        endpoints = [each for each in list_endpoints(work) if each.is_active]
        _plan(work, ((each, event) for each in endpoints for event in events if each.wants(event.kind)), "event")
    return len(events)


def _plan(work: Work, choices: Iterable[Choice], cause: str) -> list[UUID]:
    """Deliveries as rows, and the outbox told of each; returns their ids."""
    at = now()
    rows = [
        {
            "delivery_id": new_id(),
            "endpoint_id": endpoint.endpoint_id,
            "event_id": event.event_id,
            "kind": event.kind,
            "cause": cause,
            "next_try_at": at,
            "created_at": at,
            "changed_at": at,
        }
        for endpoint, event in choices
    ]
    _write(work, rows)
    return [row["delivery_id"] for row in rows]  # type: ignore[misc]


def _write(work: Work, rows: list[dict[str, object]]) -> None:
    work.insert("webhook_deliveries", rows)
    work.emit(
        [Event(WEBHOOK_PLANNED, str(row["delivery_id"]), {"delivery_id": str(row["delivery_id"])}) for row in rows]
    )


def plan_test(work: Work, endpoint_id: UUID, actor: str) -> UUID:
    """Send a test to an address; returns the delivery's id.

    Raises:
        NotFoundError: ``webhook.not_found``.
        ConflictError: ``webhook.disabled``.
    """
    _check_active(get_endpoint(work, endpoint_id))
    at, delivery_id = now(), new_id()
    _write(
        work,
        [
            {
                "delivery_id": delivery_id,
                "endpoint_id": endpoint_id,
                "event_id": None,
                "kind": TEST,
                "cause": "test",
                "next_try_at": at,
                "created_at": at,
                "changed_at": at,
            }
        ],
    )
    work.audit(actor, "webhook.tested", str(endpoint_id))
    return delivery_id


def replay_delivery(work: Work, delivery_id: UUID, actor: str) -> UUID:
    """Send the event of a delivery again, with the same id and the same bytes; returns the new delivery's id.

    Raises:
        NotFoundError: ``webhook.delivery_not_found``: there is none, or it was a test.
        ConflictError: ``webhook.disabled``.
    """
    row = work.row(
        "SELECT delivery.endpoint_id, event.event_id, event.position, event.kind, event.customer_id, "
        "event.invoice_id, event.data, event.happened_at FROM webhook_deliveries AS delivery "
        "JOIN event_log AS event USING (supplier_id, event_id) "
        "WHERE delivery.supplier_id = :supplier AND delivery.delivery_id = :id",
        id=delivery_id,
    )
    if row is None:
        raise NotFoundError(
            "webhook.delivery_not_found",
            "There is no such delivery of an event.",
            "Cet envoi d'un événement n'existe pas.",
        )
    endpoint = get_endpoint(work, row["endpoint_id"])
    _check_active(endpoint)
    event = LoggedEvent(**{name: value for name, value in row.items() if name != "endpoint_id"})
    work.audit(actor, "webhook.replayed", str(endpoint.endpoint_id), delivery_id=delivery_id)
    return _plan(work, [(endpoint, event)], "replay")[0]


def replay_since(work: Work, endpoint_id: UUID, since: datetime, actor: str) -> int:
    """Send everything that the address wants and that happened since then, in order; returns how much that is.

    Raises:
        NotFoundError: ``webhook.not_found``.
        ConflictError: ``webhook.disabled``, ``webhook.too_much``.
    """
    endpoint = get_endpoint(work, endpoint_id)
    _check_active(endpoint)
    found: list[LoggedEvent] = []
    while True:
        part = events_since(work, found[-1].position if found else 0, 500, kinds=endpoint.kinds, since=since)
        found += part
        if len(found) > MOST_REPLAYED:
            raise ConflictError(
                "webhook.too_much",
                f"More than {MOST_REPLAYED} events happened since then: begin later, or read them from the API.",
                f"Plus de {MOST_REPLAYED} événements depuis cette date : partez de plus tard, ou lisez-les par l'API.",
            )
        if not part:
            break
    _plan(work, ((endpoint, event) for event in found), "replay")
    work.audit(actor, "webhook.replayed", str(endpoint_id), since=since, count=len(found))
    return len(found)


def _check_active(endpoint: Endpoint) -> None:
    if not endpoint.is_active:
        raise ConflictError(
            "webhook.disabled",
            "This address is disabled: enable it first.",
            "Cette adresse est désactivée : réactivez-la d'abord.",
        )
