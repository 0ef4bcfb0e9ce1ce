"""What stands before every call of the platform's API: faults in waiting, the token, and the norm's form of errors."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING
from uuid import UUID

from flask import Blueprint, Response, current_app, g, jsonify, request
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from portal.sandboxes.platform.faults import FaultKind, Operation
from portal.sandboxes.platform.flows import SandboxFullError

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

    from portal.sandboxes.platform.desk import PlatformDesk

service = Blueprint("flow_service", __name__)


class ApiError(Exception):
    """An answer of the norm's ``Error`` form."""

    def __init__(
        self, status: HTTPStatus, error_code: str, message: str, headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.error_code = error_code
        self.headers = headers or {}


def desk() -> PlatformDesk:
    """The sandbox of this application."""
    found: PlatformDesk = current_app.extensions["platform_sandbox"]
    return found


# --- before and around every call ------------------------------------------------------------------------------------


@service.before_request
def strike_or_authenticate() -> ResponseReturnValue | None:
    """Let a waiting fault strike, then ask for a token (but for the token itself and the health check)."""
    operation = Operation((request.endpoint or "").rpartition(".")[2].partition("_")[0])
    fault = desk().faults.strike(operation)
    g.fault = None
    if fault and fault.kind is FaultKind.UNAVAILABLE:
        return Response("<html><body>502 Bad Gateway</body></html>", HTTPStatus.BAD_GATEWAY, mimetype="text/html")
    if fault and fault.kind is FaultKind.ERROR_500:
        raise ApiError(HTTPStatus.INTERNAL_SERVER_ERROR, "INTERNAL_ERROR", "A fault was asked for.")
    if fault and fault.kind is FaultKind.BUSY:
        wait = {"Retry-After": str(fault.retry_after_s)}
        raise ApiError(HTTPStatus.TOO_MANY_REQUESTS, "TOO_MANY_REQUESTS", "Come back later.", wait)
    if fault:
        g.fault = fault
    if operation not in {Operation.TOKEN, Operation.HEALTH}:
        g.owner = _owner()
    _check_request_id()
    return None


def _owner() -> str:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    client = desk().tokens.client_of(token.strip()) if scheme.lower() == "bearer" else None
    if client is None:
        raise ApiError(
            HTTPStatus.UNAUTHORIZED, "INVALID_TOKEN", "No valid token.", {"WWW-Authenticate": 'Bearer realm="sandbox"'}
        )
    return f"{client}/{request.headers.get('Organization-Id', '')}"


def _check_request_id() -> None:
    given = request.headers.get("Request-Id")
    try:
        if given is not None:
            UUID(given)
    except ValueError as error:
        raise ApiError(HTTPStatus.BAD_REQUEST, "INVALID_REQUEST_ID", "Request-Id is no UUID.") from error


@service.errorhandler(ApiError)
def answer_error(error: ApiError) -> ResponseReturnValue:
    """The norm's ``Error``."""
    return jsonify(errorCode=error.error_code, errorMessage=str(error)), error.status, error.headers


@service.errorhandler(RequestEntityTooLarge)
def answer_too_large(_: HTTPException) -> ResponseReturnValue:
    """413 in the norm's form."""
    return answer_error(too_large())


@service.errorhandler(SandboxFullError)
def answer_full(error: SandboxFullError) -> ResponseReturnValue:
    """503: the sandbox must be emptied."""
    return answer_error(ApiError(HTTPStatus.SERVICE_UNAVAILABLE, "RESOURCE_ERROR", str(error)))


def too_large() -> ApiError:
    """413: the file is over the limit."""
    return ApiError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "FILE_SIZE_EXCEEDED", "The file is too large.")


def bad(error_code: str, message: str) -> ApiError:
    """400: the call is not of the norm."""
    return ApiError(HTTPStatus.BAD_REQUEST, error_code, message)
