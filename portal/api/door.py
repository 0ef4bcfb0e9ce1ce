"""The door of the API: who calls, what they may do, how often; and what every answer carries."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from flask import Blueprint, Response, current_app, g, request

from portal.access.context import services
from portal.access.limits import caller_address
from portal.access.roles import Door, access_of
from portal.api.answers import REFUSALS, CallRefusedError, refuse
from portal.api.rates import Rates
from portal.api.tokens import caller_of_token

if TYPE_CHECKING:
    from portal.api.tokens import Caller

API = "/api/v1"
RATES = "quittance.api_rates"
REVALIDATE = "private, no-cache"
"""A program may keep an answer, and asks with its ETag whether it still holds."""


def open_blueprint(name: str) -> Blueprint:
    """A part of the API: it knows its caller before any of its views, and refuses as every part does."""
    blueprint = Blueprint(name, __name__, url_prefix=API)
    blueprint.before_request(know_the_caller)
    blueprint.after_request(finish)
    for kind in REFUSALS:
        blueprint.register_error_handler(kind, refuse)
    return blueprint


def know_the_caller() -> None:
    """Every call carries ``Authorization: Bearer qt_...``, but for what is marked as open to all.

    Raises:
        CallRefusedError: ``api.unauthorised``, or ``http.429``.
    """
    access = access_of(current_app.view_functions.get(request.endpoint or ""))
    if access is not None and access.door is Door.NOBODY:
        return
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    house = services()
    found = caller_of_token(house.works, house.database, token.strip()) if scheme.lower() == "bearer" else None
    if found is None:
        rates().count_failure(caller_address())
        raise CallRefusedError(
            401,
            "api.unauthorised",
            "Send a valid API token: Authorization: Bearer qt_...",
            "Envoyez un jeton d'API valide : Authorization: Bearer qt_...",
            headers={"WWW-Authenticate": 'Bearer realm="quittance"'},
        )
    g.supplier_id, g.caller = found.supplier_id, found
    g.count = rates().count(found.counted_as)


def api_caller() -> Caller:
    """The program that calls."""
    return cast("Caller", g.caller)


def actor() -> str:
    """The caller as the audit trail names it: a client or a person's token by its name, the house's own as ``api``."""
    caller = api_caller()
    return f"api: {caller.label}" if caller.client_id or caller.person_id else "api"


def demand_scope(scope: str) -> None:
    """Refuse a caller that may not do this.

    Raises:
        CallRefusedError: ``api.scope_missing``.
    """
    if scope not in api_caller().scopes:
        raise CallRefusedError(
            403,
            "api.scope_missing",
            f"This token may not do that: it needs the scope {scope}.",
            f"Ce jeton ne permet pas cela : il lui faut le droit {scope}.",
            headers={"WWW-Authenticate": f'Bearer realm="quittance", error="insufficient_scope", scope="{scope}"'},
        )


def finish(response: Response) -> Response:
    """Tell how many calls are left, and answer 304 where the caller already holds this answer."""
    if "count" in g:
        g.count.tell(response)
    if request.method in {"GET", "HEAD"} and response.status_code == 200 and not response.is_streamed:  # noqa: PLR2004 -- OK
        if "ETag" not in response.headers:
            response.add_etag()
        response.headers["Cache-Control"] = REVALIDATE
        response.make_conditional(request.environ)
    return response


def rates() -> Rates:
    """The counters of this app."""
    known = current_app.extensions.get(RATES)
    if known is None:
        known = current_app.extensions[RATES] = Rates(services().counts, services().settings.api_calls_per_minute)
    return cast("Rates", known)
