"""What stands around every call of the platform's API: faults, the token, and the norm's form of errors."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from uuid import UUID

from flask import Blueprint, Response, current_app, g, jsonify, request
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from portal.sandboxes.platform.directory.entries import is_siren
from portal.sandboxes.platform.faults import Fault, FaultKind, Operation
from portal.sandboxes.platform.flows import SandboxFullError

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

    from portal.sandboxes.platform.desk import PlatformDesk

RESET_FLAG = "platform_sandbox.reset"
"""In the WSGI environment: cut the connection instead of answering."""


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


def guard(blueprint: Blueprint) -> None:
    """Put the guard around all calls of ``blueprint``."""
    blueprint.before_request(strike_or_authenticate)
    blueprint.after_request(finish_fault)
    blueprint.register_error_handler(ApiError, answer_error)
    blueprint.register_error_handler(RequestEntityTooLarge, answer_too_large)
    blueprint.register_error_handler(SandboxFullError, answer_full)


# --- before and around every call ------------------------------------------------------------------------------------


def strike_or_authenticate() -> ResponseReturnValue | None:
    """Let a waiting fault strike, then ask for a token (but for the token itself and the health check)."""
    operation = Operation((request.endpoint or "").rpartition(".")[2].partition("_")[0])
    g.fault = fault = desk().faults.strike(operation)
    instead = _strike(fault) if fault else None
    if instead is not None:
        return instead
    if operation not in {Operation.TOKEN, Operation.HEALTH}:
        g.owner = _owner()
    if operation is not Operation.HEALTH:
        _check_request_id()
    return None


def _strike(fault: Fault) -> Response | None:
    """What the fault does before the call has any effect; None lets the call happen."""
    if fault.kind is FaultKind.UNAVAILABLE:
        return Response("<html><body>502 Bad Gateway</body></html>", HTTPStatus.BAD_GATEWAY, mimetype="text/html")
    if fault.kind is FaultKind.ERROR_500:
        raise ApiError(HTTPStatus.INTERNAL_SERVER_ERROR, "INTERNAL_ERROR", "A fault was asked for.")
    if fault.kind is FaultKind.BUSY:
        wait = {"Retry-After": str(fault.retry_after_s)}
        raise ApiError(HTTPStatus.TOO_MANY_REQUESTS, "TOO_MANY_REQUESTS", "Come back later.", wait)
    if fault.kind is FaultKind.RESET:
        request.environ[RESET_FLAG] = True
        return Response(status=HTTPStatus.SERVICE_UNAVAILABLE)
    if fault.kind in {FaultKind.SLOW, FaultKind.TIMEOUT_BEFORE}:
        _hold(fault)
    if fault.kind in {FaultKind.ERROR_503, FaultKind.TIMEOUT_BEFORE}:
        raise ApiError(HTTPStatus.SERVICE_UNAVAILABLE, "RESOURCE_ERROR", "A fault was asked for.")
    if fault.kind is FaultKind.TOKEN_EXPIRY:
        desk().tokens.revoke(_bearer())
    return None


def finish_fault(response: Response) -> Response:
    """What a fault does when the call has had its effect."""
    fault: Fault | None = g.get("fault")
    if fault is None or response.status_code >= HTTPStatus.BAD_REQUEST:
        return response
    if fault.kind is FaultKind.TIMEOUT_AFTER_EFFECT:
        _hold(fault)
    elif fault.kind is FaultKind.RESET_AFTER_EFFECT:
        request.environ[RESET_FLAG] = True
    elif fault.kind is FaultKind.MALFORMED and response.is_json:
        content = response.get_data()
        response.set_data(content[: len(content) // 2])
    return response


def _hold(fault: Fault) -> None:
    desk().closing.wait(min(fault.hold_s, desk().options.hold_s))


def _bearer() -> str:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def _owner() -> str:
    """The caller: its client and the organisation that it acts for, which the directory learns of."""
    client = desk().tokens.client_of(_bearer())
    if client is None:
        raise ApiError(
            HTTPStatus.UNAUTHORIZED, "INVALID_TOKEN", "No valid token.", {"WWW-Authenticate": 'Bearer realm="sandbox"'}
        )
    organization = request.headers.get("Organization-Id", "")
    owner = f"{client}/{organization}"
    if is_siren(organization):
        desk().directory.learn(organization, f"Client {organization}", owner)
    return owner


def _check_request_id() -> None:
    given = request.headers.get("Request-Id")
    try:
        if given is not None:
            UUID(given)
    except ValueError as error:
        raise ApiError(HTTPStatus.BAD_REQUEST, "INVALID_REQUEST_ID", "Request-Id is no UUID.") from error


# --- answers ---------------------------------------------------------------------------------------------------------


def answer_error(error: ApiError) -> ResponseReturnValue:
    """The norm's ``Error``."""
    return jsonify(errorCode=error.error_code, errorMessage=str(error)), error.status, error.headers


def answer_too_large(_: HTTPException) -> ResponseReturnValue:
    """413 in the norm's form."""
    return answer_error(too_large())


def answer_full(error: SandboxFullError) -> ResponseReturnValue:
    """503: the sandbox must be emptied."""
    return answer_error(ApiError(HTTPStatus.SERVICE_UNAVAILABLE, "RESOURCE_ERROR", str(error)))


def answer_outside(error: HTTPException) -> ResponseReturnValue:
    """A path or a method that no call has: the norm's ``Error`` towards programs, a plain page towards people."""
    if "/v1/" not in request.path:
        return error
    names = {HTTPStatus.NOT_FOUND: "MISSING_RESOURCE", HTTPStatus.METHOD_NOT_ALLOWED: "METHOD_NOT_ALLOWED"}
    answer = error.get_response()
    status = HTTPStatus(answer.status_code)
    body = jsonify(errorCode=names.get(status, "BAD_REQUEST"), errorMessage=error.description or status.phrase)
    body.status_code = status
    if "Allow" in answer.headers:
        body.headers["Allow"] = answer.headers["Allow"]
    return body


def too_large() -> ApiError:
    """413: the file is over the limit."""
    return ApiError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "FILE_SIZE_EXCEEDED", "The file is too large.")


def bad(error_code: str, message: str) -> ApiError:
    """400: the call is not of the norm."""
    return ApiError(HTTPStatus.BAD_REQUEST, error_code, message)


def json_body() -> Any:
    """The JSON of the request; 400 where it is none."""
    body = request.get_json(silent=True)
    if body is None:
        raise bad("INVALID_FORMAT", "The body is not JSON.")
    return body


service = Blueprint("flow_service", __name__)
guard(service)
