"""``/api/v1/events``: what happened, in the order of commits, for programs that ask instead of being told."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 -- a model reads it
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID  # noqa: TC003 -- a model reads it

from pydantic import Field

from portal.api.answers import CallRefusedError
from portal.api.door import open_blueprint
from portal.api.operations import operation
from portal.api.shapes import MOST_ON_PAGE, Input, Output
from receivables.domain.told import KINDS
from receivables.store.event_log import events_since, find_event

if TYPE_CHECKING:
    from receivables.store.event_log import LoggedEvent
    from receivables.store.work import Work

events = open_blueprint("api_events")

FARTHEST = 2**63 - 1


class EventQuery(Input):
    """From where on, and of which kinds."""

    after: Annotated[
        int, Field(ge=0, le=FARTHEST, description="`next_after` of the page before; 0: from the beginning.")
    ] = 0
    kind: Annotated[list[str], Field(description="Of this kind alone; may stand several times.")] = []  # noqa: RUF012 -- Pydantic copies it
    limit: Annotated[int, Field(ge=1, le=MOST_ON_PAGE)] = MOST_ON_PAGE


class EventShape(Output):
    """Something that happened, to whom and for how much; amounts are whole cents."""

    event_id: UUID
    position: Annotated[int, Field(description="1, 2, 3 ... without gaps.")]
    kind: Annotated[str, Field(examples=["invoice.paid"])]
    customer_id: UUID | None
    invoice_id: UUID | None
    data: dict[str, Any]
    happened_at: datetime


class EventList(Output):
    """A page of events; `next_after` is where to go on, also when nothing came since."""

    events: list[EventShape]
    next_after: int


@events.get("/events")
@operation("events:read", "List events", "Lister les événements", EventList, query=EventQuery)
def index(work: Work, query: EventQuery) -> EventList:
    """Events in the order of their positions. Whoever has read up to a position has missed nothing before it."""
    strange = sorted(set(query.kind) - KINDS.keys())
    if strange:
        raise CallRefusedError(
            400,
            "event.unknown_kind",
            f"There is no event {strange[0]!r:.60}: see docs/webhooks.md.",
            f"L'événement {strange[0]!r:.60} n'existe pas : voir docs/webhooks.md.",
        )
    rows = events_since(work, query.after, query.limit, kinds=query.kind)
    return EventList(events=[_event(each) for each in rows], next_after=rows[-1].position if rows else query.after)


@events.get("/events/<uuid:event_id>")
@operation("events:read", "Show an event", "Voir un événement", EventShape)
def show(work: Work, event_id: UUID) -> EventShape:
    """One event: what a webhook names by its id."""
    found = find_event(work, event_id)
    if found is None:
        raise CallRefusedError(404, "event.not_found", "There is no such event.", "Cet événement n'existe pas.")
    return _event(found)


def _event(event: LoggedEvent) -> EventShape:
    return EventShape(
        event_id=event.event_id,
        position=event.position,
        kind=event.kind,
        customer_id=event.customer_id,
        invoice_id=event.invoice_id,
        data=event.data,
        happened_at=event.happened_at,
    )
