"""The token endpoint in front of the Flow Service, and its health check."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from flask import jsonify, request

from portal.sandboxes.platform.guard import desk, service

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue


@service.post("/oauth2/token")
def token() -> ResponseReturnValue:
    """OAuth 2 client credentials, by Basic header or in the form."""
    if request.form.get("grant_type") != "client_credentials":
        return jsonify(error="unsupported_grant_type"), HTTPStatus.BAD_REQUEST
    basic = request.authorization
    given = basic if basic and basic.type == "basic" else None
    client_id = (given.username if given else request.form.get("client_id")) or ""
    client_secret = (given.password if given else request.form.get("client_secret")) or ""
    issued = desk().tokens.issue(client_id, client_secret)
    if issued is None:
        return jsonify(error="invalid_client"), HTTPStatus.UNAUTHORIZED, {"WWW-Authenticate": "Basic"}
    content = {"access_token": issued, "token_type": "Bearer", "expires_in": desk().tokens.lifetime_s}
    return jsonify(content), {"Cache-Control": "no-store"}


@service.get("/v1/healthcheck")
def health() -> ResponseReturnValue:
    """200 and nothing else."""
    return "", HTTPStatus.OK
