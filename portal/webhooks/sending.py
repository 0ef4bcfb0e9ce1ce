"""Sends what was planned: signed, tried again for three days, and never faster than the receiver can bear.

At least once: where the answer is lost, or this process dies before it is noted, the same event comes again with the
same ``webhook-id``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING
from uuid import UUID

from config.clock import now
from portal.access.roles import OWNERS
from portal.background.worker import NotYetError
from portal.mail.staff_mails import staff_of, tell_staff
from portal.webhooks.calling import Answer, call
from portal.webhooks.endpoints import FAILED_FOR_DAYS, GONE, secrets_of, set_state
from portal.webhooks.payloads import body_of, name_of, test_body
from portal.webhooks.signing import signed_headers
from receivables.store.event_log import find_event

if TYPE_CHECKING:
    from portal.wiring import Services
    from receivables.store.outbox import Announcement
    from receivables.store.work import Work

MINUTE, HOUR = 60, 3600
WAITS_S = (5, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR)
"""After each failed try; then nobody tries any more: about three days in all."""
DISABLED_AFTER = timedelta(days=5)
"""An address that answered nothing well for so long is left; somebody is told on the page of problems."""
MANY_FAILURES = 5
PAUSE_S, LONGEST_PAUSE_S = 10, 10 * MINUTE
SPREAD_S = 30
"""After so many failures in a row nobody calls an address for a while, then not all at the same instant."""


@dataclass(frozen=True, slots=True)
class _Call:
    """One call to make."""

    delivery_id: UUID
    endpoint_id: UUID
    is_test: bool
    number: int
    url: str
    webhook_id: str
    body: bytes
    secrets: list[str]


def send_webhook(services: Services, supplier_id: UUID, fact: Announcement) -> None:
    """Make the next call of a delivery and note its answer.

    Raises:
        NotYetError: it is to be tried again, and when.
    """
    delivery_id = UUID(fact.payload["delivery_id"])
    planned = services.works.run(supplier_id, lambda work: _prepare(services, work, delivery_id))
    if planned is None:
        return
    headers = signed_headers(planned.secrets, planned.webhook_id, now(), planned.body)
    answer = call(planned.url, planned.body, headers, services.reach)
    wait_s = services.works.run(supplier_id, lambda work: _note(services, work, planned, answer))
    if wait_s is not None:
        raise NotYetError(answer.error or f"webhook.status: {answer.status}", wait_s)


def _prepare(services: Services, work: Work, delivery_id: UUID) -> _Call | None:
    """What to call, or ``None`` where nothing is left to do.

    Raises:
        NotYetError: nobody calls this address now.
    """
    row = work.row(
        "SELECT delivery.event_id, delivery.tries, delivery.created_at, delivery.state, endpoint_id, endpoint.url, "
        "endpoint.state AS endpoint_state, endpoint.paused_until FROM webhook_deliveries AS delivery "
        "JOIN webhook_endpoints AS endpoint USING (supplier_id, endpoint_id) "
        "WHERE supplier_id = :supplier AND delivery_id = :id",
        id=delivery_id,
    )
    if row is None or row["state"] != "to_send":
        return None
    if row["endpoint_state"] != "active":
        _settle(work, delivery_id, "failed", "webhook.endpoint_disabled")
        return None
    event = find_event(work, row["event_id"]) if row["event_id"] else None
    if event is not None and row["paused_until"] is not None and row["paused_until"] > now():
        pause_s = (row["paused_until"] - now()).total_seconds()
        raise NotYetError("webhook.paused", pause_s + delivery_id.int % SPREAD_S)
    about = event.event_id if event else delivery_id
    body = body_of(event) if event else test_body(delivery_id, row["created_at"])
    secrets = secrets_of(work, services.keyring, row["endpoint_id"])
    number = row["tries"] + 1
    return _Call(delivery_id, row["endpoint_id"], event is None, number, row["url"], name_of(about), body, secrets)


def _note(services: Services, work: Work, planned: _Call, answer: Answer) -> float | None:
    """Write down how a call went; returns in how many seconds the next one is due, ``None`` for no more."""
    at = now()
    work.execute(
        "INSERT INTO webhook_attempts (supplier_id, delivery_id, number, status, error, answer, duration_ms, tried_at) "
        "VALUES (:supplier, :id, :number, :status, :error, :answer, :duration, :at) ON CONFLICT DO NOTHING",
        id=planned.delivery_id,
        number=planned.number,
        status=answer.status,
        error=answer.error,
        answer=answer.text,
        duration=answer.duration_ms,
        at=at,
    )
    wait_s = None if answer.is_taken or planned.is_test else _wait_s(planned.number, answer)
    if not planned.is_test or answer.is_taken:
        wait_s = wait_s if _note_health(services, work, planned, answer, at) else None
    state = "delivered" if answer.is_taken else "failed" if wait_s is None else "to_send"
    work.execute(
        "UPDATE webhook_deliveries SET state = :state, tries = :number, last_status = :status, last_error = :error, "
        "next_try_at = :next, changed_at = :at WHERE supplier_id = :supplier AND delivery_id = :id",
        id=planned.delivery_id,
        state=state,
        number=planned.number,
        status=answer.status,
        error=answer.error,
        next=at + timedelta(seconds=wait_s) if wait_s is not None else None,
        at=at,
    )
    return wait_s


def _wait_s(number: int, answer: Answer) -> float | None:
    """After try ``number`` failed: what the receiver asks for, but no less than ours; ``None`` after the last."""
    if number > len(WAITS_S) or answer.status == HTTPStatus.GONE:
        return None
    return max(float(WAITS_S[number - 1]), answer.retry_after_s or 0.0)


def _note_health(services: Services, work: Work, planned: _Call, answer: Answer, at: datetime) -> bool:
    """Note how the address does; whether it is still called after this."""
    if answer.is_taken:
        work.execute(
            "UPDATE webhook_endpoints SET failures = 0, failing_since = NULL, paused_until = NULL "
            "WHERE supplier_id = :supplier AND endpoint_id = :id AND failures > 0",
            id=planned.endpoint_id,
        )
        return True
    row = work.row(
        "UPDATE webhook_endpoints SET failures = failures + 1, failing_since = coalesce(failing_since, :at) "
        "WHERE supplier_id = :supplier AND endpoint_id = :id AND state = 'active' RETURNING failures, failing_since",
        id=planned.endpoint_id,
        at=at,
    )
    if row is None:
        return False
    if answer.status == HTTPStatus.GONE or at - row["failing_since"] > DISABLED_AFTER:
        reason = GONE if answer.status == HTTPStatus.GONE else FAILED_FOR_DAYS
        set_state(work, planned.endpoint_id, "disabled", "worker", reason)
        _tell_stopped(services, work, planned)
        return False
    if row["failures"] >= MANY_FAILURES:
        pause_s = min(PAUSE_S * 2 ** min(row["failures"] - MANY_FAILURES, 10), LONGEST_PAUSE_S)
        work.execute(
            "UPDATE webhook_endpoints SET paused_until = :until WHERE supplier_id = :supplier AND endpoint_id = :id",
            id=planned.endpoint_id,
            until=at + timedelta(seconds=pause_s),
        )
    return True


def _tell_stopped(services: Services, work: Work, planned: _Call) -> None:
    """A word to the owners: what was built on this address hears nothing any more."""
    label = str(
        work.scalar(
            "SELECT label FROM webhook_endpoints WHERE supplier_id = :supplier AND endpoint_id = :id",
            id=planned.endpoint_id,
        )
    )
    tell_staff(
        services,
        work,
        "webhook_stopped",
        staff_of(services.database, work.supplier_id, OWNERS),
        key=f"webhook-stopped/{planned.delivery_id}",
        path=f"/s/webhooks/{planned.endpoint_id}",
        told=lambda _: {"label": label, "url": planned.url},
    )


def _settle(work: Work, delivery_id: UUID, state: str, error: str) -> None:
    work.execute(
        "UPDATE webhook_deliveries SET state = :state, last_error = :error, next_try_at = NULL, changed_at = :at "
        "WHERE supplier_id = :supplier AND delivery_id = :id",
        id=delivery_id,
        state=state,
        error=error,
        at=now(),
    )
