"""What became of deliveries, and what happened: the lists behind the pages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from receivables.errors import NotFoundError

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy import RowMapping

    from receivables.store.work import Work

PAGE = 50
CHOICES = {"all": "true", "failed": "state = 'failed'", "waiting": "state = 'to_send'"}
"""What a list of deliveries can be narrowed to."""
_COLUMNS = (
    "delivery_id, endpoint_id, event_id, kind, cause, state, tries, last_status, last_error, next_try_at, created_at, "
    "changed_at"
)


@dataclass(frozen=True, slots=True)
class Delivery:
    """One event for one address; without ``event_id`` a test."""

    delivery_id: UUID
    endpoint_id: UUID
    event_id: UUID | None
    kind: str
    cause: str
    state: str
    tries: int
    last_status: int | None
    last_error: str | None
    next_try_at: datetime | None
    created_at: datetime
    changed_at: datetime


def list_deliveries(work: Work, endpoint_id: UUID, narrowed: str, after: UUID | None) -> list[Delivery]:
    """Deliveries to an address, the newest first; one more than a page where there are more."""
    rows = work.rows(
        f"SELECT {_COLUMNS} FROM webhook_deliveries WHERE supplier_id = :supplier AND endpoint_id = :endpoint "  # noqa: S608 -- columns and conditions of this module
        f"AND {CHOICES[narrowed]} AND (CAST(:after AS uuid) IS NULL OR delivery_id < :after) "
        "ORDER BY delivery_id DESC LIMIT :limit",
        endpoint=endpoint_id,
        after=after,
        limit=PAGE + 1,
    )
    return [Delivery(**row) for row in rows]


def get_delivery(work: Work, delivery_id: UUID) -> Delivery:
    """One delivery.

    Raises:
        NotFoundError: ``webhook.delivery_not_found``.
    """
    row = work.row(
        f"SELECT {_COLUMNS} FROM webhook_deliveries WHERE supplier_id = :supplier AND delivery_id = :id",  # noqa: S608 -- columns of this module
        id=delivery_id,
    )
    if row is None:
        raise NotFoundError("webhook.delivery_not_found", "There is no such delivery.", "Cet envoi n'existe pas.")
    return Delivery(**row)


def attempts_of(work: Work, delivery_id: UUID) -> list[dict[str, Any]]:
    """Every call of a delivery with its answer, the newest first."""
    rows = work.rows(
        "SELECT number, status, error, answer, duration_ms, tried_at FROM webhook_attempts "
        "WHERE supplier_id = :supplier AND delivery_id = :id ORDER BY number DESC",
        id=delivery_id,
    )
    return [dict(row) for row in rows]


def failing_endpoints(work: Work, since: datetime) -> list[RowMapping]:
    """Addresses that were given up, or that nobody has answered at since before ``since``."""
    rows = work.rows(
        "SELECT endpoint_id, label, url, state, reason, failures, failing_since, changed_at FROM webhook_endpoints "
        "WHERE supplier_id = :supplier AND (state = 'active' AND failing_since < :since "
        "OR state = 'disabled' AND reason IN ('webhook.gone', 'webhook.failed_for_days')) ORDER BY changed_at DESC",
        since=since,
    )
    return list(rows)
