"""What a platform answers, read: an HTTP answer becomes a success, an error of the port, or a flow."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

from config.clock import now
from einvoice.platform.port import (
    AckDetail,
    AckStatus,
    FlowState,
    PlatformBusyError,
    PlatformRefusedError,
    PlatformUnreachableError,
)

BUSY = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE})
"""HTTP statuses that mean: later."""
LONGEST_TEXT, LONGEST_CODE = 2000, 255
"""Characters kept of a platform's sentence and of its code."""
LONGEST_ID = 512
"""Bytes of a flow's id: we know what came by it, and an index holds no endless ones."""
MOST_REMARKS = 100
"""Remarks kept of one acknowledgement: the first hundred faults are enough to correct a file."""
YEARS = range(2000, 2200)
"""Years of a flow; at the ends of the calendar an instant has no other time zone."""
LONGEST_PAUSE_S = 3600
"""A platform that asks for a longer pause is asked again after an hour."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer, read to its end: ``retry_after`` is that header or an empty text."""

    status: int
    body: bytes
    retry_after: str = ""


def checked(answer: Answer, *, has_effect: bool) -> Answer:
    """``answer`` where it is a success, else the error that it stands for."""
    status = answer.status
    if status < HTTPStatus.MULTIPLE_CHOICES:
        return answer
    if status in BUSY:
        raise busy(answer, has_effect=has_effect)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise PlatformUnreachableError(
            f"The platform failed (HTTP {status}).",
            f"La plateforme est en défaut (HTTP {status}).",
            in_doubt=has_effect,
        )
    error_code, message = _refusal(answer)
    raise PlatformRefusedError(
        f"The platform refuses the call: {error_code}, {message}",
        f"La plateforme refuse l'appel : {error_code}, {message}",
        error_code=error_code,
        http_status=status,
        told=message,
    )


def busy(answer: Answer, *, has_effect: bool = False) -> PlatformBusyError:
    """The error of a 429, which comes before any effect, or of a 503, which a gateway may also give after it."""
    return PlatformBusyError(
        f"The platform asks us to wait (HTTP {answer.status}).",
        f"La plateforme demande d'attendre (HTTP {answer.status}).",
        retry_after_s=retry_after_s(answer),
        in_doubt=has_effect and answer.status == HTTPStatus.SERVICE_UNAVAILABLE,
        http_status=answer.status,
    )


def unreadable(what: str, *, in_doubt: bool = False) -> PlatformUnreachableError:
    """The error of an answer that lacks ``what`` the norm promises."""
    return PlatformUnreachableError(
        f"The platform's answer has no readable {what}.",
        f"La réponse de la plateforme n'a pas de {what} lisible.",
        in_doubt=in_doubt,
    )


def _refusal(answer: Answer) -> tuple[str, str]:
    """The platform's ``errorCode`` and message; the HTTP status stands in where the body is not the norm's."""
    body = _json(answer)
    if not isinstance(body, dict):
        return f"HTTP_{answer.status}", "the answer holds no error of the norm"
    message = clean(body.get("details")) or clean(body.get("errorMessage")) or "no message"
    return clean(body.get("errorCode"), LONGEST_CODE) or f"HTTP_{answer.status}", message


def _json(answer: Answer) -> Any:
    """The answer's JSON; ``None`` where there is none, or where its brackets are a trap."""
    try:
        return json.loads(answer.body)
    except (ValueError, RecursionError):
        return None


def clean(value: Any, longest: int = LONGEST_TEXT) -> str:
    """A word of the platform as text that we can keep: no NUL, no half characters, not without end."""
    if value is None or value == "":
        return ""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text[:longest].replace("\0", "").encode("utf-8", "replace").decode("utf-8")


def retry_after_s(answer: Answer) -> float | None:
    """``Retry-After`` in seconds, from a number or a date; None where it is absent or unreadable."""
    text = answer.retry_after.strip()
    if text.isascii() and text.isdigit():
        return float(min(int(text[:9]), LONGEST_PAUSE_S))
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return min(max(0.0, (aware - now()).total_seconds()), float(LONGEST_PAUSE_S))


def object_in(answer: Answer, *, in_doubt: bool = False) -> dict[str, Any]:
    """The JSON object of ``answer``; raises ``platform.unreachable`` where there is none."""
    body = _json(answer)
    if not isinstance(body, dict):
        raise unreadable("JSON", in_doubt=in_doubt)
    return body


def text_of(body: dict[str, Any], name: str, *, in_doubt: bool = False) -> str:
    """The text ``name`` of a JSON object; raises ``platform.unreachable`` where there is none."""
    value = body.get(name)
    if not isinstance(value, str) or not value or clean(value) != value:
        raise unreadable(name, in_doubt=in_doubt)
    return value


def instant_of(body: dict[str, Any], name: str, *, in_doubt: bool = False) -> datetime:
    """The instant ``name`` of a JSON object, in UTC; raises ``platform.unreachable`` where there is none."""
    text = text_of(body, name, in_doubt=in_doubt)
    try:
        read = datetime.fromisoformat(text)
        instant = (read if read.tzinfo else read.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise unreadable(name, in_doubt=in_doubt) from error
    if instant.year not in YEARS:
        raise unreadable(name, in_doubt=in_doubt)
    return instant


def read_flow_state(body: Any) -> FlowState:
    """A ``Flow`` of the norm; an acknowledgement we do not know is kept pending, so that it is asked about again."""
    if not isinstance(body, dict):
        raise unreadable("Flow")
    acknowledgement = body.get("acknowledgement")
    if not isinstance(acknowledgement, dict):
        acknowledgement = {}
    status, details = acknowledgement.get("status"), acknowledgement.get("details")
    if not isinstance(details, list):
        details = []
    submitted_at, flow_id = instant_of(body, "submittedAt"), text_of(body, "flowId")
    if len(flow_id.encode()) > LONGEST_ID:
        raise unreadable("flowId")
    return FlowState(
        flow_id=flow_id,
        tracking_id=clean(body.get("trackingId")) or None,
        flow_type=clean(body.get("flowType")) or "Undefined",
        syntax=clean(body.get("flowSyntax")),
        direction=clean(body.get("flowDirection")),
        status=AckStatus(status) if isinstance(status, str) and status in set(AckStatus) else AckStatus.PENDING,
        details=tuple(_detail(detail) for detail in details[:MOST_REMARKS] if isinstance(detail, dict)),
        submitted_at=submitted_at,
        updated_at=instant_of(body, "updatedAt") if body.get("updatedAt") else submitted_at,
        name=clean(body.get("name")),
        processing_rule=clean(body.get("processingRule")) or None,
        profile=clean(body.get("flowProfile")) or None,
    )


def _detail(body: dict[str, Any]) -> AckDetail:
    return AckDetail(
        level=clean(body.get("level"), LONGEST_CODE) or "Error",
        item=clean(body.get("item")),
        reason=clean(body.get("reasonCode"), LONGEST_CODE),
        message=clean(body.get("reasonMessage")),
    )
