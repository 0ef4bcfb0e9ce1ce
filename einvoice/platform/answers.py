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
        raise busy(answer)
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
    )


def busy(answer: Answer) -> PlatformBusyError:
    """The error of a 429 or 503."""
    return PlatformBusyError(
        f"The platform asks us to wait (HTTP {answer.status}).",
        f"La plateforme demande d'attendre (HTTP {answer.status}).",
        retry_after_s=retry_after_s(answer),
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
    try:
        body = json.loads(answer.body)
    except ValueError:
        body = None
    if not isinstance(body, dict):
        return f"HTTP_{answer.status}", "the answer holds no error of the norm"
    message = body.get("details") or body.get("errorMessage") or "no message"
    return str(body.get("errorCode") or f"HTTP_{answer.status}"), str(message)


def retry_after_s(answer: Answer) -> float | None:
    """``Retry-After`` in seconds, from a number or a date; None where it is absent or unreadable."""
    text = answer.retry_after.strip()
    if text.isdigit():
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (aware - now()).total_seconds())


def object_in(answer: Answer, *, in_doubt: bool = False) -> dict[str, Any]:
    """The JSON object of ``answer``; raises ``platform.unreachable`` where there is none."""
    try:
        body = json.loads(answer.body)
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise unreadable("JSON", in_doubt=in_doubt)
    return body


def text_of(body: dict[str, Any], name: str, *, in_doubt: bool = False) -> str:
    """The text ``name`` of a JSON object; raises ``platform.unreachable`` where there is none."""
    value = body.get(name)
    if not isinstance(value, str) or not value:
        raise unreadable(name, in_doubt=in_doubt)
    return value


def instant_of(body: dict[str, Any], name: str, *, in_doubt: bool = False) -> datetime:
    """The instant ``name`` of a JSON object, in UTC; raises ``platform.unreachable`` where there is none."""
    text = text_of(body, name, in_doubt=in_doubt)
    try:
        read = datetime.fromisoformat(text)
    except ValueError as error:
        raise unreadable(name, in_doubt=in_doubt) from error
    return (read if read.tzinfo else read.replace(tzinfo=UTC)).astimezone(UTC)


def read_flow_state(body: Any) -> FlowState:
    """A ``Flow`` of the norm; an acknowledgement we do not know is kept pending, so that it is asked about again."""
    if not isinstance(body, dict):
        raise unreadable("Flow")
    acknowledgement = body.get("acknowledgement")
    if not isinstance(acknowledgement, dict):
        acknowledgement = {}
    status = acknowledgement.get("status")
    submitted_at = instant_of(body, "submittedAt")
    return FlowState(
        flow_id=text_of(body, "flowId"),
        tracking_id=body.get("trackingId") or None,
        flow_type=str(body.get("flowType") or "Undefined"),
        syntax=str(body.get("flowSyntax") or ""),
        direction=str(body.get("flowDirection") or ""),
        status=AckStatus(status) if status in set(AckStatus) else AckStatus.PENDING,
        details=tuple(_detail(detail) for detail in acknowledgement.get("details") or () if isinstance(detail, dict)),
        submitted_at=submitted_at,
        updated_at=instant_of(body, "updatedAt") if body.get("updatedAt") else submitted_at,
        name=str(body.get("name") or ""),
        processing_rule=body.get("processingRule"),
        profile=body.get("flowProfile"),
    )


def _detail(body: dict[str, Any]) -> AckDetail:
    return AckDetail(
        level=str(body.get("level") or "Error"),
        item=str(body.get("item") or ""),
        reason=str(body.get("reasonCode") or ""),
        message=str(body.get("reasonMessage") or ""),
    )
