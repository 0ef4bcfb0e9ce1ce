"""What an event looks like outside: the same in a webhook and in the answer of the API."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING, Any

from receivables.store.work import to_json

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from receivables.store.event_log import LoggedEvent

TEST = "webhook.test"
"""The kind that a test has: it tells of nothing."""
_PREFIX = "evt_"


def name_of(event_id: UUID) -> str:
    """The id of an event as programs see it."""
    return _PREFIX + event_id.hex


def show_event(event: LoggedEvent) -> dict[str, Any]:
    """An event as JSON: ``type``, ``timestamp`` and ``data`` are those of Standard Webhooks."""
    about = {"customer_id": event.customer_id, "invoice_id": event.invoice_id}
    return {
        "id": name_of(event.event_id),
        "position": event.position,
        "type": event.kind,
        "timestamp": _instant(event.happened_at),
        "data": {name: value for name, value in about.items() if value is not None} | event.data,
    }


def body_of(event: LoggedEvent) -> bytes:
    """The bytes that are signed and sent; the same ones whenever an event is sent again."""
    return to_json(show_event(event)).encode()


def test_body(delivery_id: UUID, at: datetime) -> bytes:
    """The bytes of a test."""
    shown = {"id": name_of(delivery_id), "type": TEST, "timestamp": _instant(at), "data": {}}
    return to_json(shown).encode()


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
