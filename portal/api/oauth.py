"""``/oauth/token`` and ``/oauth/revoke``: OAuth 2 client credentials (RFC 6749 section 4.4, RFC 7009), by authlib.

Tokens are opaque, live an hour, and stand in the table of tokens as hashes. A client may hold as many as it asks for.
"""

from __future__ import annotations

from datetime import timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, cast

from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.oauth2.rfc6749 import InvalidScopeError
from authlib.oauth2.rfc6749.grants import ClientCredentialsGrant
from authlib.oauth2.rfc7009 import RevocationEndpoint
from flask import Blueprint, Response, make_response, request

from config.clock import now
from portal.access.context import services
from portal.access.limits import caller_address
from portal.access.roles import api_clients
from portal.api.answers import CallRefusedError, refuse
from portal.api.clients import METHODS, find_client
from portal.api.door import rates
from portal.api.tokens import create_token, read_token

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from flask.sansio.blueprints import BlueprintSetupState

    from portal.api.clients import ApiClient

TOKEN_LIFE = timedelta(hours=1)

oauth = Blueprint("oauth", __name__, url_prefix="/oauth")
oauth.register_error_handler(CallRefusedError, refuse)


class _Credentials(ClientCredentialsGrant):  # type: ignore[misc]  # the library has no types
    """A client proves itself by its secret, in the header or in the form."""

    TOKEN_ENDPOINT_AUTH_METHODS = METHODS

    def validate_requested_scope(self) -> None:
        """A wish that nothing can be granted of is refused, not answered by a token for nothing."""
        asked = self.request.payload.scope
        if not self.request.client.get_allowed_scope(asked or ""):
            raise InvalidScopeError("None of these scopes is this client's.")


class _Token:
    """A token that a client gives back."""

    def __init__(self, supplier_id: UUID, token_hash: bytes) -> None:
        self.supplier_id, self.token_hash = supplier_id, token_hash

    def check_client(self, client: ApiClient) -> bool:
        """Whether it is this client's own."""
        with services().works.begin(self.supplier_id) as work:
            return bool(
                work.scalar(
                    "SELECT 1 FROM api_tokens WHERE supplier_id = :supplier AND token_hash = :hash "
                    "AND client_id = :client",
                    hash=self.token_hash,
                    client=client.client_id,
                )
            )


class _Revocation(RevocationEndpoint):  # type: ignore[misc]  # the library has no types
    """A client gives a token back before its end; one that nobody knows is no error (RFC 7009 section 2.2)."""

    CLIENT_AUTH_METHODS = METHODS
    SUPPORTED_TOKEN_TYPES = ("access_token",)

    def query_token(self, token_string: str, _hint: str | None) -> _Token | None:
        """The token, where it can be one."""
        known = read_token(token_string)
        return _Token(*known) if known else None

    def revoke_token(self, token: _Token, _request: Any) -> None:
        """End it."""
        with services().works.begin(token.supplier_id) as work:
            work.execute(
                "UPDATE api_tokens SET revoked_at = coalesce(revoked_at, :at) WHERE supplier_id = :supplier "
                "AND token_hash = :hash",
                hash=token.token_hash,
                at=now(),
            )


def _make_token(*, client: ApiClient, scope: str | None = None, **_: Any) -> dict[str, Any]:
    granted = client.get_allowed_scope(scope or "")
    with services().works.begin(client.supplier_id) as work:
        made = create_token(
            work, client.name, scopes=granted.split(), expires_at=now() + TOKEN_LIFE, client_id=client.client_id
        )
    seconds = int(TOKEN_LIFE.total_seconds())
    return {"token_type": "Bearer", "access_token": made, "expires_in": seconds, "scope": granted}


def _keep_nothing(_token: dict[str, Any], _request: Any) -> None:
    """The token was kept, as a hash, when it was made."""


_server = AuthorizationServer()
_server.register_grant(_Credentials)
_server.register_endpoint(_Revocation)


@oauth.record
def _serve(state: BlueprintSetupState) -> None:
    """Bind the library's server to an app that has these routes."""
    _server.init_app(
        state.app,
        query_client=lambda public_id: find_client(services().works, public_id),
        save_token=_keep_nothing,
    )
    _server.register_token_generator("default", _make_token)


@oauth.post("/token")
@api_clients
def give_token() -> Response:
    """A token for a client that proves itself: ``grant_type=client_credentials``, ``scope`` as it likes."""
    return _counted(_server.create_token_response)


@oauth.post("/revoke")
@api_clients
def revoke() -> Response:
    """End a token before its time."""
    return _counted(lambda: _server.create_endpoint_response(_Revocation.ENDPOINT_NAME))


def _refuse_two_proofs() -> Response | None:
    """A client proves itself in one way (RFC 6749, 2.3): of two it would be open whose call this is."""
    if request.authorization is None or "client_secret" not in request.form:
        return None
    told = {"error": "invalid_request", "error_description": "Prove the client once: by the header or in the form."}
    return make_response(told, HTTPStatus.BAD_REQUEST)


def _counted(answered: Callable[[], Any]) -> Response:
    """An answer of the library, after the call was counted.

    Raises:
        CallRefusedError: ``http.429``.
    """
    rates().count_proof(caller_address())
    response = _refuse_two_proofs() or cast("Response", answered())
    response.headers["Cache-Control"] = "no-store"
    return response
